/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The receiver's side of loss repair: keeps what arrived of protected packets, takes repairs as equations over
 * those that did not, and solves them as they come (Gaussian elimination, kept in reduced form), so that a
 * packet is there as soon as that is possible.  Nothing that arrived is ever held back here.
 *
 * All it keeps is bounded: REPAIR_KEPT_PKTS packets, REPAIR_EQUATIONS_MAX equations over at most
 * REPAIR_UNKNOWNS_MAX packets; an equation that would need more takes the place of the oldest.
 */
#ifndef TUNNEL_REPAIR_DECODER_H
#define TUNNEL_REPAIR_DECODER_H

#include "tunnel/frame.h"
#include "tunnel/received.h"
#include "tunnel/repair_limits.h"
#include "tunnel/repair_memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Coded bytes: zeros from `bytes` up to `capacity`, a multiple of GF256_RUN_BYTES. */
struct repair_run {
	uint8_t *data;
	size_t bytes, capacity;
};

struct repair_kept {
	uint64_t number; /* UINT64_MAX: none */
	struct repair_run run;
};

/* sum over i of factors[i] * (symbol of unknowns[i]) == run; the factor of its pivot is 1. */
struct repair_equation {
	bool is_used;
	unsigned pivot;
	uint64_t since_us;
	uint8_t factors[REPAIR_UNKNOWNS_MAX];
	struct repair_run run;
};

struct repair_decoder_counters {
	uint64_t repairs; /* REPAIR frames received */
	uint64_t useless; /* of which nothing was missing, or nothing was new in them */
	uint64_t refused; /* of which name packets that are forgotten, or do not fit one another */
	uint64_t recovered;         /* packets */
	uint64_t equations_dropped; /* for age or want of room */
};

/*
 * Invariant: each used equation has a factor other than 0 in its pivot, and no other equation has one there;
 * unknowns[i] is UINT64_MAX where no equation has a factor.
 */
struct repair_decoder {
	struct repair_kept kept[REPAIR_KEPT_PKTS]; /* at number modulo their count */
	struct repair_equation equations[REPAIR_EQUATIONS_MAX];
	uint64_t unknowns[REPAIR_UNKNOWNS_MAX];
	unsigned equation_count;
	uint64_t ready[REPAIR_UNKNOWNS_MAX]; /* recovered, to be taken by repair_decoder_next() */
	unsigned ready_count;
	struct repair_decoder_counters counters;
	struct repair_memory *memory; /* outlives it */
};

void repair_decoder_init(struct repair_decoder *decoder, struct repair_memory *memory);
/* Frees what it holds. */
void repair_decoder_clear(struct repair_decoder *decoder);
/* The protected bytes of packet `number` arrived; they are copied. 0 or ERR_NOMEM (then they are of no help). */
int repair_decoder_on_packet(
    struct repair_decoder *decoder, uint64_t number, const uint8_t *content, size_t length);
/*
 * A repair, in packet `repair`. `received` tells which numbers arrived. 0; ERR_MALFORMED when what it says is not
 * consistent; ERR_NOMEM.
 */
int repair_decoder_on_repair(struct repair_decoder *decoder, const struct frame_repair *frame,
    uint64_t repair, const struct received *received, uint64_t now_us);
/*
 * Takes one recovered packet: false when there is none. Content is valid until the decoder is called to add
 * anything. Take all before adding more.
 */
bool repair_decoder_next(
    struct repair_decoder *decoder, uint64_t *number, const uint8_t **content, size_t *length);
/* Drops equations older than REPAIR_EQUATION_AGE_US. */
void repair_decoder_expire(struct repair_decoder *decoder, uint64_t now_us);
void repair_decoder_add_counters(
    struct repair_decoder_counters *sum, const struct repair_decoder_counters *counters);

#endif
