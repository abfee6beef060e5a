/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Properties of the Maglev table: order does not matter, shares are even, little moves. */
#include "tests/unit/cmocka_all.h"

#include "base/err.h"
#include "model/maglev.h"

#include <stdio.h>
#include <stdlib.h>

enum { MANY = 20 };

static char texts[MAGLEV_MEMBERS_MAX + 1][16];
static const char *names[MAGLEV_MEMBERS_MAX + 1];
static struct maglev one, two;

static void name_members(void)
{
	for (size_t i = 0; i <= MAGLEV_MEMBERS_MAX; i++) {
		snprintf(texts[i], sizeof(texts[i]), "node-%zu", i);
		names[i] = texts[i];
	}
}

static void same_table_in_any_order(void **state)
{
	const char *reversed[MANY];

	(void)state;
	for (size_t i = 0; i < MANY; i++)
		reversed[i] = names[MANY - 1 - i];
	assert_int_equal(maglev_build(&one, names, MANY, 7), 0);
	assert_int_equal(maglev_build(&two, reversed, MANY, 7), 0);
	for (uint64_t hash = 0; hash < MAGLEV_ENTRIES; hash++)
		assert_ptr_equal(
		    names[maglev_lookup(&one, hash)], reversed[maglev_lookup(&two, hash)]);
}

static void shares_differ_by_one_entry(void **state)
{
	(void)state;
	for (size_t count = 1; count <= MANY; count++) {
		unsigned share[MANY] = {0};

		assert_int_equal(maglev_build(&one, names, count, count), 0);
		assert_int_equal(one.member_count, count);
		for (size_t i = 0; i < MAGLEV_ENTRIES; i++)
			share[one.entries[i]]++;
		for (size_t i = 0; i < count; i++) {
			assert_in_range(
			    share[i], MAGLEV_ENTRIES / count, MAGLEV_ENTRIES / count + 1);
		}
	}
}

/* Of those that did not belong to the member that left, few may move (the paper: a few percent). */
static void little_moves_when_a_member_leaves(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 50; seed++) {
		unsigned moved = 0, others = 0;

		assert_int_equal(maglev_build(&one, names, MANY, seed), 0);
		assert_int_equal(maglev_build(&two, names, MANY - 1, seed), 0);
		for (size_t i = 0; i < MAGLEV_ENTRIES; i++) {
			if (one.entries[i] == MANY - 1)
				continue;
			others++;
			moved += one.entries[i] != two.entries[i];
		}
		if (moved * 10 > others)
			fail_msg(
			    "seed %llu: %u of %u moved", (unsigned long long)seed, moved, others);
	}
}

static void another_seed_is_another_table(void **state)
{
	unsigned same = 0;

	(void)state;
	assert_int_equal(maglev_build(&one, names, MANY, 1), 0);
	assert_int_equal(maglev_build(&two, names, MANY, 2), 0);
	for (size_t i = 0; i < MAGLEV_ENTRIES; i++)
		same += one.entries[i] == two.entries[i];
	assert_true(same < MAGLEV_ENTRIES / 5);
}

static void refuses_nobody_twins_and_too_many(void **state)
{
	const char *twins[] = {"a", "b", "a"};

	(void)state;
	assert_int_equal(maglev_build(&one, names, 0, 1), ERR_INVALID);
	assert_int_equal(maglev_build(&one, twins, 3, 1), ERR_INVALID);
	assert_int_equal(one.member_count, 0);
	assert_int_equal(maglev_build(&one, names, MAGLEV_MEMBERS_MAX + 1, 1), ERR_LIMIT);
	assert_int_equal(maglev_build(&one, names, MAGLEV_MEMBERS_MAX, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(same_table_in_any_order),
	    cmocka_unit_test(shares_differ_by_one_entry),
	    cmocka_unit_test(little_moves_when_a_member_leaves),
	    cmocka_unit_test(another_seed_is_another_table),
	    cmocka_unit_test(refuses_nobody_twins_and_too_many),
	};

	name_members();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
