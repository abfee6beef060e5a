/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of net/rate_counts.c: several workers under one clock, what they may use together, and what others can spoil. */
#include "tests/unit/cmocka_all.h"

#include "net/rate_counts.h"

#include <string.h>

enum { WORKERS = 3, STEP_US = 1000 };
#define START_US UINT64_C(7000000)

static struct rate_column columns[WORKERS];
static struct rate_counts workers[WORKERS];

static int setup(void **state)
{
	(void)state;
	memset(columns, 0, sizeof columns);
	for (int i = 0; i < WORKERS; i++) {
		workers[i] = (struct rate_counts){.own = &columns[i]};
		for (int k = 0; k < WORKERS; k++)
			if (k != i)
				workers[i].others[workers[i].other_count++] = &columns[k];
	}
	return 0;
}

/* Places as a good hash makes them (Steele and others, SplittableRandom, 2014). */
static uint64_t place(uint64_t key)
{
	uint64_t z = (key + 1) * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* As much as it may of `most`; what it used. */
static uint64_t use(int worker, uint64_t key, uint64_t limit, uint64_t most, uint64_t now_us)
{
	uint64_t left = rate_counts_left(&workers[worker], place(key), limit, now_us);
	uint64_t units = left < most ? left : most;

	if (units)
		rate_counts_use(&workers[worker], place(key), limit, units, now_us);
	return units;
}

static void a_second_is_there_at_once_and_then_as_it_passes(void **state)
{
	(void)state;
	assert_int_equal(use(0, 1, 1000, 5000, START_US), 1000);
	assert_int_equal(use(0, 1, 1000, 5000, START_US + 900000), 0);
	assert_int_equal(use(0, 1, 1000, 5000, START_US + 1250000), 250);
	assert_int_equal(use(0, 1, 1000, 5000, START_US + 1250000), 0);
	assert_int_equal(use(0, 1, 1000, 5000, START_US + 5000000), 1000);
	assert_int_equal(use(0, 2, 1000, 5000, START_US), 1000);
}

/* All workers together, who ask again and again: the limit, from a trickle to a line. */
static void a_limit_is_the_nodes(void **state)
{
	static const uint64_t limits[] = {1, 10, 65536, 125000000, UINT64_C(10000000000)};

	(void)state;
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		uint64_t used = 0, limit = limits[i];

		for (uint64_t us = 0; us < 20000000; us += STEP_US)
			used += use((int)(us / STEP_US % WORKERS), 10 + i, limit,
			    65536 + limit / 50, START_US + us);
		assert_in_range(used, 20 * limit - limit / 5, 21 * limit + limit / 5 + WORKERS);
	}
}

/* Others take all: a worker still has its part, and those who take all make room for it. */
static void a_share_is_assured(void **state)
{
	uint64_t mine = 0, all = 0;

	(void)state;
	for (uint64_t us = 0; us < 10000000; us += STEP_US) {
		all += use(1, 1, 120000, 65536, START_US + us);
		all += use(2, 1, 120000, 65536, START_US + us);
		mine += use(0, 1, 120000, 65536, START_US + us);
	}
	assert_in_range(mine, 9 * 120000 / WORKERS / RATE_ASSURED_PART, 12 * 120000);
	assert_in_range(all + mine, 9 * 120000, 11 * 120000 + 120000 / RATE_ASSURED_PART);
}

static void garbage_leaves_the_assured_share(void **state)
{
	uint64_t now_us = START_US + 400000;

	(void)state;
	for (size_t i = 0; i < sizeof columns[1] / sizeof(struct rate_cell); i++) {
		struct rate_cell *cell = &columns[1].cells[0][0] + i;

		cell->windows[0] = cell->windows[1] = UINT64_MAX;
		cell->windows[now_us / 1000000 % 2] =
		    now_us / 1000000 << 40 | ((UINT64_C(1) << 40) - 1);
	}
	assert_in_range(use(0, 1, 12000, 65536, now_us), 999, 1000); /* 12000 / WORKERS / 4 */
	assert_int_equal(use(0, 1, 12000, 65536, now_us), 0);
	memset(&columns[1], 0xff, sizeof columns[1]); /* of no second that is */
	assert_in_range(use(0, 1, 12000, 65536, now_us), 11000, 11001);
}

/* 16,384 keys that use all that they may: what another one that uses nothing is told. */
static void many_keys_harm_little(void **state)
{
	uint64_t least = UINT64_MAX, sum = 0;

	(void)state;
	for (uint64_t key = 0; key < RATE_CELLS; key++)
		rate_counts_use(&workers[key % WORKERS], place(key), 1000, 200, START_US);
	for (uint64_t key = 0; key < 1000; key++) {
		uint64_t left = rate_counts_left(&workers[0], place(1000000 + key), 1000, START_US);

		sum += left;
		least = left < least ? left : least;
	}
	assert_in_range(sum / 1000, 900, 1000);
	assert_true(least >= 250); /* its own quarter is seldom all that it has */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(a_second_is_there_at_once_and_then_as_it_passes, setup),
	    cmocka_unit_test_setup(a_limit_is_the_nodes, setup),
	    cmocka_unit_test_setup(a_share_is_assured, setup),
	    cmocka_unit_test_setup(garbage_leaves_the_assured_share, setup),
	    cmocka_unit_test_setup(many_keys_harm_little, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
