/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * net/udp over loopback: what is sent in batches arrives whole, with addresses and ECN, with
 * segmentation and without; refusals of the kernel are made up by a wrapper of sendmmsg, which is
 * why the module is included as source.
 */
#include "config.h"

#include <errno.h>
#include <sys/socket.h>

static int fake_sendmmsg(int descriptor, struct mmsghdr *messages, unsigned count, int flags);
#define sendmmsg fake_sendmmsg
#include "net/udp.c"
#undef sendmmsg

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>

#include <cmocka.h>

/* What the next calls of sendmmsg do: an errno, or 0 for the real one; then real ones. */
static int script[8];
static unsigned script_length, script_at, most_messages;

static int fake_sendmmsg(int descriptor, struct mmsghdr *messages, unsigned count, int flags)
{
	if (script_at < script_length && script[script_at++]) {
		errno = script[script_at - 1];
		return -1;
	}
	if (most_messages && count > most_messages)
		count = most_messages;
	return sendmmsg(descriptor, messages, count, flags);
}

enum { DATAGRAMS = 1024 };

struct received {
	unsigned count;
	size_t bytes;
	size_t lengths[DATAGRAMS];
	struct addr from, local;
	uint8_t ecn;
	uint32_t next; /* number that the next datagram should begin with */
	bool in_order;
};

static struct udp_receiver *receiver;

static void on_datagram(void *context, struct udp_datagram *datagram)
{
	struct received *r = context;
	uint32_t number = 0;

	assert_true(r->count < DATAGRAMS);
	r->lengths[r->count++] = datagram->length_bytes;
	r->bytes += datagram->length_bytes;
	r->from = datagram->from;
	r->local = datagram->local;
	r->ecn = datagram->ecn;
	if (datagram->length_bytes >= sizeof(number))
		memcpy(&number, datagram->data, sizeof(number));
	r->in_order = r->in_order && number == r->next;
	r->next++;
	memset(datagram->data, 0xee, datagram->length_bytes);
}

static void receive_all(struct udp *udp, struct received *r)
{
	struct pollfd wait = {.fd = udp->descriptor, .events = POLLIN};

	memset(r, 0, sizeof(*r));
	r->in_order = true;
	while (poll(&wait, 1, 50) > 0) {
		int result = udp_receive(udp, receiver, on_datagram, r);

		assert_true(result >= 0);
	}
	assert_int_equal(udp_receive(udp, receiver, on_datagram, r), ERR_AGAIN);
}

static struct addr local_of(int descriptor)
{
	struct sockaddr_storage storage;
	socklen_t length = sizeof(storage);
	struct addr addr;

	assert_int_equal(getsockname(descriptor, (struct sockaddr *)&storage, &length), 0);
	assert_int_equal(addr_from_sockaddr(&addr, (struct sockaddr *)&storage, length), 0);
	return addr;
}

static void open_at(struct udp *udp, const char *address, bool plain)
{
	struct udp_options options = {.dont_fragment = true, .buffer_bytes = 1 << 20};
	int descriptor;

	assert_int_equal(addr_parse(address, 0, &options.local), 0);
	assert_int_equal(udp_open(&options, &descriptor), 0);
	assert_int_equal(udp_init(udp, descriptor, plain), 0);
}

static int setup(void **state)
{
	(void)state;
	receiver = udp_receiver_new();
	script_length = script_at = most_messages = 0;
	return receiver ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	udp_receiver_free(receiver);
	return 0;
}

/* Numbered segments: each begins with its number. */
static uint8_t *make_segments(size_t length, uint16_t segment_bytes)
{
	uint8_t *data = calloc(1, length + 4);
	uint32_t number = 0;

	for (size_t at = 0; at < length; at += segment_bytes, number++)
		memcpy(data + at, &number, sizeof(number));
	return data;
}

static struct udp_batch batch_of(
    const uint8_t *data, size_t length, uint16_t segment_bytes, struct addr to)
{
	return (struct udp_batch){
	    .data = data, .length_bytes = length, .segment_bytes = segment_bytes, .to = to};
}

static void exchange(const char *address, bool plain)
{
	struct udp a, b;
	struct received r;
	size_t length = 44 * 1400 + 100, done;
	uint8_t *data = make_segments(length, 1400);
	struct udp_batch batches[2];

	open_at(&a, address, plain);
	open_at(&b, address, plain);
	batches[0] = batch_of(data, length, 1400, local_of(b.descriptor));
	batches[0].ecn = 2;
	batches[0].from = local_of(a.descriptor);
	assert_int_equal(udp_send(&a, batches, 1, &done), 0);
	assert_int_equal(done, 1);
	receive_all(&b, &r);
	assert_int_equal(r.count, 45);
	assert_int_equal(r.bytes, length);
	assert_int_equal(r.lengths[44], 100);
	assert_true(r.in_order);
	assert_int_equal(r.ecn, 2);
	assert_true(addr_equal(&r.from, &batches[0].from));
	assert_true(addr_equal(&r.local, &batches[0].to));
	assert_int_equal(a.stats.datagrams_sent, 45);
	assert_int_equal(b.stats.datagrams_received, 45);
	assert_int_equal(a.stats.send_calls, plain ? 2 : 1);
	if (!plain)
		assert_true(b.stats.receive_calls < 45 / 8);
	free(data);
	close(a.descriptor);
	close(b.descriptor);
}

static void batches_cross_v4(void **state)
{
	(void)state;
	exchange("127.0.0.1", false);
}

static void batches_cross_v6(void **state)
{
	(void)state;
	exchange("::1", false);
}

static void batches_cross_plain(void **state)
{
	(void)state;
	exchange("127.0.0.1", true);
	exchange("::1", true);
}

/* One socket for both families, the addresses each in its own. */
static void dual_stack_speaks_both(void **state)
{
	static const char *const peers[] = {"127.0.0.1", "::1"};
	struct udp_options options = {.dual_stack = true, .dont_fragment = true};
	struct udp both;
	uint8_t data[100] = {0};
	int descriptor;

	(void)state;
	options.local = addr_any(6, 0);
	assert_int_equal(udp_open(&options, &descriptor), 0);
	assert_int_equal(udp_init(&both, descriptor, false), 0);
	for (size_t i = 0; i < 2; i++) {
		struct addr here;
		struct udp_batch batch;
		struct received r;
		struct udp peer;
		size_t done;

		open_at(&peer, peers[i], false);
		assert_int_equal(addr_parse(peers[i], both.local_port, &here), 0);
		batch = batch_of(data, 100, 50, here);
		batch.ecn = 1;
		assert_int_equal(udp_send(&peer, &batch, 1, &done), 0);
		receive_all(&both, &r);
		assert_int_equal(r.count, 2);
		assert_int_equal(r.ecn, 1);
		assert_true(addr_equal(&r.local, &here));
		assert_int_equal(r.from.family, here.family);
		batch = batch_of(data, 100, 50, local_of(peer.descriptor));
		batch.from = r.local;
		batch.ecn = 2;
		assert_int_equal(udp_send(&both, &batch, 1, &done), 0);
		receive_all(&peer, &r);
		assert_int_equal(r.count, 2);
		assert_int_equal(r.ecn, 2);
		assert_true(addr_equal(&r.from, &here));
		close(peer.descriptor);
	}
	close(descriptor);
}

static void environment_turns_segmentation_off(void **state)
{
	struct udp a;

	(void)state;
	setenv("TRUNKLINE_PLAIN_UDP", "1", 1);
	open_at(&a, "127.0.0.1", false);
	unsetenv("TRUNKLINE_PLAIN_UDP");
	assert_false(a.has_segmentation);
	close(a.descriptor);
}

/* More than one sendmsg takes; sizes that divide badly; empty and largest datagrams. */
static void any_size_crosses(void **state)
{
	static const struct {
		size_t length;
		uint16_t segment_bytes;
		unsigned count;
	} cases[] = {{0, 1200, 1}, {0, 0, 1}, {1, 1200, 1}, {1200, 1200, 1}, {1201, 1200, 2},
	    {200 * 1000, 1000, 200}, {300 * 200, 200, 300}, {65507, 65507, 1}, {9000, 0, 1},
	    {65507, 60000, 2}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (int plain = 0; plain < 2; plain++) {
			uint16_t size = cases[i].segment_bytes;
			uint8_t *data = make_segments(cases[i].length, size ? size : 65535);
			struct udp_batch batch;
			struct received r;
			struct udp a, b;
			size_t done;

			open_at(&a, "127.0.0.1", plain);
			open_at(&b, "127.0.0.1", false);
			batch = batch_of(data, cases[i].length, size, local_of(b.descriptor));
			assert_int_equal(udp_send(&a, &batch, 1, &done), 0);
			receive_all(&b, &r);
			if (r.count != cases[i].count || r.bytes != cases[i].length)
				fail_msg("case %zu plain %d: %u datagrams, %zu bytes", i, plain,
				    r.count, r.bytes);
			assert_int_equal(a.stats.datagrams_sent, cases[i].count);
			assert_int_equal(a.stats.send_failed + a.stats.send_too_large, 0);
			free(data);
			close(a.descriptor);
			close(b.descriptor);
		}
}

static void refused_segmentation_falls_back(void **state)
{
	static const int errors[] = {EIO, EINVAL};
	uint8_t *data = make_segments(30000, 1000);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct received r;
		struct udp a, b;
		struct udp_batch batches[2];
		size_t done;

		open_at(&a, "127.0.0.1", false);
		open_at(&b, "127.0.0.1", false);
		batches[0] = batch_of(data, 30000, 1000, local_of(b.descriptor));
		batches[1] = batches[0];
		script[0] = errors[i];
		script_length = 1;
		script_at = 0;
		assert_int_equal(udp_send(&a, batches, 2, &done), 0);
		assert_int_equal(done, 2);
		assert_false(a.has_segmentation);
		assert_int_equal(a.stats.fallbacks, 1);
		assert_int_equal(a.stats.datagrams_sent, 60);
		receive_all(&b, &r);
		assert_int_equal(r.count, 60);
		close(a.descriptor);
		close(b.descriptor);
	}
	free(data);
}

/* Too large for the device, as a path MTU probe may be: that is no word about segmentation. */
static void too_large_a_batch_leaves_segmentation_on(void **state)
{
	static const int errors[] = {EMSGSIZE, EINVAL};
	uint8_t *data = make_segments(30000, 1000);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct received r;
		struct udp a, b;
		struct udp_batch batches[2];
		size_t done;

		open_at(&a, "127.0.0.1", false);
		open_at(&b, "127.0.0.1", false);
		batches[0] = batch_of(data, 9500, 1000, local_of(b.descriptor));
		batches[1] = batch_of(data, 30000, 500, local_of(b.descriptor));
		script[0] = errors[i];
		script[1] = EMSGSIZE;
		script_length = 2;
		script_at = 0;
		assert_int_equal(udp_send(&a, batches, 2, &done), 0);
		assert_int_equal(done, 2);
		assert_true(a.has_segmentation);
		assert_int_equal(a.stats.fallbacks, 0);
		assert_int_equal(a.refused_bytes, 1000);
		assert_int_equal(a.stats.send_too_large, 9);
		/* The last of the first batch is shorter, and goes. */
		receive_all(&b, &r);
		assert_int_equal(r.count, 61);
		assert_int_equal(r.lengths[0], 500);
		close(a.descriptor);
		close(b.descriptor);
	}
	free(data);
}

/* The kernel's own refusal: no segmentation without checksums. */
static void kernels_refusal_falls_back(void **state)
{
	uint8_t *data = make_segments(30000, 1000);
	struct udp_batch batch;
	struct received r;
	struct udp a, b;
	size_t done;
	int yes = 1;

	(void)state;
	open_at(&a, "127.0.0.1", false);
	open_at(&b, "127.0.0.1", false);
	setsockopt(a.descriptor, SOL_SOCKET, SO_NO_CHECK, &yes, sizeof(yes));
	batch = batch_of(data, 30000, 1000, local_of(b.descriptor));
	assert_int_equal(udp_send(&a, &batch, 1, &done), 0);
	assert_int_equal(a.stats.fallbacks, 1);
	receive_all(&b, &r);
	assert_int_equal(r.count, 30);
	assert_true(r.in_order);
	free(data);
	close(a.descriptor);
	close(b.descriptor);
}

static void full_buffer_is_reported_and_resumed(void **state)
{
	size_t length = 100 * 1000, done;
	uint8_t *data = make_segments(length, 1000);
	struct udp_batch batches[2];
	struct received r;
	struct udp a, b;

	(void)state;
	open_at(&a, "127.0.0.1", true);
	open_at(&b, "127.0.0.1", false);
	batches[0] = batch_of(data, 1000, 1000, local_of(b.descriptor));
	batches[1] = batch_of(data + 1000, length - 1000, 1000, local_of(b.descriptor));
	most_messages = 10;
	script[0] = 0;
	script[1] = EAGAIN;
	script_length = 2;
	assert_int_equal(udp_send(&a, batches, 2, &done), ERR_AGAIN);
	assert_int_equal(done, 1);
	assert_int_equal(batches[1].length_bytes, length - 10 * 1000);
	assert_int_equal(udp_send(&a, batches + 1, 1, &done), 0);
	assert_int_equal(done, 1);
	receive_all(&b, &r);
	assert_int_equal(r.count, 100);
	assert_true(r.in_order);
	free(data);
	close(a.descriptor);
	close(b.descriptor);
}

static void what_cannot_go_is_counted_and_passed_over(void **state)
{
	static uint8_t data[65535];
	struct udp_batch batches[3];
	struct received r;
	struct udp a, b;
	size_t done;

	(void)state;
	open_at(&a, "127.0.0.1", false);
	open_at(&b, "127.0.0.1", false);
	batches[0] = batch_of(data, 65508, 65508, local_of(b.descriptor));
	batches[1] = batch_of(data, 10, 10, local_of(b.descriptor));
	batches[1].to.port = 0;
	batches[2] = batch_of(data, 20, 20, local_of(b.descriptor));
	assert_int_equal(udp_send(&a, batches, 3, &done), 0);
	assert_int_equal(done, 3);
	receive_all(&b, &r);
	assert_int_equal(r.count, 1);
	assert_int_equal(r.bytes, 20);
	assert_int_equal(a.stats.send_too_large, 1);
	assert_int_equal(a.refused_bytes, 65508);
	assert_int_equal(a.stats.send_failed, 1);
	close(a.descriptor);
	close(b.descriptor);
}

static void refusal_by_icmp_reaches_a_connected_socket(void **state)
{
	struct udp_options options = {.buffer_bytes = 0};
	struct udp_batch batch = {.data = (const uint8_t *)"x", .length_bytes = 1};
	struct udp a, b;
	struct received r = {0};
	int descriptor;
	size_t done;

	(void)state;
	open_at(&b, "127.0.0.1", false);
	options.local = addr_any(4, 0);
	options.remote = local_of(b.descriptor);
	assert_int_equal(udp_open(&options, &descriptor), 0);
	assert_int_equal(udp_init(&a, descriptor, false), 0);
	assert_true(a.is_connected);
	assert_int_equal(udp_send(&a, &batch, 1, &done), 0);
	receive_all(&b, &r);
	assert_int_equal(r.count, 1);
	/* Nothing of its datagrams is reported beside them. */
	batch = (struct udp_batch){
	    .data = (const uint8_t *)"y", .length_bytes = 1, .to = r.from, .ecn = 2};
	assert_int_equal(udp_send(&b, &batch, 1, &done), 0);
	receive_all(&a, &r);
	assert_int_equal(r.count, 1);
	assert_int_equal(r.ecn, 0);
	close(b.descriptor);
	batch = (struct udp_batch){.data = (const uint8_t *)"x", .length_bytes = 1};
	assert_int_equal(udp_send(&a, &batch, 1, &done), 0);
	assert_int_equal(udp_receive(&a, receiver, on_datagram, &r), ERR_REFUSED);
	/* The error that waits is not taken for this datagram's. */
	batch = (struct udp_batch){.data = (const uint8_t *)"x", .length_bytes = 1};
	assert_int_equal(udp_send(&a, &batch, 1, &done), 0);
	batch = (struct udp_batch){.data = (const uint8_t *)"x", .length_bytes = 1};
	assert_int_equal(udp_send(&a, &batch, 1, &done), 0);
	assert_int_equal(a.stats.datagrams_sent, 4);
	close(a.descriptor);
}

static void occupied_port_is_an_error(void **state)
{
	struct udp_options options = {.buffer_bytes = 0};
	struct udp a;
	int descriptor;

	(void)state;
	open_at(&a, "127.0.0.1", false);
	options.local = local_of(a.descriptor);
	assert_int_equal(udp_open(&options, &descriptor), ERR_IO);
	assert_int_equal(errno, EADDRINUSE);
	assert_int_equal(descriptor, -1);
	assert_true(udp_granted_bytes(a.descriptor) >= 100000);
	close(a.descriptor);
}

static void without_descriptors_nothing_is_opened(void **state)
{
	struct udp_options options = {.local = addr_any(4, 0)};
	struct rlimit old, now;
	int descriptor;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	now = (struct rlimit){.rlim_cur = 0, .rlim_max = old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
	assert_int_equal(udp_open(&options, &descriptor), ERR_LIMIT);
	assert_int_equal(descriptor, -1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
}

/* 127.0.0.2 is local too: the answer leaves from the address that was asked. */
static void answers_leave_from_the_address_asked(void **state)
{
	struct udp server, client;
	struct udp_batch batch = {.data = (const uint8_t *)"ping", .length_bytes = 4};
	struct received r;
	size_t done;

	(void)state;
	open_at(&server, "0.0.0.0", false);
	open_at(&client, "127.0.0.1", false);
	assert_int_equal(addr_parse("127.0.0.2", server.local_port, &batch.to), 0);
	assert_int_equal(udp_send(&client, &batch, 1, &done), 0);
	receive_all(&server, &r);
	assert_int_equal(r.count, 1);
	batch = (struct udp_batch){
	    .data = (const uint8_t *)"pong", .length_bytes = 4, .to = r.from, .from = r.local};
	assert_int_equal(udp_send(&server, &batch, 1, &done), 0);
	receive_all(&client, &r);
	assert_int_equal(r.count, 1);
	assert_int_equal(r.from.ip[3], 2);
	close(server.descriptor);
	close(client.descriptor);
}

/* So that the caller of udp_receive() need not ask once more in vain. */
static void says_when_nothing_is_left(void **state)
{
	struct udp from, to;
	struct received r = {0};
	size_t done;

	(void)state;
	open_at(&from, "127.0.0.1:0", true);
	open_at(&to, "127.0.0.1:0", true);
	for (int i = 0; i <= RECEIVE_BUFFERS; i++) {
		struct udp_batch batch =
		    batch_of((const uint8_t *)"x", 1, 1, local_of(to.descriptor));

		assert_int_equal(udp_send(&from, &batch, 1, &done), 0);
	}
	assert_int_equal(udp_receive(&to, receiver, on_datagram, &r), RECEIVE_BUFFERS);
	assert_false(to.is_drained);
	assert_int_equal(udp_receive(&to, receiver, on_datagram, &r), 1);
	assert_true(to.is_drained);
	close(from.descriptor);
	close(to.descriptor);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(batches_cross_v4),
	    TEST(batches_cross_v6),
	    TEST(batches_cross_plain),
	    TEST(dual_stack_speaks_both),
	    TEST(environment_turns_segmentation_off),
	    TEST(any_size_crosses),
	    TEST(refused_segmentation_falls_back),
	    TEST(too_large_a_batch_leaves_segmentation_on),
	    TEST(kernels_refusal_falls_back),
	    TEST(full_buffer_is_reported_and_resumed),
	    TEST(what_cannot_go_is_counted_and_passed_over),
	    TEST(refusal_by_icmp_reaches_a_connected_socket),
	    TEST(occupied_port_is_an_error),
	    TEST(without_descriptors_nothing_is_opened),
	    TEST(answers_leave_from_the_address_asked),
	    TEST(says_when_nothing_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
