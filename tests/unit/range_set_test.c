/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Range sets against a plain bitmap, with random ranges.
 */
#include "config.h"

#include "tunnel/range_set.h"

#include "base/rng.h"
#include "tests/unit/cmocka_all.h"

#include <string.h>

enum { POSITIONS = 200 };

static void expect_same(const struct range_set *set, const bool *bits)
{
	uint32_t index = 0;

	for (uint64_t i = 0; i < POSITIONS; i++) {
		while (index < set->count && set->ranges[index].end <= i)
			index++;
		assert_int_equal(bits[i], index < set->count && set->ranges[index].start <= i);
	}
	for (uint32_t i = 0; i < set->count; i++) {
		assert_true(set->ranges[i].start < set->ranges[i].end);
		assert_true(i == 0 || set->ranges[i - 1].end < set->ranges[i].start);
	}
}

static void matches_a_bitmap(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, test_seed());
	for (int round = 0; round < 50; round++) {
		struct range_set set = {0};
		bool bits[POSITIONS] = {false};

		for (int step = 0; step < 200; step++) {
			uint64_t start = rng_below(&rng, POSITIONS);
			uint64_t end = start + rng_below(&rng, 20);
			bool add = rng_below(&rng, 5) < 3;

			if (end > POSITIONS)
				end = POSITIONS;
			assert_int_equal(add ? range_set_add(&set, start, end)
			                     : range_set_remove(&set, start, end),
			    0);
			for (uint64_t i = start; i < end; i++)
				bits[i] = add;
			expect_same(&set, bits);
		}
		assert_int_equal(range_set_remove(&set, 0, POSITIONS), 0);
		assert_true(range_set_is_empty(&set));
		assert_null(set.ranges);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(matches_a_bitmap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
