/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the lanes of one tunnel learn from one another, see path_share.h. */
#include "tunnel/path_share.h"

#include "tunnel/path_limits.h"

#include <math.h>

enum {
	RTT_MOST_US = 10000000,
	SAME_PATH_US = 3000, /* shortest round trips that differ by less, or by an eighth */
	SAME_PATH_DIVISOR = 8,
	AHEAD_US = 1000000, /* a record from further in the future is no record */
};

#define RATE_MOST_BPS 1e12

static uint64_t difference(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t not_after(uint64_t time_us, uint64_t now_us)
{
	return time_us < now_us ? time_us : now_us;
}

static bool is_fresh(const struct path_share_record *record, uint64_t now_us)
{
	return record->told_us > 0 && record->told_us < now_us + AHEAD_US
	       && record->min_rtt_us <= RTT_MOST_US
	       && record->told_us + PATH_SHARE_FRESH_US + 2 * record->min_rtt_us >= now_us;
}

bool path_share_is_near(uint64_t rtt_us, uint64_t own_rtt_us)
{
	return difference(rtt_us, own_rtt_us)
	       <= later(SAME_PATH_US, own_rtt_us / SAME_PATH_DIVISOR);
}

/* Lanes have ports of their own, so routers may send them different ways; but a queue is no other way. */
static bool is_same_path(
    const struct path_share_record *record, const struct path_share_record *own)
{
	return record->min_rtt_us > 0
	       && (!own->is_rtt_proved || !record->is_rtt_proved
	           || path_share_is_near(record->min_rtt_us, own->min_rtt_us));
}

static bool is_before(const struct path_share_record *record, const struct path_share_record *own)
{
	if (record->probed_us != own->probed_us)
		return record->probed_us < own->probed_us;
	return record->order < own->order;
}

static void add_rtt(
    struct path_share_view *view, const struct path_share_record *record, uint64_t now_us)
{
	uint64_t at_us = not_after(record->min_rtt_at_us, now_us);

	if (view->min_rtt_us == 0 || record->min_rtt_us < view->min_rtt_us) {
		view->min_rtt_us = record->min_rtt_us;
		view->min_rtt_at_us = at_us;
	} else if (record->min_rtt_us == view->min_rtt_us) {
		view->min_rtt_at_us = later(view->min_rtt_at_us, at_us);
	}
	view->rtt_probe_us = later(view->rtt_probe_us, not_after(record->rtt_probe_us, now_us));
}

static void add_hungry(struct path_share_view *view, const struct path_share_record *record,
    const struct path_share_record *own)
{
	double rate = fmin((double)record->rate_Bps, RATE_MOST_BPS);

	view->hungry++;
	view->before += is_before(record, own);
	if (rate > 0 && (view->rate_Bps <= 0 || rate < view->rate_Bps))
		view->rate_Bps = rate;
}

static void add_probe(
    struct path_share_view *view, const struct path_share_record *record, uint64_t now_us)
{
	double rate = fmin((double)record->rate_Bps, RATE_MOST_BPS);

	if (record->is_probing) {
		view->is_probing = true;
		view->probing_Bps = fmax(view->probing_Bps, rate);
	}
	if (record->is_raising) {
		view->is_raising = true;
		view->found_Bps =
		    fmax(view->found_Bps, fmin((double)record->found_Bps, RATE_MOST_BPS));
	}
	if (record->probed_us > view->probed_us && record->probed_us <= now_us) {
		view->probed_us = record->probed_us;
		view->probed_Bps = rate;
	}
}

static void add(struct path_share_view *view, const struct path_share_record *record,
    const struct path_share_record *own, uint64_t now_us)
{
	double delivered = fmin((double)record->delivered_Bps, RATE_MOST_BPS);
	double floor = record->loss_floor >= 0 ? fmin(record->loss_floor, BBR_LOSS_MOST) : 0;

	view->loss_floor = view->senders ? fmin(view->loss_floor, floor) : floor;
	view->senders++;
	view->delivered_Bps += delivered;
	view->delivered_bytes += record->delivered_bytes;
	if (record->is_hungry)
		add_hungry(view, record, own);
	else
		view->limited_Bps += delivered;
	add_probe(view, record, now_us);
	view->is_probing_before |= record->is_probing && is_before(record, own);
	view->is_new_before |=
	    record->rate_Bps == 0 && !record->is_taken && record->order < own->order;
	if (record->rate_Bps > 0
	    && (view->known_Bps <= 0 || (double)record->rate_Bps < view->known_Bps))
		view->known_Bps = fmin((double)record->rate_Bps, RATE_MOST_BPS);
	if (record->confirmed_us <= now_us)
		view->confirmed_us = later(view->confirmed_us, record->confirmed_us);
	view->is_drained |= record->is_drained;
	add_rtt(view, record, now_us);
}

void path_share_look(struct path_share_view *view, const struct path_share_record *siblings,
    unsigned count, const struct path_share_record *own, uint64_t now_us)
{
	*view = (struct path_share_view){0};
	for (unsigned i = 0; i < count && i < PATH_SIBLINGS_MAX; i++)
		if (is_fresh(&siblings[i], now_us) && is_same_path(&siblings[i], own))
			add(view, &siblings[i], own, now_us);
}

double path_share_part(const struct path_share_view *view, double rate_Bps)
{
	double left = (rate_Bps - view->limited_Bps) / (view->hungry + 1);

	return fmax(left, rate_Bps / (view->senders + 1));
}
