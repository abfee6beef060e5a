/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loss repair in a lane: which packets are protected and repaired on the way out, what comes back on the way in.
 * Encoder and decoder have memory only while protected packets go or come, and while the lane has some to spare.
 */
#ifndef TUNNEL_LANE_REPAIR_H
#define TUNNEL_LANE_REPAIR_H

#include "base/bytes.h"
#include "tunnel/recovered.h"
#include "tunnel/repair_control.h"
#include "tunnel/repair_decoder.h"
#include "tunnel/repair_encoder.h"
#include "tunnel/repair_memory.h"

#include <stdbool.h>
#include <stdint.h>

struct lane_repair {
	struct repair_control control;
	struct repair_memory memory;
	struct repair_encoder *encoder; /* NULL: nothing was protected for a while */
	struct repair_decoder *decoder;
	uint64_t encoder_used_us, decoder_used_us;
	struct recovered recovered;
	bool is_recovering; /* the frames of a recovered packet are being read */
	struct {
		uint64_t repairs_sent, copies_sent, bytes_sent; /* UDP payload of both */
		uint64_t packets_protected, packets_recovered;
	} counters;
	struct repair_decoder_counters decoder_counters; /* of decoders that are gone */
};

void lane_repair_init(struct lane *lane);
void lane_repair_clear(struct lane *lane);
/* The path's loss and RTT may have changed. */
void lane_repair_follow_path(struct lane *lane);
/* Gives memory back that was not used for a while, or that others need more. */
void lane_repair_on_timer(struct lane *lane);
void lane_repair_get_stats(const struct lane *lane, struct lane_stats *stats);

/* Packets of that class are to be protected now. */
bool lane_repair_wants(const struct lane *lane);
/* The realtime datagram that was just put into a packet is to have it for itself. */
bool lane_repair_goes_alone(struct lane *lane);
/* Keeps the plaintext behind a PROTECTED frame of packet `number`. True when it can be repaired. */
bool lane_repair_protect(struct lane *lane, uint64_t number, const uint8_t *content, size_t length,
    enum flow_class class);
/* A packet of `bytes` went out, of flows with that budget for repair. */
void lane_repair_on_sent(struct lane *lane, size_t bytes, unsigned budget_pct);
/* The repair that is due, if any. */
struct repair_due lane_repair_due(struct lane *lane);
/* Writes it for packet `number`; false when it does not fit. */
bool lane_repair_write(
    struct lane *lane, const struct repair_due *due, uint64_t number, struct writer *writer);
/* It went in a packet of `bytes`; 0: it could not. */
void lane_repair_done(struct lane *lane, const struct repair_due *due, size_t bytes);
/* One is due, and for realtime packets. */
bool lane_repair_is_urgent(const struct lane *lane, uint64_t now_us);
/* When one is due; UINT64_MAX for never. */
uint64_t lane_repair_timer_us(const struct lane *lane);

/* A PROTECTED frame of packet `number`. */
void lane_repair_on_protected(
    struct lane *lane, uint64_t number, const struct frame_protected *protected);
/* A REPAIR frame of packet `number`. 0, or ERR_MALFORMED (the lane has failed). */
int lane_repair_on_repair(struct lane *lane, uint64_t number, const struct frame_repair *repair);
/* Takes one recovered packet that did not arrive otherwise, as repair_decoder_next(). */
bool lane_repair_next(struct lane *lane, uint64_t *number, const uint8_t **content, size_t *length);
/* All frames of a recovered packet took effect. */
void lane_repair_on_recovered(struct lane *lane, uint64_t number);

#endif
