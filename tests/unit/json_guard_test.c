/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Depth and number of values, with strings that look like structure. */
#include "tests/unit/cmocka_all.h"

#include "base/err.h"
#include "model/json_guard.h"

#include <string.h>

static int guard(const char *text)
{
	return json_guard(text, strlen(text), 3, 6);
}

static void depth(void **state)
{
	(void)state;
	assert_int_equal(guard("[[[1]]]"), 0);
	assert_int_equal(guard("[[[[1]]]]"), ERR_LIMIT);
	assert_int_equal(guard("{\"a\":[{}]}"), 0);
	assert_int_equal(guard("]]]]]"), 0);
}

static void values(void **state)
{
	(void)state;
	assert_int_equal(guard("[1,2,3,4]"), 0);
	assert_int_equal(guard("[1,2,3,4,5]"), 0);
	assert_int_equal(guard("[1,2,3,4,5,6]"), ERR_LIMIT);
	assert_int_equal(guard("[[],[],[]]"), ERR_LIMIT);
}

static void strings_are_no_structure(void **state)
{
	(void)state;
	assert_int_equal(guard("[\"[[[[,,,,,,,,\"]"), 0);
	assert_int_equal(guard("[\"\\\"[[[[\", 1]"), 0);
	assert_int_equal(guard("\"[[[[["), 0);
	assert_int_equal(guard("\"\\"), 0);
	assert_int_equal(guard("[\"\\\\\",[[[["), ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(depth),
	    cmocka_unit_test(values),
	    cmocka_unit_test(strings_are_no_structure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
