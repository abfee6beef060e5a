/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Round-trip time estimation: smoothed time and variation as RFC 9002 section 5, the minimum of a
 * sliding window, jitter as RFC 3550 section 6.4.1 over successive samples.
 */
#ifndef TUNNEL_RTT_H
#define TUNNEL_RTT_H

#include <stdint.h>

struct rtt {
	uint64_t latest_us;   /* last sample, the peer's delay taken off */
	uint64_t smoothed_us; /* RTT_INITIAL_US before the first sample */
	uint64_t variation_us;
	uint64_t min_us;        /* 0 before the first sample; raw, nothing taken off */
	uint64_t jitter_scaled; /* 16 times the jitter, so that small differences count */
	uint64_t samples;       /* how many there were; rises by one with each */
	/* Minima of the running and the last half window: the shorter one is min_us. */
	uint64_t half_started_us, half_min_us, last_half_min_us;
};

void rtt_init(struct rtt *rtt, uint64_t now_us);
/*
 * A sample: `sample_us` from sending to the acknowledgement's arrival, of which the peer says it held
 * back `ack_delay_us` (believed up to `max_ack_delay_us`).
 */
void rtt_update(struct rtt *rtt, uint64_t sample_us, uint64_t ack_delay_us,
    uint64_t max_ack_delay_us, uint64_t now_us);
/* After persistent congestion the next sample is the minimum (RFC 9002 section 5.2). */
void rtt_forget_min(struct rtt *rtt);
/* RFC 9002 section 6.2.1, without backoff. */
uint64_t rtt_pto_us(const struct rtt *rtt, uint64_t max_ack_delay_us);
uint64_t rtt_jitter_us(const struct rtt *rtt);

#endif
