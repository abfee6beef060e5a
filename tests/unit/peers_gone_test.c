/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of net/peers_gone.c: a real lane, and what control says of its peer. */
#include "config.h"

#include "net/peers_gone.c"

#include "tests/unit/cmocka_all.h"
#include "tests/unit/lane_pair.h"

static struct pair pair;
static struct worker worker;
static struct page page;
static struct carried carried;
static struct app_flow *flow;

static int setup(void **state)
{
	(void)state;
	pair_init(&pair, &(struct pair_options){.seed = 1, .delay_us = 10000});
	flow = pair_open(&pair, FLOW_TCP);
	app_write(flow, 1000, false);
	pair_run(&pair, 500000);
	memset(&page, 0, sizeof page);
	worker = (struct worker){.page = &page};
	carried = (struct carried){.shown = {.lane = pair.listener.lane, .peer_name = "osl-1"}};
	list_init(&worker.lanes.all);
	list_init(&worker.lanes.busy);
	list_init(&carried.busy);
	list_add_tail(&worker.lanes.all, &carried.node);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pair_free(&pair);
	return 0;
}

static void cut(uint64_t us)
{
	pair.listener.is_cut = pair.endpoint.is_cut = true;
	pair_run(&pair, us);
}

/* What main makes of control's message, and the worker of that; how many flows are reset by now. */
static uint64_t hear(const char *name, uint64_t report_us)
{
	struct name nodes[] = {{"rom-1"}, {""}};
	struct message_gone gone = {report_us, nodes, 2};
	struct peer_gone *peers;

	strcpy(nodes[1].text, name);
	worker.now_us = pair.now_us;
	peers = peers_gone_take(&gone, pair.now_us);
	if (peers) {
		struct ipc_message message = {
		    .data = (const uint8_t *)peers, .length_bytes = 2 * sizeof *peers};
		assert_int_equal(peers_gone_on_message(NULL, &worker, &message), 0);
	}
	free(peers);
	return page_get(&page, PAGE_tcp_flows_dead_peer);
}

static void test_a_lane_that_is_down_loses_its_tcp_flows(void **state)
{
	(void)state;
	cut(2000000);
	assert_int_equal(hear("osl-2", pair.now_us), 0);
	assert_false(flow->is_closed);
	assert_int_equal(hear("osl-1", pair.now_us), 1);
	assert_true(flow->is_closed);
	assert_int_equal(flow->closed_reason, REASON_LANE_LOST);
	assert_true(list_is_linked(&carried.busy));
	assert_int_equal(hear("osl-1", pair.now_us), 1);
}

static void test_a_lane_that_answers_does_not(void **state)
{
	(void)state;
	assert_int_equal(hear("osl-1", pair.now_us), 0);
	assert_false(flow->is_closed);
}

static void test_a_lane_that_is_suspected_does_not(void **state)
{
	(void)state;
	cut(400000);
	assert_int_equal(lane_state(pair.listener.lane), LANE_SUSPECT);
	assert_int_equal(hear("osl-1", pair.now_us), 0);
	assert_false(flow->is_closed);
}

/* Control knew of the silence before the last packet, or speaks of long ago, or of what is not yet. */
static void test_old_words_end_nothing(void **state)
{
	uint64_t before = pair.now_us - 100000;

	(void)state;
	cut(2000000);
	assert_int_equal(hear("osl-1", before), 0);
	cut(2000000);
	assert_int_equal(hear("osl-1", pair.now_us - PEERS_GONE_FRESH_US), 0);
	assert_int_equal(hear("osl-1", pair.now_us + 1), 0);
	assert_false(flow->is_closed);
	assert_int_equal(hear("osl-1", pair.now_us - PEERS_GONE_FRESH_US + 1), 1);
}

static void test_a_message_of_another_size_is_malformed(void **state)
{
	struct peer_gone peer = {.name = "osl-1"};
	struct ipc_message message = {
	    .data = (const uint8_t *)&peer, .length_bytes = sizeof peer - 1};

	(void)state;
	assert_int_equal(peers_gone_on_message(NULL, &worker, &message), ERR_MALFORMED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_lane_that_is_down_loses_its_tcp_flows),
	    TEST(a_lane_that_answers_does_not),
	    TEST(a_lane_that_is_suspected_does_not),
	    TEST(old_words_end_nothing),
	    TEST(a_message_of_another_size_is_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
