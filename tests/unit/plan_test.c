/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of control/plan.c and plan_run.c, beside api_apply_test: what restoring allows. */
#include "config.h"

#include "control/plan.h"

#include "tests/unit/installation_fixture.h"

static struct plan plan;

/* Of main.c; plans ask for no time. */
uint64_t control_now_ms(void)
{
	return 0;
}

uint64_t control_steady_ms(void)
{
	return 0;
}

static void make(const char *items, unsigned flags)
{
	json_t *json = json_loads(items, 0, NULL);

	assert_non_null(json);
	plan_make(&plan, &fixture, json, flags);
	json_decref(json);
}

#define GONE                                                                                       \
	"[{\"kind\": \"Accelerator\", \"name\": \"old\", \"protocol\": \"tcp\", \"ports\": "       \
	"[\"90\"],"                                                                                \
	" \"listen\": [\"paris\"], \"endpoint_groups\": [{\"region\": \"oslo\", \"backends\":"     \
	" [{\"host\": \"::1\"}]}]},"                                                               \
	" {\"kind\": \"Tunnel\", \"listener\": \"par-1\", \"endpoint\": \"osl-1\", \"trace\": "    \
	"true}]"

/* What was in force may lean on nodes that are gone; what is new may not. */
static void restoring_warns(void **state)
{
	(void)state;
	make(GONE, 0);
	assert_int_equal(json_array_size(plan.faults), 2);
	plan_clear(&plan);
	make(GONE, PLAN_RESTORE | PLAN_PRUNE);
	assert_int_equal(json_array_size(plan.faults), 0);
	assert_int_equal(json_array_size(plan.warnings), 2);
	assert_int_equal(plan.step_count, 4);
	assert_int_equal(plan.steps[0].action, PLAN_CREATED);
	assert_int_equal(plan.steps[1].action, PLAN_UNCHANGED);
	assert_int_equal(plan.steps[2].action, PLAN_DELETED);
	assert_int_equal(plan.steps[3].action, PLAN_DELETED);
	plan_clear(&plan);
}

static void a_summary(void **state)
{
	char text[64];

	(void)state;
	make(GONE, PLAN_RESTORE | PLAN_PRUNE);
	assert_true(plan_changes_something(&plan));
	assert_string_equal(plan_summary(&plan, text, sizeof text), "1 created, 2 deleted");
	plan_clear(&plan);
	make("[]", 0);
	assert_false(plan_changes_something(&plan));
	assert_string_equal(plan_summary(&plan, text, sizeof text), "nothing changed");
	plan_clear(&plan);
}

static void too_many_objects(void **state)
{
	json_t *items = json_array();

	(void)state;
	for (int i = 0; i <= PLAN_ITEMS_MAX; i++)
		json_array_append_new(items, json_object());
	plan_make(&plan, &fixture, items, 0);
	assert_int_equal(json_array_size(plan.faults), 1);
	plan_clear(&plan);
	json_decref(items);
}

/* Comparing each with all would be work without an end; one fault says what is to be done first. */
static void too_many_are_not_compared(void **state)
{
	json_t *items = json_array();

	(void)state;
	for (int i = 0; i <= ACCELERATORS_MAX; i++)
		json_array_append_new(
		    items, json_pack("{s:s, s:o, s:s, s:[s], s:[s], s:[{s:s, s:[{s:s}]}]}", "kind",
		               "Accelerator", "name", json_sprintf("a%d", i), "protocol", "tcp",
		               "ports", "9999", "listen", "nowhere", "endpoint_groups", "region",
		               "oslo", "backends", "host", "::1"));
	plan_make(&plan, &fixture, items, PLAN_PRUNE);
	assert_int_equal(json_array_size(plan.faults), 1);
	assert_string_equal(
	    json_string_value(json_object_get(json_array_get(plan.faults, 0), "pointer")),
	    "/items");
	json_decref(items);
	plan_clear(&plan);
}

#define PLAN_TEST(f) cmocka_unit_test_setup_teardown(f, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    PLAN_TEST(restoring_warns),
	    PLAN_TEST(a_summary),
	    PLAN_TEST(too_many_objects),
	    PLAN_TEST(too_many_are_not_compared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
