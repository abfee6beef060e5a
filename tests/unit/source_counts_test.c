/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * net/source_counts: what several workers count is one number, never too small; collisions and
 * garbage in another's column harm little.
 */
#include "tests/unit/cmocka_all.h"

#include "net/source_counts.h"

#include <string.h>

enum { WORKERS = 4, FULL = 200000 };

static struct source_column columns[WORKERS];
static struct source_counts workers[WORKERS];

static int setup(void **state)
{
	(void)state;
	memset(columns, 0, sizeof columns);
	for (int i = 0; i < WORKERS; i++) {
		workers[i] = (struct source_counts){.key = "a shared key", .own = &columns[i]};
		for (int k = 0; k < WORKERS; k++)
			if (k != i)
				workers[i].others[workers[i].other_count++] = &columns[k];
	}
	return 0;
}

static struct addr source(uint32_t number)
{
	struct addr made = {.family = 4, .ip = {10}};

	memcpy(made.ip + 1, &number, 3);
	return made;
}

static uint64_t place(uint32_t number)
{
	struct addr from = source(number);

	return source_counts_place(&workers[0], &from);
}

static void a_port_is_no_other_source(void **state)
{
	struct addr from = source(1);
	uint64_t expected = place(1);

	(void)state;
	from.port = 4000;
	for (int i = 0; i < WORKERS; i++)
		assert_int_equal(source_counts_place(&workers[i], &from), expected);
	assert_int_not_equal(place(2), expected);
}

static void columns_are_added_up(void **state)
{
	(void)state;
	for (int i = 0; i < 30; i++)
		source_counts_add(&workers[i % 3], place(1));
	source_counts_drop(&workers[2], place(1));
	assert_int_equal(source_counts_others(&workers[3], place(1)), 29);
	assert_int_equal(source_counts_others(&workers[2], place(1)), 20);
	assert_int_equal(source_counts_others_total(&workers[0]), 19);
	assert_int_equal(source_counts_others(&workers[3], place(2)), 0);
	for (int i = 0; i < 30; i++)
		if (i != 29)
			source_counts_drop(&workers[i % 3], place(1));
	for (int i = 0; i < WORKERS; i++)
		assert_memory_equal(&columns[i], &(struct source_column){0}, sizeof columns[i]);
}

/* As workers do it: own counts are exact. */
static bool begin(int worker, uint32_t number, uint64_t *own, uint64_t limit)
{
	struct source_counts *counts = &workers[worker];

	source_counts_add(counts, place(number));
	if (source_counts_fit(
	        counts, *own + 1, source_counts_others(counts, place(number)), limit)) {
		(*own)++;
		return true;
	}
	source_counts_drop(counts, place(number));
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
	assert_int_equal(begun, 1000 + 1000 / WORKERS / SOURCE_ASSURED_PART);
}

static void garbage_leaves_the_assured_share(void **state)
{
	uint64_t own = 0;
	unsigned begun = 0;

	(void)state;
	memset(&columns[3], 0xff, sizeof columns[3]);
	for (int i = 0; i < 1500; i++)
		begun += begin(0, 1, &own, 1000);
	assert_int_equal(begun, 1000 / WORKERS / SOURCE_ASSURED_PART);
	assert_true(source_counts_others_total(&workers[0]) >= UINT32_MAX);
	for (int i = 0; i < 1500; i++)
		if (own && own--)
			source_counts_drop(&workers[0], place(1));
	assert_memory_equal(&columns[0], &(struct source_column){0}, sizeof columns[0]);
}

/* A full node of sources with one flow each: what a source that has none is told. */
static void many_thin_sources_harm_little(void **state)
{
	uint64_t sum = 0, most = 0;

	(void)state;
	for (uint32_t i = 0; i < FULL; i++)
		source_counts_add(&workers[1 + i % (WORKERS - 1)], place(i));
	for (uint32_t i = 0; i < 10000; i++) {
		uint64_t told = source_counts_others(&workers[0], place(FULL + i));

		sum += told;
		most = told > most ? told : most;
	}
	assert_in_range(sum / 10000, 1, 10);
	assert_true(most < 25);
}

/* A full node of sources at their limit: nobody else is told anything near it. */
static void few_thick_sources_harm_nobody(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < FULL; i++)
		source_counts_add(&workers[1 + i % (WORKERS - 1)], place(i % 200));
	for (uint32_t i = 0; i < 200; i++)
		assert_true(source_counts_others(&workers[0], place(i)) >= FULL / 200);
	for (uint32_t i = 0; i < 100000; i++)
		assert_int_equal(source_counts_others(&workers[0], place(1000 + i)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(a_port_is_no_other_source, setup),
	    cmocka_unit_test_setup(columns_are_added_up, setup),
	    cmocka_unit_test_setup(a_limit_is_the_nodes, setup),
	    cmocka_unit_test_setup(a_share_is_assured, setup),
	    cmocka_unit_test_setup(garbage_leaves_the_assured_share, setup),
	    cmocka_unit_test_setup(many_thin_sources_harm_little, setup),
	    cmocka_unit_test_setup(few_thick_sources_harm_nobody, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
