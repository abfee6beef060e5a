/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Histograms against sorted lists of the same values, and the window of a minute.
 */
#include "base/histogram.h"

#include <string.h>

#include "base/rng.h"
#include "tests/unit/cmocka_all.h"

static struct histogram a, b;
static struct window_histogram window;

static int compare(const void *left, const void *right)
{
	uint64_t x = *(const uint64_t *)left, y = *(const uint64_t *)right;

	return x < y ? -1 : x > y;
}

static void an_empty_one_is_all_zero(void **state)
{
	(void)state;
	histogram_clear(&a);
	assert_int_equal(histogram_count(&a), 0);
	assert_int_equal(histogram_percentile(&a, 50), 0);
	assert_int_equal(histogram_mean(&a), 0);
	histogram_add(&a, 0);
	histogram_add(&a, 3);
	assert_int_equal(a.min, 0);
	assert_int_equal(histogram_count(&a), 2);
	assert_int_equal(histogram_percentile(&a, 50), 0);
	assert_int_equal(histogram_percentile(&a, 51), 3);
}

static void one_value_is_found_at_every_size(void **state)
{
	(void)state;
	for (int bits = 0; bits < 36; bits++) {
		for (int delta = -1; delta <= 1; delta++) {
			uint64_t value = (UINT64_C(1) << bits) + (uint64_t)(int64_t)delta;

			histogram_clear(&a);
			histogram_add(&a, 1);
			histogram_add(&a, value);
			histogram_add(&a, UINT64_C(1) << 36);
			assert_int_equal(histogram_count(&a), 3);
			if (value >= 1) {
				uint64_t got = histogram_percentile(&a, 60);
				uint64_t off = got > value ? got - value : value - got;

				assert_true(off * 64 <= value);
				assert_true(value >= 128 || got == value);
			}
		}
	}
}

static void percentiles_are_within_their_error(void **state)
{
	enum { COUNT = 5000 };
	static const double percents[] = {0, 1, 25, 50, 90, 99, 99.9, 100};
	uint64_t *values = malloc(COUNT * sizeof(*values)), sum = 0;
	struct rng rng;

	(void)state;
	rng_seed(&rng, test_seed());
	histogram_clear(&a);
	for (int i = 0; i < COUNT; i++) {
		values[i] = (rng_next(&rng) >> 28) >> rng_below(&rng, 30);
		sum += values[i];
		histogram_add(&a, values[i]);
	}
	qsort(values, COUNT, sizeof(*values), compare);
	for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
		double rank = percents[i] / 100 * COUNT;
		size_t at = rank < 1 ? 0 : (size_t)rank - ((double)(size_t)rank == rank);
		uint64_t got = histogram_percentile(&a, percents[i]), want = values[at];
		uint64_t off = got > want ? got - want : want - got;

		if (off * 64 > want)
			fail_msg("p%g: got %llu, want %llu", percents[i], (unsigned long long)got,
			    (unsigned long long)want);
	}
	assert_true(a.min == values[0] && a.max == values[COUNT - 1]);
	assert_true(histogram_percentile(&a, 100) == a.max);
	assert_true(histogram_mean(&a) == sum / COUNT);
	free(values);
}

static void merging_is_adding(void **state)
{
	static struct histogram all;

	(void)state;
	histogram_clear(&a);
	histogram_clear(&b);
	histogram_clear(&all);
	histogram_merge(&a, &b);
	assert_int_equal(histogram_count(&a), 0);
	for (uint64_t i = 10; i < 1000; i++) {
		histogram_add(i % 3 ? &a : &b, i * i);
		histogram_add(&all, i * i);
	}
	histogram_merge(&a, &b);
	assert_memory_equal(&a, &all, sizeof(a));
	histogram_clear(&b);
	histogram_merge(&b, &all);
	assert_memory_equal(&b, &all, sizeof(b));
}

static void counts_do_not_wrap(void **state)
{
	(void)state;
	histogram_clear(&a);
	histogram_add(&a, 5);
	a.counts[5] = UINT32_MAX;
	histogram_add(&a, 5);
	assert_int_equal(histogram_count(&a), UINT32_MAX);
	memset(&a, 0xff, sizeof(a));
	histogram_merge(&a, &a);
	histogram_percentile(&a, 99);
}

static void a_window_forgets_after_a_minute(void **state)
{
	const uint64_t second_us = 1000000;

	(void)state;
	memset(&window, 0, sizeof(window));
	for (uint64_t second = 1000; second < 1200; second++) {
		window_histogram_add(&window, second * second_us, second);
		window_histogram_read(&window, second * second_us, &a);
		if (second >= 1060) {
			assert_in_range(histogram_count(&a), 50, 60);
			assert_in_range(a.min, second - 59, second - 50);
		}
		assert_int_equal(a.max, second);
	}
	window_histogram_read(&window, 1255 * second_us, &a);
	assert_int_equal(histogram_count(&a), 0);
	window_histogram_read(&window, 1240 * second_us, &a);
	assert_int_equal(histogram_count(&a), 10);
	assert_int_equal(a.min, 1190);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_empty_one_is_all_zero),
	    cmocka_unit_test(one_value_is_found_at_every_size),
	    cmocka_unit_test(percentiles_are_within_their_error),
	    cmocka_unit_test(merging_is_adding),
	    cmocka_unit_test(counts_do_not_wrap),
	    cmocka_unit_test(a_window_forgets_after_a_minute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
