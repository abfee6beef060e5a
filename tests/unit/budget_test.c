/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A budget gives no more than it has, and keeps its peak.
 */
#include "config.h"

#include "tunnel/budget.h"

#include "tests/unit/cmocka_all.h"

static void gives_what_it_has(void **state)
{
	struct budget budget = {.limit_bytes = 100};

	(void)state;
	assert_true(budget_take(&budget, 60));
	assert_false(budget_take(&budget, 41));
	assert_int_equal(budget.used_bytes, 60);
	assert_true(budget_take(&budget, 40));
	assert_int_equal(budget_left(&budget), 0);
	budget_force(&budget, 10);
	assert_int_equal(budget_left(&budget), 0);
	budget_give(&budget, 110);
	assert_int_equal(budget_left(&budget), 100);
	assert_int_equal(budget.peak_bytes, 110);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(gives_what_it_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
