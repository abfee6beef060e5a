/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a lane follows its peer to another address (RFC 9000 sections 8.2 and 9): a packet that opened, is newer
 * than all before and came from elsewhere makes that address a candidate; it is challenged, never with
 * more bytes than came from there, and packets go on to the old address until the answer is here.
 *
 * Who copies packets and sends them on from an address of his own cannot take a lane over while the
 * originals arrive: they show that the peer still sends from the old address, and end the candidacy.
 */
#ifndef TUNNEL_MIGRATION_H
#define TUNNEL_MIGRATION_H

#include "tunnel/route.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CHALLENGE_BYTES = 8,
	CHALLENGE_KEY_BYTES = 16,
};

/*
 * Invariant: while is_challenging, sent_bytes <= received_bytes unless is_wanted; `route` was validated, or is
 * the one that the lane began with.
 */
struct migration {
	struct lane_route route;
	bool is_challenging;
	bool is_wanted; /* our own side asked for it */
	struct lane_route candidate;
	uint8_t challenge[CHALLENGE_BYTES];
	uint64_t since_number; /* the peer's packet that made it a candidate */
	uint64_t received_bytes, sent_bytes;
	uint64_t next_us, expires_us;
	struct lane_route left; /* that our own side left: late packets from there are no move */
	uint64_t left_until_us;
	bool has_answer; /* to the peer's newest challenge */
	struct lane_route answer_route;
	uint8_t answer[CHALLENGE_BYTES];
	uint8_t key[CHALLENGE_KEY_BYTES];
	uint64_t challenges;
	uint64_t moves, refusals; /* candidates that were taken, and that were not */
};

/* What one opened packet was. */
struct migration_packet {
	const struct lane_route *from;
	uint64_t number;
	size_t bytes;   /* UDP payload */
	bool is_newest; /* no higher number came before */
	bool
	    is_probing; /* holds nothing but challenge, response and padding: no reason to follow it */
};

enum migration_result {
	MIGRATION_NONE,
	MIGRATION_PORT,    /* `route` has changed, but for ports it is the same */
	MIGRATION_ADDRESS, /* another one altogether */
};

/* `key` is random and known to nobody else: challenges come from it. */
void migration_init(struct migration *migration, const struct lane_route *route,
    const uint8_t key[CHALLENGE_KEY_BYTES]);
/* After the packet's frames. `pto_us`: the probe timeout. */
void migration_on_packet(struct migration *migration, const struct migration_packet *packet,
    uint64_t pto_us, uint64_t now_us);
/* True when it is worth knowing whether a packet of a number seen before opens: then migration_on_copy(). */
bool migration_asks_for_copy(
    const struct migration *migration, const struct lane_route *from, uint64_t number);
void migration_on_copy(struct migration *migration);
void migration_on_challenge(struct migration *migration, const struct lane_route *from,
    const uint8_t data[CHALLENGE_BYTES]);
enum migration_result migration_on_response(struct migration *migration,
    const uint8_t data[CHALLENGE_BYTES], uint64_t pto_us, uint64_t now_us);
/* Our own side wants to send to that address: it is challenged. */
void migration_want(
    struct migration *migration, const struct lane_route *route, uint64_t pto_us, uint64_t now_us);
/* The address was proved by other means. */
enum migration_result migration_set(struct migration *migration, const struct lane_route *route);

/* A challenge or response that is due. */
struct migration_frame {
	const struct lane_route *route;
	const uint8_t *data;
	bool is_response;
};
/*
 * False when none is due. A packet of `bytes` with just that frame is to go out at once; candidates whose time
 * is over end here.
 */
bool migration_next(struct migration *migration, size_t bytes, uint64_t pto_us, uint64_t now_us,
    struct migration_frame *frame);
/* When migration_next() has something to do; UINT64_MAX for never. */
uint64_t migration_timer_us(const struct migration *migration, size_t bytes);

#endif
