/* SPDX-License-Identifier: GPL-2.0-or-later */
/* endpoint/shares: one listener, or several that take all they can, leave room for others. */
#include "tests/unit/cmocka_all.h"

#include "base/keyed_hash.h"
#include "endpoint/shares.h"

#include <string.h>

enum { CAPACITY = 120 };

static struct shares shares;
static struct share *places[8][CAPACITY];
static size_t counts[8];

static int setup(void **state)
{
	(void)state;
	keyed_hash_init();
	shares = (struct shares){.capacity = CAPACITY};
	memset(counts, 0, sizeof counts);
	return 0;
}

static bool take(uint8_t listener, bool is_alone)
{
	uint8_t pin[PIN_BYTES] = {listener};
	struct share *share = shares_take(&shares, pin, is_alone);

	if (share)
		places[listener][counts[listener]++] = share;
	return share != NULL;
}

static void give_back(uint8_t listener)
{
	shares_give_back(&shares, places[listener][--counts[listener]]);
}

/* In turns, all that they get. */
static void take_all(uint8_t first, uint8_t last)
{
	bool any = true;

	while (any) {
		any = false;
		for (uint8_t i = first; i <= last; i++)
			any = take(i, false) || any;
	}
}

static int teardown(void **state)
{
	(void)state;
	for (uint8_t i = 0; i < 8; i++)
		while (counts[i])
			give_back(i);
	assert_int_equal(shares.taken, 0);
	assert_null(shares.table);
	return 0;
}

static void the_only_listener_has_all(void **state)
{
	(void)state;
	for (int i = 0; i < CAPACITY; i++)
		assert_true(take(0, true));
	assert_false(take(0, true));
	give_back(0);
	assert_true(take(0, true));
}

static void one_has_at_most_half(void **state)
{
	(void)state;
	take_all(0, 0);
	assert_int_equal(counts[0], CAPACITY / 2);
	take_all(1, 1);
	assert_int_equal(counts[1], CAPACITY / 4);
	give_back(0);
	assert_false(take(0, false)); /* it still has more than are left */
	assert_true(take(2, false));
}

static void greedy_ones_leave_as_much_as_each_has(void **state)
{
	(void)state;
	take_all(0, 3);
	for (int i = 0; i < 4; i++)
		assert_int_equal(counts[i], CAPACITY / 5);
	assert_int_equal(CAPACITY - shares.taken, CAPACITY / 5);
	take_all(7, 7);
	assert_int_equal(counts[7], CAPACITY / 10);
}

/* A second listener came when the first had all. */
static void what_was_given_stays(void **state)
{
	(void)state;
	while (take(0, true))
		;
	assert_false(take(1, false));
	for (int i = 0; i < 10; i++)
		give_back(0);
	assert_false(take(0, false));
	take_all(1, 1);
	assert_int_equal(counts[1], 5);
}

static void nothing_is_given_back_for_nothing(void **state)
{
	(void)state;
	shares_give_back(&shares, NULL);
	assert_int_equal(shares.taken, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(the_only_listener_has_all),
	    TEST(one_has_at_most_half),
	    TEST(greedy_ones_leave_as_much_as_each_has),
	    TEST(what_was_given_stays),
	    TEST(nothing_is_given_back_for_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
