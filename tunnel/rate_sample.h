/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Delivery-rate samples by packet (draft-cheng-iccrg-delivery-rate-estimation): each packet bears a
 * stamp of what had been delivered when it was sent; its acknowledgement gives a rate between the two.
 * Samples from times when the application gave too little to send are marked.
 */
#ifndef TUNNEL_RATE_SAMPLE_H
#define TUNNEL_RATE_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

/* What a packet remembers. */
struct rate_stamp {
	uint64_t delivered_bytes; /* delivered when it was sent */
	uint64_t delivered_us;    /* when that was so last */
	uint64_t first_sent_us;   /* start of the sending interval it belongs to */
	bool is_app_limited;
};

struct rate_sampler {
	uint64_t delivered_bytes;
	uint64_t delivered_us;
	uint64_t first_sent_us;
	uint64_t app_limited_until_bytes; /* 0: not limited; else until that much is delivered */
};

struct rate_sample {
	uint64_t rate_Bps; /* bytes a second; 0: no sample */
	uint64_t interval_us;
	uint64_t delivered_bytes; /* within the interval */
	uint64_t
	    prior_delivered_bytes; /* delivered when the newest acked packet was sent: BBR's round */
	bool is_app_limited;
	/* While acks are gathered: */
	bool has_packet;
	uint64_t prior_us, send_elapsed_us, newest_sent_us;
};

void rate_sampler_init(struct rate_sampler *sampler);
/* Stamps a packet that is sent now, with `in_flight_bytes` before it. */
void rate_on_sent(struct rate_sampler *sampler, struct rate_stamp *stamp, uint64_t in_flight_bytes,
    uint64_t now_us);
/* Nothing more to send, though the window has room; what is in flight now taints samples. */
void rate_on_app_limited(struct rate_sampler *sampler, uint64_t in_flight_bytes);
/* For each newly acked packet, between a zeroed sample and rate_sample_finish(). */
void rate_on_packet_acked(struct rate_sampler *sampler, struct rate_sample *sample,
    const struct rate_stamp *stamp, uint64_t sent_us, uint64_t bytes, uint64_t now_us);
/* Computes the sample of one ACK; a rate over less than `min_rtt_us` is not believed. */
void rate_sample_finish(
    struct rate_sampler *sampler, struct rate_sample *sample, uint64_t min_rtt_us);

#endif
