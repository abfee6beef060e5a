/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of cli/field_text.c. */
#include "cli/field_text.h"

#include "tests/unit/cmocka_all.h"

static void assert_words(
    const struct schema_field *field, const char *type, const char *limits, const char *standard)
{
	char text[FIELD_TEXT_BYTES];
	assert_string_equal(field_type(field, text), type);
	assert_string_equal(field_limits(field, text), limits);
	assert_string_equal(field_default(field, text), standard);
}

static void words(void **state)
{
	static const char *const names[] = {"auto", "off", NULL};
	static const struct schema inner = {0};
	(void)state;
	assert_words(&(struct schema_field){.type = SCHEMA_U8, .default_number = 7}, "whole number",
	    "0..255", "7");
	assert_words(&(struct schema_field){.type = SCHEMA_U32, .min = 1, .max = 60},
	    "whole number", "1..60", "");
	assert_words(&(struct schema_field){.type = SCHEMA_BOOL, .default_number = 1},
	    "true or false", "", "true");
	assert_words(
	    &(struct schema_field){.type = SCHEMA_ENUM, .names = names, .default_number = 1},
	    "word", "auto, off", "off");
	assert_words(&(struct schema_field){.type = SCHEMA_TEXT, .size = 64, .default_text = "x"},
	    "text", "at most 63 bytes", "x");
	assert_words(
	    &(struct schema_field){.type = SCHEMA_STRING, .is_required = true}, "text", "", "");
	assert_words(
	    &(struct schema_field){.type = SCHEMA_STRUCT, .schema = &inner, .is_array = true},
	    "list of: object", "", "");
}

/* Keys of a map are people's own, and no fields. */
static void maps(void **state)
{
	static const struct schema_field entry[] = {
	    {.type = SCHEMA_TEXT, .size = 128}, {.type = SCHEMA_TEXT, .size = 64}};
	static const struct schema inner = {.fields = entry, .field_count = 2};
	const struct schema_field map = {
	    .type = SCHEMA_STRUCT, .schema = &inner, .is_array = true, .is_map = true};
	(void)state;
	assert_words(&map, "map of: text", "keys of at most 127 bytes, values of 63", "");
	assert_null(field_members(&map));
	assert_ptr_equal(
	    field_members(&(struct schema_field){.type = SCHEMA_STRUCT, .schema = &inner}), &inner);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(words), cmocka_unit_test(maps)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
