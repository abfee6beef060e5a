/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The limits of an accelerator (model/accelerator_limits.h) at a node: each flow counts for its source and its
 * accelerator at a listener, and for its backend at an endpoint, in the pages of all workers: flows in
 * net/flow_counts.h, new flows and bytes a second in net/rate_counts.h.  A source's TCP and its UDP are two sources, as
 * the latter's address may be forged (enum limit_table).
 * Flows count whether or not there is a limit, so that one that is set later holds at once; rates only with a limit.
 */
#ifndef NET_FLOW_LIMITS_H
#define NET_FLOW_LIMITS_H

#include "base/addr.h"
#include "model/explain.h"
#include "model/node_config.h"
#include "net/flow_counts.h"
#include "net/page.h"
#include "net/rate_counts.h"
#include "tunnel/lane.h"

#include <stdbool.h>
#include <stdint.h>

/* A worker's. */
struct node_limits {
	struct page *page; /* of the worker: refusals are counted there */
	struct limit_counts {
		struct flow_counts flows;
		struct rate_counts rates;
	} tables[LIMIT_TABLES];
};

enum { FLOW_SUBJECTS = 2 };

/* What one flow counts for, part of the flow's struct; zeroed: nothing. */
struct flow_limits {
	struct flow_subject {
		uint64_t place;
		uint64_t bytes_per_s; /* 0: no limit */
		uint16_t kind;        /* see flow_limits.c */
		uint16_t table;       /* enum limit_table */
	} subjects[FLOW_SUBJECTS];
	unsigned count;  /* of them */
	bool is_metered; /* one of them has a limit of bytes */
};

/* Bytes count by where they go at this node's socket; each way has the whole limit. */
enum flow_way {
	FLOW_WAY_READ = 1, /* from the user, or the backend */
	FLOW_WAY_WRITTEN,
};

/* A worker's counts go to its page; the key is the same in all workers of the node. */
void node_limits_init(
    struct node_limits *node, struct page *page, const uint8_t key[KEYED_HASH_KEY_BYTES]);
/* Another worker of the node, SLOTS_MAX at most, whose page stays mapped. */
void node_limits_add(struct node_limits *node, const struct page *page);

/*
 * At a listener a flow is to begin for its source and its accelerator.  False when that would exceed a limit: it is
 * counted by its reason, and the flow counts for nothing.  Of the new flows a second it takes its part once it has begun.
 */
bool flow_limits_enter(struct node_limits *node, struct flow_limits *flow,
    const struct config_accelerator *config, enum flow_kind flow_kind, const struct addr *user,
    uint64_t now_us);
/* It was opened, at the same moment. */
void flow_limits_begun(struct node_limits *node, const struct flow_limits *flow,
    const struct config_accelerator *config, uint64_t now_us);
/* Entering at an endpoint, for the backend that is to get the flow; another one may have room. */
bool flow_limits_enter_backend(struct node_limits *node, struct flow_limits *flow,
    const struct config_accelerator *config, const struct backend *backend);
/*
 * What would refuse one more now?  Nothing is counted; two workers that ask at once may both hear that nothing would, so
 * that only entering decides.  Of several the accelerator's flows are told last, as one of them may give way.
 */
enum explain_limit flow_limits_foretell(const struct node_limits *node,
    const struct config_accelerator *config, enum flow_kind flow_kind, const struct addr *user,
    uint64_t now_us);
/* Would a new flow be within the accelerator's limit of flows in the place of one that this worker has of it? */
bool flow_limits_may_replace(
    const struct node_limits *node, const struct config_accelerator *config);
bool flow_limits_have_room_backend(const struct node_limits *node,
    const struct config_accelerator *config, const struct backend *backend);
/* What a new config says of the flow's accelerator holds from now on. */
void flow_limits_renew(struct flow_limits *flow, const struct config_accelerator *config);
/* The flow ended, or leaves its backend. */
void flow_limits_leave(struct node_limits *node, struct flow_limits *flow);

/*
 * For a metered flow: how many bytes may be read or written now; 0, counted by its reason, when it is to wait, as
 * there are none or so few that they are not worth a call.
 */
uint64_t flow_limits_left(const struct node_limits *node, const struct flow_limits *flow,
    enum flow_way way, uint64_t now_us);
/* So many were; below 2^32. */
void flow_limits_use(struct node_limits *node, const struct flow_limits *flow, enum flow_way way,
    uint64_t bytes, uint64_t now_us);
/* A datagram of a metered flow: true, and used, when it may pass; else it is counted by its reason. */
bool flow_limits_pass_metered(struct node_limits *node, const struct flow_limits *flow,
    enum flow_way way, uint64_t bytes, uint64_t now_us);

static inline bool flow_limits_pass(struct node_limits *node, const struct flow_limits *flow,
    enum flow_way way, uint64_t bytes, uint64_t now_us)
{
	return !flow->is_metered || flow_limits_pass_metered(node, flow, way, bytes, now_us);
}

#endif
