/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The listener's side of lanes: each worker keeps one lane to every endpoint of the config, dials
 * at once and again with an exponential back-off with jitter.  When a lane is down a new start is
 * tried beside it: ALIVE in the answer means that the path was away and the old lane goes on, NEW
 * that the endpoint's worker lost it, and then its flows are reset at once.
 */
#ifndef NET_WORKER_DIAL_H
#define NET_WORKER_DIAL_H

#include "net/udp.h"
#include "net/worker_lanes.h"
#include "tunnel/start.h"

#define DIAL_BACKOFF_MIN_US UINT64_C(100000)
#define DIAL_BACKOFF_MAX_US UINT64_C(5000000)
#define DIAL_REQUEST_US     UINT64_C(15000000) /* for keys to answer; a handshake has 10 s */
#define DIAL_REVIVE_US      UINT64_C(1000000)  /* for an old lane that is alive to come up */

struct dial {
	struct worker *worker;
	struct list_node peers;
	ev_timer timer;
};

void dial_init(struct dial *dial, struct worker *worker);
void dial_clear(struct dial *dial);
/* Lanes to peers that are gone leave, new ones are dialled. ERR_NOMEM. */
int dial_on_config(struct dial *dial);
/* The keys process was started again: what was asked of the old one is asked anew. */
void dial_on_keys(struct dial *dial);
void dial_on_grant(struct dial *dial, const struct lane_grant *grant);
void dial_on_refused(struct dial *dial, uint64_t door_id);
/* STARTED or UNKNOWN that passed doors_check(). */
enum handshake_cause dial_receive(
    struct dial *dial, const struct handshake_header *header, const struct udp_datagram *datagram);
void dial_on_state(struct dial *dial, struct carried *carried, enum lane_state state);
/* The lane is about to be freed. */
void dial_forget(struct dial *dial, struct carried *carried);
/* The lane to that peer when it is up, else NULL. */
struct carried *dial_lane_to(struct dial *dial, const char *peer_name);

#endif
