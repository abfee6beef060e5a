/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RTT estimation follows RFC 9002 section 5 by numbers worked out by hand. */
#include "tunnel/rtt.h"

#include "tunnel/path_limits.h"

#include "tests/unit/cmocka_all.h"

static void before_the_first_sample(void **state)
{
	struct rtt rtt;

	(void)state;
	rtt_init(&rtt, 5);
	assert_int_equal(rtt.smoothed_us, 333000);
	assert_int_equal(rtt.min_us, 0);
	assert_int_equal(rtt_pto_us(&rtt, 5000), 333000 + 4 * 166500 + 5000);
}

static void samples_are_smoothed(void **state)
{
	struct rtt rtt;

	(void)state;
	rtt_init(&rtt, 0);
	/* The first takes no delay off. */
	rtt_update(&rtt, 80000, 4000, 5000, 1);
	assert_int_equal(rtt.smoothed_us, 80000);
	assert_int_equal(rtt.variation_us, 40000);
	assert_int_equal(rtt.min_us, 80000);
	/* 104000 - 4000: variation (3 x 40000 + 20000) / 4, smoothed (7 x 80000 + 100000) / 8. */
	rtt_update(&rtt, 104000, 4000, 5000, 2);
	assert_int_equal(rtt.latest_us, 100000);
	assert_int_equal(rtt.variation_us, 35000);
	assert_int_equal(rtt.smoothed_us, 82500);
	assert_int_equal(rtt.samples, 2);
	assert_int_equal(rtt_pto_us(&rtt, 5000), 82500 + 140000 + 5000);
}

static void delay_is_believed_with_limits(void **state)
{
	struct rtt rtt;

	(void)state;
	rtt_init(&rtt, 0);
	rtt_update(&rtt, 80000, 0, 5000, 1);
	/* Not more than max_ack_delay. */
	rtt_update(&rtt, 100000, 90000, 5000, 2);
	assert_int_equal(rtt.latest_us, 95000);
	/* Not below the minimum. */
	rtt_update(&rtt, 82000, 4000, 5000, 3);
	assert_int_equal(rtt.latest_us, 82000);
}

static void the_minimum_forgets(void **state)
{
	struct rtt rtt;

	(void)state;
	rtt_init(&rtt, 0);
	rtt_update(&rtt, 10000, 0, 0, 1000000);
	rtt_update(&rtt, 50000, 0, 0, 4000000);
	assert_int_equal(rtt.min_us, 10000);
	rtt_update(&rtt, 50000, 0, 0, 6000000);
	assert_int_equal(rtt.min_us, 10000);
	rtt_update(&rtt, 50000, 0, 0, 11000000);
	assert_int_equal(rtt.min_us, 50000);
	rtt_forget_min(&rtt);
	rtt_update(&rtt, 70000, 0, 0, 11500000);
	assert_int_equal(rtt.min_us, 70000);
}

static void jitter_settles(void **state)
{
	struct rtt rtt;

	(void)state;
	rtt_init(&rtt, 0);
	for (unsigned i = 0; i < 500; i++)
		rtt_update(&rtt, i % 2 ? 40000 : 30000, 0, 0, i);
	/* |D| is 10 ms always, so J is too. */
	assert_in_range(rtt_jitter_us(&rtt), 9900, 10000);
	for (unsigned i = 0; i < 500; i++)
		rtt_update(&rtt, 40000, 0, 0, i);
	assert_int_equal(rtt_jitter_us(&rtt), 0);
}

static void a_steady_path_has_no_spread(void **state)
{
	struct rtt rtt;

	(void)state;
	rtt_init(&rtt, 0);
	for (unsigned i = 0; i < 100; i++)
		rtt_update(&rtt, 20000, 0, 0, i);
	assert_int_equal(rtt_pto_us(&rtt, 0), 20000 + PTO_GRANULARITY_US);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(before_the_first_sample),
	    cmocka_unit_test(samples_are_smoothed),
	    cmocka_unit_test(delay_is_believed_with_limits),
	    cmocka_unit_test(the_minimum_forgets),
	    cmocka_unit_test(jitter_settles),
	    cmocka_unit_test(a_steady_path_has_no_spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
