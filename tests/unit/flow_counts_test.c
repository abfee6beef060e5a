/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * net/flow_counts: what several workers count is one number, never too small; collisions and
 * garbage in another's column harm little.
 */
#include "tests/unit/cmocka_all.h"

#include "net/flow_counts.h"

#include <string.h>

enum { WORKERS = 4, FULL = 200000 };

static struct flow_column columns[WORKERS];
static struct flow_counts workers[WORKERS];

static int setup(void **state)
{
	(void)state;
	memset(columns, 0, sizeof columns);
	for (int i = 0; i < WORKERS; i++) {
		workers[i] = (struct flow_counts){.key = "a shared key", .own = &columns[i]};
		for (int k = 0; k < WORKERS; k++)
			if (k != i)
				workers[i].others[workers[i].other_count++] = &columns[k];
	}
	return 0;
}

static uint64_t place(uint32_t number)
{
	return flow_counts_place(&workers[0], &number, sizeof number);
}

static void all_workers_find_a_key_at_one_place(void **state)
{
	uint32_t key = 1;

	(void)state;
	for (int i = 0; i < WORKERS; i++)
		assert_int_equal(flow_counts_place(&workers[i], &key, sizeof key), place(1));
	assert_int_not_equal(place(2), place(1));
}

static void columns_are_added_up(void **state)
{
	(void)state;
	for (int i = 0; i < 30; i++)
		flow_counts_add(&workers[i % 3], place(1));
	flow_counts_drop(&workers[2], place(1));
	assert_int_equal(flow_counts_others(&workers[3], place(1)), 29);
	assert_int_equal(flow_counts_others(&workers[2], place(1)), 20);
	assert_int_equal(flow_counts_others_total(&workers[0]), 19);
	assert_int_equal(flow_counts_others(&workers[3], place(2)), 0);
	assert_int_equal(flow_counts_own(&workers[2], place(1)), 9);
	assert_int_equal(flow_counts_own(&workers[3], place(1)), 0);
	for (int i = 0; i < 30; i++)
		if (i != 29)
			flow_counts_drop(&workers[i % 3], place(1));
	for (int i = 0; i < WORKERS; i++)
		assert_memory_equal(&columns[i], &(struct flow_column){0}, sizeof columns[i]);
}

/* As workers do it: own counts are exact. */
static bool begin(int worker, uint32_t number, uint64_t *own, uint64_t limit)
{
	struct flow_counts *counts = &workers[worker];

	flow_counts_add(counts, place(number));
	if (flow_counts_fit(counts, *own + 1, flow_counts_others(counts, place(number)), limit)) {
		(*own)++;
		return true;
	}
	flow_counts_drop(counts, place(number));
	return false;
}

static void a_limit_is_the_nodes(void **state)
{
	uint64_t own[WORKERS] = {0}, other = 0;
	unsigned begun = 0;

	(void)state;
	for (int i = 0; i < 1500; i++)
		begun += begin(i % WORKERS, 1, &own[i % WORKERS], 1000);
	assert_int_equal(begun, 1000);
	assert_true(begin(0, 2, &other, 1000));
}

/* All of a source's flows came to one worker: the others still have their assured share. */
static void a_share_is_assured(void **state)
{
	uint64_t own[WORKERS] = {0};
	unsigned begun = 0;

	(void)state;
	for (int i = 0; i < 1500; i++)
		begun += begin(0, 1, &own[0], 1000);
	assert_int_equal(begun, 1000);
	for (int i = 0; i < 1500; i++)
		begun += begin(1, 1, &own[1], 1000);
	assert_int_equal(begun, 1000 + 1000 / WORKERS / COUNT_ASSURED_PART);
}

static void garbage_leaves_the_assured_share(void **state)
{
	uint64_t own = 0;
	unsigned begun = 0;

	(void)state;
	memset(&columns[3], 0xff, sizeof columns[3]);
	for (int i = 0; i < 1500; i++)
		begun += begin(0, 1, &own, 1000);
	assert_int_equal(begun, 1000 / WORKERS / COUNT_ASSURED_PART);
	assert_true(flow_counts_others_total(&workers[0]) >= UINT32_MAX);
	for (int i = 0; i < 1500; i++)
		if (own && own--)
			flow_counts_drop(&workers[0], place(1));
	assert_memory_equal(&columns[0], &(struct flow_column){0}, sizeof columns[0]);
}

/* A full node of sources with one flow each: what a source that has none is told. */
static void many_thin_sources_harm_little(void **state)
{
	uint64_t sum = 0, most = 0;

	(void)state;
	for (uint32_t i = 0; i < FULL; i++)
		flow_counts_add(&workers[1 + i % (WORKERS - 1)], place(i));
	for (uint32_t i = 0; i < 10000; i++) {
		uint64_t told = flow_counts_others(&workers[0], place(FULL + i));

		sum += told;
		most = told > most ? told : most;
	}
	assert_in_range(sum, 1, 2 * 10000);
	assert_true(most < 10);
}

/* A full node of sources at their limit: nobody else is told anything near it. */
static void few_thick_sources_harm_nobody(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < FULL; i++)
		flow_counts_add(&workers[1 + i % (WORKERS - 1)], place(i % 200));
	for (uint32_t i = 0; i < 200; i++)
		assert_true(flow_counts_others(&workers[0], place(i)) >= FULL / 200);
	for (uint32_t i = 0; i < 100000; i++)
		assert_int_equal(flow_counts_others(&workers[0], place(1000 + i)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(all_workers_find_a_key_at_one_place, setup),
	    cmocka_unit_test_setup(columns_are_added_up, setup),
	    cmocka_unit_test_setup(a_limit_is_the_nodes, setup),
	    cmocka_unit_test_setup(a_share_is_assured, setup),
	    cmocka_unit_test_setup(garbage_leaves_the_assured_share, setup),
	    cmocka_unit_test_setup(many_thin_sources_harm_little, setup),
	    cmocka_unit_test_setup(few_thick_sources_harm_nobody, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
