/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See flow_limits.h. */
#include "net/flow_limits.h"

#include "base/log.h"
#include "net/page.h"

#include <string.h>

enum limit_subject { SUBJECT_SOURCE = 1, SUBJECT_ACCELERATOR, SUBJECT_BACKEND };

/* A hash key without padding. */
struct limit_key {
	uint32_t subject, accelerator;
	struct addr source;
	uint64_t backend;
};
_Static_assert(sizeof(struct limit_key) == 40, "struct limit_key has no padding");

static struct limit_key key_of_source(
    const struct config_accelerator *config, const struct addr *user)
{
	return (struct limit_key){SUBJECT_SOURCE, config->id, addr_source(user), 0};
}

static struct limit_key key_of_accelerator(const struct config_accelerator *config)
{
	return (struct limit_key){SUBJECT_ACCELERATOR, config->id, {0}, 0};
}

static struct limit_key key_of_backend(const struct node_limits *node,
    const struct config_accelerator *config, const struct backend *backend)
{
	uint64_t hash = keyed_hash_with(node->flows.key, backend->host, strlen(backend->host));

	return (struct limit_key){SUBJECT_BACKEND, config->id, {0}, hash ^ backend->port};
}

static void tell(struct node_limits *node, const struct config_accelerator *config,
    enum page_value reason, const char *limit)
{
	page_count(node->page, reason);
	log_limited(
	    LOG_LEVEL_WARN, 1, "limit_reached", "accelerator=%s limit=%s", config->name, limit);
}

/* One more flow of the key; false, and not counted, above the limit. */
static bool enter(
    struct node_limits *node, struct flow_limits *flow, const struct limit_key *key, uint32_t limit)
{
	struct flow_counts *counts = &node->flows;
	uint64_t place = flow_counts_place(counts, key, sizeof *key);

	flow_counts_add(counts, place);
	if (limit
	    && !flow_counts_fit(
	        counts, flow_counts_own(counts, place), flow_counts_others(counts, place), limit)) {
		flow_counts_drop(counts, place);
		return false;
	}
	flow->places[flow->count++] = place;
	return true;
}

bool flow_limits_enter(struct node_limits *node, struct flow_limits *flow,
    const struct config_accelerator *config, const struct addr *user)
{
	struct limit_key source = key_of_source(config, user),
	                 accelerator = key_of_accelerator(config);

	if (!enter(node, flow, &source, config->limits.source.flows)) {
		tell(node, config, PAGE_limit_source_flows, "source.flows");
		return false;
	}
	if (enter(node, flow, &accelerator, config->limits.accelerator.flows))
		return true;
	flow_limits_leave(node, flow);
	tell(node, config, PAGE_limit_accelerator_flows, "accelerator.flows");
	return false;
}

bool flow_limits_enter_backend(struct node_limits *node, struct flow_limits *flow,
    const struct config_accelerator *config, const struct backend *backend)
{
	struct limit_key key = key_of_backend(node, config, backend);

	if (enter(node, flow, &key, config->limits.backend.flows))
		return true;
	tell(node, config, PAGE_limit_backend_flows, "backend.flows");
	return false;
}

static bool has_room(const struct node_limits *node, const struct limit_key *key, uint32_t limit)
{
	const struct flow_counts *counts = &node->flows;
	uint64_t place = flow_counts_place(counts, key, sizeof *key);

	return !limit
	       || flow_counts_fit(counts, flow_counts_own(counts, place) + 1,
	           flow_counts_others(counts, place), limit);
}

bool flow_limits_have_room(const struct node_limits *node, const struct config_accelerator *config,
    const struct addr *user)
{
	struct limit_key source = key_of_source(config, user),
	                 accelerator = key_of_accelerator(config);

	return has_room(node, &source, config->limits.source.flows)
	       && has_room(node, &accelerator, config->limits.accelerator.flows);
}

bool flow_limits_have_room_backend(const struct node_limits *node,
    const struct config_accelerator *config, const struct backend *backend)
{
	struct limit_key key = key_of_backend(node, config, backend);

	return has_room(node, &key, config->limits.backend.flows);
}

void flow_limits_leave(struct node_limits *node, struct flow_limits *flow)
{
	while (flow->count > 0)
		flow_counts_drop(&node->flows, flow->places[--flow->count]);
}
