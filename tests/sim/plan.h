/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each flow of a run is to do, drawn from the seed, and the bytes it carries, which follow from
 * flow, direction and offset alone.
 */
#ifndef TESTS_SIM_PLAN_H
#define TESTS_SIM_PLAN_H

#include "base/addr.h"
#include "base/rng.h"
#include "tests/sim/scenario.h"
#include "tunnel/lane.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sides and directions have the same numbers: SIDE_LISTENER sends "up". */
enum side { SIDE_LISTENER, SIDE_ENDPOINT, SIDES };

enum plan_end {
	PLAN_FINISH,  /* both directions end in order */
	PLAN_RESET,   /* `resetter` resets once it has moved reset_after_bytes */
	PLAN_REFUSED, /* the endpoint refuses it */
};

struct plan {
	unsigned index; /* also the accelerator's number in its OPEN */
	unsigned lane;
	struct flow_open open;
	uint64_t content_seed;
	uint64_t start_us;
	enum plan_end end;
	enum reason reason;
	enum side resetter;
	uint64_t reset_after_bytes;
	bool is_echo;
	uint64_t bytes[SIDES]; /* that each side sends; an echo's endpoint: as many as come */
	bool is_talk;
	uint64_t write_bytes, write_pause_us; /* of a talk, at most */
	bool is_slow[SIDES];                  /* this side reads slowly */
	uint64_t read_bytes, read_pause_us;
	unsigned datagrams[SIDES];
	uint64_t datagram_bytes_max, datagram_pause_us;
};

void plan_draw(struct plan *plan, unsigned index, bool is_udp, const struct scenario *scenario,
    struct rng *rng);
/* Bytes [offset, offset + length) that `side` sends. */
void plan_content(
    const struct plan *plan, enum side side, uint64_t offset, uint8_t *out, size_t length);
bool plan_content_is(
    const struct plan *plan, enum side side, uint64_t offset, const uint8_t *data, size_t length);

/* Length of datagram `index` of `side`. */
size_t plan_datagram_bytes(const struct plan *plan, enum side side, unsigned index);
/* Its bytes; the index stands in front where there is room. */
void plan_datagram(const struct plan *plan, enum side side, unsigned index, uint8_t *out);
/* Which one it is; -1: none of ours. *is_sure: the index stood in it, so that it can arrive but once. */
int plan_datagram_find(
    const struct plan *plan, enum side side, const uint8_t *data, size_t length, bool *is_sure);

#endif
