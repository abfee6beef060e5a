/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A queue that falls while we ease is left to fall; one that stays, or loss that goes on, is a contest. */
#include "tunnel/contest.h"

#include "tests/unit/cmocka_all.h"

enum { ROUND_US = 100000 };

/* Rounds in which the queue changes by so much each; the last one's time. */
static void run(struct contest *contest, struct contest_round *round, int rounds, int64_t rise_us)
{
	for (int i = 0; i < rounds; i++) {
		round->now_us += ROUND_US;
		round->queue_us = (uint64_t)((int64_t)round->queue_us + rise_us);
		contest_on_round(contest, round);
	}
}

static void a_queue_that_falls_is_none(void **state)
{
	struct contest contest = {0};
	struct contest_round round = {.queue_us = 900000, .is_eased = true, .is_queued = true};

	(void)state;
	run(&contest, &round, 100, -5000);
	assert_false(contest.is_on);
}

static void a_queue_that_rises_is_one_for_ten_seconds(void **state)
{
	struct contest contest = {0};
	struct contest_round round = {.queue_us = 50000, .is_eased = true, .is_queued = true};

	(void)state;
	run(&contest, &round, 9, 3000);
	assert_false(contest.is_on);
	run(&contest, &round, 3, 3000);
	assert_true(contest.is_on);
	round.is_eased = round.is_queued = false;
	run(&contest, &round, 95, 0);
	assert_true(contest.is_on);
	run(&contest, &round, 10, 0);
	assert_false(contest.is_on);
}

static void without_easing_nothing_is_known(void **state)
{
	struct contest contest = {0};
	struct contest_round round = {.queue_us = 50000, .is_queued = true, .is_lossy = true};

	(void)state;
	run(&contest, &round, 100, 3000);
	assert_false(contest.is_on);
}

static void loss_that_goes_on_is_one(void **state)
{
	struct contest contest = {0};
	struct contest_round round = {.is_eased = true, .is_lossy = true};

	(void)state;
	run(&contest, &round, 19, 0);
	assert_false(contest.is_on);
	run(&contest, &round, 2, 0);
	assert_true(contest.is_on);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_queue_that_falls_is_none),
	    cmocka_unit_test(a_queue_that_rises_is_one_for_ten_seconds),
	    cmocka_unit_test(without_easing_nothing_is_known),
	    cmocka_unit_test(loss_that_goes_on_is_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
