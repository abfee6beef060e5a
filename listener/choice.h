/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which endpoint node a new flow goes to.  The accelerator's endpoint groups are asked in their
 * order (group_order.h); each takes the share of flows that its traffic dial says, by the flow's
 * hash, and the last that can take any takes the rest.  In a group a Maglev table over the flow's
 * hash chooses the endpoint, so that all listeners send a flow to the same one.
 * It knows nothing of sockets or backends; the network and health come in by choice_view.
 */
#ifndef LISTENER_CHOICE_H
#define LISTENER_CHOICE_H

#include "model/explain.h"
#include "model/flow_hash.h"
#include "model/node_config.h"

#include <stdbool.h>
#include <stdint.h>

struct choice;

/* How the choice sees the world. */
struct choice_view {
	/* RTT of the lane to that endpoint, 0 while none is up. */
	uint64_t (*rtt_us)(void *context, const char *endpoint);
	/* May new flows of the accelerator go to that endpoint now? */
	bool (*is_healthy)(void *context, uint32_t accelerator, const char *endpoint);
	void *context;
};

/*
 * Tables for every accelerator of the config, which must outlive it; what `before` (may be NULL)
 * had learnt of the order of groups goes on. 0 or ERR_NOMEM.
 */
int choice_new(struct choice **choice, const struct node_config *config,
    const struct choice_view *view, const struct choice *before);
void choice_free(struct choice *choice);

/*
 * The name of the endpoint for a flow of this accelerator, valid as long as the config; NULL when
 * no group that takes flows has a healthy endpoint, or there is no such accelerator.
 */
const char *choice_endpoint(struct choice *choice, uint32_t accelerator,
    enum accelerator_protocol protocol, const struct addr *user, uint16_t local_port,
    uint64_t now_us);

/* How a choice came about: what each group said, in the order in which they are asked. */
struct choice_step {
	const struct config_group *group;
	enum explain_group_verdict verdict;
	bool is_ranked;
	uint64_t rtt_us;      /* as last looked at, 0: never known */
	unsigned share;       /* of the flow: the group takes those below its dial */
	const char *endpoint; /* that the flow gets in it; NULL for none, or not asked */
};

struct choice_story {
	size_t count;
	struct choice_step steps[GROUPS_MAX];
};

/* As choice_endpoint(), and tells how in *story (NULL: it does not), valid as long as the config. */
const char *choice_explain(struct choice *choice, uint32_t accelerator,
    enum accelerator_protocol protocol, const struct addr *user, uint16_t local_port,
    uint64_t now_us, struct choice_story *story);

/* The part of the config that a flow of it needs; NULL when there is no such accelerator. */
const struct config_accelerator *choice_accelerator(const struct choice *choice, uint32_t id);

#endif
