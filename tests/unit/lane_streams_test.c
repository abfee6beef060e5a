/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lane_reset_streams() of tunnel/lane.c: TCP flows end on a lane that is down, and what the peer hears when it heals. */
#include "tests/unit/cmocka_all.h"
#include "tests/unit/lane_pair.h"
#include "tunnel/limits.h"

static struct pair pair;
static struct app_flow *busy, *fresh, *datagrams;

/* A lane that is down, with a TCP flow under way, one that the peer never heard of, and a UDP flow. */
static void cut_lane(void)
{
	pair_init(&pair, &(struct pair_options){.seed = 3, .delay_us = 20000});
	pair.endpoint.echo = true;
	busy = pair_open(&pair, FLOW_TCP);
	app_write(busy, 1000000, false);
	datagrams = pair_open(&pair, FLOW_UDP);
	assert_int_equal(app_send_datagram(datagrams, 100), 0);
	pair_run(&pair, 200000);
	pair.listener.is_cut = pair.endpoint.is_cut = true;
	fresh = pair_open(&pair, FLOW_TCP);
	app_write(fresh, 1000, true);
	pair_run(&pair, 3000000);
	assert_int_equal(lane_state(pair.listener.lane), LANE_DOWN);
}

static size_t reset_streams(void)
{
	return lane_reset_streams(pair.listener.lane, REASON_LANE_LOST, pair.now_us);
}

static void tcp_flows_end_at_once_and_once(void **state)
{
	(void)state;
	cut_lane();
	assert_int_equal(reset_streams(), 2);
	assert_true(busy->is_closed && fresh->is_closed);
	assert_int_equal(busy->closed_reason, REASON_LANE_LOST);
	assert_false(datagrams->is_closed);
	assert_int_equal(pair.listener.closed, 2);
	assert_int_equal(reset_streams(), 0);
	pair_run(&pair, LANE_OVER_US);
	assert_int_equal(lane_state(pair.listener.lane), LANE_OVER);
	assert_int_equal(pair.listener.closed, 3); /* and the UDP flow */
	assert_int_equal(reset_streams(), 0);
	pair_free(&pair);
}

static void a_peer_that_was_there_hears_of_it(void **state)
{
	struct app_flow *after;
	uint64_t id;

	(void)state;
	cut_lane();
	id = busy->id;
	assert_int_equal(reset_streams(), 2);
	pair.listener.is_cut = pair.endpoint.is_cut = false;
	pair_run(&pair, 3000000);
	assert_int_equal(lane_state(pair.listener.lane), LANE_UP);
	assert_true(side_find(&pair.endpoint, id)->is_closed);
	assert_int_equal(side_find(&pair.endpoint, id)->reset_reason, REASON_LANE_LOST);
	assert_int_equal(pair.listener.closed, 2);
	assert_false(datagrams->is_closed);
	after = pair_open(&pair, FLOW_TCP);
	app_write(after, 5000, true);
	pair_run(&pair, 1000000);
	assert_int_equal(after->received, 5000);
	assert_true(after->is_closed);
	pair_free(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tcp_flows_end_at_once_and_once),
	    cmocka_unit_test(a_peer_that_was_there_hears_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
