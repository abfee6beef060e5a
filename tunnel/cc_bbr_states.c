/* SPDX-License-Identifier: GPL-2.0-or-later */
/* BBR: its states, see cc_bbr_private.h. */
#include "tunnel/cc_bbr_private.h"

#include <math.h>

void bbr_enter(struct bbr *bbr, enum bbr_state state, double pacing_gain, uint64_t now_us)
{
	bbr->state = state;
	bbr->state_since_us = now_us;
	bbr->state_rounds = 0;
	bbr->pacing_gain = pacing_gain;
	bbr->is_for_all &= state == DOWN;
}

void bbr_start_cycle(struct bbr *bbr, uint64_t now_us)
{
	bbr->cycle_since_us = now_us;
	bbr->cycle_rounds = 0;
	bbr->crowded_rounds = 0;
	/* Spread, so that two do not stay in step; any number will do. */
	bbr->probe_wait_us =
	    PROBE_WAIT_US + (now_us * UINT64_C(0x9e3779b97f4a7c15) >> 32) % PROBE_WAIT_SPREAD_US;
}

static void enter_down(struct bbr *bbr, uint64_t now_us)
{
	bbr_enter(bbr, DOWN, DOWN_PACING_GAIN, now_us);
	bbr_start_cycle(bbr, now_us);
	loss_floor_look(&bbr->floor);
	bbr->calm_from_us = bbr->calm_to_us = 0;
}

/* Easing goes on in the probe, which raises what it finds room for; unless neighbours make no way. */
static void enter_refill(struct bbr *bbr, uint64_t now_us)
{
	bbr_enter(bbr, REFILL, 1, now_us);
	bbr->inflight_lo = INFINITY;
	if (bbr->contest.is_on)
		bbr->bw_lo = INFINITY;
	bbr->up_rounds = 0;
}

/*
 * What a probe sends too much is a queue before its first news come, a round trip later, and requests beside a
 * download wait in it.  So it begins with as much as makes a short one, and goes on with the draft's gain where that
 * came through.  Neighbours, and what Startup found too little of, are met with all of it at once; and by lanes that
 * share the line, which otherwise find too slowly what others left.
 */
static double first_up_gain(const struct bbr *bbr)
{
	double soft = 1 + (double)UP_FIRST_QUEUE_US / (double)bbr_greater(bbr->min_rtt_us, 1);

	if (bbr->contest.is_on || bbr->is_settling || bbr->state_since_us < bbr->crowded_until_us
	    || bbr->siblings.rate_Bps > 0)
		return UP_PACING_GAIN;
	return fmin(fmax(soft, UP_FIRST_GAIN_LEAST), UP_PACING_GAIN);
}

static void enter_up(struct bbr *bbr, const struct cc_ack *ack)
{
	bbr_enter(bbr, UP, first_up_gain(bbr), ack->now_us);
	bbr->is_for_all = true;
	bbr->up_srtt_us = ack->rtt->smoothed_us;
	bbr->up_bw = bbr->up_first_bw = bbr_tunnel_bw(bbr);
}

static void leave_up(struct bbr *bbr, uint64_t now_us)
{
	bbr->bw_is_to_advance = !bbr->round.is_app_limited;
	if (!bbr->bw_is_to_advance)
		bbr->probed_us = now_us;
	enter_down(bbr, now_us);
}

static void enter_probe_rtt(struct bbr *bbr, uint64_t now_us)
{
	bbr_enter(bbr, PROBE_RTT, 1, now_us);
	bbr->rtt_probe_us = now_us;
	bbr->probe_rtt_done_us = 0;
	bbr->probed_min_rtt_us = UINT64_MAX;
}

void bbr_fill_pipe(struct bbr *bbr, uint64_t now_us)
{
	bbr_confirm_rate(bbr, now_us);
	bbr->is_full = true;
	bbr->is_settling = true;
	bbr_enter(bbr, DRAIN, DRAIN_PACING_GAIN, now_us);
}

/* An outage is none: what flows over is what was sent beside what came through. */
static bool is_overflowing(const struct bbr *bbr)
{
	return bbr->round.acked >= bbr->packet_bytes * CC_INITIAL_WINDOW_PKTS
	       && bbr_is_loss_above(bbr, &bbr->round, STARTUP_LOSS_MOST);
}

static void startup_on_round(struct bbr *bbr, const struct cc_ack *ack)
{
	const struct bbr_round *last = &bbr->last;

	if (bbr_tunnel_bw(bbr) >= bbr->full_bw * FULL_BW_GROWTH) {
		bbr->full_bw = bbr_tunnel_bw(bbr);
		bbr->full_bw_rounds = 0;
		/* What grows is not full, so what is lost is the line's. */
		bbr_note_calm(bbr, last->acked, last->lost);
		loss_floor_look(&bbr->floor);
		return;
	}
	/* Requests at a rate that is too high show it, though they do not fill the pipe. */
	if ((!last->is_app_limited || bbr->is_rate_known)
	    && (bbr_is_queue_long(bbr, last) || bbr_is_loss_above(bbr, last, BBR_LOSS_MOST))) {
		bbr_fill_pipe(bbr, ack->now_us);
		return;
	}
	if (last->is_app_limited && !last->has_train)
		return;
	bbr->full_bw_rounds++;
	if (bbr->full_bw_rounds < FULL_BW_ROUNDS)
		return;
	if (last->is_app_limited)
		bbr->is_rate_known = true;
	else
		bbr_fill_pipe(bbr, ack->now_us);
}

/* One lane of a tunnel at a time, in turns; the next ones wait whether it does. */
static bool is_my_turn(const struct bbr *bbr, uint64_t now_us)
{
	uint64_t wait_us = bbr->probe_wait_us + bbr->siblings.before * TURN_US;

	return !bbr->siblings.is_probing
	       && (bbr->siblings.before == 0 || now_us - bbr->cycle_since_us >= wait_us);
}

/* Nor while requests are all there is: they show no more than they ask for, and faster ones only fill the queue. */
static bool is_time_to_probe(const struct bbr *bbr, uint64_t now_us)
{
	double reno_rounds = fmin(bbr_bdp(bbr, bbr_bw(bbr)) / bbr->packet_bytes, PROBE_ROUNDS_MAX);

	if (bbr->last.is_app_limited || bbr->round.is_app_limited)
		return false;
	return bbr->is_settling || now_us - bbr->cycle_since_us >= bbr->probe_wait_us
	       || (double)bbr->cycle_rounds >= fmax(reno_rounds, PROBE_ROUNDS_MIN);
}

/* Sends less than the line carries until the queue is gone, and one round trip longer: what is lost then is the line's. */
static void down_on_ack(struct bbr *bbr, const struct cc_ack *ack)
{
	double target = fmin(bbr_bdp(bbr, bbr_bw(bbr)),
	    fmax(bbr->inflight_hi, bbr->packet_bytes * BBR_MIN_WINDOW_PKTS));

	if (bbr->calm_from_us == 0 && (double)ack->in_flight_bytes <= target) {
		bbr->calm_from_us = ack->now_us;
		bbr->calm_to_us = UINT64_MAX;
	}
	if (bbr->calm_from_us && ack->now_us - bbr->calm_from_us >= bbr->min_rtt_us) {
		bbr->calm_to_us = ack->now_us;
		bbr->is_settling &= bbr_tunnel_bw(bbr) > bbr->up_first_bw * SETTLED_GROWTH;
		bbr_enter(bbr, CRUISE, 1, ack->now_us);
	}
}

static void raise_inflight_hi(struct bbr *bbr, const struct cc_ack *ack)
{
	double step;

	if (bbr->inflight_hi == INFINITY
	    || (double)ack->used_bytes + bbr->packet_bytes < bbr->inflight_hi)
		return;
	step = bbr->packet_bytes
	       * (double)(1u << (bbr->up_rounds < UP_ROUNDS_MAX ? bbr->up_rounds : UP_ROUNDS_MAX));
	bbr->inflight_hi += fmin(step * (double)ack->bytes / bbr->inflight_hi, (double)ack->bytes);
}

/* A probe ends where it brings no more: the queue grows, or the loss, or nothing. */
static bool is_up_over(const struct bbr *bbr, const struct cc_ack *ack, bool is_round)
{
	uint64_t rise_us = bbr_greater(UP_QUEUE_MIN_US, bbr->min_rtt_us / UP_QUEUE_RTT_DIVISOR);

	if (bbr->round.has_mark)
		return true;
	/* What was sent in it is acknowledged a round trip later. */
	if (ack->now_us - bbr->state_since_us <= bbr->min_rtt_us)
		return false;
	if (ack->rtt->smoothed_us > bbr->up_srtt_us + rise_us)
		return true;
	if (bbr_tunnel_bw(bbr) >= bbr->up_bw * UP_GROWTH)
		return false;
	return bbr_is_lossy(bbr, &bbr->round) || (is_round && bbr->state_rounds >= 2);
}

/* What the first round trips sent more came through; what all of the gain does shows two later. */
static void raise_up_gain(struct bbr *bbr)
{
	if (bbr->pacing_gain >= UP_PACING_GAIN || bbr_tunnel_bw(bbr) < bbr->up_first_bw * UP_GROWTH)
		return;
	bbr->pacing_gain = UP_PACING_GAIN;
	bbr->state_rounds = 0;
}

static void up_on_ack(struct bbr *bbr, const struct cc_ack *ack, bool is_round)
{
	bool is_too_much = bbr_is_lossy(bbr, &bbr->round) && bbr_is_queue_long(bbr, &bbr->round)
	                   && !bbr->contest.is_on;

	raise_inflight_hi(bbr, ack);
	bbr->bw_lo = fmax(bbr->bw_lo, path_share_part(&bbr->siblings, bbr->round.together));
	if (is_up_over(bbr, ack, is_round)) {
		if (bbr->round.has_mark || is_too_much)
			bbr->inflight_hi =
			    fmax((double)ack->in_flight_bytes, BETA * bbr_bdp(bbr, bbr_bw(bbr)));
		leave_up(bbr, ack->now_us);
	} else if (is_round) {
		bbr->up_rounds++;
		raise_up_gain(bbr);
		bbr->up_bw = bbr_tunnel_bw(bbr);
	}
}

static void leave_probe_rtt(struct bbr *bbr, uint64_t now_us)
{
	if (bbr->probed_min_rtt_us != UINT64_MAX)
		bbr->min_rtt_us = bbr->own_rtt_us = bbr->probed_min_rtt_us;
	bbr->min_rtt_at_us = now_us;
	bbr->is_rtt_proved = true;
	bbr->bw_lo = bbr->inflight_lo = INFINITY;
	bbr_start_cycle(bbr, now_us);
	bbr_enter(bbr, CRUISE, 1, now_us);
}

static void probe_rtt_on_ack(struct bbr *bbr, const struct cc_ack *ack)
{
	if (bbr->probe_rtt_done_us == 0) {
		if ((double)ack->in_flight_bytes <= bbr->window)
			bbr->probe_rtt_done_us =
			    ack->now_us + bbr_greater(PROBE_RTT_US, bbr->min_rtt_us);
	} else if (ack->now_us >= bbr->probe_rtt_done_us) {
		leave_probe_rtt(bbr, ack->now_us);
	}
}

/* The lanes of a tunnel do so together, or they would see one another's queue. */
static bool is_sibling_probing_rtt(const struct bbr *bbr, uint64_t now_us)
{
	uint64_t at_us = bbr->siblings.rtt_probe_us;

	return at_us > bbr->rtt_probe_us && now_us - at_us < PROBE_RTT_US / 2
	       && (bbr->rtt_probe_us == 0 || now_us - bbr->rtt_probe_us >= PROBE_RTT_JOIN_US);
}

/* With so little in flight as ProbeRTT would leave, the samples are as good as its. */
static void renew_min_rtt(struct bbr *bbr, const struct cc_ack *ack)
{
	/* Where each ACK ends a round trip the new one has no sample yet. */
	uint64_t seen_us =
	    bbr->round.min_rtt_us != UINT64_MAX ? bbr->round.min_rtt_us : bbr->last.min_rtt_us;

	if (bbr->state == PROBE_RTT
	    || (ack->now_us - bbr->min_rtt_at_us <= PROBE_RTT_EVERY_US
	        && !is_sibling_probing_rtt(bbr, ack->now_us)))
		return;
	if ((double)ack->used_bytes > bbr_probe_rtt_window(bbr)) {
		if (bbr->is_full && bbr->state != RESUME)
			enter_probe_rtt(bbr, ack->now_us);
	} else if (seen_us != UINT64_MAX) {
		bbr->min_rtt_us = bbr->own_rtt_us = seen_us;
		bbr->min_rtt_at_us = ack->now_us;
		bbr->is_rtt_proved |= bbr->siblings.hungry == 0;
	}
}

void bbr_run_states(struct bbr *bbr, const struct cc_ack *ack, bool is_round)
{
	switch (bbr->state) {
	case STARTUP:
		if (is_overflowing(bbr))
			bbr_fill_pipe(bbr, ack->now_us);
		else if (is_round)
			startup_on_round(bbr, ack);
		break;
	case DRAIN:
		if ((double)ack->in_flight_bytes <= bbr_bdp(bbr, bbr_bw(bbr)))
			enter_down(bbr, ack->now_us);
		break;
	case DOWN:
		down_on_ack(bbr, ack);
		break;
	case CRUISE:
		if (is_my_turn(bbr, ack->now_us) && is_time_to_probe(bbr, ack->now_us))
			enter_refill(bbr, ack->now_us);
		break;
	case REFILL:
		if (bbr->siblings.is_probing_before)
			bbr_enter(bbr, CRUISE, 1, ack->now_us);
		else if (is_round && bbr->state_rounds >= 1)
			enter_up(bbr, ack);
		break;
	case UP:
		up_on_ack(bbr, ack, is_round);
		break;
	case RESUME:
		bbr_resume_on_ack(bbr, ack, is_round);
		break;
	case PROBE_RTT:
		probe_rtt_on_ack(bbr, ack);
		break;
	}
	renew_min_rtt(bbr, ack);
}
