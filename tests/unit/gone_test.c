/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of control/gone.c: whose silence says that it is gone, and to whom that is told. */
#include "config.h"

#include "control/gone.h"

#include "tests/unit/cmocka_all.h"

static struct gone_ear of, to;

static void hear(struct gone_ear *ear, uint64_t from_ms, uint64_t until_ms)
{
	for (uint64_t now = from_ms; now <= until_ms; now += 1000)
		gone_on_message(ear, now);
}

static int setup(void **state)
{
	(void)state;
	of = to = (struct gone_ear){0};
	return 0;
}

static void test_three_missed_reports_and_no_lane(void **state)
{
	(void)state;
	hear(&of, 1000, 20000);
	hear(&to, 1000, 22000);
	assert_false(gone_is_told(&of, 20000, &to, 22999));
	assert_true(gone_is_told(&of, 20000, &to, 23000));
	/* Somebody has a lane to it: control alone is cut off from it. */
	assert_false(gone_is_told(&of, 20500, &to, 23499));
	assert_true(gone_is_told(&of, 20500, &to, 23500));
	assert_true(gone_is_told(&of, 0, &to, 23000));
}

/* Control is cut off from the node, and then the path to it is cut, halfway between reports of its other end. */
static void test_a_short_cut_of_the_path_beside(void **state)
{
	enum {
		CUT_MS = 40000,
		LAST_UP_MS = CUT_MS - 500,
		MENDED_MS = CUT_MS + 1500,
		PING_MS = 500
	};

	(void)state;
	hear(&of, 1000, 20000);
	hear(&to, 500, LAST_UP_MS + 2000);
	for (uint64_t now = CUT_MS; now < MENDED_MS + PING_MS + 400; now += 100)
		assert_false(gone_is_told(&of, LAST_UP_MS, &to, now));
	assert_true(gone_is_told(&of, LAST_UP_MS, &to, CUT_MS + 2500));
}

static void test_who_comes_back_is_not_gone(void **state)
{
	(void)state;
	hear(&of, 1000, 20000);
	hear(&to, 1000, 30000);
	assert_true(gone_is_told(&of, 0, &to, 30000));
	gone_on_message(&of, 30000);
	assert_false(gone_is_told(&of, 0, &to, 30001));
}

static void test_control_that_was_cut_off_says_nothing(void **state)
{
	(void)state;
	/* Both fell silent; one is heard again, the other will be, within the time that takes. */
	hear(&of, 1000, 20000);
	hear(&to, 1000, 20000);
	assert_false(gone_is_told(&of, 0, &to, 23500)); /* nor to one that is silent itself */
	hear(&to, 28000, 27000 + GONE_RETURN_MS);
	assert_false(gone_is_told(&of, 0, &to, 28000 + GONE_RETURN_MS - 1));
	assert_true(gone_is_told(&of, 0, &to, 28000 + GONE_RETURN_MS));
}

static void test_a_short_pause_of_the_listener_does_not_matter(void **state)
{
	(void)state;
	hear(&to, 1000, 20000);
	hear(&of, 1000, 21000);
	gone_on_message(&to, 22500); /* it connected anew */
	assert_true(gone_is_told(&of, 0, &to, 24000));
}

static void test_control_that_was_restarted_waits_for_all(void **state)
{
	(void)state;
	hear(&to, 2000, 5000);
	assert_false(gone_is_told(&of, 0, &to, 5000));
	hear(&to, 6000, 1000 + GONE_RETURN_MS);
	assert_true(gone_is_told(&of, 0, &to, 2000 + GONE_RETURN_MS));
}

static void test_it_is_told_while_lanes_may_wait(void **state)
{
	(void)state;
	hear(&of, 1000, 20000);
	hear(&to, 1000, 19000 + GONE_TELL_MS);
	assert_true(gone_is_told(&of, 0, &to, 20000 + GONE_TELL_MS - 1));
	assert_false(gone_is_told(&of, 0, &to, 20000 + GONE_TELL_MS));
}

#define TEST(name) cmocka_unit_test_setup(test_##name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(three_missed_reports_and_no_lane),
	    TEST(a_short_cut_of_the_path_beside),
	    TEST(who_comes_back_is_not_gone),
	    TEST(control_that_was_cut_off_says_nothing),
	    TEST(a_short_pause_of_the_listener_does_not_matter),
	    TEST(control_that_was_restarted_waits_for_all),
	    TEST(it_is_told_while_lanes_may_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
