/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Limits in a table: none by default, their bounds, and the same in YAML and JSON. */
#include "tests/unit/cmocka_all.h"

#include "base/err.h"
#include "model/accelerator_limits.h"

#include <string.h>

struct holder {
	struct accelerator_limits limits;
};

static const struct schema_field fields[] = {ACCELERATOR_LIMITS_FIELD(struct holder)};
static const struct schema schema = SCHEMA(struct holder, fields);

static struct schema_errors errors;

static int from_yaml(const char *text, struct accelerator_limits *limits)
{
	struct holder holder;
	int result = schema_from_yaml_text(&schema, text, strlen(text), &holder, &errors);

	*limits = holder.limits;
	return result;
}

static void nothing_said(void **state)
{
	static const struct accelerator_limits none;
	struct accelerator_limits limits;

	(void)state;
	assert_int_equal(from_yaml("", &limits), 0);
	assert_memory_equal(&limits, &none, sizeof none);
}

static void there_and_back(void **state)
{
	struct holder holder, again;

	(void)state;
	assert_int_equal(
	    from_yaml("limits: {source: {flows: 5, new_flows_per_s: 6, bytes_per_s: 65536},"
	              " accelerator: {flows: 70},"
	              " backend: {flows: 1000000000, bytes_per_s: 10000000000}}",
	        &holder.limits),
	    0);
	assert_int_equal(holder.limits.source.flows, 5);
	assert_int_equal(holder.limits.source.new_flows_per_s, 6);
	assert_int_equal(holder.limits.source.bytes_per_s, LIMIT_BYTES_MIN);
	assert_int_equal(holder.limits.accelerator.flows, 70);
	assert_int_equal(holder.limits.accelerator.bytes_per_s, 0);
	assert_int_equal(holder.limits.backend.bytes_per_s, LIMIT_BYTES_MAX);
	assert_int_equal(holder.limits.backend.flows, LIMIT_FLOWS_MAX);
	json_t *json = schema_to_json(&schema, &holder, 0);
	assert_int_equal(schema_from_json(&schema, json, 0, &again, &errors), 0);
	assert_memory_equal(&again, &holder, sizeof again);
	json_decref(json);
}

static void refused(void **state)
{
	static const struct {
		const char *text, *path;
	} cases[] = {{"limits: 5", "limits"},
	    {"limits: {source: {flows: -1}}", "limits.source.flows"},
	    {"limits: {backend: {flows: 1000000001}}", "limits.backend.flows"},
	    {"limits: {source: {bytes_per_s: 65535}}", "limits.source.bytes_per_s"},
	    {"limits: {backend: {bytes_per_s: 10000000001}}", "limits.backend.bytes_per_s"},
	    {"limits: {backend: {new_flows_per_s: 1}}", "limits.backend.new_flows_per_s"},
	    {"limits: {user: {flows: 1}}", "limits.user"}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct accelerator_limits limits;

		assert_int_equal(from_yaml(cases[i].text, &limits), ERR_MALFORMED);
		assert_string_equal(errors.list[0].path, cases[i].path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_said),
	    cmocka_unit_test(there_and_back),
	    cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
