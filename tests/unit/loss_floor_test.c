/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The line's own loss: the least of the last looks, and no verdict by chance. */
#include "tunnel/loss_floor.h"

#include "tests/unit/cmocka_all.h"

static void look(struct loss_floor *floor, double lost_pkts)
{
	loss_floor_note(floor, 1000 - lost_pkts, 0);
	loss_floor_note(floor, 0, lost_pkts);
	loss_floor_look(floor);
}

static void the_least_of_four_looks_counts(void **state)
{
	struct loss_floor floor = {0};

	(void)state;
	look(&floor, 100);
	assert_float_equal(floor.share, 0.1, 1e-9);
	look(&floor, 50);
	look(&floor, 120);
	assert_float_equal(floor.share, 0.05, 1e-9);
	for (int i = 0; i < 3; i++)
		look(&floor, 80);
	assert_float_equal(floor.share, 0.08, 1e-9);
}

static void few_packets_make_no_look(void **state)
{
	struct loss_floor floor = {0};

	(void)state;
	loss_floor_note(&floor, 90, 10);
	loss_floor_look(&floor);
	assert_int_equal(floor.look_count, 0);
	loss_floor_note(&floor, 90, 10);
	loss_floor_look(&floor);
	assert_int_equal(floor.look_count, 1);
	assert_float_equal(floor.share, 0.1, 1e-9);
}

static void the_threshold_has_bounds(void **state)
{
	struct loss_floor floor = {0};

	(void)state;
	assert_float_equal(loss_floor_threshold(&floor), 0.02, 1e-9);
	look(&floor, 50);
	assert_float_equal(loss_floor_threshold(&floor), 0.07, 1e-9);
	floor = (struct loss_floor){0};
	look(&floor, 500);
	assert_float_equal(loss_floor_threshold(&floor), 0.15, 1e-9);
}

static void chance_makes_no_verdict(void **state)
{
	(void)state;
	assert_false(loss_is_above(0.02, 10, 2));
	assert_true(loss_is_above(0.02, 10, 5));
	assert_false(loss_is_above(0.02, 1000, 30));
	assert_true(loss_is_above(0.02, 1000, 40));
	assert_false(loss_is_above(0.02, 0, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_least_of_four_looks_counts),
	    cmocka_unit_test(few_packets_make_no_look),
	    cmocka_unit_test(the_threshold_has_bounds),
	    cmocka_unit_test(chance_makes_no_verdict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
