/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sends at the rate that the operator gave, for a leased line that nobody else uses: loss, marks and
 * queues change nothing.  The window only bounds what is in flight when no ACKs come; it leaves room for
 * a round trip twice as long as the shortest, and for ACKs that are late.
 */
#include "tunnel/cc_fixed.h"

#include "tunnel/path_limits.h"

#define FIXED_RTTS         2
#define FIXED_LATE_ACKS_US 50000
#define FIXED_RTT_MAX_US   2000000 /* a clock that jumps makes no window without bound */

struct fixed {
	uint64_t rate_Bps;
	uint64_t rtt_us;
	uint32_t packet_bytes;
};

static void fixed_init(void *state, const struct cc_start *start)
{
	struct fixed *fixed = state;

	fixed->rate_Bps = start->rate_Bps;
	fixed->rtt_us = start->min_rtt_us ? start->min_rtt_us : RTT_INITIAL_US;
	fixed->packet_bytes = start->packet_bytes;
}

static void fixed_on_sent(void *state, const struct cc_sent *sent)
{
	(void)state;
	(void)sent;
}

static void fixed_on_ack(void *state, const struct cc_ack *ack)
{
	struct fixed *fixed = state;

	if (ack->rtt->samples > 0)
		fixed->rtt_us =
		    ack->rtt->min_us < FIXED_RTT_MAX_US ? ack->rtt->min_us : FIXED_RTT_MAX_US;
}

static void fixed_on_loss(void *state, const struct cc_loss *loss)
{
	(void)state;
	(void)loss;
}

static void fixed_on_spurious(void *state, uint64_t sent_us, uint64_t now_us)
{
	(void)state;
	(void)sent_us;
	(void)now_us;
}

static void fixed_on_ecn(void *state, const struct cc_ecn *ecn)
{
	(void)state;
	(void)ecn;
}

static void fixed_on_packet_bytes(void *state, uint32_t packet_bytes)
{
	struct fixed *fixed = state;

	fixed->packet_bytes = packet_bytes;
}

static uint64_t fixed_window_bytes(const void *state)
{
	const struct fixed *fixed = state;
	uint64_t us = FIXED_RTTS * fixed->rtt_us + FIXED_LATE_ACKS_US;
	uint64_t window = (uint64_t)((double)fixed->rate_Bps * (double)us / 1e6);
	uint64_t least = (uint64_t)fixed->packet_bytes * CC_INITIAL_WINDOW_PKTS;

	return window > least ? window : least;
}

static uint64_t fixed_pacing_rate_Bps(const void *state, const struct rtt *rtt)
{
	const struct fixed *fixed = state;

	(void)rtt;
	return fixed->rate_Bps;
}

const struct cc_ops cc_fixed = {
    .name = "fixed",
    .state_bytes = sizeof(struct fixed),
    .init = fixed_init,
    .on_sent = fixed_on_sent,
    .on_ack = fixed_on_ack,
    .on_loss = fixed_on_loss,
    .on_spurious = fixed_on_spurious,
    .on_ecn = fixed_on_ecn,
    .on_packet_bytes = fixed_on_packet_bytes,
    .window_bytes = fixed_window_bytes,
    .pacing_rate_Bps = fixed_pacing_rate_Bps,
    .path_rate_Bps = fixed_pacing_rate_Bps,
};
