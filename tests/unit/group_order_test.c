/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ranked groups stay, the others are in order of their RTT, and jitter changes nothing. */
#include "tests/unit/cmocka_all.h"

#include "base/rng.h"
#include "listener/group_order.h"

#include <string.h>

enum { SECOND_US = 1000000 };

static struct group_order order;
static uint64_t now_us;

/* Looks once a second for so long. */
static void look_for(unsigned seconds, const uint64_t *rtt_us)
{
	for (unsigned i = 0; i < seconds; i++) {
		now_us += SECOND_US;
		group_order_look(&order, rtt_us, now_us);
	}
}

static void assert_order(const char *wanted)
{
	char text[GROUPS_MAX + 1] = "";

	for (size_t i = 0; i < order.count; i++)
		text[i] = (char)('0' + order.at[i]);
	assert_string_equal(text, wanted);
}

static int set_up(void **state)
{
	(void)state;
	now_us = 0;
	group_order_init(&order, 4, 0);
	return 0;
}

static void known_groups_come_nearest_first_at_once(void **state)
{
	(void)state;
	assert_order("0123");
	look_for(1, (uint64_t[]){0, 50000, 0, 20000});
	assert_order("3102");
	look_for(1, (uint64_t[]){30000, 50000, 0, 20000});
	assert_order("3012");
	look_for(1, (uint64_t[]){30000, 50000, 1000, 20000});
	assert_order("2301");
}

static void ranked_groups_stay(void **state)
{
	(void)state;
	group_order_init(&order, 4, 2);
	look_for(30, (uint64_t[]){90000, 80000, 20000, 10000});
	assert_order("0132");
	look_for(30, (uint64_t[]){90000, 1000, 20000, 100000});
	assert_order("0123");
}

static void nearer_by_enough_for_long_enough(void **state)
{
	(void)state;
	look_for(1, (uint64_t[]){10000, 20000, 30000, 40000});
	look_for(60, (uint64_t[]){10000, 20000, 30000, 28000}); /* not 10 % */
	assert_order("0123");
	look_for(10, (uint64_t[]){10000, 20000, 30000, 27000});
	assert_order("0123");
	look_for(1, (uint64_t[]){10000, 20000, 30000, 27000});
	assert_order("0132");
}

static void a_break_begins_the_time_anew(void **state)
{
	(void)state;
	look_for(1, (uint64_t[]){10000, 20000, 30000, 40000});
	for (unsigned i = 0; i < 5; i++) {
		look_for(9, (uint64_t[]){10000, 9000, 30000, 40000});
		look_for(1, (uint64_t[]){10000, 9500, 30000, 40000});
	}
	assert_order("0123");
	look_for(9, (uint64_t[]){10000, 9000, 30000, 40000});
	look_for(1, (uint64_t[]){10000, 0, 30000, 40000}); /* no lane */
	look_for(9, (uint64_t[]){10000, 9000, 30000, 40000});
	assert_order("0123");
}

static void the_last_may_become_the_first_in_one_step(void **state)
{
	(void)state;
	look_for(1, (uint64_t[]){10000, 20000, 30000, 40000});
	look_for(11, (uint64_t[]){10000, 20000, 30000, 5000});
	assert_order("3012");
}

static void a_group_without_lanes_keeps_its_place(void **state)
{
	(void)state;
	look_for(1, (uint64_t[]){10000, 20000, 30000, 40000});
	look_for(60, (uint64_t[]){0, 20000, 30000, 40000});
	assert_order("0123");
	look_for(11, (uint64_t[]){0, 9000, 30000, 40000}); /* nearer than it was */
	assert_order("1023");
}

static void a_new_config_goes_on_with_the_order(void **state)
{
	const int was[] = {2, -1, 1, 0}; /* 3 went, 1 is new */
	struct group_order before;

	(void)state;
	look_for(1, (uint64_t[]){30000, 10000, 20000, 40000});
	assert_order("1203");
	before = order;
	group_order_init(&order, 4, 0);
	group_order_inherit(&order, &before, was);
	assert_order("2031");
	assert_false(group_order_is_due(&order, now_us));
	look_for(1, (uint64_t[]){20000, 1000, 10000, 30000});
	assert_order("1203");
}

static void whoever_was_ranked_is_first_in_a_new_config(void **state)
{
	const int was[] = {3, 0, 1, 2};
	struct group_order before;

	(void)state;
	look_for(1, (uint64_t[]){30000, 10000, 20000, 40000});
	before = order;
	group_order_init(&order, 4, 1);
	group_order_inherit(&order, &before, was);
	assert_order("0231");
}

static void whoever_was_ranked_takes_its_place_by_rtt_at_once(void **state)
{
	const int was[] = {0, 1, 2, 3};
	struct group_order before;

	(void)state;
	group_order_init(&order, 4, 2);
	look_for(1, (uint64_t[]){40000, 30000, 20000, 10000});
	assert_order("0132");
	before = order;
	group_order_init(&order, 4, 0);
	group_order_inherit(&order, &before, was);
	look_for(1, (uint64_t[]){40000, 30000, 20000, 10000});
	assert_order("3210");
}

/* Whatever is measured: a permutation, the ranked first; and steady RTTs end in their order. */
static void always_a_permutation_that_settles(void **state)
{
	struct rng rng;

	(void)state;
	for (uint64_t seed = 0; seed < 200; seed++) {
		uint64_t rtt_us[8], seen = 0;

		rng_seed(&rng, seed);
		group_order_init(&order, 8, seed % 3);
		for (unsigned i = 0; i < 50; i++) {
			for (size_t g = 0; g < 8; g++)
				rtt_us[g] = rng_next(&rng) % 4 ? 1000 + rng_next(&rng) % 100000 : 0;
			look_for(1 + (unsigned)(rng_next(&rng) % 12), rtt_us);
		}
		for (size_t g = 0; g < 8; g++)
			rtt_us[g] = 1000u << (g * 5 % 8);
		look_for(200, rtt_us);
		for (size_t i = 0; i < 8; i++) {
			seen |= UINT64_C(1) << order.at[i];
			if (i < order.ranked)
				assert_int_equal(order.at[i], i);
			else if (i > order.ranked)
				assert_true(rtt_us[order.at[i - 1]] < rtt_us[order.at[i]]);
		}
		assert_int_equal(seen, 0xff);
	}
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup(function, set_up)
	const struct CMUnitTest tests[] = {
	    TEST(known_groups_come_nearest_first_at_once),
	    TEST(ranked_groups_stay),
	    TEST(nearer_by_enough_for_long_enough),
	    TEST(a_break_begins_the_time_anew),
	    TEST(the_last_may_become_the_first_in_one_step),
	    TEST(a_group_without_lanes_keeps_its_place),
	    TEST(a_new_config_goes_on_with_the_order),
	    TEST(whoever_was_ranked_is_first_in_a_new_config),
	    TEST(whoever_was_ranked_takes_its_place_by_rtt_at_once),
	    TEST(always_a_permutation_that_settles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
