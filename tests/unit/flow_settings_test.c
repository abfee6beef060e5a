/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flow settings in a table: defaults, limits, and the same words in YAML and JSON. */
#include "tests/unit/cmocka_all.h"

#include "base/err.h"
#include "model/flow_settings.h"

#include <string.h>

struct holder {
	struct flow_settings flow_settings;
};

static const struct schema_field fields[] = {FLOW_SETTINGS_FIELDS(struct holder)};
static const struct schema schema = SCHEMA(struct holder, fields);

static struct schema_errors errors;

static int from_yaml(const char *text, struct flow_settings *settings)
{
	struct holder holder;
	int result = schema_from_yaml_text(&schema, text, strlen(text), &holder, &errors);

	*settings = holder.flow_settings;
	return result;
}

static void nothing_said(void **state)
{
	struct flow_settings settings;

	(void)state;
	assert_int_equal(from_yaml("", &settings), 0);
	assert_int_equal(settings.traffic_class, TRAFFIC_AUTO);
	assert_int_equal(settings.repair_budget_percent, 30);
	assert_int_equal(settings.deadline_ms, 0);
	assert_int_equal(settings.compression, COMPRESSION_OFF);
}

/* "off" is a boolean to some readers of YAML. */
static void all_said(void **state)
{
	struct flow_settings settings;

	(void)state;
	assert_int_equal(from_yaml("class: bulk\nrepair_budget_percent: 0\ndeadline_ms: 10000\n"
	                           "compression: lz4\n",
	                     &settings),
	    0);
	assert_int_equal(settings.traffic_class, TRAFFIC_BULK);
	assert_int_equal(settings.repair_budget_percent, 0);
	assert_int_equal(settings.deadline_ms, 10000);
	assert_int_equal(settings.compression, COMPRESSION_LZ4);
	assert_int_equal(from_yaml("compression: off\nclass: realtime\n", &settings), 0);
	assert_int_equal(settings.compression, COMPRESSION_OFF);
	assert_int_equal(settings.traffic_class, TRAFFIC_REALTIME);
}

static void there_and_back(void **state)
{
	const struct holder holder = {{TRAFFIC_INTERACTIVE, 100, 7, COMPRESSION_LZ4}};
	struct holder again;
	json_t *json = schema_to_json(&schema, &holder, 0);

	(void)state;
	assert_string_equal(json_string_value(json_object_get(json, "class")), "interactive");
	assert_int_equal(schema_from_json(&schema, json, 0, &again, &errors), 0);
	assert_int_equal(again.flow_settings.traffic_class, TRAFFIC_INTERACTIVE);
	assert_int_equal(again.flow_settings.repair_budget_percent, 100);
	assert_int_equal(again.flow_settings.deadline_ms, 7);
	assert_int_equal(again.flow_settings.compression, COMPRESSION_LZ4);
	json_decref(json);
}

static void refused(void **state)
{
	static const struct {
		const char *text, *path;
	} cases[] = {{"class: fast", "class"},
	    {"repair_budget_percent: 101", "repair_budget_percent"},
	    {"repair_budget_percent: -1", "repair_budget_percent"},
	    {"deadline_ms: 10001", "deadline_ms"}, {"compression: zip", "compression"}};
	struct flow_settings settings;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(from_yaml(cases[i].text, &settings), ERR_MALFORMED);
		assert_string_equal(errors.list[0].path, cases[i].path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_said),
	    cmocka_unit_test(all_said),
	    cmocka_unit_test(there_and_back),
	    cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
