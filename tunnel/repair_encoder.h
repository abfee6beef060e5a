/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sender's side of loss repair: a sliding window of protected packets, and random linear combinations
 * of them over GF(256) (the idea of RFC 8681, systematic, full density).  A symbol is a packet's protected
 * bytes behind their length, as if zeros followed for ever.  How many repairs go and when is repair_control's affair.
 */
#ifndef TUNNEL_REPAIR_ENCODER_H
#define TUNNEL_REPAIR_ENCODER_H

#include "tunnel/frame.h"
#include "tunnel/repair_limits.h"
#include "tunnel/repair_memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct repair_symbol {
	uint64_t number; /* of its packet */
	uint64_t sent_us;
	size_t bytes;    /* length and content */
	size_t capacity; /* a multiple of GF256_RUN_BYTES; zeros from `bytes` on */
	uint8_t *data;
	/* For repair_control: */
	uint32_t repairs_before; /* repairs of the window that were made before it came */
	bool has_copies; /* it goes by copies of its own: so many, of which these are left */
	uint8_t copies, copies_left;
	uint64_t copy_us; /* the next is due then */
};

/* Invariant: symbols[first .. first + count), modulo the window, have rising numbers within REPAIR_SPAN_MAX. */
struct repair_encoder {
	struct repair_symbol symbols[REPAIR_WINDOW_PKTS];
	unsigned first, count;
	struct repair_memory *memory; /* outlives it */
};

/* Frees what it holds: it is empty then. Zeroed with its memory set it is too. */
void repair_encoder_clear(struct repair_encoder *encoder);
/* Copies a packet's protected bytes in; the oldest symbol gives way to it. 0 or ERR_NOMEM. */
int repair_encoder_add(struct repair_encoder *encoder, uint64_t number, const uint8_t *content,
    size_t length, uint64_t now_us);
/* Forgets packets sent before that time. */
void repair_encoder_expire(struct repair_encoder *encoder, uint64_t before_us);
/* index 0 is the oldest, index < count. */
static inline const struct repair_symbol *repair_encoder_symbol(
    const struct repair_encoder *encoder, unsigned index)
{
	return &encoder->symbols[(encoder->first + index) % REPAIR_WINDOW_PKTS];
}
static inline struct repair_symbol *repair_encoder_symbol_at(
    struct repair_encoder *encoder, unsigned index)
{
	return &encoder->symbols[(encoder->first + index) % REPAIR_WINDOW_PKTS];
}
/*
 * Writes the REPAIR frame for packet `repair` over the newest `count` symbols, or over one alone, into the
 * writer, as many of the newest as fit. Returns how many it covers, 0 when not even the newest fits.
 */
unsigned repair_encoder_write(
    const struct repair_encoder *encoder, unsigned count, uint64_t repair, struct writer *writer);
/* The same over the one symbol of that index: a copy. */
unsigned repair_encoder_copy(
    const struct repair_encoder *encoder, unsigned index, uint64_t repair, struct writer *writer);

#endif
