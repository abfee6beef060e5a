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

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(words)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
