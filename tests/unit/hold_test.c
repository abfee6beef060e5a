/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Held losses come out in order of time, and no more go in than there are places. */
#include "config.h"

#include "tunnel/hold.h"

#include "tests/unit/cmocka_all.h"

static void comes_out_when_due(void **state)
{
	struct hold hold = {0};
	uint64_t number;

	(void)state;
	assert_true(hold_timer_us(&hold) == UINT64_MAX);
	assert_true(hold_add(&hold, 7, 100));
	assert_true(hold_add(&hold, 9, 50)); /* an RTT that fell: not before the one ahead of it */
	assert_int_equal(hold_timer_us(&hold), 100);
	assert_false(hold_take(&hold, 99, &number));
	assert_true(hold_take(&hold, 100, &number));
	assert_int_equal(number, 7);
	assert_true(hold_take(&hold, 100, &number));
	assert_int_equal(number, 9);
	assert_false(hold_take(&hold, 1000, &number));
}

static void is_bounded(void **state)
{
	struct hold hold = {0};
	uint64_t number;

	(void)state;
	for (uint64_t round = 0; round < 3; round++) {
		for (uint64_t i = 0; i < HOLD_MAX; i++)
			assert_true(hold_add(&hold, i, 1000 * round + i));
		assert_false(hold_add(&hold, 0, 5000));
		for (uint64_t i = 0; i < HOLD_MAX; i++) {
			assert_true(hold_take(&hold, 5000, &number));
			assert_int_equal(number, i);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(comes_out_when_due),
	    cmocka_unit_test(is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
