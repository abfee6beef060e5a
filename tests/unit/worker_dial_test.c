/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of net/worker_dial.c: a listener's worker and its one lane, whatever becomes of the endpoint. */
#include "config.h"

#include "net/worker_dial.h"

#include "net/pacing_timer.h"
#include "tests/support/worker_process.h"
#include "tests/unit/cmocka_all.h"

#include <string.h>

static struct worker_process process;
static const struct lane_name first = {11, 1}, second = {11, 2}, other_tunnel = {12, 1};

static int setup(void **state)
{
	(void)state;
	worker_process_start(&process, NODE_LISTENER);
	WORKER_PROCESS_UNTIL(&process, process.requests == 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	worker_process_stop(&process);
	return process.status; /* a worker that crashed, or a sanitizer that spoke */
}

static uint64_t opened(void)
{
	return worker_process_counted(&process, PAGE_lanes_opened);
}

/* Grants what was asked for, and waits for the START that follows. */
static struct start started_with(const struct lane_name *name)
{
	unsigned before = process.far.packets;
	struct start start;

	worker_process_grant(&process, name);
	WORKER_PROCESS_UNTIL(&process, process.far.packets > before);
	assert_int_equal(
	    start_read(&start, process.far.packet, process.far.packet_length), HANDSHAKE_FINE);
	return start;
}

static void bring_up(const struct lane_name *name)
{
	uint64_t before = opened();

	started_with(name);
	far_node_answer_start(&process, name, STARTED_NEW);
	WORKER_PROCESS_UNTIL(&process, opened() == before + 1);
}

/* One more request; how long it took. */
static uint64_t asked_again_us(void)
{
	unsigned before = process.requests;
	uint64_t from_us = pacing_timer_now_us();

	WORKER_PROCESS_UNTIL(&process, process.requests > before);
	return pacing_timer_now_us() - from_us;
}

static void refuse(void)
{
	struct keys_refused refused = {.door_id = process.far.door.id};

	assert_int_equal(ipc_send(process.keys, KEYS_MESSAGE_REFUSED, &refused, sizeof refused), 0);
}

static void say_hello(void)
{
	struct worker_socket socket = {.kind = WORKER_SOCKET_UDP_USERS};

	addr_parse("192.0.2.1:1000", 0, &socket.local);
	assert_int_equal(ipc_send(process.main, WORKER_MESSAGE_SOCKET, &socket, sizeof socket), 0);
}

static void test_a_lane_is_asked_for_at_once_and_comes_up(void **state)
{
	struct start start;

	(void)state;
	assert_int_equal(process.request.door_id, process.far.door.id);
	assert_int_equal(process.request.lane, 0);
	assert_true(addr_equal(&process.request.to, &process.far.address));
	start = started_with(&first);
	assert_int_equal(start.incarnation, 1);
	assert_int_equal(start.old.tunnel_id, 0);
	far_node_answer_start(&process, &first, STARTED_NEW);
	WORKER_PROCESS_UNTIL(&process, opened() == 1);
	say_hello();
	WORKER_PROCESS_UNTIL(&process, process.far.datagrams == 1);
	assert_int_equal(process.far.opens, 1);
}

/* It never hears of the endpoint's new address but by the config, as the endpoint only answers. */
static void test_a_lane_goes_on_at_the_address_of_a_new_config(void **state)
{
	unsigned before;

	(void)state;
	bring_up(&first);
	far_node_move(&process);
	before = process.far.sealed;
	worker_process_send_config(&process, true, 0);
	WORKER_PROCESS_UNTIL(&process, process.far.sealed > before + 3);
	say_hello();
	WORKER_PROCESS_UNTIL(&process, process.far.datagrams == 1);
	assert_int_equal(process.far.opens, 1);
	assert_int_equal(opened(), 1);
}

static void test_a_refusal_is_followed_by_longer_and_longer_waits(void **state)
{
	uint64_t waits_us[4];

	(void)state;
	for (int i = 0; i < 4; i++) {
		refuse();
		waits_us[i] = asked_again_us();
	}
	assert_in_range(waits_us[0], DIAL_BACKOFF_MIN_US / 2 - 10000, 10 * DIAL_BACKOFF_MIN_US);
	assert_true(waits_us[3] >= 4 * DIAL_BACKOFF_MIN_US - 10000);
}

/* The network may lose a START as any packet. */
static void test_a_start_is_sent_until_it_is_answered(void **state)
{
	(void)state;
	started_with(&first);
	WORKER_PROCESS_UNTIL(&process, process.far.packets >= 3);
	assert_int_equal(process.requests, 1);
	far_node_answer_start(&process, &first, STARTED_NEW);
	WORKER_PROCESS_UNTIL(&process, opened() == 1);
	assert_int_equal(process.far.sealed > 0, true);
}

/* The same answer again makes no other lane: that START is over. */
static void test_an_answer_counts_once(void **state)
{
	struct lane_grant grant = worker_process_far_grant(&process, &first);
	uint8_t packet[HANDSHAKE_PACKET_BYTES];
	size_t length;

	(void)state;
	bring_up(&first);
	assert_int_equal(start_read(&grant.start, process.far.packet, process.far.packet_length),
	    HANDSHAKE_FINE);
	length = started_build(&process.far.door, &grant, STARTED_NEW, 1, packet);
	far_node_send(&process, packet, length);
	WORKER_PROCESS_UNTIL(
	    &process, worker_process_counted(&process, PAGE_handshake_packets_dropped) == 1);
	say_hello();
	WORKER_PROCESS_UNTIL(&process, process.far.datagrams == 1);
}

/* Whoever knows the door key, but not the tunnel, cannot answer. */
static void test_an_answer_of_another_tunnel_is_dropped(void **state)
{
	struct lane_grant grant = worker_process_far_grant(&process, &other_tunnel);
	uint8_t packet[HANDSHAKE_PACKET_BYTES];
	size_t length;

	(void)state;
	grant.start = started_with(&first);
	length = started_build(&process.far.door, &grant, STARTED_NEW, 1, packet);
	far_node_send(&process, packet, length);
	WORKER_PROCESS_UNTIL(
	    &process, worker_process_counted(&process, PAGE_handshake_packets_dropped) == 1);
	assert_int_equal(opened(), 0);
}

static void test_an_unknown_tunnel_makes_keys_ask_anew(void **state)
{
	struct lane_grant grant = worker_process_far_grant(&process, &first);
	struct handshake_header header = {.door_id = grant.door_id, .tunnel_id = first.tunnel_id};
	struct start start = started_with(&first);
	uint8_t packet[HANDSHAKE_PACKET_BYTES];
	size_t length = unknown_build(&process.far.door, &header, &start, packet);

	(void)state;
	far_node_send(&process, packet, length);
	WORKER_PROCESS_UNTIL(&process, process.unknowns == 1);
	assert_int_equal(process.unknown.door_id, grant.door_id);
	assert_int_equal(process.unknown.tunnel_id, first.tunnel_id);
	WORKER_PROCESS_UNTIL(&process, process.requests == 2);
}

static void test_new_keys_are_asked_what_the_old_ones_were(void **state)
{
	(void)state;
	worker_process_connect_keys(&process);
	WORKER_PROCESS_UNTIL(&process, process.requests >= 2);
	bring_up(&first);
}

/* The path was away: a START names the old lane, ALIVE lets it go on with its flows. */
static void test_a_lane_that_is_alive_goes_on(void **state)
{
	struct start start;

	(void)state;
	bring_up(&first);
	say_hello();
	WORKER_PROCESS_UNTIL(&process, process.far.datagrams == 1);
	process.far.is_deaf = true;
	asked_again_us();
	process.far.is_deaf = false;
	start = started_with(&second);
	assert_int_equal(start.old.tunnel_id, first.tunnel_id);
	assert_int_equal(start.old.incarnation, first.incarnation);
	far_node_answer_start(&process, &second, STARTED_ALIVE);
	WORKER_PROCESS_UNTIL(&process, opened() == 2);
	assert_int_equal(process.told->closed_flows, 0);
	assert_int_equal(flow_send_datagram(
	                     process.far.flow, (const uint8_t *)"again", 5, pacing_timer_now_us()),
	    0);
	WORKER_PROCESS_UNTIL(&process, process.told->datagrams == 1);
}

/* The endpoint's worker is another one: what the old lane had is reset, at once. */
static void test_a_lane_that_is_lost_ends_its_flows(void **state)
{
	(void)state;
	bring_up(&first);
	say_hello();
	WORKER_PROCESS_UNTIL(&process, process.far.datagrams == 1);
	far_node_drop_lane(&process);
	asked_again_us();
	bring_up(&second);
	assert_int_equal(process.told->closed_flows, 1);
	assert_int_equal(process.told->closed_with, REASON_PEER_RESTARTED);
	say_hello();
	WORKER_PROCESS_UNTIL(&process, process.far.datagrams == 2);
}

static void test_a_peer_that_is_gone_is_not_dialled(void **state)
{
	unsigned asked;

	(void)state;
	bring_up(&first);
	worker_process_send_config(&process, false, 0);
	WORKER_PROCESS_UNTIL(&process, process.far.state == LANE_OVER);
	assert_int_equal(process.far.over_with, REASON_REMOVED);
	asked = process.requests;
	worker_process_run(&process, 500);
	assert_int_equal(process.requests, asked);
	worker_process_send_config(&process, true, 0);
	WORKER_PROCESS_UNTIL(&process, process.requests > asked);
	bring_up(&second);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_a_lane_is_asked_for_at_once_and_comes_up),
	    TEST(test_a_lane_goes_on_at_the_address_of_a_new_config),
	    TEST(test_a_refusal_is_followed_by_longer_and_longer_waits),
	    TEST(test_a_start_is_sent_until_it_is_answered),
	    TEST(test_an_answer_counts_once),
	    TEST(test_an_answer_of_another_tunnel_is_dropped),
	    TEST(test_an_unknown_tunnel_makes_keys_ask_anew),
	    TEST(test_new_keys_are_asked_what_the_old_ones_were),
	    TEST(test_a_lane_that_is_alive_goes_on),
	    TEST(test_a_lane_that_is_lost_ends_its_flows),
	    TEST(test_a_peer_that_is_gone_is_not_dialled),
	};

	if (worker_process_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
