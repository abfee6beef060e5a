/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Datagrams that came in fragments, until they are whole, too old or in the way, and the window of
 * ids by which a flow takes each datagram at most once.  Caps: REASSEMBLY_ in limits.h; the oldest
 * gives way.  The ids are 32 bits and wrap (serial numbers, RFC 1982).
 */
#ifndef TUNNEL_REASSEMBLY_H
#define TUNNEL_REASSEMBLY_H

#include "base/list.h"
#include "tunnel/budget.h"
#include "tunnel/frame.h"
#include "tunnel/limits.h"
#include "tunnel/range_set.h"

#include <stdbool.h>
#include <stdint.h>

/* A datagram of which a part is there. */
struct partial {
	struct list_node node; /* oldest first */
	uint64_t flow;
	uint64_t began_us;
	struct range_set present;
	uint32_t id;
	uint32_t total;
	uint8_t data[];
};

struct reassembly {
	struct list_node partials;
	uint32_t count;
	uint64_t bytes;      /* of the partials' data */
	uint64_t incomplete; /* counter: given up */
};

void reassembly_init(struct reassembly *reassembly);
void reassembly_clear(struct reassembly *reassembly, struct budget *budget);
/*
 * Adds a fragment, which frame_decode() let pass. Returns the datagram when it is whole now, to be given
 * to reassembly_release(); else NULL, also when there is no memory or it contradicts an earlier one.
 */
struct partial *reassembly_add(struct reassembly *reassembly, struct budget *budget,
    const struct frame_datagram *fragment, uint64_t now_us);
void reassembly_release(
    struct reassembly *reassembly, struct partial *partial, struct budget *budget);
/* Gives up what is too old. */
void reassembly_expire(struct reassembly *reassembly, struct budget *budget, uint64_t now_us);
/* When there will be something to expire; UINT64_MAX for never. */
uint64_t reassembly_timer_us(const struct reassembly *reassembly);

/* The ids of a flow's datagrams that were delivered: the highest, and a bit for each of the ones up to it. */
struct datagram_ids {
	uint64_t bits[DATAGRAM_ID_WINDOW / 64];
	uint32_t highest;
	bool has_any;
};

/* True when it was delivered, or is too far behind to tell. */
bool datagram_ids_is_seen(const struct datagram_ids *ids, uint32_t id);
void datagram_ids_add(struct datagram_ids *ids, uint32_t id);

#endif
