/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Round-trip time estimation, see rtt.h. */
#include "tunnel/rtt.h"

#include "tunnel/path_limits.h"

static uint64_t lesser(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

void rtt_init(struct rtt *rtt, uint64_t now_us)
{
	*rtt = (struct rtt){
	    .smoothed_us = RTT_INITIAL_US,
	    .variation_us = RTT_INITIAL_US / 2,
	    .half_started_us = now_us,
	    .half_min_us = UINT64_MAX,
	    .last_half_min_us = UINT64_MAX,
	};
}

/* The window slides by halves, so the minimum is of the last half to whole RTT_MIN_WINDOW_US. */
static void update_min(struct rtt *rtt, uint64_t sample_us, uint64_t now_us)
{
	if (now_us - rtt->half_started_us >= RTT_MIN_WINDOW_US / 2) {
		rtt->last_half_min_us = rtt->half_min_us;
		rtt->half_min_us = UINT64_MAX;
		rtt->half_started_us = now_us;
	}
	rtt->half_min_us = lesser(rtt->half_min_us, sample_us);
	rtt->min_us = lesser(rtt->half_min_us, rtt->last_half_min_us);
}

void rtt_update(struct rtt *rtt, uint64_t sample_us, uint64_t ack_delay_us,
    uint64_t max_ack_delay_us, uint64_t now_us)
{
	uint64_t last_us = rtt->latest_us;

	update_min(rtt, sample_us, now_us);
	rtt->latest_us = sample_us;
	ack_delay_us = lesser(ack_delay_us, max_ack_delay_us);
	if (sample_us >= rtt->min_us + ack_delay_us)
		rtt->latest_us -= ack_delay_us;
	if (rtt->samples++ == 0) {
		rtt->smoothed_us = sample_us;
		rtt->variation_us = sample_us / 2;
		return;
	}
	rtt->variation_us =
	    (3 * rtt->variation_us + distance(rtt->smoothed_us, rtt->latest_us)) / 4;
	rtt->smoothed_us = (7 * rtt->smoothed_us + rtt->latest_us) / 8;
	rtt->jitter_scaled += distance(rtt->latest_us, last_us) - (rtt->jitter_scaled + 8) / 16;
}

void rtt_forget_min(struct rtt *rtt)
{
	rtt->half_min_us = UINT64_MAX;
	rtt->last_half_min_us = UINT64_MAX;
}

uint64_t rtt_pto_us(const struct rtt *rtt, uint64_t max_ack_delay_us)
{
	uint64_t spread_us = 4 * rtt->variation_us;

	if (spread_us < PTO_GRANULARITY_US)
		spread_us = PTO_GRANULARITY_US;
	return rtt->smoothed_us + spread_us + max_ack_delay_us;
}

uint64_t rtt_jitter_us(const struct rtt *rtt)
{
	return rtt->jitter_scaled / 16;
}
