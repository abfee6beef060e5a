/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of model/access_list.c: the fields, what is refused at which of them, and the table of both. */
#include "tests/unit/cmocka_all.h"

#include "base/err.h"
#include "model/access_list.h"

#include <string.h>

struct holder {
	struct access_lists access;
};

static const struct schema_field fields[] = {ACCESS_FIELDS(struct holder)};
static const struct schema schema = SCHEMA(struct holder, fields);
static struct holder holder;
static struct model_error error;

static int clear(void **state)
{
	(void)state;
	schema_clear(&schema, &holder);
	return 0;
}

static int decode(const char *yaml)
{
	clear(NULL);
	memset(&error, 0, sizeof(error));
	assert_int_equal(schema_from_yaml_text(&schema, yaml, strlen(yaml), &holder, NULL), 0);
	return access_lists_validate(&holder.access, &error);
}

static void expect_error(const char *yaml, const char *field, const char *reason, const char *fix)
{
	assert_int_equal(decode(yaml), ERR_INVALID);
	assert_string_equal(error.field, field);
	assert_string_equal(error.reason, reason);
	assert_string_equal(error.fix, fix);
}

static bool allows(const char *address)
{
	struct access_table *table;
	struct addr addr;
	bool answer;

	assert_int_equal(access_lists_table(&holder.access, &table), 0);
	assert_int_equal(addr_parse(address, 0, &addr), 0);
	answer = access_table_allows(table, &addr);
	access_table_free(table);
	return answer;
}

static void texts_get_their_one_form(void **state)
{
	(void)state;
	assert_int_equal(
	    decode("allow: [10.0.0.0/8, '2001:DB8:0::/32']\ndeny: ['::ffff:10.1.1.1']"), 0);
	assert_string_equal(holder.access.allow[0].text, "10.0.0.0/8");
	assert_string_equal(holder.access.allow[1].text, "2001:db8::/32");
	assert_string_equal(holder.access.deny[0].text, "10.1.1.1/32");
	assert_true(allows("10.1.1.2"));
	assert_false(allows("10.1.1.1"));
	assert_true(allows("2001:db8::5"));
	assert_false(allows("192.0.2.1"));
}

static void without_blocks_there_is_no_table(void **state)
{
	struct access_table *table;

	(void)state;
	assert_int_equal(decode("allow: []"), 0);
	assert_int_equal(access_lists_table(&holder.access, &table), 0);
	assert_null(table);
	assert_true(allows("192.0.2.1"));
}

static void what_is_refused(void **state)
{
	struct access_table *table;

	(void)state;
	expect_error("allow: [10.0.0.0/8]\ndeny: ['::/0', 10.0.0.0/8]", "deny[1]",
	    "10.0.0.0/8 is both allowed and denied", "take it out of one of the lists");
	expect_error("allow: [10.0.0.1, 192.0.2.0/24, 10.0.0.1/32]", "allow[2]",
	    "10.0.0.1/32 stands twice", "name each block once");
	expect_error(
	    "deny: ['::1', '::1']", "deny[1]", "::1/128 stands twice", "name each block once");
	expect_error("deny: [10.0.0.0/8, 10.0.0.5/8]", "deny[1]",
	    "\"10.0.0.5/8\" is no block of addresses",
	    "write 10.0.0.0/8, or 10.0.0.5 for one address");
	expect_error("allow: [home]", "allow[0]", "\"home\" is no block of addresses",
	    "write a block as 192.0.2.0/24 or 2001:db8::/32, or an address");
	assert_int_equal(access_lists_table(&holder.access, &table), ERR_MALFORMED);
	assert_null(table);
}

static void lists_are_bounded(void **state)
{
	json_t *json = json_pack("{s:[]}", "deny"), *deny = json_object_get(json, "deny");
	struct holder most;
	char text[CIDR_TEXT_BYTES];

	(void)state;
	for (int i = 0; i < ACCESS_ENTRIES_MAX; i++) {
		snprintf(text, sizeof(text), "10.0.%d.%d", i / 256, i % 256);
		json_array_append_new(deny, json_string(text));
	}
	assert_int_equal(schema_from_json(&schema, json, 0, &most, NULL), 0);
	assert_int_equal(access_lists_validate(&most.access, &error), 0);
	schema_clear(&schema, &most);
	json_array_append_new(deny, json_string("::1"));
	assert_int_equal(schema_from_json(&schema, json, 0, &most, NULL), ERR_MALFORMED);
	json_decref(json);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_teardown(f, clear)
	const struct CMUnitTest tests[] = {
	    TEST(texts_get_their_one_form),
	    TEST(without_blocks_there_is_no_table),
	    TEST(what_is_refused),
	    TEST(lists_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
