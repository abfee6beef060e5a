/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of net/node_ready.c: each reason alone, and what is none. */
#include "config.h"

#include "net/node_ready.h"

#include "tests/unit/cmocka_all.h"

#include <string.h>

static const struct node_ready_facts fine = {.is_listener = true,
    .has_keys = true,
    .has_joined = true,
    .has_config = true,
    .workers = 2,
    .workers_serving = 2,
    .accelerators = 1,
    .lanes_up = 2};

/* "" when it is ready, else the only reason. */
static const char *reason(struct node_ready_facts facts)
{
	static struct node_ready_reasons reasons;

	node_ready_judge(&facts, &reasons);
	assert_true(reasons.count <= 1);
	return reasons.count ? reasons.list[0] : "";
}

#define WITH(change)                                                                               \
	({                                                                                         \
		struct node_ready_facts facts = fine;                                              \
		facts.change;                                                                      \
		reason(facts);                                                                     \
	})

static void test_ready(void **state)
{
	(void)state;
	assert_string_equal(reason(fine), "");
	assert_string_equal(WITH(has_joined = false), ""); /* it has a config */
}

static void test_each_reason(void **state)
{
	struct node_ready_facts none = fine;

	(void)state;
	assert_non_null(strstr(WITH(is_stopping = true), "ending"));
	assert_non_null(strstr(WITH(has_keys = false), "keys process"));
	assert_string_equal(
	    WITH(workers_serving = 1), "1 of 2 workers serve by the config in force");
	assert_non_null(strstr(WITH(is_draining = true), "drains"));
	assert_non_null(strstr(WITH(lanes_up = 0), "no lane"));
	none.has_config = false;
	assert_non_null(strstr(reason(none), "there is no config"));
	none.has_joined = false;
	assert_non_null(strstr(reason(none), "join"));
	none.is_config_waiting = true;
	assert_non_null(strstr(reason(none), "saved config"));
}

/* An endpoint is asked for lanes, and a listener without accelerators needs none. */
static void test_who_needs_no_lane(void **state)
{
	struct node_ready_facts facts = fine;

	(void)state;
	facts.lanes_up = 0;
	facts.accelerators = 0;
	assert_string_equal(reason(facts), "");
	facts.accelerators = 1;
	facts.is_listener = false;
	assert_string_equal(reason(facts), "");
}

static void test_all_reasons_at_once(void **state)
{
	struct node_ready_facts facts = {.is_listener = true,
	    .is_stopping = true,
	    .has_config = true,
	    .is_draining = true,
	    .workers = 1,
	    .accelerators = 1};
	struct node_ready_reasons reasons;

	(void)state;
	node_ready_judge(&facts, &reasons);
	assert_int_equal(reasons.count, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ready),
	    cmocka_unit_test(test_each_reason),
	    cmocka_unit_test(test_who_needs_no_lane),
	    cmocka_unit_test(test_all_reasons_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
