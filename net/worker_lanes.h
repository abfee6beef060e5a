/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A worker's lanes and its tunnel socket: received packets go to their lane by connection id, and
 * at the end of each round of the loop the lanes that have something to send are served in turns.
 * It knows nothing of how a lane comes to be (worker_dial.h).
 */
#ifndef NET_WORKER_LANES_H
#define NET_WORKER_LANES_H

#include "base/list.h"
#include "net/pacing_timer.h"
#include "net/trace_file.h"
#include "net/udp.h"
#include "net/worker.h"
#include "net/worker_congestion.h"
#include "net/worker_siblings.h"

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	LANE_INDEX_BITS =
	    12, /* of a connection id; above them 12 random bits and the worker's slot */
	LANES_MAX = 1 << LANE_INDEX_BITS,
};

/*
 * One lane in use. A tunnel may have two for a while: the old one, whose path may come back, and
 * the new one. Invariant: in `all`, and at places[local_id % LANES_MAX].
 */
struct carried {
	struct worker_lane shown; /* the context of the lane's callbacks */
	uint32_t local_id;
	struct trace_lane traced; /* while its tunnel is traced */
	struct worker_congestion congestion;
	struct worker_siblings siblings;
	struct page_lane *page;               /* its record, NULL when the page was full */
	bool was_up;                          /* as it was last logged */
	uint64_t mtu_probes, mtu_black_holes; /* that the page's counters know of */
	uint64_t up_since_ms;                 /* UNIX time of the last change of being up */
	uint64_t leaves_us; /* when it is closed, or before, with its last flow; 0: it stays */
	uint64_t
	    due_us; /* its timer, as of the end of the last round, or of being served in this one */
	bool is_served; /* in this round */
	struct list_node node, busy, received;
};

struct lanes {
	uint64_t serial; /* of the newest lane */
	struct worker *worker;
	struct udp udp;
	bool has_socket;
	ev_io reader, writer;
	struct pacing_timer timer;
	struct carried *places[LANES_MAX];
	size_t count;
	struct list_node all, busy, received;
	struct lane_callbacks callbacks; /* the role's, with ours before */
	uint8_t *buffer;                 /* one batch that is being built or waits for the socket */
	struct udp_batch waiting; /* what the socket did not take yet; length 0 for nothing */
	uint32_t waiting_id;      /* of the lane it is from */
	bool is_blocked;
};

int lanes_init(struct lanes *lanes, struct worker *worker);
/* Frees every lane: flows get on_closed. */
void lanes_clear(struct lanes *lanes);
/* The tunnel socket that main lent; replaces one before. */
int lanes_set_socket(struct lanes *lanes, int descriptor);

/* A connection id that is not in use; 0 when LANES_MAX are. */
uint32_t lanes_new_id(struct lanes *lanes);
/*
 * Carries a lane from now on; fills the config's callbacks, context, pool and challenge key. NULL without
 * memory or when the id was taken since.
 */
struct carried *lanes_add(struct lanes *lanes, struct lane_config *config, const char *peer_name,
    const uint8_t peer_pin[PIN_BYTES]);
/* Takes the lane out and frees it; flows get on_closed. NULL is allowed. */
void lanes_remove(struct lanes *lanes, struct carried *carried);
/* Tells the peer why, and is gone a round later. */
void lanes_close(
    struct lanes *lanes, struct carried *carried, enum reason reason, const char *text);
/*
 * Its peer is not in the config any more: no new flow finds the lane, and those that it has may end
 * by themselves for so many seconds; 0 closes it at once.
 */
void lanes_leave(struct lanes *lanes, struct carried *carried, uint32_t drain_s);
/*
 * Lanes go on with the congestion control that is in the config now.
 * A config with drain_s 0 ends what leaves already, too: it may have come because a peer's key was
 * stolen.
 */
void lanes_on_config(struct lanes *lanes, const struct node_config *config);
/* The lane with something to send. */
void lanes_touch(struct lanes *lanes, struct lane *lane);
/* Sends a packet that is not a lane's. It may be lost. */
void lanes_send_packet(struct lanes *lanes, const uint8_t *data, size_t length,
    const struct addr *to, const struct addr *from);
/* What is carried for that lane's context; NULL for NULL. */
struct carried *lanes_carried(struct lane *lane);
/* Called before the loop waits: timers, sending. */
void lanes_serve(struct lanes *lanes);
/* Writes each lane's measurements to the page. */
void lanes_report(struct lanes *lanes);

#endif
