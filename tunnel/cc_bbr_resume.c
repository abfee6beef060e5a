/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * BBR: a rate that nothing has confirmed for long (Careful Resume, draft-ietf-tsvwg-careful-resume).  It is a good guess, so
 * the first round trips go with half of it rather than from ten packets on; when they come through it stands, when
 * they are lost or queue it is what came through, and on another path it is nothing.
 */
#include "tunnel/cc_bbr_private.h"

#include <math.h>

enum {
	STALE_US = 60000000,
	VALIDATE_PKTS = 64, /* that came through, or half of what was in flight at that rate */
	JUDGE_PKTS = 10,    /* of a round trip: fewer say nothing of the rate */
	SAME_RTT_US = 5000, /* or a quarter: the same path */
	SAME_RTT_DIVISOR = 4,
};

void bbr_confirm_rate(struct bbr *bbr, uint64_t now_us)
{
	bbr->confirmed_us = now_us;
	bbr->confirmed_rtt_us = bbr->min_rtt_us;
}

void bbr_resume(struct bbr *bbr, uint64_t now_us)
{
	bbr->is_full = true;
	bbr->is_settling = false;
	bbr->resumed_bytes = 0;
	bbr_enter(bbr, RESUME, RESUME_GAIN, now_us);
}

static bool is_other_path(const struct bbr *bbr)
{
	uint64_t before_us = bbr->confirmed_rtt_us, now_us = bbr->min_rtt_us;
	uint64_t apart_us = before_us > now_us ? before_us - now_us : now_us - before_us;

	return apart_us > bbr_greater(SAME_RTT_US, before_us / SAME_RTT_DIVISOR);
}

bool bbr_is_stale(const struct bbr *bbr, uint64_t now_us)
{
	return now_us - bbr_greater(bbr->confirmed_us, bbr->siblings.confirmed_us) > STALE_US;
}

/* As if nothing had been known, but for the shortest round trip. */
static void forget(struct bbr *bbr, uint64_t now_us)
{
	bbr->bw_cycles[0] = bbr->bw_cycles[1] = bbr->full_bw = 0;
	bbr->bw_lo = bbr->inflight_lo = bbr->inflight_hi = INFINITY;
	bbr->full_bw_rounds = 0;
	bbr->is_full = bbr->is_rate_known = false;
	bbr->window = bbr->packet_bytes * CC_INITIAL_WINDOW_PKTS;
	bbr_enter(bbr, STARTUP, STARTUP_PACING_GAIN, now_us);
}

/* Requests that ask for less than the path carries show no more than they ask for: then half is kept at least. */
static void retreat(struct bbr *bbr, uint64_t now_us)
{
	double least = bbr->last.is_app_limited ? RESUME_GAIN * bbr_tunnel_bw(bbr) : 0;

	bbr->bw_cycles[0] = 0;
	bbr->bw_cycles[1] = fmax(bbr->last.together, least);
	bbr_confirm_rate(bbr, now_us);
	bbr_fill_pipe(bbr, now_us);
}

void bbr_resume_on_ack(struct bbr *bbr, const struct cc_ack *ack, bool is_round)
{
	const struct bbr_round *last = &bbr->last;
	bool is_queued = bbr_queue_share(bbr, last) > 1;
	double enough =
	    fmin(RESUME_GAIN * bbr_bdp(bbr, bbr_max_bw(bbr)), VALIDATE_PKTS * bbr->packet_bytes);

	if (is_other_path(bbr)) {
		forget(bbr, ack->now_us);
		return;
	}
	/* The first round that ends began before. */
	if (!is_round || bbr->state_rounds < 2)
		return;
	if (last->acked + last->lost < JUDGE_PKTS * bbr->packet_bytes) {
		bbr->resumed_bytes = 0;
		return;
	}
	bbr->resumed_bytes += last->acked;
	if (bbr_is_lossy(bbr, last) || (is_queued && !last->is_app_limited)) {
		retreat(bbr, ack->now_us);
	} else if (!is_queued && bbr->resumed_bytes >= enough) {
		bbr_confirm_rate(bbr, ack->now_us);
		bbr_start_cycle(bbr, ack->now_us);
		bbr_enter(bbr, CRUISE, 1, ack->now_us);
	}
}
