/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Twin of net/tcp_relay.c: real loopback sockets on both sides of two real lanes whose packets are
 * handed over in memory.  The worker is the few functions that a relay asks of it.
 */
#include "config.h"

#include "tests/unit/cmocka_all.h"

#include "base/err.h"
#include "net/pacing_timer.h"
#include "net/tcp.h"
#include "net/tcp_relay.h"

#include <errno.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { POOL_BYTES = 64 * 1024 * 1024, LANE_BYTES = 16 * 1024 * 1024, PACKET_BYTES = 1200 };

/* ---- the worker, as a relay sees it ---- */

struct worker {
	struct ev_loop *loop;
	struct chunk_pool *pool;
	struct wheel wheel;
	uint64_t now_us;
};

static struct worker worker;

struct ev_loop *worker_loop(const struct worker *w)
{
	return w->loop;
}

struct chunk_pool *worker_pool(const struct worker *w)
{
	return w->pool;
}

static struct page page;

struct page *worker_page(const struct worker *w)
{
	(void)w;
	return &page;
}

uint64_t worker_now_us(const struct worker *w)
{
	return w->now_us;
}

void worker_touch(struct worker *w, struct lane *lane)
{
	(void)w;
	(void)lane;
}

void worker_timer_init(struct worker_timer *timer, void (*expired)(struct worker_timer *timer))
{
	wheel_timer_init(&timer->timer);
	timer->expired = expired;
}

void worker_timer_set(struct worker *w, struct worker_timer *timer, uint64_t deadline_us)
{
	wheel_rearm(&w->wheel, &timer->timer, deadline_us);
}

void worker_timer_stop(struct worker *w, struct worker_timer *timer)
{
	wheel_del(&w->wheel, &timer->timer);
}

static void on_expired(void *context, struct wheel_timer *timer)
{
	struct worker_timer *expired = LIST_ENTRY(timer, struct worker_timer, timer);

	(void)context;
	expired->expired(expired);
}

/* ---- two lanes, a relay on each ---- */

struct side {
	struct lane *lane;
	struct tcp_relays relays;
	struct tcp_relay relay;
	int peer; /* the other end of the relay's socket: the user or the backend */
	bool has_ended;
	enum reason ended_with;
};

static struct side user, backend;
static uint64_t idle_timeout_us;

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
	(void)open;
	tcp_relay_init(
	    &backend.relay, &tcp_relay_handler, &backend.relays, flow, idle_timeout_us, on_end);
	return REASON_NONE;
}

static void on_state(
    void *context, struct lane *lane, enum lane_state state, enum reason reason, const char *text)
{
	(void)context;
	(void)lane;
	(void)state;
	(void)reason;
	(void)text;
}

static void on_rtt(void *context, struct lane *lane, uint64_t rtt_us)
{
	(void)context;
	(void)lane;
	(void)rtt_us;
}

static struct lane_callbacks callbacks;

static void make_lane(struct side *side, enum lane_role role)
{
	struct lane_config config = {
	    .role = role,
	    .local_id = role == LANE_LISTENER ? 1 : 2,
	    .remote_id = role == LANE_LISTENER ? 2 : 1,
	    .aead = AEAD_CHACHA20POLY1305,
	    .packet_bytes = PACKET_BYTES,
	    .max_flows = 10,
	    .memory_bytes = LANE_BYTES,
	    .pool = worker.pool,
	    .callbacks = &callbacks,
	};

	memset(config.send_secret, role == LANE_LISTENER ? 1 : 2, sizeof config.send_secret);
	memset(config.receive_secret, role == LANE_LISTENER ? 2 : 1, sizeof config.receive_secret);
	assert_int_equal(lane_new(&side->lane, &config, worker.now_us), 0);
	tcp_relays_init(&side->relays, &worker);
}

/* Everything that one lane has to send now, to the other; true when there was something. */
static bool carry(struct side *from, struct side *to)
{
	static uint8_t buffer[65536];
	struct lane_batch batch = {.data = buffer, .size_bytes = sizeof buffer};

	if (lane_send(from->lane, &batch, worker.now_us) == 0)
		return false;
	for (size_t at = 0; at < batch.length_bytes; at += batch.segment_bytes) {
		size_t left = batch.length_bytes - at;
		lane_receive(to->lane, buffer + at,
		    left < batch.segment_bytes ? left : batch.segment_bytes, 0, worker.now_us);
	}
	lane_receive_done(to->lane, worker.now_us);
	return true;
}

/* A few rounds of the loop, each a virtual millisecond. */
static void run(unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++) {
		worker.now_us += 1000;
		ev_run(worker.loop, EVRUN_NOWAIT);
		for (int k = 0; k < 100 && (carry(&user, &backend) | carry(&backend, &user)); k++)
			;
		lane_on_timer(user.lane, worker.now_us);
		lane_on_timer(backend.lane, worker.now_us);
		wheel_advance(&worker.wheel, worker.now_us, 100, on_expired, NULL);
	}
}

/* A connected pair: `inner` is the relay's, as accepted or connected by the daemons. */
static void connect_pair(int *inner, int *outer)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(listener, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	*outer = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(*outer, (struct sockaddr *)&address, length), 0);
	*inner = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	assert_true(*inner >= 0);
	tcp_prepare(*inner);
	close(listener);
}

static int backend_inner;

static void open_flow(void)
{
	struct flow_open open = {.kind = FLOW_TCP, .accelerator = 1};
	struct flow *flow;
	int inner;

	addr_parse("192.0.2.1:1000", 0, &open.user);
	addr_parse("192.0.2.2:80", 0, &open.local);
	connect_pair(&inner, &user.peer);
	connect_pair(&backend_inner, &backend.peer);
	assert_int_equal(flow_open(user.lane, &open, NULL, &flow, worker.now_us), 0);
	tcp_relay_init(
	    &user.relay, &tcp_relay_handler, &user.relays, flow, idle_timeout_us, on_end);
	tcp_relay_start(&user.relay, inner);
}

static int setup(void **state)
{
	(void)state;
	memset(&page, 0, sizeof page);
	callbacks = flow_handler_callbacks;
	callbacks.on_open = on_open;
	callbacks.on_state = on_state;
	callbacks.on_rtt = on_rtt;
	memset(&user, 0, sizeof user);
	memset(&backend, 0, sizeof backend);
	user.peer = backend.peer = -1;
	idle_timeout_us = 3600u * UINT64_C(1000000);
	worker.loop = ev_loop_new(0);
	worker.pool = chunk_pool_new(POOL_BYTES);
	worker.now_us = 1000000;
	wheel_init(&worker.wheel, worker.now_us, WORKER_TICK_US);
	make_lane(&user, LANE_LISTENER);
	make_lane(&backend, LANE_ENDPOINT);
	run(5);
	assert_int_equal(lane_state(user.lane), LANE_UP);
	return 0;
}

/* Nothing may be left: sanitizers see descriptors' structs, the pool asserts on its chunks. */
static int teardown(void **state)
{
	(void)state;
	lane_free(user.lane);
	lane_free(backend.lane);
	tcp_relays_clear(&user.relays);
	tcp_relays_clear(&backend.relays);
	chunk_pool_free(worker.pool);
	ev_loop_destroy(worker.loop);
	close(user.peer);
	close(backend.peer);
	return 0;
}

static void assert_reads(int descriptor, const char *text)
{
	char buffer[256] = {0};
	ssize_t length = recv(descriptor, buffer, sizeof buffer - 1, MSG_DONTWAIT);

	assert_int_equal(length, (ssize_t)strlen(text));
	assert_string_equal(buffer, text);
}

static void assert_reset(int descriptor)
{
	char byte;

	assert_int_equal(recv(descriptor, &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, ECONNRESET);
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
	assert_int_equal(page_get(&page, PAGE_tcp_bytes_received), 13);
	assert_int_equal(page_get(&page, PAGE_tcp_bytes_sent), 13);
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
	open_flow();
	run(2);
	tcp_relay_start(&backend.relay, backend_inner);
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

static void reset_socket(int *descriptor)
{
	struct linger linger = {1, 0};

	setsockopt(*descriptor, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
	close(*descriptor);
	*descriptor = -1;
}

static void test_a_reset_is_a_reset_in_each_direction(void **state)
{
	(void)state;
	open_flow();
	run(2);
	tcp_relay_start(&backend.relay, backend_inner);
	run(2);
	reset_socket(&user.peer);
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
	open_flow();
	run(2);
	tcp_relay_start(&backend.relay, backend_inner);
	shutdown(user.peer, SHUT_WR);
	run(1500);
	assert_false(user.has_ended);
	assert_int_equal(tcp_connect_result(backend.peer), 0);
	reset_socket(&user.peer);
	run(2500);
	assert_true(tcp_connect_result(backend.peer) < 0);
	assert_int_equal(backend.ended_with, REASON_TCP_RESET);
}

static void test_a_backend_reset_reaches_the_user(void **state)
{
	(void)state;
	open_flow();
	run(2);
	tcp_relay_start(&backend.relay, backend_inner);
	run(2);
	reset_socket(&backend.peer);
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
	open_flow();
	run(2);
	tcp_relay_start(&backend.relay, backend_inner);
	assert_int_equal(send(backend.peer, "half an ans", 11, 0), 11);
	run(3);
	assert_reads(user.peer, "half an ans");
	lane_free(user.lane);
	assert_reset(user.peer);
	tcp_relays_clear(&user.relays);
	make_lane(&user, LANE_LISTENER);
}

/* A reader that does not read stops the writer, and no more memory is used than the windows. */
static void test_a_slow_reader_stops_the_writer(void **state)
{
	static uint8_t block[65536];
	size_t sent = 0, received = 0;
	ssize_t n;

	(void)state;
	open_flow();
	run(2);
	tcp_relay_start(&backend.relay, backend_inner);
	for (unsigned i = 0; i < 3000; i++) {
		n = send(user.peer, block, sizeof block, MSG_DONTWAIT);
		sent += n > 0 ? (size_t)n : 0;
		run(1);
	}
	assert_true(send(user.peer, block, 1, MSG_DONTWAIT) < 0);
	assert_true(
	    chunk_pool_used_bytes(worker.pool) <= (size_t)2 * LANE_BYTES + 16 * CHUNK_BYTES);
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
	open_flow();
	run(2);
	tcp_relay_start(&backend.relay, backend_inner);
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
	open_flow();
	run(2);
	tcp_relay_start(&backend.relay, backend_inner);
	run(1500);
	assert_int_equal(send(user.peer, "alive", 5, 0), 5);
	run(1500);
	assert_false(user.has_ended);
	assert_reads(backend.peer, "alive");
	run(1000);
	assert_true(user.has_ended);
	assert_reset(user.peer);
	assert_reset(backend.peer);
	assert_in_range(page_get(&page, PAGE_tcp_idle_closed), 1, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_carries_bytes_both_ways, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        test_keeps_bytes_until_the_backend_is_there, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_fin_is_a_fin_in_each_direction, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_fin_waits_for_the_backend, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        test_a_flow_may_end_when_the_socket_has_room, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        test_a_reset_is_a_reset_in_each_direction, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_reset_after_a_fin_is_noticed, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_backend_reset_reaches_the_user, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        test_a_refused_backend_resets_the_user, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_lost_lane_resets, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_slow_reader_stops_the_writer, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_large_stream_is_exact, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_an_idle_flow_is_reset, setup, teardown),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
