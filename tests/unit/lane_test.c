/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lanes end to end: two of them in memory, under a virtual clock.  A failure repeats by its seed.
 */
#include "config.h"

#include "tests/unit/cmocka_all.h"
#include "tests/unit/lane_pair.h"
#include "tunnel/limits.h"

#define SECOND_US UINT64_C(1000000)

/* The flow at the endpoint that belongs to one of the listener. */
static struct app_flow *peer_of(struct pair *pair, const struct app_flow *app)
{
	struct app_flow *peer = side_find(&pair->endpoint, app->id);

	assert_non_null(peer);
	return peer;
}

static void lanes_come_up_and_stay(void **state)
{
	struct pair pair;
	struct lane_stats stats;

	(void)state;
	pair_init(&pair, &(struct pair_options){.delay_us = 20000});
	pair_run(&pair, 60 * SECOND_US);
	assert_int_equal(pair.listener.state, LANE_UP);
	assert_int_equal(pair.endpoint.state, LANE_UP);
	lane_get_stats(pair.listener.lane, &stats);
	assert_in_range(stats.rtt_min_us, 40000, 40500);
	assert_int_equal(stats.packets_lost, 0);
	/* A ping and an ack a second and side, or less where one carries the other. */
	assert_in_range(pair.endpoint.packets, 60, 200);
	assert_true(pair.listener.rtt_samples > 50);
	pair_free(&pair);
}

static void transfers_both_ways_and_closes(void **state)
{
	struct pair pair;
	struct app_flow *app;

	(void)state;
	pair_init(&pair, &(struct pair_options){.delay_us = 10000});
	pair.endpoint.echo = true;
	app = pair_open(&pair, FLOW_TCP);
	app_write(app, 3000000, true);
	assert_true(pair_run_until_closed(&pair, 20 * SECOND_US));
	assert_int_equal(app->received, 3000000);
	assert_true(app->got_finish);
	assert_int_equal(app->closed_reason, REASON_NONE);
	assert_int_equal(peer_of(&pair, app)->received, 3000000);
	assert_true(peer_of(&pair, app)->got_finish);
	pair_free(&pair);
}

static void survives_loss_reordering_and_duplication(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 10; seed++) {
		struct pair pair;
		struct app_flow *apps[5];

		pair_init(&pair, &(struct pair_options){.seed = seed});
		pair.endpoint.loss = pair.listener.loss = 0.05;
		pair.endpoint.reordering = pair.listener.reordering = 0.05;
		pair.endpoint.duplication = pair.listener.duplication = 0.02;
		pair.endpoint.echo = true;
		for (int i = 0; i < 5; i++) {
			apps[i] = pair_open(&pair, FLOW_TCP);
			app_write(apps[i], 200000 * ((uint64_t)i + 1), true);
		}
		if (!pair_run_until_closed(&pair, 120 * SECOND_US))
			fail_msg("not done in 120 s (seed %llu)", (unsigned long long)seed);
		for (int i = 0; i < 5; i++)
			assert_int_equal(apps[i]->received, 200000 * (i + 1));
		pair_free(&pair);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lanes_come_up_and_stay),
	    cmocka_unit_test(transfers_both_ways_and_closes),
	    cmocka_unit_test(survives_loss_reordering_and_duplication),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
