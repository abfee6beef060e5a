/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flows that take much of their lane are found within two seconds, and forgiven after an idle one.
 */
#include "config.h"

#include "tunnel/usage.h"

#include "tests/unit/cmocka_all.h"
#include "tunnel/limits.h"

#define RATE_BPS UINT64_C(1000000)
#define STEP_US  UINT64_C(10000)

/* So many bytes a second for so long; when it turned heavy, or 0. */
static uint64_t run(struct usage *usage, uint64_t rate_Bps, uint64_t *now_us, uint64_t us)
{
	for (uint64_t end_us = *now_us + us; *now_us < end_us; *now_us += STEP_US)
		if (usage_on_sent(usage, rate_Bps * STEP_US / 1000000, RATE_BPS, *now_us))
			return *now_us;
	return 0;
}

static void a_quarter_for_a_second_is_much(void **state)
{
	struct usage light = {0}, heavy = {0};
	uint64_t now_us = 5000000;

	(void)state;
	assert_int_equal(run(&light, RATE_BPS / HEAVY_PART - 5000, &now_us, 10000000), 0);
	assert_false(light.is_heavy);
	now_us = 5000000;
	assert_int_equal(
	    run(&heavy, RATE_BPS / HEAVY_PART + 5000, &now_us, 10000000), 5000000 + HEAVY_AFTER_US);
	assert_true(heavy.is_heavy);
	assert_int_equal(run(&heavy, RATE_BPS, &now_us, 5000000), 0);
}

/* Half a second at the full rate is no second of it. */
static void a_burst_is_not_much(void **state)
{
	struct usage usage = {0};
	uint64_t now_us = 5000000;

	(void)state;
	for (int i = 0; i < 10; i++) {
		assert_int_equal(run(&usage, RATE_BPS, &now_us, 200000), 0);
		now_us += 1000000;
	}
}

static void idle_ones_are_forgiven(void **state)
{
	struct usage usage = {0};
	uint64_t now_us = 5000000;

	(void)state;
	assert_true(run(&usage, RATE_BPS, &now_us, 2000000) > 0);
	usage_set_waiting(&usage, false, now_us);
	usage_set_waiting(&usage, true, now_us + HEAVY_IDLE_US - 1);
	assert_true(usage.is_heavy);
	/* Cut off is not idle. */
	usage_set_waiting(&usage, true, now_us + 20 * HEAVY_IDLE_US);
	assert_true(usage.is_heavy);
	now_us += 20 * HEAVY_IDLE_US;
	usage_set_waiting(&usage, false, now_us);
	usage_set_waiting(&usage, false, now_us + HEAVY_IDLE_US / 2);
	usage_set_waiting(&usage, true, now_us + HEAVY_IDLE_US);
	assert_false(usage.is_heavy);
	now_us += HEAVY_IDLE_US;
	assert_true(run(&usage, RATE_BPS, &now_us, 2000000) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_quarter_for_a_second_is_much),
	    cmocka_unit_test(a_burst_is_not_much),
	    cmocka_unit_test(idle_ones_are_forgiven),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
