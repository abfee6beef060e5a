/* SPDX-License-Identifier: GPL-2.0-or-later */
/* BBR: what bounds rate and window, see cc_bbr_private.h. */
#include "tunnel/cc_bbr_private.h"

#include <math.h>

double bbr_probe_rtt_window(const struct bbr *bbr)
{
	return fmax(
	    PROBE_RTT_GAIN * bbr_bdp(bbr, bbr_bw(bbr)), bbr->packet_bytes * BBR_MIN_WINDOW_PKTS);
}

/* Too much: the last round's delivery is what the path took. */
static void cut(struct bbr *bbr, const struct bbr_round *round)
{
	double now_bw = bbr_bw(bbr);
	double now_inflight = fmin(bbr->inflight_lo, bbr->window);

	bbr->bw_lo = fmax(round->bw, BETA * now_bw);
	bbr->inflight_lo = fmax(round->delivered, BETA * now_inflight);
}

/*
 * Somewhat too much: less than was delivered, until the queue or the loss is gone.  All of our kind on a line see
 * the same queue and do the same, so that shares stay and the queue goes.
 */
static void ease(struct bbr *bbr, const struct bbr_round *round)
{
	double least = EASE_LEAST * bbr_max_bw(bbr);

	if (!round->is_app_limited && round->bw > 0)
		bbr->bw_lo = fmin(bbr->bw_lo, fmax(EASE_GAIN * round->bw, least));
}

static void look_for_contest(struct bbr *bbr, bool is_queued, bool is_last_lossy, uint64_t now_us)
{
	struct contest_round round = {
	    .now_us = now_us,
	    .queue_us = bbr_queue_us(bbr, &bbr->last),
	    .is_eased =
	        bbr->bw_lo < bbr_max_bw(bbr) && (bbr->state == CRUISE || bbr->state == DOWN),
	    .is_queued = is_queued,
	    .is_lossy = is_last_lossy,
	};

	contest_on_round(&bbr->contest, &round);
}

/* What is there while we send no more than the line carries is somebody else's. */
static void look_for_neighbours(struct bbr *bbr, bool is_last_lossy, uint64_t now_us)
{
	if (bbr->state != CRUISE || bbr_is_siblings_queue(bbr, now_us)
	    || (!is_last_lossy && bbr_queue_share(bbr, &bbr->last) <= CROWDED_QUEUE))
		return;
	if (++bbr->crowded_rounds >= CROWDED_ROUNDS)
		bbr->crowded_until_us = now_us + CROWDED_HOLD_US;
}

/* Delivered on the average: single samples may show what a policer lets through in a burst. */
static double delivered_Bps(const struct bbr_round *round)
{
	return round->took_us > 0 ? round->acked * 1e6 / (double)round->took_us : 0;
}

/* What came through before we eased. */
static void note_lossy_bw(struct bbr *bbr)
{
	if (bbr->lossy_rounds >= EASE_LOSSY_ROUNDS)
		bbr->lossy_bw = fmax(bbr->lossy_bw, delivered_Bps(&bbr->last));
	else if (bbr->bw_lo >= bbr_max_bw(bbr))
		bbr->lossy_bw = 0;
}

/*
 * We send less than came through before we eased, there is no queue, and it loses as before: that is the line's.  Else a loss that
 * rises would be answered by easing until the ends of four probes have shown it.
 */
static void look_while_eased(struct bbr *bbr, uint64_t now_us)
{
	double before_bw = fmin(bbr->lossy_bw, bbr_max_bw(bbr));
	bool was_calm = bbr->eased_to_us == UINT64_MAX;
	bool is_calm = bbr->state == CRUISE && bbr->bw_lo < EASED_MOST * before_bw
	               && bbr_queue_share(bbr, &bbr->last) < EASE_GROWTH_QUEUE;

	if (was_calm)
		loss_floor_look(&bbr->floor);
	if (is_calm == was_calm)
		return;
	if (is_calm)
		bbr->eased_from_us = now_us;
	bbr->eased_to_us = is_calm ? UINT64_MAX : now_us;
}

static void answer(struct bbr *bbr, bool is_last_lossy, bool is_queued)
{
	const struct bbr_round *last = &bbr->last;

	if (bbr->state == STARTUP || bbr->state == REFILL || bbr->state == UP
	    || bbr->state == RESUME)
		return;
	if (last->has_mark || bbr_is_loss_above(bbr, last, BBR_LOSS_MOST)
	    || (is_last_lossy && bbr_is_queue_long(bbr, last) && !bbr->contest.is_on))
		cut(bbr, last);
	else if (bbr->siblings.is_raising)
		return;
	else if (!bbr->contest.is_on && (is_queued || bbr->lossy_rounds >= EASE_LOSSY_ROUNDS))
		ease(bbr, last);
	else if (bbr->lossy_rounds == 0 && bbr_queue_share(bbr, last) < EASE_GROWTH_QUEUE)
		bbr->bw_lo += EASE_GROWTH * bbr_max_bw(bbr);
}

void bbr_judge_round(struct bbr *bbr, uint64_t now_us)
{
	const struct bbr_round *last = &bbr->last;
	bool is_last_lossy = bbr_is_lossy(bbr, last);
	bool is_queued = bbr_queue_share(bbr, last) > 1;

	bbr->state_rounds++;
	bbr->cycle_rounds++;
	bbr_advance_bw(bbr, now_us);
	bbr->lossy_rounds = is_last_lossy ? bbr->lossy_rounds + 1 : 0;
	note_lossy_bw(bbr);
	look_for_neighbours(bbr, is_last_lossy, now_us);
	look_for_contest(bbr, is_queued, is_last_lossy, now_us);
	answer(bbr, is_last_lossy, is_queued);
	look_while_eased(bbr, now_us);
}

static double model_window(const struct bbr *bbr)
{
	double rate = bbr_bw(bbr);
	double gain = bbr->state == UP       ? UP_WINDOW_GAIN
	              : bbr->state == RESUME ? RESUME_GAIN * WINDOW_GAIN
	                                     : WINDOW_GAIN;
	double rtts, short_rtt;

	if (bbr->state == UP)
		rate += bbr_gained(bbr) - (bbr->pacing_gain - 1) * rate;
	rtts = gain * bbr_bdp(bbr, rate);
	short_rtt = bbr_bdp(bbr, rate) + rate * QUEUE_MIN_US / 1e6;
	return fmax(rtts, short_rtt);
}

void bbr_set_window(struct bbr *bbr, const struct cc_ack *ack)
{
	double most = model_window(bbr);
	double least = bbr->packet_bytes * BBR_MIN_WINDOW_PKTS;

	if (bbr->is_full || bbr->is_rate_known)
		bbr->window = most;
	else if (bbr->window < most || most == 0)
		bbr->window += (double)ack->bytes;
	/* What a train came through at, the path carries: as much in flight makes no queue. */
	if (bbr->state == STARTUP && bbr->round.has_train)
		bbr->window = fmax(bbr->window, bbr_bdp(bbr, bbr_bw(bbr)));
	bbr->window = fmin(bbr->window, bbr->inflight_hi);
	bbr->window = fmin(bbr->window, bbr->inflight_lo);
	if (bbr->state == PROBE_RTT)
		bbr->window = fmin(bbr->window, bbr_probe_rtt_window(bbr));
	bbr->window = fmax(bbr->window, least);
}
