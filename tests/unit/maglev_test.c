/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Properties of the Maglev table: order does not matter, shares follow weights, little moves. */
#include "tests/unit/cmocka_all.h"

#include "base/err.h"
#include "base/rng.h"
#include "model/maglev.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { MANY = 20 };

static char texts[MAGLEV_MEMBERS_MAX + 1][16];
static struct maglev_member members[MAGLEV_MEMBERS_MAX + 1];
static struct maglev one, two;

static int set_up(void **state)
{
	(void)state;
	for (size_t i = 0; i <= MAGLEV_MEMBERS_MAX; i++) {
		snprintf(texts[i], sizeof(texts[i]), "node-%zu", i);
		members[i] = (struct maglev_member){texts[i], 1};
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	maglev_clear(&one);
	maglev_clear(&two);
	return 0;
}

static void build(
    struct maglev *table, const struct maglev_member *list, size_t count, uint64_t seed)
{
	maglev_clear(table);
	assert_int_equal(maglev_build(table, list, count, seed), 0);
}

static void shuffle(struct maglev_member *list, size_t count, struct rng *rng)
{
	for (size_t i = count; i > 1; i--) {
		size_t other = rng_next(rng) % i;
		struct maglev_member kept = list[i - 1];

		list[i - 1] = list[other];
		list[other] = kept;
	}
}

static void sizes_are_primes(void **state)
{
	const uint32_t sizes[] = {MAGLEV_ENTRIES, MAGLEV_LARGE_ENTRIES};

	(void)state;
	for (size_t i = 0; i < 2; i++)
		for (uint32_t d = 2; d * d <= sizes[i]; d++)
			assert_true(sizes[i] % d != 0);
	assert_true(MAGLEV_ENTRIES >= 100 * MAGLEV_MEMBERS);
	assert_true(MAGLEV_LARGE_ENTRIES >= 100 * MAGLEV_MEMBERS_MAX);
}

static void same_table_in_any_order(void **state)
{
	struct maglev_member shuffled[MANY];
	struct rng rng;

	(void)state;
	rng_seed(&rng, 1);
	for (unsigned round = 0; round < 20; round++) {
		for (size_t i = 0; i < MANY; i++)
			members[i].weight = (uint32_t)(rng_next(&rng) % 256);
		memcpy(shuffled, members, sizeof(shuffled));
		shuffle(shuffled, MANY, &rng);
		build(&one, members, MANY, round);
		build(&two, shuffled, MANY, round);
		for (uint64_t hash = 0; hash < MAGLEV_ENTRIES; hash++)
			assert_ptr_equal(members[maglev_lookup(&one, hash)].name,
			    shuffled[maglev_lookup(&two, hash)].name);
	}
}

/* |share - weight / sum of weights| is below 1 % of the mean share. */
static void assert_shares(const struct maglev_member *list, size_t count, uint64_t seed)
{
	static unsigned share[MAGLEV_MEMBERS_MAX];
	double total = 0, entries = count <= MAGLEV_MEMBERS ? MAGLEV_ENTRIES : MAGLEV_LARGE_ENTRIES;

	build(&one, list, count, seed);
	memset(share, 0, sizeof(share));
	for (uint64_t hash = 0; hash < (uint64_t)entries; hash++)
		share[maglev_lookup(&one, hash)]++;
	for (size_t i = 0; i < count; i++)
		total += list[i].weight;
	for (size_t i = 0; i < count; i++) {
		double off = share[i] - entries * list[i].weight / total;

		if (off < 0)
			off = -off;
		if (off > 0.01 * entries / (double)count || (list[i].weight > 0) != (share[i] > 0))
			fail_msg("seed %llu: %zu of %zu is off by %f entries",
			    (unsigned long long)seed, i, count, off);
	}
}

static void equal_members_have_equal_shares(void **state)
{
	static const size_t counts[] = {1, 2, 3, 7, 20, 64, 160, 161, MAGLEV_MEMBERS_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
		assert_shares(members, counts[i], i);
}

static void shares_follow_weights(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 2);
	for (uint64_t round = 0; round < 50; round++) {
		size_t count = 1 + rng_next(&rng) % 64;

		members[0].weight = 255;
		for (size_t i = 1; i < count; i++)
			members[i].weight = (uint32_t)(rng_next(&rng) % 256);
		assert_shares(members, count, round);
	}
	members[0].weight = 1; /* the smallest share that backends of a group can have */
	for (size_t i = 1; i < 64; i++)
		members[i].weight = 255;
	assert_shares(members, 64, 3);
}

/* How many entries of the first table that belonged to other members than `gone` moved. */
static void count_moved(
    const char *gone, const struct maglev_member *left, unsigned *moved, unsigned *others)
{
	*moved = *others = 0;
	for (uint64_t hash = 0; hash < MAGLEV_ENTRIES; hash++) {
		const char *before = members[maglev_lookup(&one, hash)].name;

		if (strcmp(before, gone) == 0)
			continue;
		++*others;
		*moved += strcmp(before, left[maglev_lookup(&two, hash)].name) != 0;
	}
}

/* Of those that did not belong to the member that left, few may move (the paper: a few percent). */
static void little_moves_when_a_member_leaves(void **state)
{
	static const size_t counts[] = {3, MANY, 64};
	struct maglev_member left[64];
	unsigned moved, others;

	(void)state;
	for (uint64_t seed = 0; seed < 30; seed++) {
		size_t count = counts[seed % 3], gone = seed % count;

		memcpy(left, members, count * sizeof(*left));
		left[gone] = left[count - 1];
		build(&one, members, count, seed);
		build(&two, left, count - 1, seed);
		count_moved(members[gone].name, left, &moved, &others);
		if (moved * 100 > others * 5)
			fail_msg(
			    "seed %llu: %u of %u moved", (unsigned long long)seed, moved, others);
	}
}

static void a_drained_member_moves_as_little(void **state)
{
	struct maglev_member drained[MANY];
	unsigned moved, others;

	(void)state;
	for (uint64_t seed = 0; seed < 30; seed++) {
		for (size_t i = 0; i < MANY; i++)
			members[i].weight = (uint32_t)(100 + i);
		memcpy(drained, members, sizeof(drained));
		drained[seed % MANY].weight = 0;
		build(&one, members, MANY, seed);
		build(&two, drained, MANY, seed);
		count_moved(members[seed % MANY].name, drained, &moved, &others);
		if (moved * 100 > others * 5)
			fail_msg(
			    "seed %llu: %u of %u moved", (unsigned long long)seed, moved, others);
	}
}

static void another_seed_is_another_table(void **state)
{
	unsigned same = 0;

	(void)state;
	build(&one, members, MANY, 1);
	build(&two, members, MANY, 2);
	for (uint64_t i = 0; i < MAGLEV_ENTRIES; i++)
		same += maglev_lookup(&one, i) == maglev_lookup(&two, i);
	assert_true(same < MAGLEV_ENTRIES / 10);
}

static void one_with_all_the_weight_needs_no_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++)
		members[i].weight = i == 1;
	build(&one, members, 3, 1);
	assert_null(one.entries);
	assert_int_equal(maglev_lookup(&one, 12345), 1);
}

static void refuses_nobody_twins_and_too_much(void **state)
{
	const struct maglev_member twins[] = {{"a", 1}, {"b", 1}, {"a", 1}};
	const struct maglev_member none[] = {{"a", 0}, {"b", 0}};
	const struct maglev_member heavy[] = {{"a", MAGLEV_WEIGHT_MAX + 1}};

	(void)state;
	assert_int_equal(maglev_build(&one, members, 0, 1), ERR_INVALID);
	assert_int_equal(maglev_build(&one, twins, 3, 1), ERR_INVALID);
	assert_int_equal(maglev_build(&one, none, 2, 1), ERR_INVALID);
	assert_int_equal(maglev_build(&one, heavy, 1, 1), ERR_INVALID);
	assert_int_equal(maglev_build(&one, members, MAGLEV_MEMBERS_MAX + 1, 1), ERR_LIMIT);
	assert_int_equal(one.member_count, 0);
	assert_null(one.entries);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(sizes_are_primes),
	    TEST(same_table_in_any_order),
	    TEST(equal_members_have_equal_shares),
	    TEST(shares_follow_weights),
	    TEST(little_moves_when_a_member_leaves),
	    TEST(a_drained_member_moves_as_little),
	    TEST(another_seed_is_another_table),
	    TEST(one_with_all_the_weight_needs_no_table),
	    TEST(refuses_nobody_twins_and_too_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
