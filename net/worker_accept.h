/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The endpoint's side of lanes: what the keys process granted to a START becomes a lane, in place
 * of the one before it.  The last answer for each lane is kept, so that a START that comes again
 * costs no keys and never makes a second lane.
 */
#ifndef NET_WORKER_ACCEPT_H
#define NET_WORKER_ACCEPT_H

#include "net/udp.h"
#include "net/worker_lanes.h"
#include "tunnel/start.h"

struct accepted;

struct accept {
	struct worker *worker;
	struct accepted *table; /* by door and lane: at most DOORS_MAX * TUNNEL_LANES_MAX */
};

void accept_init(struct accept *accept, struct worker *worker);
void accept_clear(struct accept *accept);
/* Lanes of listeners that are gone leave. */
void accept_on_config(struct accept *accept);
/* A START: true when it was answered from memory, else it is for the keys process. */
bool accept_repeat(struct accept *accept, const struct handshake_header *header,
    const struct udp_datagram *datagram);
void accept_on_grant(struct accept *accept, const struct lane_grant *grant);
/* The listener is back as another process: what it had is gone. */
void accept_on_restart(struct accept *accept, uint64_t door_id);
/* The lane is about to be freed. */
void accept_forget(struct accept *accept, struct carried *carried);

#endif
