/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What endpoints told: the newest of each lane, over changes of config, and within bounds. */
#include "config.h"

#include "tests/unit/cmocka_all.h"

#include "base/keyed_hash.h"
#include "listener/health_view.h"

static struct name endpoints[] = {{"osl-1"}, {"osl-2"}};
static struct config_group groups[] = {
    {.region = "oslo", .endpoints = endpoints, .endpoint_count = 2}};
static struct config_accelerator accelerators[] = {
    {.id = 1, .groups = groups, .group_count = 1}, {.id = 2, .groups = groups, .group_count = 1}};
static struct config_peer peers[] = {{.name = "osl-1"}, {.name = "osl-2"}};
#define PEERS .peers = peers, .peer_count = 2
static const struct node_config both = {
    PEERS, .accelerators = accelerators, .accelerator_count = 2};
static const struct node_config one = {PEERS, .accelerators = accelerators, .accelerator_count = 1};
static const struct node_config none = {PEERS};
static const struct node_config nobody;
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

static void configure(const struct node_config *config)
{
	struct health_view *next;

	assert_int_equal(health_view_new(&next, config, view), 0);
	health_view_free(view);
	view = next;
}

/* An endpoint tells it once: of what comes by a later config, or went and comes again. */
static void what_the_config_has_not_waits_for_it(void **state)
{
	(void)state;
	configure(&one);
	assert_true(health_view_take(view, "osl-1", 2, 5, 1, HEALTH_UNHEALTHY));
	assert_true(health_view_take(view, "osl-1", 1, 5, 2, HEALTH_UNHEALTHY));
	configure(&none);
	assert_true(health_view_take(view, "osl-1", 1, 5, 4, HEALTH_HEALTHY));
	assert_false(health_view_take(view, "osl-1", 1, 5, 3, HEALTH_UNHEALTHY));
	configure(&none);
	configure(&both);
	assert_int_equal(health_view_of(view, "osl-1", 1), HEALTH_HEALTHY);
	assert_int_equal(health_view_of(view, "osl-1", 2), HEALTH_UNHEALTHY);
	assert_int_equal(health_view_of(view, "osl-2", 2), HEALTH_UNKNOWN);
	assert_false(health_view_take(view, "osl-1", 2, 5, 1, HEALTH_HEALTHY));
}

static void who_is_no_peer_is_forgotten(void **state)
{
	(void)state;
	health_view_take(view, "rom-1", 1, 6, 1, HEALTH_UNHEALTHY);
	health_view_take(view, "osl-2", 1, 5, 1, HEALTH_UNHEALTHY);
	assert_int_equal(health_view_of(view, "rom-1", 1), HEALTH_UNHEALTHY);
	configure(&nobody);
	configure(&both);
	assert_int_equal(health_view_of(view, "rom-1", 1), HEALTH_UNKNOWN);
	assert_int_equal(health_view_of(view, "osl-2", 1), HEALTH_UNKNOWN);
}

static void a_peer_that_tells_more_than_there_can_be(void **state)
{
	uint32_t first = 100, last = first + HEALTH_SPARES_MAX;

	(void)state;
	health_view_take(view, "osl-2", 50, 5, 1, HEALTH_UNHEALTHY);
	health_view_take(view, "osl-1", 1, 5, 1, HEALTH_UNHEALTHY);
	for (uint32_t id = first; id <= last; id++)
		assert_true(health_view_take(view, "osl-1", id, 5, id, HEALTH_UNHEALTHY));
	assert_int_equal(health_view_of(view, "osl-1", first), HEALTH_UNKNOWN);
	assert_int_equal(health_view_of(view, "osl-1", first + 1), HEALTH_UNHEALTHY);
	assert_int_equal(health_view_of(view, "osl-1", last), HEALTH_UNHEALTHY);
	assert_int_equal(health_view_of(view, "osl-1", 1), HEALTH_UNHEALTHY);
	assert_int_equal(health_view_of(view, "osl-2", 50), HEALTH_UNHEALTHY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(what_is_told_is_known, setup, teardown),
	    cmocka_unit_test_setup_teardown(old_news_of_a_lane_is_left_out, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_the_config_has_not_waits_for_it, setup, teardown),
	    cmocka_unit_test_setup_teardown(who_is_no_peer_is_forgotten, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        a_peer_that_tells_more_than_there_can_be, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
