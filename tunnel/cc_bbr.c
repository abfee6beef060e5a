/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * BBR (draft-ietf-ccwg-bbr, version 3): a model of the path, its rate and its shortest round trip, decides
 * the pace and the window; it probes for more every few seconds.  The answer to loss is another than the
 * draft's, which collapses on lines that lose at random: what is lost while no queue can be the cause is
 * the line's own (the floor), is made up for in the pace, and shrinks nothing.  And a queue is answered before it
 * overflows, unless neighbours keep it filled (contest.h).
 */
#include "tunnel/cc_bbr.h"

#include "tunnel/cc_bbr_private.h"

#include <math.h>
#include <string.h>

static void bbr_init(void *state, const struct cc_start *start)
{
	struct bbr *bbr = state;

	memset(bbr, 0, sizeof(*bbr));
	bbr->packet_bytes = start->packet_bytes;
	bbr->bw_lo = bbr->inflight_lo = bbr->inflight_hi = INFINITY;
	bbr->round.min_rtt_us = bbr->last.min_rtt_us = UINT64_MAX;
	bbr->window = bbr->packet_bytes * CC_INITIAL_WINDOW_PKTS;
	bbr->min_rtt_us = start->min_rtt_us;
	bbr->min_rtt_at_us = start->now_us;
	bbr->bw_cycles[1] = (double)start->rate_Bps;
	bbr_enter(bbr, STARTUP, STARTUP_PACING_GAIN, start->now_us);
	bbr_confirm_rate(bbr, start->now_us);
	if (start->rate_Bps > 0 && start->min_rtt_us > 0)
		bbr_resume(bbr, start->now_us);
}

static void bbr_on_sent(void *state, const struct cc_sent *sent)
{
	struct bbr *bbr = state;

	if ((bbr->is_full || bbr->is_rate_known) && bbr->state != RESUME
	    && bbr_is_stale(bbr, sent->now_us))
		bbr_resume(bbr, sent->now_us);
}

static void bbr_on_ack(void *state, const struct cc_ack *ack)
{
	struct bbr *bbr = state;
	bool is_round = ack->largest_number >= bbr->round.end_number;

	bbr_note_rtt(bbr, ack);
	bbr_note_rate(bbr, ack);
	bbr_note_train(bbr, ack);
	bbr->round.acked += (double)ack->bytes;
	if (bbr_is_calm(bbr, ack->largest_sent_us))
		bbr_note_calm(bbr, (double)ack->bytes, 0);
	if (is_round) {
		bbr_start_round(bbr, ack);
		bbr_judge_round(bbr, ack->now_us);
	}
	bbr_run_states(bbr, ack, is_round);
	bbr_set_window(bbr, ack);
}

static void bbr_on_loss(void *state, const struct cc_loss *loss)
{
	struct bbr *bbr = state;

	bbr->round.lost += (double)loss->bytes;
	if (bbr_is_calm(bbr, loss->largest_sent_us))
		bbr_note_calm(bbr, 0, (double)loss->bytes);
	if (!loss->is_persistent)
		return;
	bbr->window = fmax(bbr->window / 2, bbr->packet_bytes * BBR_MIN_WINDOW_PKTS);
	/* A rate that only trains taught was true of a path that may be another one now. */
	if (bbr->is_rate_known && !bbr->is_full)
		bbr_fill_pipe(bbr, loss->now_us);
	if (bbr->is_full) {
		bbr->bw_lo = fmax(bbr_bw(bbr), RATE_LEAST_PPS * bbr->packet_bytes) / 2;
		bbr->inflight_lo = bbr->window;
	}
}

static void bbr_on_spurious(void *state, uint64_t sent_us, uint64_t now_us)
{
	struct bbr *bbr = state;

	(void)sent_us;
	(void)now_us;
	bbr->round.lost = fmax(bbr->round.lost - bbr->packet_bytes, 0);
}

static void bbr_on_ecn(void *state, const struct cc_ecn *ecn)
{
	struct bbr *bbr = state;

	bbr->round.has_mark |= ecn->ce_pkts > 0;
}

static void bbr_on_packet_bytes(void *state, uint32_t packet_bytes)
{
	struct bbr *bbr = state;

	bbr->packet_bytes = packet_bytes;
}

static uint64_t bbr_window_bytes(const void *state)
{
	const struct bbr *bbr = state;

	return (uint64_t)bbr->window;
}

/* An initial window a round trip until the pipe was full once, since small requests teach little of it. */
static double least_rate(const struct bbr *bbr, const struct rtt *rtt)
{
	double rtt_us = (double)(rtt->smoothed_us ? rtt->smoothed_us : 1);

	if (bbr->is_full)
		return RATE_LEAST_PPS * bbr->packet_bytes;
	return CC_INITIAL_WINDOW_PKTS * bbr->packet_bytes * 1e6 / rtt_us;
}

static uint64_t bbr_pacing_rate_Bps(const void *state, const struct rtt *rtt)
{
	const struct bbr *bbr = state;
	double rate = fmax(bbr_bw(bbr), least_rate(bbr, rtt));
	double arriving = 1 - fmin(bbr->floor.share, BBR_LOSS_MOST);
	double gain = bbr->pacing_gain;

	if (bbr->state == STARTUP && bbr->is_rate_known)
		gain = 1;
	if (bbr->is_for_all)
		rate = fmax(rate + bbr_gained(bbr), DOWN_LEAST * rate);
	else
		rate *= gain;
	return (uint64_t)(PACING_MARGIN * rate / arriving);
}

static uint64_t bbr_path_rate_Bps(const void *state, const struct rtt *rtt)
{
	const struct bbr *bbr = state;

	(void)rtt;
	return (uint64_t)bbr_bw(bbr);
}

/* One lane of the tunnel at a time, the first one: its siblings take over what it finds. */
static bool bbr_wants_warm_up(const void *state)
{
	const struct bbr *bbr = state;

	return bbr->state == STARTUP && !bbr->is_rate_known && !bbr->was_queued
	       && bbr->min_rtt_us >= WARM_UP_RTT_US && !bbr->siblings.is_new_before;
}

static bool bbr_is_starting(const void *state)
{
	const struct bbr *bbr = state;

	return bbr->state == STARTUP;
}

static void on_siblings(void *state, const struct path_share_view *view, uint64_t now_us)
{
	bbr_on_siblings(state, view, now_us);
}

static void tell(const void *state, struct path_share_record *record)
{
	bbr_tell(state, record);
}

const struct cc_ops cc_bbr = {
    .name = "bbr",
    .state_bytes = sizeof(struct bbr),
    .init = bbr_init,
    .on_sent = bbr_on_sent,
    .on_ack = bbr_on_ack,
    .on_loss = bbr_on_loss,
    .on_spurious = bbr_on_spurious,
    .on_ecn = bbr_on_ecn,
    .on_packet_bytes = bbr_on_packet_bytes,
    .window_bytes = bbr_window_bytes,
    .pacing_rate_Bps = bbr_pacing_rate_Bps,
    .path_rate_Bps = bbr_path_rate_Bps,
    .wants_warm_up = bbr_wants_warm_up,
    .is_starting = bbr_is_starting,
    .on_siblings = on_siblings,
    .tell = tell,
};
