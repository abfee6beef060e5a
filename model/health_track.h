/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From single verdicts on a backend to its state: so many in a row change it (rise, fall), one that
 * falls again and again needs twice as many each time to return, and one that returned gets its share
 * of new flows back slowly.  Failures of users' flows count too.  Times are microseconds of one
 * monotonic clock, handed in.
 */
#ifndef MODEL_HEALTH_TRACK_H
#define MODEL_HEALTH_TRACK_H

#include "model/health.h"
#include "model/health_check.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	FLAP_FORGET_S = 60,     /* of staying healthy, for each fall that is forgotten */
	FLAP_DOUBLINGS_MAX = 4, /* of rise */
	FLOWS_WINDOW_S = 10,    /* in which flows are counted */
	FLOWS_FAILED_MIN = 5,   /* in it, before they say anything */
	FLOWS_FAILED_PERCENT = 50,
	FLOWS_HOLD_S = 10,  /* without checks, doubled as rise is */
	SLOW_RETURN_S = 30, /* until a backend that returned has its whole share */
	SLOW_RETURN_FIRST_PERCENT = 10,
};

/* Zeroed at first. Invariant: successes and failures are not both above 0. */
struct health_track {
	enum health_state state;
	enum health_cause cause;      /* of HEALTH_UNHEALTHY */
	uint32_t successes, failures; /* in a row, of checks */
	uint32_t falls;               /* that are not forgotten */
	uint64_t changed_us, forgot_us;
	bool has_returned;  /* it is healthy again, after a fall */
	uint64_t window_us; /* start of the flows' window */
	uint64_t flows, flows_failed;
};

/* A check's answer: HEALTH_CAUSE_NONE, or why it failed. True when the state or its cause changed. */
bool health_track_on_check(struct health_track *track, const struct health_check *check,
    enum health_cause cause, uint64_t now_us);

/* What became of users' flows since the last call. True when the state changed. */
bool health_track_on_flows(
    struct health_track *track, uint64_t flows, uint64_t failed, uint64_t now_us);

/* For one that is not checked: it returns when its time is over. True when the state changed. */
bool health_track_on_time(struct health_track *track, uint64_t now_us);

/* What of its weight a backend has, in percent, so long after it returned. */
unsigned health_return_percent(uint64_t since_return_us);

#endif
