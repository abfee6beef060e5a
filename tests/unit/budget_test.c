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

/* Two lanes within one budget: what one takes is gone for the other, but for its reserve. */
static void shared_but_for_a_reserve(void **state)
{
	struct budget all = {.limit_bytes = 100};
	struct budget one = {.limit_bytes = 80, .shared = &all, .reserve_bytes = 10};
	struct budget two = one;

	(void)state;
	assert_int_equal(budget_left(&one), 80);
	assert_true(budget_take(&one, 70));
	assert_int_equal(budget_left(&one), 10);
	assert_int_equal(budget_left(&two), 30);
	assert_true(budget_take(&two, 30));
	assert_int_equal(budget_left(&one), 0);
	assert_int_equal(budget_left(&two), 0);
	budget_give(&two, 25);
	budget_take(&one, 10);
	assert_int_equal(budget_left(&two), 15);
	budget_force(&all, 15);
	assert_int_equal(budget_left(&two), 5);
	assert_true(budget_take(&two, 5));
	assert_int_equal(all.used_bytes, 105);
	assert_int_equal(all.peak_bytes, 105);
	budget_give(&one, 80);
	budget_give(&two, 10);
	assert_int_equal(all.used_bytes, 15);
}

/* Who has some already does not take the last eighth, neither the own nor the shared one's. */
static void the_last_eighth_is_for_others(void **state)
{
	struct budget all = {.limit_bytes = 160};
	struct budget lane = {.limit_bytes = 80, .shared = &all, .reserve_bytes = 10};

	(void)state;
	assert_int_equal(budget_left_for_more(&lane), 70);
	budget_force(&lane, 65);
	assert_int_equal(budget_left_for_more(&lane), 5);
	assert_int_equal(budget_left(&lane), 15);
	budget_force(&all, 73);
	assert_int_equal(budget_left_for_more(&lane), 2);
	assert_int_equal(budget_left(&lane), 15);
	budget_force(&all, 10);
	assert_int_equal(budget_left_for_more(&lane), 0);
	assert_int_equal(budget_left(&lane), 12);
}

static void pressure_rises_with_use(void **state)
{
	struct budget all = {.limit_bytes = 1600};
	struct budget lane = {.limit_bytes = 160, .shared = &all};

	(void)state;
	budget_force(&all, 800);
	assert_int_equal(budget_pressure(&lane), BUDGET_EASY);
	budget_force(&all, 1);
	assert_int_equal(budget_pressure(&lane), BUDGET_TIGHT);
	budget_force(&lane, 121);
	assert_int_equal(budget_pressure(&lane), BUDGET_SCARCE);
	assert_int_equal(budget_pressure(&all), BUDGET_TIGHT);
	budget_force(&all, 579);
	assert_int_equal(budget_pressure(&lane), BUDGET_EXHAUSTED);
	budget_give(&all, 1380);
	assert_int_equal(budget_pressure(&lane), BUDGET_SCARCE);
	budget_give(&lane, 121);
	assert_int_equal(budget_pressure(&lane), BUDGET_EASY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(shared_but_for_a_reserve),
	    cmocka_unit_test(the_last_eighth_is_for_others),
	    cmocka_unit_test(pressure_rises_with_use),
	    cmocka_unit_test(gives_what_it_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
