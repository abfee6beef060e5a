/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packet numbers that arrived: the replay window (RFC 6479), the ranges to acknowledge, and when an
 * acknowledgement is due (one for each batch received, RFC 9000 section 13.2 with rarer acks).
 */
#ifndef TUNNEL_RECEIVED_H
#define TUNNEL_RECEIVED_H

#include "tunnel/ack.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Invariant: ranges descend and do not touch; every number in them is at most `largest`; `largest` is the
 * highest number ever added.  The bitmap holds the REPLAY_WINDOW_BITS numbers up to `largest`.
 */
struct received {
	uint64_t bitmap[REPLAY_WINDOW_BITS / 64];
	bool has_any;
	uint64_t largest, largest_arrival_us;
	struct ack_range ranges[ACK_RANGES_MAX];
	unsigned range_count;
	uint64_t ecn_ect0, ecn_ect1, ecn_ce;
	unsigned unacknowledged_pkts;     /* ack-eliciting ones since the last ACK */
	size_t unacknowledged_bytes;      /* of those */
	uint64_t first_unacknowledged_us; /* arrival of the first of them */
	uint64_t gaps_told_below; /* numbers missing below this were missing in the last ACK too */
	bool ack_is_due;
	bool is_borne;     /* the last ACK went along with an answer before it was due */
	uint64_t timer_us; /* a held-back ACK is due then; UINT64_MAX: none is */
};

void received_init(struct received *received);
/* 0 when the number is new, ERR_REPLAY when it was seen or is too old to tell. Changes nothing. */
int received_check(const struct received *received, uint64_t number);
/*
 * Call for a packet that received_check() let pass and that was authenticated. `eliciting_bytes` is the
 * length of one that asks for an acknowledgement, else 0; `ecn` is the IP header's field.
 */
void received_add(struct received *received, uint64_t number, size_t eliciting_bytes, uint8_t ecn,
    uint64_t now_us);
/* After each batch of packets: decides whether to acknowledge now or to hold the ACK back a little. */
void received_batch_end(struct received *received, uint64_t smoothed_rtt_us, uint64_t now_us);
/* True when an ACK should go now. An ACK may go along with other frames at any time. */
bool received_ack_is_due(const struct received *received, uint64_t now_us);
/* True when something ack-eliciting arrived since the last ACK, due or not. */
bool received_has_unacknowledged(const struct received *received);
/* When received_ack_is_due() turns true by itself; UINT64_MAX for never. */
uint64_t received_timer_us(const struct received *received);
/* Fills the frame; false when nothing arrived yet. */
bool received_fill_ack(const struct received *received, struct ack_frame *ack, uint64_t now_us);
/* The ACK filled last goes out. */
void received_ack_sent(struct received *received, uint64_t now_us);
/* The packet with an ACK whose largest was `largest` arrived: ranges up to there need no repeating. */
void received_prune(struct received *received, uint64_t largest);

#endif
