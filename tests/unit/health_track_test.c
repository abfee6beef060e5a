/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rise, fall, damping, failing flows and the slow return, in virtual time. */
#include "tests/unit/cmocka_all.h"

#include "model/health_track.h"

static struct health_check check;
static struct health_track track;
static uint64_t now_us;

static int setup(void **state)
{
	(void)state;
	health_check_default(&check);
	track = (struct health_track){0};
	now_us = 1000000000;
	return 0;
}

/* n answers a second apart: how many it took until the state changed, 0 when it did not. */
static unsigned answers(enum health_cause cause, unsigned n)
{
	for (unsigned i = 1; i <= n; i++) {
		now_us += 1000000;
		if (health_track_on_check(&track, &check, cause, now_us))
			return i;
	}
	return 0;
}

static void one_good_answer_begins(void **state)
{
	(void)state;
	assert_int_equal(answers(HEALTH_CAUSE_NONE, 5), 1);
	assert_int_equal(track.state, HEALTH_HEALTHY);
	assert_false(track.has_returned);
}

static void bad_ones_need_their_count_from_the_start(void **state)
{
	(void)state;
	assert_int_equal(answers(HEALTH_CAUSE_SILENT, 5), 3);
	assert_int_equal(track.state, HEALTH_UNHEALTHY);
	assert_int_equal(track.cause, HEALTH_CAUSE_SILENT);
}

static void one_failure_among_good_ones_changes_nothing(void **state)
{
	(void)state;
	answers(HEALTH_CAUSE_NONE, 1);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(answers(HEALTH_CAUSE_REFUSED, 2), 0);
		assert_int_equal(answers(HEALTH_CAUSE_NONE, 1), 0);
	}
	assert_int_equal(track.state, HEALTH_HEALTHY);
}

static void it_falls_and_rises_by_its_counts(void **state)
{
	(void)state;
	answers(HEALTH_CAUSE_NONE, 1);
	assert_int_equal(answers(HEALTH_CAUSE_REFUSED, 9), 3);
	assert_int_equal(track.cause, HEALTH_CAUSE_REFUSED);
	assert_int_equal(answers(HEALTH_CAUSE_NONE, 1), 0);
	assert_int_equal(answers(HEALTH_CAUSE_REFUSED, 1), 0);
	assert_int_equal(answers(HEALTH_CAUSE_NONE, 9), 2);
	assert_true(track.has_returned);
}

/* First it says that it goes, then it is gone: whoever leaves flows by the cause has to hear of it. */
static void another_cause_is_news(void **state)
{
	uint64_t since_us;

	(void)state;
	answers(HEALTH_CAUSE_NONE, 1);
	assert_int_equal(answers(HEALTH_CAUSE_WRONG_ANSWER, 9), 3);
	since_us = track.changed_us;
	assert_int_equal(answers(HEALTH_CAUSE_SILENT, 9), 1);
	assert_int_equal(answers(HEALTH_CAUSE_SILENT, 9), 0);
	assert_int_equal(track.state, HEALTH_UNHEALTHY);
	assert_int_equal(track.cause, HEALTH_CAUSE_SILENT);
	assert_true(track.changed_us == since_us);
}

static void who_flaps_returns_later_each_time(void **state)
{
	static const unsigned wanted[] = {2, 4, 8, 16, 32, 32, 32};

	(void)state;
	check.fall = 1;
	answers(HEALTH_CAUSE_NONE, 1);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		assert_int_equal(answers(HEALTH_CAUSE_REFUSED, 1), 1);
		assert_int_equal(answers(HEALTH_CAUSE_NONE, 99), wanted[i]);
	}
	/* Ten minutes of health, and all is forgotten. */
	assert_int_equal(answers(HEALTH_CAUSE_NONE, 600), 0);
	assert_int_equal(track.falls, 0);
	assert_int_equal(answers(HEALTH_CAUSE_REFUSED, 1), 1);
	assert_int_equal(answers(HEALTH_CAUSE_NONE, 99), 2);
}

static void failing_flows_count(void **state)
{
	(void)state;
	answers(HEALTH_CAUSE_NONE, 1);
	assert_false(health_track_on_flows(&track, 4, 4, now_us));
	assert_true(health_track_on_flows(&track, 1, 1, now_us));
	assert_int_equal(track.cause, HEALTH_CAUSE_FLOWS);
	assert_int_equal(answers(HEALTH_CAUSE_NONE, 9), 2);
}

static void a_share_of_failures_is_borne(void **state)
{
	(void)state;
	answers(HEALTH_CAUSE_NONE, 1);
	for (int i = 0; i < 100; i++) {
		assert_false(health_track_on_flows(&track, 100, 49, now_us));
		now_us += 1000000;
	}
	/* Failures of long ago and those of now do not add up. */
	for (int i = 0; i < 100; i++) {
		now_us += (FLOWS_WINDOW_S + 1) * UINT64_C(1000000);
		assert_false(health_track_on_flows(&track, 4, 4, now_us));
	}
}

static void without_checks_time_brings_it_back(void **state)
{
	(void)state;
	assert_true(health_track_on_flows(&track, 9, 9, now_us));
	now_us += FLOWS_HOLD_S * UINT64_C(1000000) - 1;
	assert_false(health_track_on_time(&track, now_us));
	assert_true(health_track_on_time(&track, now_us + 1));
	assert_int_equal(track.state, HEALTH_HEALTHY);
	assert_true(track.has_returned);
	assert_true(health_track_on_flows(&track, 9, 9, now_us + 2));
	assert_false(health_track_on_time(&track, now_us + 2 + FLOWS_HOLD_S * UINT64_C(1000000)));
	assert_true(
	    health_track_on_time(&track, now_us + 2 + 2 * FLOWS_HOLD_S * UINT64_C(1000000)));
}

static void the_return_is_slow(void **state)
{
	(void)state;
	assert_int_equal(health_return_percent(0), 10);
	assert_int_equal(health_return_percent(SLOW_RETURN_S * UINT64_C(500000)), 55);
	assert_int_equal(health_return_percent(SLOW_RETURN_S * UINT64_C(1000000)), 100);
	assert_int_equal(health_return_percent(UINT64_MAX), 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(one_good_answer_begins, setup),
	    cmocka_unit_test_setup(bad_ones_need_their_count_from_the_start, setup),
	    cmocka_unit_test_setup(one_failure_among_good_ones_changes_nothing, setup),
	    cmocka_unit_test_setup(it_falls_and_rises_by_its_counts, setup),
	    cmocka_unit_test_setup(another_cause_is_news, setup),
	    cmocka_unit_test_setup(who_flaps_returns_later_each_time, setup),
	    cmocka_unit_test_setup(failing_flows_count, setup),
	    cmocka_unit_test_setup(a_share_of_failures_is_borne, setup),
	    cmocka_unit_test_setup(without_checks_time_brings_it_back, setup),
	    cmocka_unit_test_setup(the_return_is_slow, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
