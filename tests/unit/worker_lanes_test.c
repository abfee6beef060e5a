/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of net/worker_lanes.c: packets to their lanes by connection id, goodbyes, and the page. */
#include "config.h"

#include "net/worker_lanes.h"

#include "net/pacing_timer.h"
#include "tests/support/worker_process.h"
#include "tests/unit/cmocka_all.h"

#include <string.h>

enum { SLOT_SHIFT = 24 };

static struct worker_process process;
static const struct lane_name first = {11, 1};
static uint32_t worker_id; /* the connection id that the worker receives with */

static uint64_t counted(enum page_value value)
{
	return worker_process_counted(&process, value);
}

/* The worker is a listener's, with its lane up. */
static int setup(void **state)
{
	struct start start;

	(void)state;
	worker_process_start(&process, NODE_LISTENER);
	WORKER_PROCESS_UNTIL(&process, process.requests == 1);
	worker_process_grant(&process, &first);
	WORKER_PROCESS_UNTIL(&process, process.far.packets == 1);
	assert_int_equal(
	    start_read(&start, process.far.packet, process.far.packet_length), HANDSHAKE_FINE);
	worker_id = start.connection_id;
	far_node_answer_start(&process, &first, STARTED_NEW);
	WORKER_PROCESS_UNTIL(
	    &process, process.far.state == LANE_UP && counted(PAGE_lanes_opened) == 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	worker_process_stop(&process);
	return process.status; /* a worker that crashed, or a sanitizer that spoke */
}

static void say_hello(void)
{
	struct worker_socket socket = {.kind = WORKER_SOCKET_UDP_USERS};
	unsigned before = process.far.datagrams;

	addr_parse("192.0.2.1:1000", 0, &socket.local);
	assert_int_equal(ipc_send(process.main, WORKER_MESSAGE_SOCKET, &socket, sizeof socket), 0);
	WORKER_PROCESS_UNTIL(&process, process.far.datagrams == before + 1);
}

/* The last sealed packet that went to the worker. */
static size_t last_sealed(uint8_t packet[PACKET_MAX_BYTES])
{
	WORKER_PROCESS_UNTIL(&process, process.far.sent_length > 0);
	memcpy(packet, process.far.sent, process.far.sent_length);
	return process.far.sent_length;
}

static void test_a_connection_id_bears_the_slot(void **state)
{
	(void)state;
	assert_int_equal(worker_id >> SLOT_SHIFT, 0);
	assert_true((worker_id & (LANES_MAX - 1)) != 0);
}

static void test_packets_of_no_lane_are_counted(void **state)
{
	uint8_t packet[PACKET_MAX_BYTES];
	size_t length = last_sealed(packet);

	(void)state;
	packet[4] ^= 1; /* another place of the table */
	far_node_send(&process, packet, length);
	packet[4] ^= 1;
	packet[2] ^= 1; /* the same place, and another random part */
	far_node_send(&process, packet, length);
	far_node_send(&process, packet, 4); /* no connection id at all */
	far_node_send(&process, packet, 0);
	WORKER_PROCESS_UNTIL(&process, counted(PAGE_packets_unknown) == 4);
	assert_int_equal(counted(PAGE_packets_forged), 0);
	say_hello();
}

/* Each with a number that did not come yet, since what came is looked at first. */
static void test_a_changed_packet_is_forged(void **state)
{
	uint8_t packet[PACKET_MAX_BYTES];
	size_t length = last_sealed(packet);
	uint64_t sent = 0;

	(void)state;
	packet[9] ^= 1; /* of the packet number */
	for (size_t at = 12; at < length; at += 5, sent++) {
		packet[at] ^= 0x10;
		far_node_send(&process, packet, length);
		packet[at] ^= 0x10;
	}
	far_node_send(&process, packet, length);
	WORKER_PROCESS_UNTIL(&process, counted(PAGE_packets_forged) == sent + 1);
	assert_int_equal(counted(PAGE_packets_replayed), 0);
	say_hello();
}

static void test_a_packet_that_comes_again_is_a_replay(void **state)
{
	uint8_t packet[PACKET_MAX_BYTES];
	size_t length = last_sealed(packet);

	(void)state;
	for (int i = 0; i < 5; i++)
		far_node_send(&process, packet, length);
	WORKER_PROCESS_UNTIL(&process, counted(PAGE_packets_replayed) == 5);
	say_hello();
	assert_int_equal(process.told->closed_flows, 0);
}

/* Another process may be behind the lane's peer soon: it is told why, and loses nothing by it. */
static void test_a_worker_that_stops_says_so(void **state)
{
	(void)state;
	say_hello();
	worker_process_tell(&process, WORKER_MESSAGE_STOP);
	WORKER_PROCESS_UNTIL(&process, process.far.state == LANE_OVER);
	assert_int_equal(process.far.over_with, REASON_DRAINED);
	WORKER_PROCESS_UNTIL(&process, process.is_over);
	assert_int_equal(process.status, 0);
	assert_int_equal(process.told->closed_flows, 1);
	assert_int_equal(process.told->stops, 1);
}

/* The peer's goodbye ends the lane and its flows, and another one is asked for. */
static void test_a_peer_that_stops_ends_its_lane(void **state)
{
	unsigned asked = process.requests;

	(void)state;
	say_hello();
	lane_close(process.far.lane, REASON_DRAINED, "going", pacing_timer_now_us());
	WORKER_PROCESS_UNTIL(&process, process.told->closed_flows == 1);
	assert_int_equal(process.told->closed_with, REASON_DRAINED);
	WORKER_PROCESS_UNTIL(&process, counted(PAGE_lanes_lost) == 1);
	WORKER_PROCESS_UNTIL(&process, process.requests > asked);
	WORKER_PROCESS_UNTIL(&process, counted(PAGE_lanes_up) == 0);
}

static bool shown(struct page_lane_state *state)
{
	return page_lane_read(process.page, 0, state);
}

static void test_the_page_tells_of_the_lane(void **state)
{
	struct page_lane_state lane;

	(void)state;
	say_hello();
	WORKER_PROCESS_UNTIL(&process, shown(&lane) && lane.is_up && lane.rtt_min_us > 0);
	assert_string_equal(lane.peer_name, "far");
	assert_int_equal(lane.lane, 0);
	assert_int_equal(lane.slot, worker_id >> SLOT_SHIFT);
	assert_true(lane.since_ms > UINT64_C(1700000000000));
	assert_int_equal(counted(PAGE_lanes_up), 1);
	assert_true(counted(PAGE_tunnel_packets_sent) > 0);
	assert_true(counted(PAGE_tunnel_received_bytes) > 0);
	process.far.is_deaf = true;
	WORKER_PROCESS_UNTIL(&process, shown(&lane) && !lane.is_up);
	assert_int_equal(counted(PAGE_lanes_up), 0);
}

/* A tunnel that leaves is none that control knows of. */
static void test_a_lane_that_leaves_is_not_shown(void **state)
{
	struct page_lane_state lane;

	(void)state;
	say_hello();
	WORKER_PROCESS_UNTIL(&process, shown(&lane));
	worker_process_send_config(&process, false, 60);
	WORKER_PROCESS_UNTIL(&process, !shown(&lane));
	assert_int_equal(process.far.state, LANE_UP);
	assert_int_equal(process.told->closed_flows, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_a_connection_id_bears_the_slot),
	    TEST(test_packets_of_no_lane_are_counted),
	    TEST(test_a_changed_packet_is_forged),
	    TEST(test_a_packet_that_comes_again_is_a_replay),
	    TEST(test_a_worker_that_stops_says_so),
	    TEST(test_a_peer_that_stops_ends_its_lane),
	    TEST(test_the_page_tells_of_the_lane),
	    TEST(test_a_lane_that_leaves_is_not_shown),
	};

	if (worker_process_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
