/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fewest repairs that meet the target: against values computed by hand, and by trying. */
#include "config.h"

#include "tunnel/repair_plan.h"

#include "base/rng.h"
#include "tests/unit/cmocka_all.h"

static unsigned needed(double loss, double run, double target, unsigned packets)
{
	struct repair_plan plan;

	repair_plan_init(&plan, target);
	repair_plan_set_loss(&plan, loss, run);
	return repair_plan_needed(&plan, packets);
}

/* The goals: three copies of a thin flow's packets; 50 and 25 % at 300 and 600 packets/s; 8, 12, 22, 35 % at 2,000. */
static void goals_are_met(void **state)
{
	(void)state;
	assert_int_equal(needed(0.02, 1, 1e-4, 1), 2);
	assert_int_equal(needed(0.02, 1, 1e-4, 6), 3);
	assert_int_equal(needed(0.02, 1, 1e-4, 12), 3);
	assert_int_equal(needed(0.01, 1, 1e-4, 40), 3);
	assert_int_equal(needed(0.02, 1, 1e-4, 40), 5);
	assert_int_equal(needed(0.05, 1, 1e-4, 40), 9);
	assert_int_equal(needed(0.10, 1, 1e-4, 40), 14);
}

static void edges(void **state)
{
	(void)state;
	for (unsigned packets = 1; packets <= REPAIR_WINDOW_PKTS; packets++) {
		assert_int_equal(needed(0, 1, 1e-4, packets), 0);
		assert_int_equal(needed(1, 1, 1e-4, packets), packets < 128 ? 2 * packets : 254);
		assert_in_range(needed(0.3, 8, 1e-4, packets), 1, 2 * packets);
		if (packets > 1)
			assert_true(
			    needed(0.03, 1, 1e-4, packets) >= needed(0.03, 1, 1e-4, packets - 1));
	}
	/* Losses of three in a row want more than single ones. */
	assert_true(needed(0.02, 3, 1e-4, 40) > needed(0.02, 1, 1e-4, 40));
}

/* What stays lost when it is tried is what was aimed at. */
static void the_formula_holds(void **state)
{
	enum { ROUNDS = 200000, PACKETS = 20 };
	unsigned repairs = needed(0.05, 1, 1e-3, PACKETS), left = 0, left_with_one_less = 0;
	struct rng rng;

	(void)state;
	rng_seed(&rng, test_seed());
	for (int i = 0; i < ROUNDS; i++) {
		unsigned packets_lost = 0, repairs_lost = 0, last_is_lost = 0;

		for (unsigned j = 0; j < PACKETS; j++)
			packets_lost += rng_uniform(&rng) < 0.05;
		for (unsigned j = 0; j < repairs; j++)
			repairs_lost += last_is_lost = rng_uniform(&rng) < 0.05;
		if (packets_lost > repairs - repairs_lost)
			left += packets_lost;
		if (packets_lost > repairs - 1 - (repairs_lost - last_is_lost))
			left_with_one_less += packets_lost;
	}
	assert_in_range(left, 0, ROUNDS * PACKETS / 1000);
	assert_true(left_with_one_less > ROUNDS * PACKETS / 1000);
}

static void small_changes_change_nothing(void **state)
{
	struct repair_plan plan;

	(void)state;
	repair_plan_init(&plan, 1e-4);
	repair_plan_set_loss(&plan, 0.02, 1);
	repair_plan_set_loss(&plan, 0.0205, 1);
	assert_true(plan.loss < 0.0201);
	repair_plan_set_loss(&plan, 0.03, 1);
	assert_true(plan.loss > 0.029);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(goals_are_met),
	    cmocka_unit_test(edges),
	    cmocka_unit_test(the_formula_holds),
	    cmocka_unit_test(small_changes_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
