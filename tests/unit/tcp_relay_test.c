/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Twin of net/tcp_relay.c: real loopback sockets on both sides of two real lanes.
 */
#include "config.h"

#include "tests/unit/cmocka_all.h"

#include "net/tcp.h"
#include "net/tcp_relay.h"
#include "tests/support/loopback.h"
#include "tests/support/worker_double.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct worker worker;
static struct joint joint;

/* ---- two lanes, a relay on each ---- */

struct side {
	struct tcp_relays relays;
	struct tcp_relay relay;
	int peer; /* the other end of the relay's socket: the user or the backend */
	bool has_ended;
	enum reason ended_with;
};

enum { SHARERS = 3 };

static struct side user, backend; /* their relays are shared by the sharers, too */
static struct side users[SHARERS], backends[SHARERS];
static struct side *next_backend;
static uint64_t idle_timeout_us;
static bool is_compressed; /* of the flows of this run */

static struct side *side_of(struct tcp_relay *relay)
{
	return LIST_ENTRY(relay, struct side, relay);
}

/* The owner may free the relay here, so whoever still used it would come to grief. */
static void on_end(struct tcp_relay *relay, enum reason reason)
{
	side_of(relay)->has_ended = true;
	side_of(relay)->ended_with = reason;
	relay->flow = (struct flow *)(uintptr_t)1;
}

static enum reason on_open(void *context, struct flow *flow, const struct flow_open *open)
{
	(void)context;
	tcp_relay_init(&next_backend->relay, &tcp_relay_handler, &backend.relays, flow,
	    idle_timeout_us, on_end);
	if (open->is_compressed)
		tcp_relay_compress(&next_backend->relay);
	return REASON_NONE;
}

static void run(unsigned rounds)
{
	double_run(&worker, rounds);
}

static int backend_inner;

/* The user's relay has started; the backend's is the caller's to start. */
static void open_flow_of(struct side *from, struct side *to)
{
	struct flow_open open = {
	    .kind = FLOW_TCP, .accelerator = 1, .is_compressed = is_compressed};
	struct flow *flow;
	int inner;

	addr_parse("192.0.2.1:1000", 0, &open.user);
	addr_parse("192.0.2.2:80", 0, &open.local);
	loopback_pair(&inner, &from->peer);
	loopback_pair(&backend_inner, &to->peer);
	next_backend = to;
	assert_int_equal(flow_open(joint.near.lane, &open, NULL, &flow, worker.now_us), 0);
	tcp_relay_init(
	    &from->relay, &tcp_relay_handler, &user.relays, flow, idle_timeout_us, on_end);
	if (is_compressed)
		tcp_relay_compress(&from->relay);
	tcp_relay_start(&from->relay, inner);
}

static void open_flow(void)
{
	open_flow_of(&user, &backend);
}

/* And the endpoint has its backend. */
static void open_relay(void)
{
	open_flow();
	run(2);
	tcp_relay_start(&backend.relay, backend_inner);
}

static int setup(void **state)
{
	static struct lane_callbacks callbacks;

	(void)state;
	callbacks = flow_handler_callbacks;
	callbacks.on_open = on_open;
	memset(&user, 0, sizeof user);
	memset(&backend, 0, sizeof backend);
	user.peer = backend.peer = -1;
	idle_timeout_us = 3600u * UINT64_C(1000000);
	double_start(&worker);
	tcp_relays_init(&user.relays, &worker);
	tcp_relays_init(&backend.relays, &worker);
	joint_open(&joint, &worker,
	    &(struct joint_options){.peer_name = "peer",
	        .role = LANE_LISTENER,
	        .near = &flow_handler_callbacks,
	        .far = &callbacks});
	return 0;
}

/* Nothing may be left: sanitizers see descriptors' structs, the double its chunks. */
static int teardown(void **state)
{
	(void)state;
	joint_close(&joint);
	tcp_relays_clear(&user.relays);
	tcp_relays_clear(&backend.relays);
	double_stop(&worker);
	close(user.peer);
	close(backend.peer);
	return 0;
}

static void test_carries_bytes_both_ways(void **state)
{
	(void)state;
	open_flow();
	assert_int_equal(send(user.peer, "request", 7, 0), 7);
	run(3);
	tcp_relay_start(&backend.relay, backend_inner);
	run(3);
	assert_reads(backend.peer, "request");
	assert_int_equal(send(backend.peer, "answer", 6, 0), 6);
	run(3);
	assert_reads(user.peer, "answer");
	assert_int_equal(user.relay.bytes_in, 7);
	assert_int_equal(user.relay.bytes_out, 6);
	assert_int_equal(page_get(worker.page, PAGE_tcp_received_bytes), 13);
	assert_int_equal(page_get(worker.page, PAGE_tcp_sent_bytes), 13);
}

/* What the user sent before the backend was connected is the backend's first. */
static void test_keeps_bytes_until_the_backend_is_there(void **state)
{
	(void)state;
	open_flow();
	assert_int_equal(send(user.peer, "early", 5, 0), 5);
	run(50);
	tcp_relay_start(&backend.relay, backend_inner);
	run(1);
	assert_reads(backend.peer, "early");
}

static void test_a_fin_is_a_fin_in_each_direction(void **state)
{
	char byte;

	(void)state;
	open_relay();
	assert_int_equal(send(user.peer, "last", 4, 0), 4);
	shutdown(user.peer, SHUT_WR);
	run(5);
	assert_reads(backend.peer, "last");
	assert_int_equal(recv(backend.peer, &byte, 1, MSG_DONTWAIT), 0);
	assert_false(user.has_ended);
	assert_int_equal(send(backend.peer, "still", 5, 0), 5);
	run(3);
	assert_reads(user.peer, "still");
	shutdown(backend.peer, SHUT_WR);
	run(5);
	assert_int_equal(recv(user.peer, &byte, 1, MSG_DONTWAIT), 0);
	run(500);
	assert_true(user.has_ended);
	assert_true(backend.has_ended);
	assert_int_equal(user.ended_with, REASON_NONE);
	assert_int_equal(backend.ended_with, REASON_NONE);
	assert_int_equal(recv(user.peer, &byte, 1, MSG_DONTWAIT), 0); /* and no reset after it */
}

/* A user that closes its direction at once, before there is a backend. */
static void test_a_fin_waits_for_the_backend(void **state)
{
	char byte;

	(void)state;
	open_flow();
	shutdown(user.peer, SHUT_WR);
	run(20);
	tcp_relay_start(&backend.relay, backend_inner);
	run(3);
	assert_int_equal(recv(backend.peer, &byte, 1, MSG_DONTWAIT), 0);
	assert_int_equal(send(backend.peer, "answer", 6, 0), 6);
	run(3);
	assert_reads(user.peer, "answer");
}

/* The last bytes and the FIN wait for a slow user; with them the flow ends, and the relay with it. */
static void test_a_flow_may_end_when_the_socket_has_room(void **state)
{
	enum { TOTAL = 400 * 1000 }; /* more than the user's sockets take, less than a window */
	static uint8_t block[TOTAL];
	int small = 32768;
	size_t received = 0;
	ssize_t n;

	(void)state;
	open_flow();
	setsockopt(user.peer, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	setsockopt(user.relay.descriptor, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
	shutdown(user.peer, SHUT_WR);
	run(5);
	tcp_relay_start(&backend.relay, backend_inner);
	assert_int_equal(send(backend.peer, block, TOTAL, 0), TOTAL);
	shutdown(backend.peer, SHUT_WR);
	run(500);
	assert_true(flow_kept_bytes(user.relay.flow) > 0);
	for (unsigned i = 0; i < 5000 && !user.has_ended; i++) {
		while ((n = recv(user.peer, block, sizeof block, MSG_DONTWAIT)) > 0)
			received += (size_t)n;
		usleep(500); /* the kernel's acknowledgements take real time */
		run(1);
	}
	while ((n = recv(user.peer, block, sizeof block, MSG_DONTWAIT)) > 0)
		received += (size_t)n;
	assert_true(user.has_ended);
	assert_int_equal(received, TOTAL);
	assert_int_equal(user.ended_with, REASON_NONE);
}

static void test_a_reset_is_a_reset_in_each_direction(void **state)
{
	(void)state;
	open_relay();
	run(2);
	loopback_reset(&user.peer);
	run(5);
	assert_reset(backend.peer);
	run(500);
	assert_true(user.has_ended && backend.has_ended);
	assert_int_equal(backend.ended_with, REASON_TCP_RESET);
}

/* Nobody reads from a socket whose FIN was read, or writes to it: the reset is noticed nevertheless. */
static void test_a_reset_after_a_fin_is_noticed(void **state)
{
	(void)state;
	open_relay();
	shutdown(user.peer, SHUT_WR);
	run(1500);
	assert_false(user.has_ended);
	assert_int_equal(tcp_connect_result(backend.peer), 0);
	loopback_reset(&user.peer);
	run(2500);
	assert_true(tcp_connect_result(backend.peer) < 0);
	assert_int_equal(backend.ended_with, REASON_TCP_RESET);
}

/* Nor is anything read while the lane has no room, since the backend does not read. */
static void test_a_reset_behind_a_full_window_is_noticed(void **state)
{
	static uint8_t block[65536];

	(void)state;
	open_relay();
	for (unsigned i = 0; i < 3000; i++) {
		(void)!send(user.peer, block, sizeof block, MSG_DONTWAIT);
		run(1);
	}
	run(2500);
	assert_false(ev_is_active(&user.relay.reader));
	assert_int_equal(user.relay.descriptor >= 0, true);
	loopback_reset(&user.peer);
	run(1500);
	assert_int_equal(user.relay.descriptor, -1);
	assert_int_equal(backend.ended_with, REASON_TCP_RESET);
}

static void test_a_backend_reset_reaches_the_user(void **state)
{
	(void)state;
	open_relay();
	run(2);
	loopback_reset(&backend.peer);
	run(5);
	assert_reset(user.peer);
}

static void test_a_refused_backend_resets_the_user(void **state)
{
	(void)state;
	open_flow();
	run(2);
	tcp_relay_abort(&backend.relay, REASON_BACKEND_REFUSED);
	run(3);
	assert_reset(user.peer);
	run(500);
	assert_int_equal(user.ended_with, REASON_BACKEND_REFUSED);
	close(backend_inner);
}

/* A lane that is freed, as when its worker ends, must not let a user take a cut answer for whole. */
static void test_a_lost_lane_resets(void **state)
{
	(void)state;
	open_relay();
	assert_int_equal(send(backend.peer, "half an ans", 11, 0), 11);
	run(3);
	assert_reads(user.peer, "half an ans");
	joint_lose_near(&joint);
	assert_reset(user.peer);
}

/* A reader that does not read stops the writer, and no more memory is used than the windows. */
static void test_a_slow_reader_stops_the_writer(void **state)
{
	static uint8_t block[65536];
	size_t sent = 0, received = 0;
	ssize_t n;

	(void)state;
	randombytes_buf(block, sizeof block); /* what shrinks would fit the window for long */
	open_relay();
	for (unsigned i = 0; i < 3000; i++) {
		n = send(user.peer, block, sizeof block, MSG_DONTWAIT);
		sent += n > 0 ? (size_t)n : 0;
		run(1);
	}
	assert_true(send(user.peer, block, 1, MSG_DONTWAIT) < 0);
	assert_true(
	    chunk_pool_used_bytes(worker.pool) <= (size_t)2 * JOINT_LANE_BYTES + 16 * CHUNK_BYTES);
	for (unsigned i = 0; i < 5000 && received < sent; i++) {
		while ((n = recv(backend.peer, block, sizeof block, MSG_DONTWAIT)) > 0)
			received += (size_t)n;
		run(1);
	}
	assert_int_equal(received, sent);
}

static void test_a_large_stream_is_exact(void **state)
{
	enum { TOTAL = 8 * 1024 * 1024 };
	uint8_t *sent = malloc(TOTAL), *received = malloc(TOTAL);
	size_t out = 0, in = 0;
	ssize_t n;

	(void)state;
	randombytes_buf(sent, TOTAL);
	open_relay();
	for (unsigned i = 0; i < 20000 && in < TOTAL; i++) {
		if (out < TOTAL && (n = send(user.peer, sent + out, TOTAL - out, MSG_DONTWAIT)) > 0)
			out += (size_t)n;
		run(1);
		while ((n = recv(backend.peer, received + in, TOTAL - in, MSG_DONTWAIT)) > 0)
			in += (size_t)n;
	}
	assert_int_equal(in, TOTAL);
	assert_memory_equal(sent, received, TOTAL);
	free(sent);
	free(received);
}

static void test_an_idle_flow_is_reset(void **state)
{
	(void)state;
	idle_timeout_us = 2 * UINT64_C(1000000);
	open_relay();
	run(1500);
	assert_int_equal(send(user.peer, "alive", 5, 0), 5);
	run(1500);
	assert_false(user.has_ended);
	assert_reads(backend.peer, "alive");
	run(1000);
	assert_true(user.has_ended);
	assert_reset(user.peer);
	assert_reset(backend.peer);
	assert_in_range(page_get(worker.page, PAGE_tcp_idle_closed), 1, 2);
}

/* Of the stream, which the lane carries as it is. */
static void test_what_shrinks_is_fewer_bytes(void **state)
{
	static char text[60000], got[sizeof text];
	size_t in = 0;
	ssize_t n;

	(void)state;
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = "So it goes. "[i % 12];
	open_relay();
	assert_int_equal(send(user.peer, text, sizeof text, 0), sizeof text);
	for (unsigned i = 0; i < 1000 && in < sizeof text; i++) {
		run(1);
		n = recv(backend.peer, got + in, sizeof got - in, MSG_DONTWAIT);
		in += n > 0 ? (size_t)n : 0;
	}
	assert_int_equal(in, sizeof text);
	assert_memory_equal(got, text, sizeof text);
	assert_int_equal(page_get(worker.page, PAGE_compression_before_bytes), sizeof text);
	assert_true(page_get(worker.page, PAGE_compression_after_bytes) < sizeof text / 20);
}

static void write_stream(const char *bytes, size_t length)
{
	struct chunk *chunk = chunk_get(worker.pool);
	struct slice slice = {.chunk = chunk, .length = (uint32_t)length};

	memcpy(chunk->data, bytes, length);
	chunk->used_bytes = (uint32_t)length;
	assert_int_equal(flow_write(user.relay.flow, &slice), 0);
	chunk_unref(chunk);
	worker_touch(&worker, joint.near.lane);
}

static void test_a_malformed_block_resets(void **state)
{
	(void)state;
	open_relay();
	write_stream("\x00\x01x\xff\xff\xff\xff", 7);
	run(5);
	assert_reads(backend.peer, "x");
	assert_reset(backend.peer);
	assert_reset(user.peer);
	run(500); /* until the other side has acknowledged it */
	assert_int_equal(page_get(worker.page, PAGE_compression_malformed), 1);
	assert_int_equal(user.ended_with, REASON_PROTOCOL);
}

static void test_a_stream_that_ends_in_a_block_resets(void **state)
{
	(void)state;
	open_relay();
	write_stream("\x00\x05x", 3);
	shutdown(user.peer, SHUT_WR);
	run(5);
	assert_reset(backend.peer);
	assert_int_equal(page_get(worker.page, PAGE_compression_malformed), 1);
}

/* Tenths of a second of the worker's clock, in each of which a slowed relay has its turn by the real one. */
static void pass(unsigned tenths)
{
	for (unsigned i = 0; i < tenths; i++) {
		usleep(21000);
		run(100);
	}
}

static void send_much(int peer, size_t bytes)
{
	static char sent[200000];
	int room = 200000;

	assert_int_equal(setsockopt(peer, SOL_SOCKET, SO_SNDBUF, &room, sizeof room), 0);
	assert_int_equal(send(peer, sent, bytes, 0), bytes);
}

/* 64 KiB a second, of a source. */
static struct flow_limits bytes_limited(void)
{
	return (struct flow_limits){
	    .subjects = {{.place = 1, .bytes_per_s = 65536}}, .count = 1, .is_metered = true};
}

/* Slower than it could, and whole, each way; a limit that goes is felt at the next turn. */
static void test_a_limit_on_bytes_slows_it(void **state)
{
	struct flow_limits limits = bytes_limited();

	(void)state;
	open_flow();
	tcp_relay_limit(&user.relay, &limits);
	run(2);
	tcp_relay_start(&backend.relay, backend_inner);
	send_much(user.peer, 200000);
	send_much(backend.peer, 200000);
	pass(3);
	assert_in_range(user.relay.bytes_in, 60000, 65536 * 3 / 2);
	assert_in_range(user.relay.bytes_out, 60000, 65536 * 3 / 2);
	pass(14);
	assert_in_range(user.relay.bytes_in, 65536 + 32768, 65536 * 5 / 2 - 16384);
	assert_in_range(user.relay.bytes_out, 65536 + 32768, 65536 * 5 / 2 - 16384);
	/* Two ways, and one turn for each tenth; the socket or the lane may ask once more. */
	assert_in_range(page_get(worker.page, PAGE_limit_source_bytes), 2, 17 * 4);
	limits.is_metered = false;
	pass(3);
	assert_int_equal(user.relay.bytes_in, 200000);
	assert_int_equal(user.relay.bytes_out, 200000);
}

/* Of a compressed flow a block more than there is, as a block is whole. */
static void test_a_read_is_no_longer_than_there_is(void **state)
{
	struct flow_limits limits = bytes_limited();

	(void)state;
	open_flow();
	tcp_relay_limit(&user.relay, &limits);
	run(2);
	tcp_relay_start(&backend.relay, backend_inner);
	send_much(user.peer, 60000);
	run(20);
	assert_int_equal(user.relay.bytes_in, 60000);
	send_much(user.peer, 100000);
	run(20);
	assert_in_range(user.relay.bytes_in, 60001,
	    65536 + 65536 / 20 + (is_compressed ? COMPRESSION_BLOCK_BYTES : 0));
}

static void assert_shared(const uint64_t bytes[SHARERS])
{
	uint64_t sum = 0;

	for (int i = 0; i < SHARERS; i++)
		sum += bytes[i];
	assert_in_range(sum, 2 * 65536, 6 * 65536);
	for (int i = 0; i < SHARERS; i++)
		if (bytes[i] < sum / SHARERS / 4)
			fail_msg("flow %d has %llu of %llu bytes", i, (unsigned long long)bytes[i],
			    (unsigned long long)sum);
}

/* Each has more to say than there is, each way. */
static void test_flows_of_one_limit_take_turns(void **state)
{
	struct flow_limits limits = bytes_limited();
	uint64_t in[SHARERS], out[SHARERS];

	(void)state;
	for (int i = 0; i < SHARERS; i++) {
		open_flow_of(&users[i], &backends[i]);
		tcp_relay_limit(&users[i].relay, &limits);
		run(2);
		tcp_relay_start(&backends[i].relay, backend_inner);
	}
	for (int i = 0; i < SHARERS; i++) {
		send_much(users[i].peer, 200000);
		send_much(backends[i].peer, 200000);
	}
	pass(30);
	for (int i = 0; i < SHARERS; i++) {
		in[i] = users[i].relay.bytes_in;
		out[i] = users[i].relay.bytes_out;
		close(users[i].peer);
		close(backends[i].peer);
	}
	assert_shared(in);
	assert_shared(out);
}

/* Who waits for bytes is not forgotten when it ends. */
static void test_a_slowed_flow_may_end(void **state)
{
	struct flow_limits limits = bytes_limited();

	(void)state;
	open_flow();
	tcp_relay_limit(&user.relay, &limits);
	run(2);
	send_much(user.peer, 100000);
	pass(1);
	assert_in_range(user.relay.bytes_in, 1, 99999);
	assert_true(list_is_linked(&user.relay.slowed));
	tcp_relay_abort(&user.relay, REASON_REMOVED);
	assert_true(list_is_empty(&user.relays.slowed) && list_is_empty(&user.relays.served));
	pass(5);
	assert_true(user.has_ended);
}

int main(void)
{
	int failed;
	const struct CMUnitTest only_compressed[] = {
	    cmocka_unit_test_setup_teardown(test_what_shrinks_is_fewer_bytes, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_malformed_block_resets, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        test_a_stream_that_ends_in_a_block_resets, setup, teardown),
	};
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_carries_bytes_both_ways, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_limit_on_bytes_slows_it, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        test_a_read_is_no_longer_than_there_is, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_flows_of_one_limit_take_turns, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_slowed_flow_may_end, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        test_keeps_bytes_until_the_backend_is_there, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_fin_is_a_fin_in_each_direction, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_fin_waits_for_the_backend, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        test_a_flow_may_end_when_the_socket_has_room, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        test_a_reset_is_a_reset_in_each_direction, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_reset_after_a_fin_is_noticed, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        test_a_reset_behind_a_full_window_is_noticed, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_backend_reset_reaches_the_user, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        test_a_refused_backend_resets_the_user, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_lost_lane_resets, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_slow_reader_stops_the_writer, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_large_stream_is_exact, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_an_idle_flow_is_reset, setup, teardown),
	};

	if (double_init())
		return 1;
	failed = cmocka_run_group_tests_name("plain", tests, NULL, NULL);

	is_compressed = true;
	failed += cmocka_run_group_tests_name("compressed", tests, NULL, NULL);
	return failed + cmocka_run_group_tests(only_compressed, NULL, NULL);
}
