/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When a lane sends the padding of tunnel/warm_up.h, by what left both sides of a line of 40 ms. */
#include "config.h"

#include "tests/unit/cmocka_all.h"
#include "tests/unit/lane_pair.h"
#include "tunnel/path_limits.h"

/* Little: pings each 20 ms, full packets while loss is not known. */
enum { DELAY_US = 20000, SECOND_US = 1000000, LITTLE_BYTES = 200000, MUCH_BYTES = 1000000 };

static struct pair pair;

static uint64_t sent(const struct app_side *side)
{
	struct lane_stats stats;

	lane_get_stats(side->lane, &stats);
	return stats.bytes_sent;
}

/* The listener begins when the endpoint is through, as each would spoil the other's ACKs. */
static void the_endpoint_is_first(void **state)
{
	(void)state;
	pair_init(&pair, &(struct pair_options){.delay_us = DELAY_US});
	pair_run(
	    &pair, (WARM_UP_LISTENER_RTTS - 6) * 2 * DELAY_US); /* beside what pair_init() took */
	assert_in_range(sent(&pair.endpoint), MUCH_BYTES, WARM_UP_MOST_BYTES + 2 * LITTLE_BYTES);
	assert_in_range(sent(&pair.listener), 0, LITTLE_BYTES);
	pair_run(&pair, 2 * SECOND_US);
	assert_in_range(sent(&pair.listener), MUCH_BYTES, WARM_UP_MOST_BYTES + 2 * LITTLE_BYTES);
	pair_free(&pair);
}

static void not_beside_a_flow(void **state)
{
	struct app_flow *app;

	(void)state;
	pair_init(&pair, &(struct pair_options){.delay_us = DELAY_US});
	app = pair_open(&pair, FLOW_TCP);
	app_write(app, 100, false);
	pair_run(
	    &pair, 100000); /* the endpoint heard of it after 20 ms, some packets went before */
	uint64_t before = sent(&pair.endpoint);
	pair_run(&pair, SECOND_US);
	assert_in_range(sent(&pair.endpoint) - before, 0, LITTLE_BYTES);
	app_write(app, 0, true);
	app_write(side_find(&pair.endpoint, app->id), 0, true);
	assert_true(pair_run_until_closed(&pair, SECOND_US));
	pair_run(&pair, 2 * SECOND_US);
	assert_in_range(sent(&pair.endpoint) - before, MUCH_BYTES, 2 * WARM_UP_MOST_BYTES);
	pair_free(&pair);
}

static void keep(void *context, const struct path_share_record *record)
{
	*(struct path_share_record *)context = *record;
}

/* By which they know that it does not warm up, also while the flow is silent. */
static void siblings_are_told_of_a_flow(void **state)
{
	struct path_share_record told = {.is_taken = 2};
	struct app_flow *app;

	(void)state;
	pair_init(&pair,
	    &(struct pair_options){.delay_us = DELAY_US, .siblings = {NULL, keep, &told, 0}});
	assert_int_equal(told.is_taken, 0);
	app = pair_open(&pair, FLOW_TCP);
	app_write(app, 100, false);
	pair_run(&pair, SECOND_US);
	assert_int_equal(told.is_taken, 1);
	app_write(app, 0, true);
	app_write(side_find(&pair.endpoint, app->id), 0, true);
	assert_true(pair_run_until_closed(&pair, SECOND_US));
	pair_run(&pair, SECOND_US);
	assert_int_equal(told.is_taken, 0);
	pair_free(&pair);
}

static void not_for_a_controller_that_would_not_learn(void **state)
{
	static const enum lane_congestion kinds[] = {LANE_CUBIC, LANE_FIXED};

	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		pair_init(&pair, &(struct pair_options){.delay_us = DELAY_US});
		assert_int_equal(
		    lane_set_congestion(pair.endpoint.lane, kinds[i], 1000000, pair.now_us), 0);
		uint64_t before = sent(&pair.endpoint); /* some packets went as it came up */
		pair_run(&pair, 3 * SECOND_US);
		assert_in_range(sent(&pair.endpoint) - before, 0, LITTLE_BYTES);
		pair_free(&pair);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_endpoint_is_first),
	    cmocka_unit_test(not_beside_a_flow),
	    cmocka_unit_test(siblings_are_told_of_a_flow),
	    cmocka_unit_test(not_for_a_controller_that_would_not_learn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
