/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON, YAML and tables as they are printed. */
#include "tests/unit/cmocka_all.h"

#include <string.h>

#include "cli/output.h"
#include "cli/table.h"

static char *text;
static size_t length;

static FILE *open_text(void)
{
	FILE *out = open_memstream(&text, &length);
	assert_non_null(out);
	return out;
}

static void assert_text(FILE *out, const char *wanted)
{
	fclose(out);
	assert_string_equal(text, wanted);
	free(text);
}

static void assert_yaml(const char *json, bool has_marker, const char *wanted)
{
	json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);
	FILE *out = open_text();
	assert_non_null(value);
	assert_true(output_yaml(value, has_marker, out));
	assert_text(out, wanted);
	json_decref(value);
}

static void json_keeps_its_order(void **state)
{
	json_t *value = json_loads("{\"b\":1,\"a\":[\"x\",null]}", 0, NULL);
	(void)state;
	FILE *out = open_text();
	assert_true(output_json(value, true, out));
	assert_text(out, "{\"b\":1,\"a\":[\"x\",null]}\n");
	out = open_text();
	assert_true(output_json(value, false, out));
	assert_text(out, "{\n  \"b\": 1,\n  \"a\": [\n    \"x\",\n    null\n  ]\n}\n");
	json_decref(value);
}

static void yaml_of_an_accelerator(void **state)
{
	(void)state;
	assert_yaml(
	    "{\"name\":\"web\",\"ports\":[\"443\",\"8000-8010\"],\"groups\":[{\"host\":\"::1\","
	    "\"port\":null,\"weight\":5}],\"none\":[],\"share\":0.5,\"is\":true}",
	    false,
	    "name: web\nports: [\"443\", \"8000-8010\"]\ngroups:\n- host: \"::1\"\n  port: null\n"
	    "  weight: 5\nnone: []\nshare: 0.5\nis: true\n");
}

static void yaml_strings_stay_strings(void **state)
{
	(void)state;
	assert_yaml(
	    "{\"a\":\"no\",\"b\":\"1e3\",\"c\":\"true\",\"d\":\"\",\"e\":\"x: y\",\"f\":\"NULL\","
	    "\"g\":\"tcp+udp\",\"h\":\"a\\nb\"}",
	    false,
	    "a: \"no\"\nb: \"1e3\"\nc: \"true\"\nd: \"\"\ne: \"x: y\"\nf: \"NULL\"\ng: tcp+udp\n"
	    "h: \"a\\nb\"\n");
}

static void yaml_documents_are_marked(void **state)
{
	(void)state;
	assert_yaml("{\"a\":1}", true, "---\na: 1\n");
}

static void tables_align(void **state)
{
	static const struct table_column columns[] = {{"NAME", 0}, {"N", TABLE_RIGHT}, {NULL, 0}};
	(void)state;
	struct table *table = table_new(columns, true);
	table_row(table);
	table_cell(table, "a");
	table_cell(table, "100");
	table_row(table);
	table_cell(table, "longer");
	table_cell(table, "1");
	FILE *out = open_text();
	table_print(table, out, false, 0);
	assert_text(out, "NAME      N\na       100\nlonger    1\n");
	table_free(table);
}

static void tables_hide_control_characters(void **state)
{
	(void)state;
	struct table *table = table_new_properties();
	table_property_coloured(table, "reason", "a\033[31mb", COLOUR_BAD);
	FILE *out = open_text();
	table_print(table, out, false, 0);
	fclose(out);
	assert_null(strchr(text, '\033'));
	assert_non_null(strstr(text, "reason"));
	free(text);
	table_free(table);
}

static void colours_only_when_asked(void **state)
{
	(void)state;
	for (int has_colours = 0; has_colours < 2; has_colours++) {
		struct table *table = table_new_properties();
		table_property_coloured(table, "state", "up", COLOUR_GOOD);
		FILE *out = open_text();
		table_print(table, out, has_colours, 80);
		fclose(out);
		assert_true((strchr(text, '\033') != NULL) == (has_colours == 1));
		free(text);
		table_free(table);
	}
}

static void tables_fit_the_width(void **state)
{
	static const struct table_column columns[] = {
	    {"NAME", 0}, {"REASON", TABLE_CUT}, {NULL, 0}};
	(void)state;
	struct table *table = table_new(columns, true);
	table_row(table);
	table_cell(table, "a");
	table_cell(table, "a reason that is far too long for a narrow terminal like this one");
	FILE *out = open_text();
	table_print(table, out, false, 30);
	fclose(out);
	assert_true(strcspn(strchr(text, '\n') + 1, "\n") <= 30);
	free(text);
	table_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(json_keeps_its_order),
	    cmocka_unit_test(yaml_of_an_accelerator),
	    cmocka_unit_test(yaml_strings_stay_strings),
	    cmocka_unit_test(yaml_documents_are_marked),
	    cmocka_unit_test(tables_align),
	    cmocka_unit_test(tables_hide_control_characters),
	    cmocka_unit_test(colours_only_when_asked),
	    cmocka_unit_test(tables_fit_the_width),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
