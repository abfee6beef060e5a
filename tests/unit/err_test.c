/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every error code has a text of its own.
 */
#include "base/err.h"

#include "tests/unit/cmocka_all.h"

static void each_code_has_its_own_text(void **state)
{
	(void)state;
	for (int a = ERR_FLOW_CONTROL; a < 0; a++) {
		assert_non_null(err_text(a));
		assert_string_not_equal(err_text(a), "unknown error");
		for (int b = a + 1; b <= 0; b++)
			assert_string_not_equal(err_text(a), err_text(b));
	}
}

static void other_numbers_have_a_text_too(void **state)
{
	(void)state;
	assert_string_equal(err_text(0), "success");
	assert_string_equal(err_text(7), "success");
	assert_string_equal(err_text(ERR_FLOW_CONTROL - 1), "unknown error");
	assert_string_equal(err_text(INT32_MIN), "unknown error");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_code_has_its_own_text),
	    cmocka_unit_test(other_numbers_have_a_text_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
