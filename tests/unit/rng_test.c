/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random numbers repeat by their seed, stay in bounds and look uniform.
 */
#include "base/rng.h"

#include <string.h>

#include "tests/unit/cmocka_all.h"

static void the_seed_repeats(void **state)
{
	struct rng a, b, c;
	int same = 0;

	(void)state;
	rng_seed(&a, 7);
	rng_seed(&b, 7);
	rng_seed(&c, 8);
	for (int i = 0; i < 100; i++) {
		uint64_t value = rng_next(&a);

		assert_true(value == rng_next(&b));
		same += value == rng_next(&c);
	}
	assert_int_equal(same, 0);
}

/* The state {1, 2, 3, 4} gives these by the algorithm's definition, worked out by hand. */
static void first_numbers_are_right(void **state)
{
	struct rng rng = {{1, 2, 3, 4}};

	(void)state;
	assert_true(rng_next(&rng) == 11520);
	assert_true(rng_next(&rng) == 0);
	assert_true(rng_next(&rng) == 1509978240);
}

static void bounded_numbers_are_even(void **state)
{
	unsigned counts[10] = {0};
	struct rng rng;

	(void)state;
	rng_seed(&rng, test_seed());
	for (int i = 0; i < 100000; i++) {
		uint64_t value = rng_below(&rng, 10);

		assert_in_range(value, 0, 9);
		counts[value]++;
	}
	for (int i = 0; i < 10; i++)
		assert_in_range(counts[i], 9500, 10500);
	assert_int_equal(rng_below(&rng, 0), 0);
	assert_int_equal(rng_below(&rng, 1), 0);
}

static void fractions_fill_the_unit_interval(void **state)
{
	struct rng rng;
	double sum = 0;

	(void)state;
	rng_seed(&rng, test_seed());
	for (int i = 0; i < 100000; i++) {
		double value = rng_uniform(&rng);

		assert_true(value >= 0 && value < 1);
		sum += value;
	}
	assert_true(sum > 49000 && sum < 51000);
}

static void bytes_fill_exactly(void **state)
{
	struct rng a, b;
	uint8_t x[13], y[13];

	(void)state;
	rng_seed(&a, 1);
	rng_seed(&b, 1);
	memset(x, 0, sizeof(x));
	memset(y, 0, sizeof(y));
	rng_bytes(&a, x, 12);
	rng_random(&b, y, 12);
	assert_memory_equal(x, y, sizeof(x));
	assert_int_equal(x[12], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_seed_repeats),
	    cmocka_unit_test(first_numbers_are_right),
	    cmocka_unit_test(bounded_numbers_are_even),
	    cmocka_unit_test(fractions_fill_the_unit_interval),
	    cmocka_unit_test(bytes_fill_exactly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
