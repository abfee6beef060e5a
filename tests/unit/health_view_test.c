/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What endpoints told: only of the config's, the newest of each lane, and over a change of config. */
#include "config.h"

#include "tests/unit/cmocka_all.h"

#include "base/keyed_hash.h"
#include "listener/health_view.h"

static struct name endpoints[] = {{"osl-1"}, {"osl-2"}};
static struct config_group groups[] = {
    {.region = "oslo", .endpoints = endpoints, .endpoint_count = 2}};
static struct config_accelerator accelerators[] = {
    {.id = 1, .groups = groups, .group_count = 1}, {.id = 2, .groups = groups, .group_count = 1}};
static const struct node_config both = {.accelerators = accelerators, .accelerator_count = 2};
static const struct node_config one = {.accelerators = accelerators, .accelerator_count = 1};
static struct health_view *view;

static int setup(void **state)
{
	(void)state;
	keyed_hash_init();
	return health_view_new(&view, &both, NULL);
}

static int teardown(void **state)
{
	(void)state;
	health_view_free(view);
	return 0;
}

static void what_is_told_is_known(void **state)
{
	(void)state;
	assert_int_equal(health_view_of(view, "osl-1", 1), HEALTH_UNKNOWN);
	assert_true(health_view_take(view, "osl-1", 1, 5, 1, HEALTH_UNHEALTHY));
	assert_int_equal(health_view_of(view, "osl-1", 1), HEALTH_UNHEALTHY);
	assert_int_equal(health_view_of(view, "osl-2", 1), HEALTH_UNKNOWN);
	assert_int_equal(health_view_of(view, "osl-1", 2), HEALTH_UNKNOWN);
}

static void old_news_of_a_lane_is_left_out(void **state)
{
	(void)state;
	assert_true(health_view_take(view, "osl-1", 1, 5, 9, HEALTH_UNHEALTHY));
	assert_false(health_view_take(view, "osl-1", 1, 5, 8, HEALTH_HEALTHY));
	assert_false(health_view_take(view, "osl-1", 1, 5, 9, HEALTH_HEALTHY));
	assert_int_equal(health_view_of(view, "osl-1", 1), HEALTH_UNHEALTHY);
	assert_true(health_view_take(view, "osl-1", 1, 6, 1, HEALTH_HEALTHY)); /* another lane */
	assert_int_equal(health_view_of(view, "osl-1", 1), HEALTH_HEALTHY);
}

static void what_the_config_has_not_is_not_kept(void **state)
{
	struct health_view *next;

	(void)state;
	assert_false(health_view_take(view, "rom-1", 1, 5, 1, HEALTH_UNHEALTHY));
	assert_false(health_view_take(view, "osl-1", 3, 5, 1, HEALTH_UNHEALTHY));
	assert_int_equal(health_view_of(view, "osl-1", 3), HEALTH_UNKNOWN);
	health_view_take(view, "osl-1", 1, 5, 4, HEALTH_UNHEALTHY);
	health_view_take(view, "osl-1", 2, 5, 5, HEALTH_UNHEALTHY);
	assert_int_equal(health_view_new(&next, &one, view), 0);
	health_view_free(view);
	view = next;
	assert_int_equal(health_view_of(view, "osl-1", 1), HEALTH_UNHEALTHY);
	assert_int_equal(health_view_of(view, "osl-1", 2), HEALTH_UNKNOWN);
	assert_false(health_view_take(view, "osl-1", 1, 5, 3, HEALTH_HEALTHY));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(what_is_told_is_known, setup, teardown),
	    cmocka_unit_test_setup_teardown(old_news_of_a_lane_is_left_out, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_the_config_has_not_is_not_kept, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
