/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was sent and not yet done with: packets in number order in a ring, their frame records in a
 * second ring.  Both grow by doubling up to a cap; nothing is allocated for a packet.  A packet stays
 * until it and all before it are acknowledged or were lost long enough ago.
 */
#ifndef TUNNEL_SENTMAP_H
#define TUNNEL_SENTMAP_H

#include "tunnel/rate_sample.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a packet carried, for whoever must send it again or let it go. The fields are the sink's affair. */
struct sent_frame {
	uint64_t flow;
	uint64_t offset;
	uint32_t length;
	uint8_t type;
};

enum sent_state {
	SENT_OUTSTANDING,
	SENT_ACKED,
	SENT_LOST, /* declared lost; kept a while, in case it is acknowledged yet */
};

struct sent_packet {
	uint64_t sent_us;
	struct rate_stamp stamp;
	uint64_t frame_first; /* position in the frame ring */
	uint32_t acked_run;   /* of an acked packet: so many, down from this one, are acked too */
	uint16_t bytes;       /* UDP payload */
	uint8_t frame_count;
	uint8_t state;         /* enum sent_state */
	bool is_ack_eliciting; /* only those count as in flight */
	bool is_ect;           /* sent with an ECN-capable mark */
	bool is_protected;     /* a repair may bring it back when it is lost */
	bool is_held;          /* lost, but its frames wait for that; it stays in the map */
	bool is_settled;       /* recovered: its frames need nothing more */
	bool is_handed_back;   /* its frames went to the sink as lost, at a probe timeout */
	bool is_elsewhere;     /* sent to an address that was left since: no word about the path */
	bool is_mtu_probe;     /* larger than what is known to pass: no word about congestion */
};

/*
 * Invariant: first <= outstanding <= next; packets [first, next) are in the ring; none in
 * [first, outstanding) is outstanding and ack-eliciting; in_flight_bytes is the sum over those that are.
 */
struct sentmap {
	struct sent_packet *packets;
	uint64_t packet_capacity; /* a power of two */
	uint64_t first, outstanding, next;
	struct sent_frame *frames;
	uint64_t frame_capacity; /* a power of two */
	uint64_t frame_first, frame_next;
	uint64_t in_flight_bytes;
	uint64_t in_flight_pkts;
};

/* 0 or ERR_NOMEM. Numbers start at 0. */
int sentmap_init(struct sentmap *map);
void sentmap_clear(struct sentmap *map);
/* Makes room for one more packet. 0, ERR_LIMIT or ERR_NOMEM. */
int sentmap_reserve(struct sentmap *map);
/* True when the next packet needs a larger ring, unless older ones expire. */
bool sentmap_is_at_capacity(const struct sentmap *map);
/* True when only acknowledgements and probes should still be added. */
bool sentmap_is_nearly_full(const struct sentmap *map);
/* Adds a frame record to the packet being built. 0, ERR_LIMIT or ERR_NOMEM. */
int sentmap_add_frame(struct sentmap *map, const struct sent_frame *frame, unsigned *frame_count);
/* Takes back the records of the packet being built. */
void sentmap_drop_frames(struct sentmap *map, unsigned frame_count);
/* Enters packet number map->next; the last `frame_count` records are its. Valid until the next reserve. */
struct sent_packet *sentmap_push(struct sentmap *map, uint64_t sent_us, uint16_t bytes,
    bool ack_eliciting, unsigned frame_count);
/* The packet of that number, NULL when it is not (or no longer) in the map. */
struct sent_packet *sentmap_get(const struct sentmap *map, uint64_t number);
const struct sent_frame *sentmap_frame(
    const struct sentmap *map, const struct sent_packet *packet, unsigned index);
/* Changes an outstanding or lost packet's state; keeps the sums right. */
void sentmap_set_state(struct sentmap *map, struct sent_packet *packet, enum sent_state state);
/* The oldest outstanding ack-eliciting packet's number, map->next when there is none. */
uint64_t sentmap_oldest_outstanding(struct sentmap *map);
/* Forgets acknowledged packets at the front, and those lost or never to be acknowledged, sent before `keep_after_us`. */
void sentmap_expire(struct sentmap *map, uint64_t keep_after_us);

#endif
