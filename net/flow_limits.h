/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The limits of an accelerator (model/accelerator_limits.h) at a node: each flow counts for its source and its
 * accelerator at a listener, and for its backend at an endpoint, in the pages of all workers (net/flow_counts.h).
 * Flows count whether or not there is a limit, so that one that is set later holds at once.
 */
#ifndef NET_FLOW_LIMITS_H
#define NET_FLOW_LIMITS_H

#include "base/addr.h"
#include "model/node_config.h"
#include "net/flow_counts.h"

#include <stdbool.h>
#include <stdint.h>

struct page;

/* A worker's. */
struct node_limits {
	struct page *page; /* of the worker: refusals are counted there */
	struct flow_counts flows;
};

/* What one flow counts for, part of the flow's struct; zeroed: nothing. */
struct flow_limits {
	uint64_t places[2];
	unsigned count; /* of them */
};

/*
 * At a listener a flow is to begin for its source and its accelerator.  False when that would exceed a limit: it is
 * counted by its reason, and the flow counts for nothing.
 */
bool flow_limits_enter(struct node_limits *node, struct flow_limits *flow,
    const struct config_accelerator *config, const struct addr *user);
/* The same at an endpoint, for the backend that is to get the flow; another one may have room. */
bool flow_limits_enter_backend(struct node_limits *node, struct flow_limits *flow,
    const struct config_accelerator *config, const struct backend *backend);
/*
 * Would one more be let in?  Nothing is counted; two workers that ask at once may both hear yes, so
 * that only entering decides.
 */
bool flow_limits_have_room(const struct node_limits *node, const struct config_accelerator *config,
    const struct addr *user);
bool flow_limits_have_room_backend(const struct node_limits *node,
    const struct config_accelerator *config, const struct backend *backend);
/* The flow ended, or leaves its backend. */
void flow_limits_leave(struct node_limits *node, struct flow_limits *flow);

#endif
