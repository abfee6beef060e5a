/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which flows are bulk by what they do: one that took more than a quarter of the lane's rate for a second,
 * until it has had nothing to send for a second.  Only bytes after which more waited count: a lane that
 * runs dry keeps nobody waiting, and what it could carry is not known then.
 */
#ifndef TUNNEL_USAGE_H
#define TUNNEL_USAGE_H

#include <stdbool.h>
#include <stdint.h>

/* Zeroed is ready. */
struct usage {
	uint64_t began_us;      /* of the second that is being judged; 0: none */
	uint64_t bytes;         /* in it */
	uint64_t idle_since_us; /* 0: has something to send */
	bool is_heavy;
};

/* The flow has, or has no longer, something to send. */
void usage_set_waiting(struct usage *usage, bool is_waiting, uint64_t now_us);
/* It sent so many bytes after which more waited, on a lane of that rate. True when it is heavy from now on. */
bool usage_on_sent(struct usage *usage, uint64_t bytes, uint64_t lane_rate_Bps, uint64_t now_us);

#endif
