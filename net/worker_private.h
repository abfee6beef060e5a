/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The worker's own struct, shared by worker*.c alone. */
#ifndef NET_WORKER_PRIVATE_H
#define NET_WORKER_PRIVATE_H

#include "base/list.h"
#include "base/rng.h"
#include "net/flow_limits.h"
#include "net/ipc.h"
#include "net/pacing_timer.h"
#include "net/udp.h"
#include "net/udp_outbox.h"
#include "net/worker.h"
#include "net/worker_accept.h"
#include "net/worker_dial.h"
#include "net/worker_door.h"
#include "net/worker_lanes.h"
#include "net/worker_messages.h"
#include "net/worker_traces.h"
#include "tunnel/budget.h"

enum {
	WORKER_LANE_FLOWS = 200000, /* flows of one lane at once */
	/* Lanes share all of the memory but this part, which holds their reserves and the relays' own chunks. */
	WORKER_MEMORY_RESERVE_PART = 8,
	/* One lane gets all of that but this part. */
	LANE_MEMORY_PART = 4,
};

struct worker {
	const struct worker_role *role;
	void *state; /* the role's */
	struct ev_loop *loop;
	struct ipc *main_channel, *keys_channel; /* keys is NULL while that process is down */
	struct worker_settings settings;
	struct page *page;
	const struct page *siblings[SLOTS_MAX]; /* of the other workers */
	size_t sibling_count;
	struct flow_counts udp_sources;
	struct node_limits limits;
	struct chunk_pool *pool;
	struct budget memory; /* of its lanes together */
	struct udp_receiver *receiver;
	struct udp_outbox *outbox;  /* from the settings on */
	struct node_config *config; /* NULL before the first */
	struct wheel wheel;
	ev_timer tick;
	ev_check check;
	ev_prepare prepare;
	uint64_t now_us;
	struct rng rng;
	struct lanes lanes;
	struct worker_traces traces;
	struct gate gate;
	struct door_way ways[DOOR_WAYS]; /* by the hash of `remote` */
	struct dial dial;                /* of a listener */
	struct accept accept;            /* of an endpoint */
	bool is_draining, has_said_drained;
	int exit_status;
};

#endif
