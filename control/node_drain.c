/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See node_drain.h. */
#include "control/node_drain.h"

#include "control/node_server.h"

#include <stdbool.h>
#include <string.h>

enum { REPORT_MS = 1500 }; /* within it a node has reported what was so before */

static int64_t counter(const struct node_live *live, const char *name)
{
	for (size_t i = 0; i < live->counter_count; i++) {
		if (strcmp(live->counters[i].name, name) == 0)
			return (int64_t)live->counters[i].value;
	}
	return -1;
}

struct node_flows node_drain_flows(const struct control *control, const struct node *node)
{
	const struct node_live *live = node_server_live(control->nodes, node->id);

	if (!live->is_up)
		return (struct node_flows){-1, -1};
	return (struct node_flows){counter(live, "tcp_flows"), counter(live, "udp_flows")};
}

/* Could this node send flows to the one that drains?  A listener drains by itself. */
static bool is_concerned(
    const struct control *control, const struct node *other, const struct node *node)
{
	if (node->role == NODE_LISTENER)
		return other == node;
	return installation_has_tunnel(&control->installation, other, node);
}

/* Nodes that are not up count too: they may serve by an old config. */
static bool is_known_everywhere(
    const struct control *control, const struct node *node, uint64_t reported_steady_ms)
{
	for (size_t i = 0; i < control->installation.node_count; i++) {
		const struct node *other = &control->installation.nodes[i];
		const struct node_live *live = node_server_live(control->nodes, other->id);

		if (!is_concerned(control, other, node))
			continue;
		if (!live->has_applied || live->applied_revision != live->wanted_revision
		    || live->refused_revision == live->wanted_revision
		    || reported_steady_ms < live->applied_steady_ms + REPORT_MS)
			return false;
	}
	return true;
}

const char *node_drain_state(const struct control *control, const struct node *node)
{
	const struct node_live *live = node_server_live(control->nodes, node->id);
	struct node_flows flows = node_drain_flows(control, node);

	if (!node->is_draining)
		return "off";
	if (flows.tcp == 0 && flows.udp == 0
	    && is_known_everywhere(control, node, live->reported_steady_ms))
		return "drained";
	return "draining";
}
