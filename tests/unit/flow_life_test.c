/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of net/flow_life.c: idleness, removal, and what comes first. */
#include "tests/unit/cmocka_all.h"

#include "net/flow_life.h"
#include "tests/support/worker_double.h"

#define SECOND_US UINT64_C(1000000)

static struct worker worker;
static unsigned expirations;
static enum reason expired_with;

static void on_expired(struct flow_life *life, enum reason reason)
{
	(void)life;
	expirations++;
	expired_with = reason;
}

static void pass(unsigned seconds)
{
	double_run(&worker, 1000 * seconds);
}

static int setup(void **state)
{
	static struct flow_life life;

	double_start(&worker);
	expirations = 0;
	flow_life_init(&life, &worker, 10 * SECOND_US, on_expired);
	*state = &life;
	return 0;
}

static int teardown(void **state)
{
	flow_life_stop(*state);
	double_stop(&worker);
	return 0;
}

static void idleness_ends_it(void **state)
{
	struct flow_life *life = *state;

	flow_life_active(life);
	pass(9);
	flow_life_active(life);
	pass(9);
	assert_int_equal(expirations, 0);
	pass(2);
	assert_int_equal(expirations, 1);
	assert_int_equal(expired_with, REASON_IDLE);
	pass(100);
	assert_int_equal(expirations, 1);
}

static void removal_ends_it_however_busy(void **state)
{
	struct flow_life *life = *state;

	flow_life_active(life);
	flow_life_set_wanted(life, false, 30);
	for (int i = 0; i < 29; i++) {
		pass(1);
		flow_life_active(life);
		flow_life_set_wanted(life, false, 30); /* another config does not put it off */
	}
	assert_int_equal(expirations, 0);
	pass(2);
	assert_int_equal(expirations, 1);
	assert_int_equal(expired_with, REASON_REMOVED);
}

static void at_once_is_within_a_tick(void **state)
{
	struct flow_life *life = *state;

	flow_life_active(life);
	flow_life_set_wanted(life, false, 0);
	pass(1);
	assert_int_equal(expirations, 1);
	assert_int_equal(expired_with, REASON_REMOVED);
}

static void what_is_wanted_again_goes_on(void **state)
{
	struct flow_life *life = *state;

	flow_life_active(life);
	flow_life_set_wanted(life, false, 5);
	pass(4);
	flow_life_set_wanted(life, true, 5);
	pass(5);
	assert_int_equal(expirations, 0);
	flow_life_active(life);
	pass(9);
	assert_int_equal(expirations, 0);
	flow_life_stop(life);
	pass(100);
	assert_int_equal(expirations, 0);
}

/* What was silent meanwhile ends when it would have ended anyhow. */
static void wanted_again_it_may_be_idle(void **state)
{
	struct flow_life *life = *state;

	flow_life_active(life);
	pass(4);
	flow_life_set_wanted(life, false, 20);
	flow_life_set_wanted(life, true, 20);
	pass(5);
	assert_int_equal(expirations, 0);
	pass(2);
	assert_int_equal(expirations, 1);
	assert_int_equal(expired_with, REASON_IDLE);
}

static void a_new_timeout_counts_from_the_last_activity(void **state)
{
	struct flow_life *life = *state;

	flow_life_set_idle_timeout(life, 10 * SECOND_US);
	flow_life_active(life);
	pass(4);
	flow_life_set_idle_timeout(life, 20 * SECOND_US);
	pass(14);
	assert_int_equal(expirations, 0);
	flow_life_set_idle_timeout(life, 19 * SECOND_US);
	pass(2);
	assert_int_equal(expirations, 1);
	assert_int_equal(expired_with, REASON_IDLE);
}

/* Neither before the first activity nor after the end. */
static void a_new_timeout_starts_nothing(void **state)
{
	struct flow_life *life = *state;

	flow_life_set_idle_timeout(life, 1 * SECOND_US);
	pass(5);
	flow_life_active(life);
	flow_life_stop(life);
	flow_life_set_idle_timeout(life, 2 * SECOND_US);
	pass(5);
	assert_int_equal(expirations, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(idleness_ends_it, setup, teardown),
	    cmocka_unit_test_setup_teardown(removal_ends_it_however_busy, setup, teardown),
	    cmocka_unit_test_setup_teardown(at_once_is_within_a_tick, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_is_wanted_again_goes_on, setup, teardown),
	    cmocka_unit_test_setup_teardown(wanted_again_it_may_be_idle, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        a_new_timeout_counts_from_the_last_activity, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_new_timeout_starts_nothing, setup, teardown),
	};

	if (double_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
