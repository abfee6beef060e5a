/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * BBR: one model for all lanes of a tunnel, see path_share.h.  The rate is the tunnel's, and each lane takes its
 * part of it; so what one finds by probing is everybody's, and who begins needs no Startup.
 */
#include "tunnel/cc_bbr_private.h"

#include <math.h>

enum {
	METER_PKTS = 16, /* fewer say little of a rate */
	METER_MOST_US = 1000000,
	MIN_RTT_LEAST_US = 50000, /* of one that tells how little a rate can be */
	/* No lane probes for longer without a break, though the next one may follow at once. */
	PROBING_MOST_US = 2000000,
	PROBING_MOST_RTTS = 20,
};

/* What bounds this lane by its own experience keeps its proportion to the lane's part. */
static void scale_bounds(struct bbr *bbr, double before, double after)
{
	if (before <= 0 || after <= 0)
		return;
	bbr->bw_lo *= after / before;
	bbr->lossy_bw *= after / before;
	bbr->inflight_lo *= after / before;
	bbr->inflight_hi *= after / before;
}

/* They have filled the pipe: no need to.  Where none does now, it is a memory. */
static void take_over(struct bbr *bbr, const struct path_share_view *view, uint64_t now_us)
{
	bool is_memory = view->rate_Bps <= 0;
	double told = is_memory ? view->known_Bps : view->rate_Bps;
	double least = BBR_MIN_WINDOW_PKTS * bbr->packet_bytes * 1e6
	               / (double)bbr_greater(bbr->min_rtt_us, MIN_RTT_LEAST_US);

	bbr->bw_cycles[1] = fmax(bbr->bw_cycles[1], fmax(told, least));
	if (bbr->floor.look_count == 0)
		bbr->floor.share = view->loss_floor;
	bbr_fill_pipe(bbr, now_us);
	bbr->is_settling = false;
	if (!is_memory)
		return;
	bbr->confirmed_us = view->confirmed_us;
	bbr_resume(bbr, now_us);
}

/* Until its own is proved a lane takes the siblings', who may go another way: only one that it came near to is seen. */
static void follow_min_rtt(struct bbr *bbr, const struct path_share_view *view)
{
	uint64_t same_us = bbr_greater(RTT_SAME_MIN_US, bbr->min_rtt_us / RTT_SAME_DIVISOR);

	if (view->min_rtt_us > 0 && !bbr->is_rtt_proved
	    && (bbr->min_rtt_us == 0 || view->min_rtt_us < bbr->min_rtt_us))
		bbr->min_rtt_us = view->min_rtt_us;
	if (view->min_rtt_us > 0 && view->min_rtt_us <= bbr->min_rtt_us + same_us
	    && (bbr->is_rtt_proved || path_share_is_near(view->min_rtt_us, bbr->own_rtt_us)))
		bbr->min_rtt_at_us = bbr_greater(bbr->min_rtt_at_us, view->min_rtt_at_us);
}

/* A sibling's probe is as good as one of our own. */
static void follow_probes(struct bbr *bbr, const struct path_share_view *view, uint64_t now_us)
{
	double rate = bbr_tunnel_bw(bbr);

	if (view->is_probing) {
		bbr->sibling_probing_us = now_us;
		bbr->bw_cycles[1] =
		    fmax(bbr->bw_cycles[1], fmin(view->probing_Bps, UP_PACING_GAIN * rate));
	}
	if (view->probed_us <= bbr_greater(bbr->siblings.probed_us, bbr->probed_us)
	    || view->probed_Bps <= 0 || bbr->state != CRUISE)
		return;
	bbr_start_cycle(bbr, now_us);
	bbr->bw_cycles[0] = fmin(view->probed_Bps, UP_PACING_GAIN * rate);
	bbr->bw_cycles[1] = 0;
}

/* As in our own probe: what is found is taken, and what held back before is not asked. */
static void follow_raise(struct bbr *bbr, const struct path_share_view *view)
{
	if (!view->is_raising || (bbr->state != CRUISE && bbr->state != DOWN))
		return;
	bbr->inflight_lo = INFINITY;
	bbr->bw_lo = fmax(bbr->bw_lo, path_share_part(view, view->found_Bps));
	if (bbr->contest.is_on)
		bbr->bw_lo = INFINITY;
}

static void follow_drained(struct bbr *bbr, const struct path_share_view *view, uint64_t now_us)
{
	if (bbr->state == DOWN || view->is_drained == bbr->siblings.is_drained)
		return;
	if (!view->is_drained) {
		if (bbr->calm_to_us > now_us)
			bbr->calm_to_us = now_us;
	} else if (bbr->state == CRUISE) {
		bbr->calm_from_us = now_us;
		bbr->calm_to_us = UINT64_MAX;
	}
}

double bbr_together(struct bbr *bbr, double rate, uint64_t now_us)
{
	double all = rate + bbr->siblings.delivered_Bps;
	double span_us = fmax((double)bbr->min_rtt_us,
	    METER_PKTS * bbr->packet_bytes * 1e6 / fmax(bbr_tunnel_bw(bbr), 1));
	double counted;

	if (bbr->siblings.senders == 0)
		return rate;
	counted = delivery_meter_note(&bbr->together, now_us,
	    bbr->delivered_bytes + bbr->siblings.delivered_bytes,
	    (uint64_t)fmin(span_us, METER_MOST_US));
	return counted > 0 ? fmin(all, counted) : all;
}

/* A sibling that says without end that it probes would keep all others from it: it is heard again after a break. */
static void bound_probes(struct bbr *bbr, struct path_share_view *view, uint64_t now_us)
{
	if (!view->is_probing && !view->is_raising) {
		bbr->siblings_probe_from_us = 0;
		return;
	}
	if (bbr->siblings_probe_from_us == 0)
		bbr->siblings_probe_from_us = now_us;
	if (now_us - bbr->siblings_probe_from_us
	    <= PROBING_MOST_US + PROBING_MOST_RTTS * bbr->min_rtt_us)
		return;
	view->is_probing = view->is_probing_before = view->is_raising = false;
}

void bbr_on_siblings(struct bbr *bbr, const struct path_share_view *told, uint64_t now_us)
{
	double before = bbr_max_bw(bbr);
	struct path_share_view heard = *told, *view = &heard;

	bound_probes(bbr, view, now_us);
	follow_min_rtt(bbr, view);
	if (bbr->is_full) {
		follow_probes(bbr, view, now_us);
		follow_drained(bbr, view, now_us);
	}
	bbr->siblings = *view;
	if (!bbr->is_full && view->known_Bps > (bbr->is_rate_known ? bbr_tunnel_bw(bbr) : 0))
		take_over(bbr, view, now_us);
	scale_bounds(bbr, before, bbr_max_bw(bbr));
	follow_raise(bbr, view);
}

void bbr_tell(const struct bbr *bbr, struct path_share_record *record)
{
	record->rate_Bps = bbr->is_full || bbr->is_rate_known ? (uint64_t)bbr_tunnel_bw(bbr) : 0;
	record->is_rtt_proved = bbr->is_rtt_proved;
	record->min_rtt_us = bbr->min_rtt_us;
	record->min_rtt_at_us = bbr->min_rtt_at_us;
	record->confirmed_us = bbr->confirmed_us;
	record->probed_us = bbr->probed_us;
	record->rtt_probe_us = bbr->rtt_probe_us;
	record->loss_floor = bbr->floor.share;
	record->is_hungry = !bbr->round.is_app_limited;
	record->found_Bps = bbr->state == UP ? (uint64_t)bbr->round.together : 0;
	record->is_raising = bbr->state == REFILL || bbr->state == UP;
	record->is_probing = bbr->state == REFILL || bbr->is_for_all || bbr->bw_is_to_advance;
	record->is_drained = bbr->state == DOWN && bbr->calm_from_us > 0;
}

bool bbr_is_siblings_queue(const struct bbr *bbr, uint64_t now_us)
{
	return bbr->sibling_probing_us > 0
	       && now_us - bbr->sibling_probing_us <= bbr->min_rtt_us + bbr->min_rtt_us / 2;
}
