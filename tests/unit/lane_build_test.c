/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a packet bears: all of a request in one, datagrams together, and what of it a repair can bring back. */
#include "config.h"

#include "tunnel/lane_build.h"

#include "tests/unit/cmocka_all.h"
#include "tests/unit/lane_pair.h"
#include "tunnel/lane_private.h"

enum { MS = 1000 };

static struct pair pair;

static struct lane_stats stats_of(const struct app_side *side)
{
	struct lane_stats stats;

	lane_get_stats(side->lane, &stats);
	return stats;
}

/* A pair whose loss towards the endpoint is known to be that. */
static void begin(double loss)
{
	pair_init(&pair, &(struct pair_options){.delay_us = 50 * MS});
	pair.endpoint.loss = loss;
	pair_run(&pair, 10000 * MS);
}

static void a_request_and_its_open_are_one_packet(void **state)
{
	uint64_t before;

	(void)state;
	begin(0);
	before = stats_of(&pair.listener).packets_sent;
	app_write(pair_open(&pair, FLOW_TCP), 800, true);
	pair_run(&pair, 1 * MS);
	assert_int_equal(stats_of(&pair.listener).packets_sent, before + 1);
	pair_run(&pair, 60 * MS);
	assert_int_equal(pair.endpoint.opened, 1);
	assert_true(pair.endpoint.flows->got_finish);
	pair_free(&pair);
}

static void small_datagrams_share_a_packet(void **state)
{
	struct app_flow *app;
	uint64_t before;

	(void)state;
	begin(0);
	app = pair_open(&pair, FLOW_UDP);
	before = stats_of(&pair.listener).packets_sent;
	for (int i = 0; i < 5; i++)
		assert_int_equal(app_send_datagram(app, 120), 0);
	pair_run(&pair, 1 * MS);
	assert_int_equal(stats_of(&pair.listener).packets_sent, before + 1);
	pair_run(&pair, 60 * MS);
	assert_int_equal(side_find(&pair.endpoint, app->id)->datagrams, 5);
	pair_free(&pair);
}

/* Protected packets of a stream of so many bytes, of about 1,100 each. */
static uint64_t protected_of(enum flow_class class, uint8_t budget_pct, uint64_t bytes)
{
	struct app_flow *app;
	uint64_t before;

	begin(0.05);
	before = stats_of(&pair.listener).packets_protected;
	app = pair_open(&pair, FLOW_TCP);
	flow_set_policy(
	    app->flow, &(struct flow_policy){.class = class, .repair_budget_pct = budget_pct});
	app_write(app, bytes, true);
	pair_run(&pair, 20000 * MS);
	before = stats_of(&pair.listener).packets_protected - before;
	pair_free(&pair);
	return before;
}

static void bulk_is_not_protected_but_at_its_end(void **state)
{
	(void)state;
	assert_in_range(protected_of(CLASS_INTERACTIVE, 30, 550000), 480, 600);
	assert_in_range(protected_of(CLASS_BULK, 30, 550000), 1, 100);
	assert_int_equal(protected_of(CLASS_INTERACTIVE, 0, 550000), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_request_and_its_open_are_one_packet),
	    cmocka_unit_test(small_datagrams_share_a_packet),
	    cmocka_unit_test(bulk_is_not_protected_but_at_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
