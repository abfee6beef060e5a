/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of net/worker_accept.c: what an endpoint's worker makes of a listener's STARTs. */
#include "config.h"

#include "net/worker_accept.h"

#include "net/pacing_timer.h"
#include "tests/support/worker_process.h"
#include "tests/unit/cmocka_all.h"

#include <string.h>

static struct worker_process process;
static const struct lane_name first = {11, 1}, second = {11, 2};

static int setup(void **state)
{
	(void)state;
	worker_process_start(&process, NODE_ENDPOINT);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	start_attempt_end(&process.far.attempt);
	worker_process_stop(&process);
	return process.status; /* a worker that crashed, or a sanitizer that spoke */
}

static uint64_t opened(void)
{
	return worker_process_counted(&process, PAGE_lanes_opened);
}

/* From START to STARTED, by way of keys. */
static enum started_status started(const struct lane_name *name, const struct lane_name *old)
{
	unsigned forwarded = process.forwarded, packets = process.far.packets;

	far_node_start(&process, name, old);
	WORKER_PROCESS_UNTIL(&process, process.forwarded > forwarded);
	worker_process_grant(&process, name);
	WORKER_PROCESS_UNTIL(&process, process.far.packets > packets);
	return far_node_read_started(&process, name);
}

static void bring_up(const struct lane_name *name, const struct lane_name *old)
{
	uint64_t before = opened();

	assert_int_equal(started(name, old), STARTED_NEW);
	WORKER_PROCESS_UNTIL(&process, opened() == before + 1);
}

/* A datagram there and back by a flow that is opened for it, or was before. */
static void echo(void)
{
	unsigned before = process.far.datagrams;

	WORKER_PROCESS_UNTIL(&process, process.far.state == LANE_UP);
	if (!process.far.flow)
		far_node_open_flow(&process);
	far_node_send_datagram(&process, "hello");
	WORKER_PROCESS_UNTIL(&process, process.far.datagrams == before + 1);
}

static void test_a_start_becomes_a_lane(void **state)
{
	(void)state;
	bring_up(&first, NULL);
	echo();
	assert_int_equal(process.told->flows, 1);
}

/* The answer was lost: the same START gets the same bytes, and keys are not asked. */
static void test_a_start_that_comes_again_costs_nothing(void **state)
{
	uint8_t start[HANDSHAKE_PACKET_BYTES], answer[HANDSHAKE_PACKET_BYTES];
	size_t start_length, answer_length;

	(void)state;
	far_node_start(&process, &first, NULL);
	WORKER_PROCESS_UNTIL(&process, process.forwarded == 1);
	start_length = process.packet_length;
	memcpy(start, process.packet, start_length);
	worker_process_grant(&process, &first);
	WORKER_PROCESS_UNTIL(&process, process.far.packets == 1);
	answer_length = process.far.packet_length;
	memcpy(answer, process.far.packet, answer_length);
	far_node_read_started(&process, &first);
	echo();
	far_node_send(&process, start, start_length);
	WORKER_PROCESS_UNTIL(&process, process.far.packets == 2);
	assert_int_equal(process.far.packet_length, answer_length);
	assert_memory_equal(process.far.packet, answer, answer_length);
	assert_int_equal(process.forwarded, 1);
	echo();
	assert_int_equal(process.told->closed_flows, 0);
}

/* The listener lost its lane and says so by naming none. */
static void test_a_new_start_takes_the_old_lanes_place(void **state)
{
	(void)state;
	bring_up(&first, NULL);
	echo();
	bring_up(&second, NULL);
	assert_int_equal(process.told->closed_flows, 1);
	assert_int_equal(process.told->closed_with, REASON_PEER_RESTARTED);
	echo();
}

/* Both still hold the lane: it goes on, and no flow is lost. */
static void test_a_lane_that_both_hold_goes_on(void **state)
{
	(void)state;
	bring_up(&first, NULL);
	echo();
	assert_int_equal(started(&second, &first), STARTED_ALIVE);
	echo();
	assert_int_equal(process.told->flows, 1);
	assert_int_equal(process.told->closed_flows, 0);
	assert_int_equal(opened(), 1);
}

/* The old lane that it names is not the one that we hold. */
static void test_another_old_lane_is_not_alive(void **state)
{
	const struct lane_name wrong = {11, 7};

	(void)state;
	bring_up(&first, NULL);
	echo();
	assert_int_equal(started(&second, &wrong), STARTED_NEW);
	WORKER_PROCESS_UNTIL(&process, process.told->closed_flows == 1);
}

/* Keys learn first that the listener's daemon is another one. */
static void test_a_restarted_listener_loses_its_lanes(void **state)
{
	struct keyring_event event = {.door_id = process.far.door.id, .is_restart = true};

	(void)state;
	bring_up(&first, NULL);
	echo();
	assert_int_equal(ipc_send(process.keys, KEYS_MESSAGE_TUNNEL, &event, sizeof event), 0);
	WORKER_PROCESS_UNTIL(&process, process.far.state == LANE_OVER);
	assert_int_equal(process.far.over_with, REASON_PEER_RESTARTED);
	assert_int_equal(process.told->closed_flows, 1);
}

static void test_a_tunnel_made_anew_is_no_restart(void **state)
{
	struct keyring_event event = {.door_id = process.far.door.id};

	(void)state;
	bring_up(&first, NULL);
	assert_int_equal(ipc_send(process.keys, KEYS_MESSAGE_TUNNEL, &event, sizeof event), 0);
	worker_process_run(&process, 50);
	echo();
}

/* Flows may end by themselves for the drain time; the next config may say that it is over now. */
static void test_a_removed_listener_has_the_drain_time(void **state)
{
	(void)state;
	bring_up(&first, NULL);
	echo();
	worker_process_send_config(&process, false, 60);
	WORKER_PROCESS_UNTIL(&process, process.told->configs == 2);
	echo();
	worker_process_send_config(&process, false, 0);
	WORKER_PROCESS_UNTIL(&process, process.far.state == LANE_OVER);
	assert_int_equal(process.far.over_with, REASON_REMOVED);
	assert_int_equal(process.told->closed_flows, 1);
}

static void test_an_idle_lane_of_a_removed_listener_goes_at_once(void **state)
{
	(void)state;
	bring_up(&first, NULL);
	worker_process_send_config(&process, false, 60);
	WORKER_PROCESS_UNTIL(&process, process.far.state == LANE_OVER);
	assert_int_equal(process.far.over_with, REASON_REMOVED);
}

/* Keys grant what they were asked before the config took the listener away. */
static void test_a_grant_for_a_removed_listener_is_ignored(void **state)
{
	(void)state;
	far_node_start(&process, &first, NULL);
	WORKER_PROCESS_UNTIL(&process, process.forwarded == 1);
	worker_process_send_config(&process, false, 0);
	WORKER_PROCESS_UNTIL(&process, process.told->configs == 2);
	worker_process_grant(&process, &first);
	worker_process_run(&process, 50);
	assert_int_equal(process.far.packets, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_a_start_becomes_a_lane),
	    TEST(test_a_start_that_comes_again_costs_nothing),
	    TEST(test_a_new_start_takes_the_old_lanes_place),
	    TEST(test_a_lane_that_both_hold_goes_on),
	    TEST(test_another_old_lane_is_not_alive),
	    TEST(test_a_restarted_listener_loses_its_lanes),
	    TEST(test_a_tunnel_made_anew_is_no_restart),
	    TEST(test_a_removed_listener_has_the_drain_time),
	    TEST(test_an_idle_lane_of_a_removed_listener_goes_at_once),
	    TEST(test_a_grant_for_a_removed_listener_is_ignored),
	};

	if (worker_process_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
