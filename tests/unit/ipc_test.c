/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * net/ipc over real socket pairs: dispatch by the table, descriptors, memfd payloads, a full queue,
 * and everything that a sender that was taken over might try.
 */
#include "config.h"

#include "net/ipc.h"

#include "base/err.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { TEXT = 1, PIPE = 2, BIG = 3, FREE = 4, REFUSE = 5 };

struct side {
	struct ipc *ipc;
	unsigned handled, drained;
	uint32_t last_bytes;
	uint64_t sum;
	int kept;
	int closed_reason;
};

static int on_message(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct side *side = context;

	(void)ipc;
	side->handled++;
	side->last_bytes = message->length_bytes;
	side->sum = 0;
	for (uint32_t i = 0; i < message->length_bytes; i++)
		side->sum += message->data[i];
	return 0;
}

static int on_pipe(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct side *side = context;

	(void)ipc;
	side->handled++;
	side->kept = message->descriptors[0];
	message->descriptors[0] = -1;
	return 0;
}

static int on_free(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct side *side = context;

	(void)message;
	side->handled++;
	side->ipc = NULL;
	ipc_free(ipc);
	return 0;
}

static int on_refuse(struct ipc *ipc, void *context, struct ipc_message *message)
{
	(void)ipc;
	(void)context;
	(void)message;
	return ERR_AUTH;
}

static const struct ipc_rule rules[] = {
    {TEXT, 1, 1000, 0, 0, on_message},
    {PIPE, 0, 4, 1, 2, on_pipe},
    {BIG, 0, IPC_MESSAGE_BYTES, 0, 0, on_message},
    {FREE, 0, 0, 0, 0, on_free},
    {REFUSE, 0, 0, 0, 0, on_refuse},
};

static void on_closed(struct ipc *ipc, void *context, int reason)
{
	struct side *side = context;

	assert_int_equal(side->closed_reason, 0);
	side->closed_reason = reason;
	assert_int_equal(ipc_send(ipc, TEXT, "x", 1), ERR_CLOSED);
}

static void on_drained(struct ipc *ipc, void *context)
{
	struct side *side = context;

	(void)ipc;
	side->drained++;
}

static const struct ipc_callbacks callbacks = {on_closed, on_drained};

static struct ev_loop *loop;
static struct side a, b;
static int raw[2];

static int setup(void **state)
{
	(void)state;
	loop = ev_loop_new(0);
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	assert_int_equal(ipc_pair(raw), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(ipc_new(i ? &b.ipc : &a.ipc, loop, raw[i], rules,
		                     sizeof(rules) / sizeof(rules[0]), &callbacks, i ? &b : &a),
		    0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ipc_free(a.ipc);
	ipc_free(b.ipc);
	ev_loop_destroy(loop);
	return 0;
}

static void turn(int rounds)
{
	for (int i = 0; i < rounds; i++)
		ev_run(loop, EVRUN_NOWAIT);
}

static unsigned open_descriptors(void)
{
	unsigned count = 0;

	for (int i = 0; i < 1000; i++)
		count += fcntl(i, F_GETFD) >= 0;
	return count;
}

static void messages_reach_their_handler(void **state)
{
	(void)state;
	assert_int_equal(ipc_send(a.ipc, TEXT, "abc", 3), 0);
	assert_int_equal(ipc_send(b.ipc, TEXT, "d", 1), 0);
	turn(2);
	assert_int_equal(b.handled, 1);
	assert_int_equal(b.sum, 'a' + 'b' + 'c');
	assert_int_equal(a.handled, 1);
	assert_ptr_equal(ipc_context(a.ipc), &a);
}

static void descriptors_are_passed_and_the_unkept_closed(void **state)
{
	int ends[2];
	char got[3] = "";
	unsigned before = open_descriptors();

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(
	    ipc_send_descriptors(a.ipc, PIPE, NULL, 0, (int[]){ends[1], ends[0]}, 2), 0);
	turn(2);
	assert_int_equal(b.handled, 1);
	assert_int_equal(fcntl(b.kept, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(write(b.kept, "hi", 2), 2);
	assert_int_equal(read(ends[0], got, 2), 2);
	assert_string_equal(got, "hi");
	close(b.kept);
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(open_descriptors(), before);
}

static void big_payloads_arrive_whole(void **state)
{
	static const uint32_t sizes[] = {
	    0, IPC_INLINE_BYTES, IPC_INLINE_BYTES + 1, 4 << 20, IPC_MESSAGE_BYTES};
	unsigned before = open_descriptors();

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint8_t *data = malloc(sizes[i] + 1);

		memset(data, 3, sizes[i] + 1);
		assert_int_equal(ipc_send(a.ipc, BIG, data, sizes[i]), 0);
		turn(2);
		assert_int_equal(b.handled, i + 1);
		assert_int_equal(b.last_bytes, sizes[i]);
		assert_int_equal(b.sum, 3 * (uint64_t)sizes[i]);
		free(data);
	}
	assert_int_equal(ipc_send(a.ipc, BIG, NULL, IPC_MESSAGE_BYTES + 1), ERR_TOO_LARGE);
	assert_int_equal(open_descriptors(), before);
}

static void full_queue_pushes_back_and_drains_in_order(void **state)
{
	static uint8_t data[IPC_INLINE_BYTES];
	unsigned sent = 0;

	(void)state;
	memset(data, 1, sizeof(data));
	while (ipc_send(a.ipc, BIG, data, sizeof(data)) == 0)
		assert_true(++sent < 10000);
	assert_true(sent > IPC_QUEUE_BYTES / sizeof(data));
	assert_true(ipc_queued_bytes(a.ipc) <= IPC_QUEUE_BYTES);
	assert_int_equal(ipc_send(a.ipc, BIG, data, sizeof(data)), ERR_AGAIN);
	assert_int_equal(ipc_flush(a.ipc, 1), ERR_TIMEOUT);
	assert_int_equal(a.drained, 0);
	for (int i = 0; i < 1000 && !a.drained; i++)
		turn(1);
	turn(10);
	assert_int_equal(b.handled, sent);
	assert_int_equal(b.sum, sizeof(data));
	assert_int_equal(a.drained, 1);
	assert_int_equal(ipc_queued_bytes(a.ipc), 0);
}

static void peer_closed_is_told_after_its_last_message(void **state)
{
	(void)state;
	assert_int_equal(ipc_send(a.ipc, TEXT, "last", 4), 0);
	ipc_free(a.ipc);
	a.ipc = NULL;
	turn(3);
	assert_int_equal(b.handled, 1);
	assert_int_equal(b.closed_reason, ERR_CLOSED);
}

static void handler_may_free_its_channel(void **state)
{
	(void)state;
	assert_int_equal(ipc_send(a.ipc, FREE, NULL, 0), 0);
	assert_int_equal(ipc_send(a.ipc, TEXT, "x", 1), 0);
	turn(3);
	assert_int_equal(b.handled, 1);
	assert_null(b.ipc);
	/* What was not read makes the close a reset. */
	assert_int_equal(a.closed_reason, ERR_CLOSED);
}

/* Each of these is refused, and leaves no descriptor behind. */
static void table_breakers_close_the_channel(void **state)
{
	struct {
		uint16_t type, is_blob;
		uint32_t length;
	} header;
	static const struct {
		uint16_t type, is_blob;
		uint32_t length, payload;
		int descriptors;
		int expected;
	} cases[] = {
	    {99, 0, 1, 1, 0, ERR_UNSUPPORTED}, /* no such type */
	    {TEXT, 0, 0, 0, 0, ERR_MALFORMED}, /* too short */
	    {TEXT, 0, 1001, 1001, 0, ERR_MALFORMED},
	    {TEXT, 0, 5, 4, 0, ERR_MALFORMED}, /* the header lies */
	    {TEXT, 0, 4, 5, 0, ERR_MALFORMED},
	    {TEXT, 0, 1, 1, 1, ERR_MALFORMED}, /* an unwanted descriptor */
	    {PIPE, 0, 0, 0, 0, ERR_MALFORMED}, /* a missing one */
	    {PIPE, 0, 0, 0, 8, ERR_MALFORMED},
	    {BIG, 1, 100, 0, 0, ERR_MALFORMED},   /* a blob without memfd */
	    {BIG, 1, 100, 0, 1, ERR_MALFORMED},   /* not a memfd */
	    {BIG, 1, 100, 100, 1, ERR_MALFORMED}, /* both kinds of payload */
	    {REFUSE, 0, 0, 0, 0, ERR_AUTH},
	};
	unsigned before = open_descriptors();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t packet[2000] = "";
		char control[CMSG_SPACE(8 * sizeof(int))] = "";
		struct iovec part = {packet, sizeof(header) + cases[i].payload};
		struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
		int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

		if (i) {
			teardown(state);
			setup(state);
		}
		header.type = cases[i].type;
		header.is_blob = cases[i].is_blob;
		header.length = cases[i].length;
		memcpy(packet, &header, sizeof(header));
		if (cases[i].descriptors) {
			struct cmsghdr *cmsg;
			size_t bytes = (size_t)cases[i].descriptors * sizeof(int);

			message.msg_control = control;
			message.msg_controllen = CMSG_SPACE(bytes);
			cmsg = CMSG_FIRSTHDR(&message);
			cmsg->cmsg_level = SOL_SOCKET;
			cmsg->cmsg_type = SCM_RIGHTS;
			cmsg->cmsg_len = CMSG_LEN(bytes);
			for (int k = 0; k < cases[i].descriptors; k++)
				memcpy(
				    CMSG_DATA(cmsg) + (size_t)k * sizeof(int), &null, sizeof(int));
		}
		assert_true(sendmsg(raw[0], &message, 0) > 0);
		close(null);
		turn(2);
		if (b.closed_reason != cases[i].expected)
			fail_msg("case %zu: %d", i, b.closed_reason);
		assert_int_equal(b.handled, 0);
		assert_int_equal(open_descriptors(), before);
	}
}

/* It reads like the end of the channel. */
static void a_packet_without_bytes_leaves_no_descriptors(void **state)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))] = "";
	struct msghdr message = {.msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *head = (struct cmsghdr *)control;
	unsigned before = open_descriptors();
	int files[2] = {raw[0], raw[0]};

	(void)state;
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(files));
	memcpy(CMSG_DATA(head), files, sizeof(files));
	assert_int_equal(sendmsg(raw[0], &message, 0), 0);
	turn(2);
	assert_int_equal(b.closed_reason, ERR_CLOSED);
	assert_int_equal(open_descriptors(), before);
}

static void unsealed_memory_is_refused(void **state)
{
	struct {
		uint16_t type, is_blob;
		uint32_t length;
	} header = {BIG, 1, 4096};
	char control[CMSG_SPACE(sizeof(int))] = "";
	struct iovec part = {&header, sizeof(header)};
	struct msghdr message = {.msg_iov = &part,
	    .msg_iovlen = 1,
	    .msg_control = control,
	    .msg_controllen = sizeof(control)};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&message);
	int memory = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	(void)state;
	assert_int_equal(ftruncate(memory, 4096), 0);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &memory, sizeof(int));
	assert_true(sendmsg(raw[0], &message, 0) > 0);
	close(memory);
	turn(2);
	assert_int_equal(b.closed_reason, ERR_MALFORMED);
	assert_int_equal(b.handled, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(messages_reach_their_handler),
	    TEST(descriptors_are_passed_and_the_unkept_closed),
	    TEST(big_payloads_arrive_whole),
	    TEST(full_queue_pushes_back_and_drains_in_order),
	    TEST(peer_closed_is_told_after_its_last_message),
	    TEST(handler_may_free_its_channel),
	    TEST(table_breakers_close_the_channel),
	    TEST(a_packet_without_bytes_leaves_no_descriptors),
	    TEST(unsealed_memory_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
