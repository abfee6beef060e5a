/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of model/notes.c: what labels and comments may be, and both in documents. */
#include "tests/unit/cmocka_all.h"

#include "base/err.h"
#include "model/notes.h"

#include <string.h>

#define TEN     "0123456789"
#define PART_63 TEN TEN TEN TEN TEN TEN "abc"

struct holder {
	struct notes notes;
};

static const struct schema_field fields[] = {NOTES_FIELDS(struct holder)};
static const struct schema schema = SCHEMA(struct holder, fields);
static struct holder holder;
static struct schema_errors errors;

static int clear(void **state)
{
	(void)state;
	schema_clear(&schema, &holder);
	return 0;
}

static void keys_and_values(void **state)
{
	static const char *const good_keys[] = {
	    "env", "a", "A-b_c.9", "example.com/env", PART_63, PART_63 "/" PART_63};
	static const char *const bad_keys[] = {"", "-a", "a-", "a b", "a/", "/a", "a/b/c",
	    "\xc3\xa9", "a=b", PART_63 "x", PART_63 "x/a", "a,b", "a!"};
	static const char *const good_values[] = {"", "prod", "1.2-3_4", PART_63};
	static const char *const bad_values[] = {"-", "a/b", "a b", "_a", PART_63 "x", "a,b"};

	(void)state;
	for (size_t i = 0; i < sizeof(good_keys) / sizeof(good_keys[0]); i++)
		if (label_check_key(good_keys[i]))
			fail_msg("%s", good_keys[i]);
	for (size_t i = 0; i < sizeof(bad_keys) / sizeof(bad_keys[0]); i++)
		if (!label_check_key(bad_keys[i]))
			fail_msg("%s", bad_keys[i]);
	for (size_t i = 0; i < sizeof(good_values) / sizeof(good_values[0]); i++)
		if (label_check_value(good_values[i]))
			fail_msg("%s", good_values[i]);
	for (size_t i = 0; i < sizeof(bad_values) / sizeof(bad_values[0]); i++)
		if (!label_check_value(bad_values[i]))
			fail_msg("%s", bad_values[i]);
}

static void comments(void **state)
{
	char longest[COMMENT_BYTES + 1];

	(void)state;
	memset(longest, 'x', sizeof(longest));
	longest[COMMENT_BYTES - 1] = '\0';
	assert_null(comment_check(""));
	assert_null(comment_check("S\xc3\xb8lvi's, until May \xf0\x9f\x8c\xb7"));
	assert_null(comment_check(longest));
	longest[COMMENT_BYTES - 1] = 'x';
	longest[COMMENT_BYTES] = '\0';
	assert_non_null(comment_check(longest));
	assert_non_null(comment_check("two\nlines"));
	assert_non_null(comment_check("\033[31m"));
	assert_non_null(comment_check("\xc2\x9b"));
	assert_non_null(comment_check("half \xc3"));
}

static void in_documents(void **state)
{
	static const char yaml[] = "comment: no\nlabels:\n  env: prod\n  tier: 1\n  empty: ''\n";
	json_t *json, *wanted;

	(void)state;
	assert_int_equal(schema_from_yaml_text(&schema, yaml, strlen(yaml), &holder, &errors), 0);
	assert_string_equal(holder.notes.comment, "no");
	assert_string_equal(notes_label(&holder.notes, "env"), "prod");
	assert_string_equal(notes_label(&holder.notes, "tier"), "1");
	assert_string_equal(notes_label(&holder.notes, "empty"), "");
	assert_null(notes_label(&holder.notes, "region"));
	json = schema_to_json(&schema, &holder, 0);
	wanted = json_pack("{s:s, s:{s:s, s:s, s:s}}", "comment", "no", "labels", "env", "prod",
	    "tier", "1", "empty", "");
	assert_true(json_equal(json, wanted));
	json_decref(json);
	json_decref(wanted);
}

static void expect_error(const char *yaml, unsigned line, unsigned column, const char *path)
{
	assert_int_equal(
	    schema_from_yaml_text(&schema, yaml, strlen(yaml), &holder, &errors), ERR_MALFORMED);
	assert_int_equal(errors.list[0].line, line);
	assert_int_equal(errors.list[0].column, column);
	assert_string_equal(errors.list[0].path, path);
}

static void faults_have_their_place(void **state)
{
	(void)state;
	expect_error("labels:\n  env: prod\n  env: dev\n", 3, 3, "labels.env");
	assert_string_equal(errors.list[0].text, "stands here twice");
	expect_error("labels:\n  -env: prod\n", 2, 3, "labels.-env");
	assert_true(errors.list[0].is_about_key);
	expect_error("labels:\n  env: a b\n", 2, 8, "labels.env");
	expect_error("labels:\n  env: [a]\n", 2, 8, "labels.env");
	expect_error("labels: [env]\n", 1, 9, "labels");
	expect_error("labels:\n  [a]: b\n", 2, 3, "labels");
	expect_error("labels:\n  '': b\n", 2, 3, "labels.");
	expect_error("comment: \"a\\nb\"\n", 1, 10, "comment");
}

static void labels_are_bounded(void **state)
{
	json_t *json = json_pack("{s:{}}", "labels"), *labels = json_object_get(json, "labels");
	char key[16];

	(void)state;
	assert_int_equal(schema_from_json(&schema, json, 0, &holder, NULL), 0);
	assert_int_equal(holder.notes.label_count, 0);
	for (int i = 0; i < LABELS_MAX; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		json_object_set_new(labels, key, json_string("v"));
	}
	assert_int_equal(schema_from_json(&schema, json, 0, &holder, NULL), 0);
	assert_int_equal(holder.notes.label_count, LABELS_MAX);
	clear(NULL);
	json_object_set_new(labels, "more", json_string("v"));
	assert_int_equal(schema_from_json(&schema, json, 0, &holder, &errors), ERR_MALFORMED);
	assert_string_equal(errors.list[0].text, "must have at most 32 keys");
	json_object_clear(labels);
	json_object_set_new(labels, "env", json_null());
	assert_int_equal(schema_from_json(&schema, json, 0, &holder, &errors), ERR_MALFORMED);
	json_decref(json);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_teardown(f, clear)
	const struct CMUnitTest tests[] = {
	    TEST(keys_and_values),
	    TEST(comments),
	    TEST(in_documents),
	    TEST(faults_have_their_place),
	    TEST(labels_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
