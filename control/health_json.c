/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See health_json.h. */
#include "control/health_json.h"

#include "control/events.h"
#include "control/node_server.h"
#include "control/time_text.h"

#include <string.h>

static const char *accelerator_name(const struct control *control, uint32_t id)
{
	const struct accelerator *accelerator =
	    installation_accelerator_by_id(&control->installation, id);

	return accelerator ? accelerator->name : NULL;
}

static json_t *backend_json(
    const struct node *node, const char *accelerator, const struct backend_report *report)
{
	json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "node", node->name,
	    "region", node->region, "accelerator", accelerator, "host", report->host, "address",
	    report->address, "state", health_state_text(report->state), "cause",
	    health_cause_text(report->cause), "since", time_to_json(report->since_ms));

	if (report->port)
		json_object_set_new(json, "port", json_integer(report->port));
	return json;
}

static void add_node(
    json_t *list, const struct control *control, const struct node *node, uint32_t accelerator)
{
	const struct node_live *live = node_server_live(control->nodes, node->id);

	for (size_t i = 0; live->is_up && i < live->backend_count; i++) {
		const struct backend_report *report = &live->backends[i];
		const char *name = accelerator_name(control, report->accelerator);

		if (name && (!accelerator || accelerator == report->accelerator))
			json_array_append_new(list, backend_json(node, name, report));
	}
}

json_t *health_json(const struct control *control, const struct node *node, uint32_t accelerator)
{
	json_t *list = json_array();

	for (size_t i = 0; i < control->installation.node_count; i++) {
		const struct node *each = &control->installation.nodes[i];

		if (node ? node == each : each->role == NODE_ENDPOINT)
			add_node(list, control, each, accelerator);
	}
	return list;
}

static bool is_same_backend(const struct backend_report *a, const struct backend_report *b)
{
	return a->accelerator == b->accelerator && a->port == b->port
	       && strcmp(a->host, b->host) == 0 && strcmp(a->address, b->address) == 0;
}

/* Reports have their backends in the same order mostly, so it is looked for at its own place first. */
static enum health_state state_before(const struct backend_report *before, size_t count, size_t at,
    const struct backend_report *report)
{
	if (at < count && is_same_backend(&before[at], report))
		return before[at].state;
	for (size_t i = 0; i < count; i++) {
		if (is_same_backend(&before[i], report))
			return before[i].state;
	}
	return HEALTH_UNKNOWN;
}

void health_tell(struct control *control, const struct node *node,
    const struct backend_report *before, size_t before_count, const struct backend_report *now,
    size_t count)
{
	for (size_t i = 0; i < count && events_reader_count(control->events); i++) {
		const char *name = accelerator_name(control, now[i].accelerator);

		if (name && state_before(before, before_count, i, &now[i]) != now[i].state)
			events_publish(
			    control->events, EVENT_HEALTH, 0, backend_json(node, name, &now[i]));
	}
}
