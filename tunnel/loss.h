/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decides which packets are lost and when to probe (RFC 9002 section 6): packet threshold and time
 * threshold, both raised while losses prove spurious (as RFC 8985 does), probe timeout with backoff, persistent congestion.
 * It changes no window and sends nothing.
 */
#ifndef TUNNEL_LOSS_H
#define TUNNEL_LOSS_H

#include "tunnel/rtt.h"
#include "tunnel/sentmap.h"

#include <stdbool.h>
#include <stdint.h>

struct loss {
	bool has_acked;
	uint64_t largest_acked;
	uint64_t last_eliciting_us; /* when the newest ack-eliciting packet was sent */
	uint64_t
	    last_bearing; /* the newest packet whose frames go again when it is lost; UINT64_MAX: none yet */
	uint64_t probed_us; /* the last probe timeout */
	uint64_t
	    loss_time_us; /* the oldest outstanding packet is lost then; UINT64_MAX: not by time */
	unsigned packet_threshold;
	unsigned
	    reorder_eighths; /* of an RTT, that a packet may come late: the time threshold less 1 */
	uint64_t threshold_changed_us; /* raised or lowered in time */
	unsigned pto_count;            /* timeouts in a row */
	uint64_t max_ack_delay_us;
	uint64_t pto_max_us; /* backoff ends there */
	bool has_sample;
	uint64_t first_sample_us; /* when the first RTT sample came */
};

/* What one detection found. */
struct loss_result {
	uint64_t packets, bytes;
	uint64_t largest_sent_us; /* sending time of the newest lost packet */
	bool is_persistent;       /* RFC 9002 section 7.6 */
};

typedef void loss_packet_fn(void *context, uint64_t number, struct sent_packet *packet);

void loss_init(struct loss *loss, uint64_t max_ack_delay_us, uint64_t pto_max_us);
void loss_on_sent(struct loss *loss, bool ack_eliciting, uint64_t now_us);
/* Packet `number` bears what must arrive: while it is outstanding, pings behind it do not put off the probe timeout. */
void loss_on_bearing(struct loss *loss, uint64_t number);
/* Packets up to `largest` were newly acknowledged: backoff ends. */
void loss_on_ack(struct loss *loss, uint64_t largest);
/*
 * A packet declared lost was acknowledged, `gap` numbers below the largest acknowledged before it:
 * raises the thresholds, in time by one step a round trip.
 */
void loss_on_spurious(struct loss *loss, uint64_t gap, const struct rtt *rtt, uint64_t now_us);
/* Marks what is lost by now, calls `lost` for each and sets loss_time_us. MTU probes, and what went elsewhere, are not in the result. */
void loss_detect(struct loss *loss, struct sentmap *map, const struct rtt *rtt, uint64_t now_us,
    loss_packet_fn *lost, void *context, struct loss_result *result);
/* When to call loss_detect() or loss_on_pto(); UINT64_MAX for never. */
uint64_t loss_timer_us(const struct loss *loss, const struct sentmap *map, const struct rtt *rtt);
/* True when the timer that is due is the probe timeout. */
bool loss_pto_is_due(
    const struct loss *loss, const struct sentmap *map, const struct rtt *rtt, uint64_t now_us);
void loss_on_pto(struct loss *loss, uint64_t now_us);
/* The probe timeout with backoff. */
uint64_t loss_pto_us(const struct loss *loss, const struct rtt *rtt);

#endif
