/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See health_json.h. */
#include "control/health_json.h"

#include "control/node_server.h"
#include "control/time_text.h"

static const char *accelerator_name(const struct control *control, uint32_t id)
{
	for (size_t i = 0; i < control->installation.accelerator_count; i++)
		if (control->installation.accelerators[i].accelerator.id == id)
			return control->installation.accelerators[i].accelerator.name;
	return NULL;
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
