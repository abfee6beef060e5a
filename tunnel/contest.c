/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Do the neighbours on a line make way? See contest.h. */
#include "tunnel/contest.h"

enum {
	LOOK_US = 1000000,  /* of queue, or twice that of easing, for a verdict */
	HOLD_US = 10000000, /* that it stands */
};

/*
 * When all ease the queue falls by a twentieth of the time and more; where neighbours fill it, it stands or rises
 * but for their own probing.  In virtual time beside Linux's BBR and among our own kind this tells them apart best.
 */
#define FALL_LEAST  (-0.015)
#define LOSSY_SHARE 0.55

static void note(struct contest *contest, const struct contest_round *round)
{
	uint64_t took_us = round->now_us - contest->round_at_us;
	bool is_queued = round->is_eased && round->is_queued;

	if (is_queued && contest->was_queued) {
		contest->queued_us += took_us;
		contest->fell_us += (double)contest->queue_us - (double)round->queue_us;
	}
	if (round->is_eased) {
		contest->eased_us += took_us;
		contest->lossy_us += round->is_lossy ? took_us : 0;
	}
	contest->was_queued = is_queued;
	contest->queue_us = round->queue_us;
	contest->round_at_us = round->now_us;
}

void contest_on_round(struct contest *contest, const struct contest_round *round)
{
	bool is_queue_kept, is_loss_kept;

	note(contest, round);
	if (contest->is_on) {
		contest->is_on = round->now_us < contest->until_us;
		return;
	}
	if (contest->queued_us < LOOK_US && contest->eased_us < 2 * LOOK_US)
		return;
	is_queue_kept = contest->queued_us >= LOOK_US
	                && contest->fell_us < FALL_LEAST * (double)contest->queued_us;
	is_loss_kept = (double)contest->lossy_us > LOSSY_SHARE * (double)contest->eased_us;
	contest->is_on = is_queue_kept || is_loss_kept;
	contest->until_us = round->now_us + HOLD_US;
	contest->eased_us = contest->lossy_us = 0;
	if (contest->queued_us >= LOOK_US) {
		contest->queued_us = 0;
		contest->fell_us = 0;
	}
}
