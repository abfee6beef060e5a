/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The API's status and revisions: what is only looked at. */
#include "config.h"

#include "control/api_access.h"
#include "control/api_routes.h"
#include "control/api_tunnels.h"
#include "control/attention.h"
#include "control/confirm.h"
#include "control/events.h"
#include "control/node_server.h"
#include "control/time_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REVISIONS_DEFAULT = 100, REVISIONS_MAX = 1000 };

static json_t *count_nodes(const struct control *control)
{
	json_int_t up = 0;

	for (size_t i = 0; i < control->installation.node_count; i++)
		up += node_server_live(control->nodes, control->installation.nodes[i].id)->is_up;
	return json_pack(
	    "{s:I, s:I}", "up", up, "down", (json_int_t)control->installation.node_count - up);
}

static void count_tunnel(struct control *control, const struct node *listener,
    const struct node *endpoint, void *context)
{
	const char *state =
	    tunnels_state(control->tunnels, listener, endpoint, control_steady_ms());
	json_t *count = json_object_get(context, state);

	json_integer_set(count, json_integer_value(count) + 1);
}

static json_t *api_json(const struct control *control)
{
	const struct api_access *access = control->access;
	const struct api_counters *counters = &access->counters;
	char pin[PIN_TEXT_BYTES];

	return json_pack("{s:s?, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "pin",
	    access->has_pin ? pin_format(access->pin, pin) : NULL, "requests",
	    (json_int_t)counters->requests, "unauthenticated",
	    (json_int_t)counters->unauthenticated, "forbidden", (json_int_t)counters->forbidden,
	    "limited", (json_int_t)counters->limited, "too_slow", (json_int_t)counters->too_slow,
	    "connections_refused", (json_int_t)counters->connections_refused, "subscribers",
	    (json_int_t)events_reader_count(control->events), "events_lost",
	    (json_int_t)counters->events_lost);
}

int api_status(
    struct control *control, const struct api_request *request, struct api_answer *answer)
{
	const struct installation *installation = &control->installation;
	json_t *problems = json_array();
	json_t *tunnels =
	    json_pack("{s:i, s:i, s:i, s:i}", "up", 0, "partial", 0, "down", 0, "unknown", 0);
	char pin[PIN_TEXT_BYTES];

	(void)request;
	api_tunnels_each(control, count_tunnel, tunnels);
	attention_add(control, problems);
	answer->body = json_pack("{s:s, s:I, s:I, s:o, s:s, s:s, s:o, s:o, s:I, s:o, s:o, s:o}",
	    "version", PACKAGE_VERSION, "incarnation", (json_int_t)installation->incarnation,
	    "revision", (json_int_t)installation->revision, "started",
	    time_to_json(control->started_ms), "nodes_address", control->join_addresses[0], "pin",
	    pin_format(control->pin, pin), "api", api_json(control), "nodes", count_nodes(control),
	    "accelerators", (json_int_t)installation->accelerator_count, "tunnels", tunnels,
	    "confirmation", confirm_to_json(control), "problems", problems);
	return 0;
}

int api_revision_list(
    struct control *control, const struct api_request *request, struct api_answer *answer)
{
	struct revision *list;
	json_t *items;
	long limit;
	int count;

	if (api_request_limit(request, REVISIONS_DEFAULT, REVISIONS_MAX, &limit, &answer->problem)
	    < 0)
		return -1;
	list = calloc((size_t)limit, sizeof(*list));
	count = list ? store_list_revisions(control->store, list, (size_t)limit) : -1;
	if (count < 0) {
		free(list);
		return problem_set(
		    &answer->problem, PROBLEM_INTERNAL, "", "", "%s", store_error(control->store));
	}
	items = json_array();
	for (int i = 0; i < count; i++)
		json_array_append_new(items, api_revision_json(&list[i]));
	answer->body = json_pack("{s:o}", "items", items);
	free(list);
	return 0;
}
