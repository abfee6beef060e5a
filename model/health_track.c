/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See health_track.h. */
#include "model/health_track.h"

enum { US_PER_S = 1000000 };

static uint64_t seconds(uint64_t s)
{
	return s * US_PER_S;
}

static uint32_t doublings(const struct health_track *track)
{
	uint32_t again = track->falls ? track->falls - 1 : 0;

	return again < FLAP_DOUBLINGS_MAX ? again : FLAP_DOUBLINGS_MAX;
}

/* A minute of health takes one fall away. */
static void forget_falls(struct health_track *track, uint64_t now_us)
{
	while (track->falls && track->state == HEALTH_HEALTHY
	       && now_us - track->forgot_us >= seconds(FLAP_FORGET_S)) {
		track->falls--;
		track->forgot_us += seconds(FLAP_FORGET_S);
	}
}

static bool set(
    struct health_track *track, enum health_state state, enum health_cause cause, uint64_t now_us)
{
	track->has_returned = state == HEALTH_HEALTHY && track->state == HEALTH_UNHEALTHY;
	track->state = state;
	track->cause = cause;
	track->changed_us = track->forgot_us = now_us;
	track->successes = track->failures = 0;
	track->flows = track->flows_failed = 0;
	track->window_us = now_us;
	if (state == HEALTH_UNHEALTHY && track->falls <= FLAP_DOUBLINGS_MAX)
		track->falls++;
	return true;
}

bool health_track_on_check(struct health_track *track, const struct health_check *check,
    enum health_cause cause, uint64_t now_us)
{
	bool is_good = cause == HEALTH_CAUSE_NONE;

	forget_falls(track, now_us);
	track->successes = is_good ? track->successes + 1 : 0;
	track->failures = is_good ? 0 : track->failures + 1;
	if (track->state == HEALTH_UNKNOWN)
		/* One answer is enough to be used; failing needs what it always needs. */
		return is_good ? set(track, HEALTH_HEALTHY, cause, now_us)
		               : track->failures >= check->fall
		                     && set(track, HEALTH_UNHEALTHY, cause, now_us);
	if (track->state == HEALTH_HEALTHY)
		return track->failures >= check->fall
		       && set(track, HEALTH_UNHEALTHY, cause, now_us);
	if (!is_good) {
		bool is_other = track->cause != cause;

		track->cause = cause;
		return is_other;
	}
	return track->successes >= check->rise << doublings(track)
	       && set(track, HEALTH_HEALTHY, cause, now_us);
}

bool health_track_on_flows(
    struct health_track *track, uint64_t flows, uint64_t failed, uint64_t now_us)
{
	if (now_us - track->window_us >= seconds(FLOWS_WINDOW_S)) {
		track->window_us = now_us;
		track->flows = track->flows_failed = 0;
	}
	track->flows += flows;
	track->flows_failed += failed < flows ? failed : flows;
	forget_falls(track, now_us);
	return track->state != HEALTH_UNHEALTHY && track->flows_failed >= FLOWS_FAILED_MIN
	       && track->flows_failed * 100 >= track->flows * FLOWS_FAILED_PERCENT
	       && set(track, HEALTH_UNHEALTHY, HEALTH_CAUSE_FLOWS, now_us);
}

bool health_track_on_time(struct health_track *track, uint64_t now_us)
{
	return track->state == HEALTH_UNHEALTHY
	       && now_us - track->changed_us >= seconds(FLOWS_HOLD_S) << doublings(track)
	       && set(track, HEALTH_HEALTHY, HEALTH_CAUSE_NONE, now_us);
}

unsigned health_return_percent(uint64_t since_return_us)
{
	uint64_t whole = seconds(SLOW_RETURN_S);

	if (since_return_us >= whole)
		return 100;
	return SLOW_RETURN_FIRST_PERCENT
	       + (unsigned)(since_return_us * (100 - SLOW_RETURN_FIRST_PERCENT) / whole);
}
