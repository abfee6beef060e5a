/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See node_drain.h. */
#include "control/node_drain.h"

#include "control/change.h"
#include "control/events.h"
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

/*
 * Nodes that are not up count too: they may serve by an old config.  One that connected and has not
 * answered yet may serve by another config of the same number, or be unable to serve by that one.
 */
static bool is_known_everywhere(
    const struct control *control, const struct node *node, uint64_t reported_steady_ms)
{
	if (change_waits(control))
		return false;
	for (size_t i = 0; i < control->installation.node_count; i++) {
		const struct node *other = &control->installation.nodes[i];
		const struct node_live *live = node_server_live(control->nodes, other->id);

		if (!is_concerned(control, other, node))
			continue;
		if (!live->has_applied || live->is_asked
		    || live->applied_revision != live->wanted_revision
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

json_t *node_drain_flows_json(const struct node_flows *flows)
{
	if (flows->tcp < 0 || flows->udp < 0)
		return json_null();
	return json_pack(
	    "{s:I, s:I}", "tcp", (json_int_t)flows->tcp, "udp", (json_int_t)flows->udp);
}

void node_drain_tell(
    const struct control *control, const struct node *node, struct drain_told *told)
{
	struct drain_told now = {node_drain_state(control, node), node_drain_flows(control, node)};

	if (!node->is_draining) {
		*told = (struct drain_told){0};
		return;
	}
	if (told->state && strcmp(told->state, now.state) == 0 && told->flows.tcp == now.flows.tcp
	    && told->flows.udp == now.flows.udp)
		return;
	*told = now;
	events_publish(control->events, EVENT_DRAIN, 0,
	    json_pack("{s:s, s:s, s:o}", "node", node->name, "drain", now.state, "flows",
	        node_drain_flows_json(&now.flows)));
}
