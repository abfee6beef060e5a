/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which names are taken. */
#include "tests/unit/cmocka_all.h"

#include "model/name.h"

#include <string.h>

static void good_names(void **state)
{
	char longest[NAME_BYTES];

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_true(name_is_valid("a"));
	assert_true(name_is_valid("9"));
	assert_true(name_is_valid("eu-west_1.b"));
	assert_true(name_is_valid(longest));
}

static void bad_names(void **state)
{
	char too_long[NAME_BYTES + 1];

	(void)state;
	memset(too_long, 'x', sizeof(too_long) - 1);
	too_long[sizeof(too_long) - 1] = '\0';
	assert_false(name_is_valid(""));
	assert_false(name_is_valid("-a"));
	assert_false(name_is_valid(".a"));
	assert_false(name_is_valid("a b"));
	assert_false(name_is_valid("a/b"));
	assert_false(name_is_valid("a\n"));
	assert_false(name_is_valid("\xc3\xa4"));
	assert_false(name_is_valid(too_long));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(good_names),
	    cmocka_unit_test(bad_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
