/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --limit into an accelerator's body, and limits as a person sees them. */
#include "tests/unit/cmocka_all.h"

#include <string.h>

#include "cli/commands.h"
#include "cli/format.h"
#include "cli/limit_value.h"
#include "cli/value.h"

static struct invocation invocation;
static char error[VALUE_ERROR_BYTES];

static bool take(const char *first, const char *second, const json_t *current, json_t *body)
{
	char *words[] = {(char *)"trunkctl", (char *)"accelerator", (char *)"update", (char *)"web",
	    (char *)"--limit", (char *)first, (char *)"--limit", (char *)second};

	if (!command_parse(&trunkctl_commands,
	        second  ? 8
	        : first ? 6
	                : 4,
	        words, &invocation, error))
		fail_msg("%s", error);
	return limit_take(&invocation, current, body, error);
}

static json_int_t limit_of(const json_t *body, const char *whom, const char *what)
{
	const json_t *limits = json_object_get(body, "limits");

	return json_integer_value(json_object_get(json_object_get(limits, whom), what));
}

static void what_is_named_changes(void **state)
{
	json_t *current =
	    json_loads("{\"source\": {\"flows\": 7}, \"backend\": {\"flows\": 9}}", 0, NULL);
	json_t *body = json_object();

	(void)state;
	assert_true(
	    take("source.flows=5,accelerator.flows=1000000000", "backend.flows=0", current, body));
	assert_int_equal(limit_of(body, "source", "flows"), 5);
	assert_int_equal(limit_of(body, "accelerator", "flows"), 1000000000);
	assert_int_equal(limit_of(body, "backend", "flows"), 0);
	assert_true(take("accelerator.flows=3", NULL, current, body));
	assert_int_equal(limit_of(body, "source", "flows"), 7);
	assert_int_equal(
	    json_integer_value(json_object_get(json_object_get(current, "source"), "flows")), 7);
	json_decref(current);
	json_decref(body);
}

static void nothing_named_sets_nothing(void **state)
{
	json_t *body = json_object();

	(void)state;
	assert_true(take(NULL, NULL, NULL, body));
	assert_int_equal(json_object_size(body), 0);
	json_decref(body);
}

static void what_is_named_twice_is_told(void **state)
{
	json_t *body = json_object();

	(void)state;
	assert_false(take("source.flows=1,backend.flows=2,source.flows=3", NULL, NULL, body));
	assert_string_equal(error, "--limit: source.flows is named twice");
	assert_false(take("backend.bytes=1M", "backend.bytes=0", NULL, body));
	assert_string_equal(error, "--limit: backend.bytes is named twice");
	json_decref(body);
}

static void what_is_wrong_is_told(void **state)
{
	static const char *const unknown[] = {"source", "source.flow=1", "user.flows=1", "=1",
	    "source.flows=1,",
	    "source.flows.source.flows.source.flows.source.flows.source.flows=1"};

	(void)state;
	for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
		json_t *body = json_object();

		assert_false(take(unknown[i], NULL, NULL, body));
		assert_non_null(
		    strstr(error, "wants LIMIT=N, with one of source.flows, source.new-flows, "));
		json_decref(body);
	}
	json_t *body = json_object();
	assert_false(take("source.flows=1000000001", NULL, NULL, body));
	assert_string_equal(error,
	    "--limit source.flows \"1000000001\": wants a whole number from 0 to 1000000000");
	assert_false(take("backend.bytes=65535", NULL, NULL, body));
	assert_string_equal(error,
	    "--limit backend.bytes \"65535\": wants bytes a second, as 500K or 20M, "
	    "from 64K to 10000000000, or 0 for no limit");
	assert_false(take("backend.bytes=10000000001", NULL, NULL, body));
	json_decref(body);
}

static void rates_are_taken(void **state)
{
	json_t *body = json_object();

	(void)state;
	assert_true(take("source.new-flows=20,source.bytes=64K",
	    "accelerator.new-flows=7,accelerator.bytes=2M,backend.bytes=10000000000", NULL, body));
	assert_int_equal(limit_of(body, "source", "new_flows_per_s"), 20);
	assert_int_equal(limit_of(body, "source", "bytes_per_s"), 65536);
	assert_int_equal(limit_of(body, "accelerator", "new_flows_per_s"), 7);
	assert_int_equal(limit_of(body, "accelerator", "bytes_per_s"), 2 << 20);
	assert_int_equal(limit_of(body, "backend", "bytes_per_s"), INT64_C(10000000000));
	json_decref(body);
}

static void limits_are_shown(void **state)
{
	char buf[FORMAT_BYTES];
	json_t *some = json_loads("{\"source\": {\"flows\": 7}, \"accelerator\": {\"flows\": 0}, "
	                          "\"backend\": {\"flows\": 9}}",
	    0, NULL);

	(void)state;
	assert_string_equal(limit_format(some, buf), "source.flows=7, backend.flows=9");
	assert_string_equal(limit_format(NULL, buf), "none");
	json_decref(some);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_named_changes),
	    cmocka_unit_test(nothing_named_sets_nothing),
	    cmocka_unit_test(what_is_named_twice_is_told),
	    cmocka_unit_test(what_is_wrong_is_told),
	    cmocka_unit_test(rates_are_taken),
	    cmocka_unit_test(limits_are_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
