/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The API's status and revisions: what is only looked at. */
#include "config.h"

#include "control/api_access.h"
#include "control/api_routes.h"
#include "control/api_tunnels.h"
#include "control/confirm.h"
#include "control/events.h"
#include "control/node_server.h"
#include "control/time_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REVISIONS_DEFAULT = 100, REVISIONS_MAX = 1000, PROBLEMS_MAX = 100 };

/* What an operator should look at. */
static void add_problem(json_t *list, const char *fix, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void add_problem(json_t *list, const char *fix, const char *format, ...)
{
	char detail[REASON_BYTES + 128];
	va_list args;

	if (json_array_size(list) >= PROBLEMS_MAX)
		return;
	va_start(args, format);
	vsnprintf(detail, sizeof(detail), format, args);
	va_end(args);
	json_array_append_new(list, json_pack("{s:s, s:s?}", "detail", detail, "fix", fix));
}

static void add_confirmation(const struct control *control, json_t *list)
{
	const struct confirmation *waits = &control->installation.confirmation;
	char deadline[TIME_TEXT_BYTES];

	if (waits->revision)
		add_problem(list, "trunkctl confirm keeps it, trunkctl rollback takes it back",
		    "revision %llu is undone at %s unless it is confirmed",
		    (unsigned long long)waits->revision, time_format(waits->deadline_ms, deadline));
}

static void add_node_problems(const struct control *control, json_t *list)
{
	for (size_t i = 0; i < control->installation.node_count; i++) {
		const struct node *node = &control->installation.nodes[i];
		const struct node_live *live = node_server_live(control->nodes, node->id);

		if (!live->is_up)
			add_problem(list,
			    "start it, or look at its log; trunkctl node remove forgets it",
			    "%s %s in %s is down", node_role_text(node->role), node->name,
			    node->region);
		else if (live->refused_revision)
			add_problem(list, "mend the cause or change the accelerator",
			    "%s %s refused config %llu: %s", node_role_text(node->role), node->name,
			    (unsigned long long)live->refused_revision, live->refused_reason);
	}
}

enum region_state { REGION_EMPTY, REGION_DRAINING, REGION_SERVES };

static enum region_state region_state(
    const struct control *control, const char *region, enum node_role role)
{
	enum region_state state = REGION_EMPTY;

	for (size_t i = 0; i < control->installation.node_count; i++) {
		const struct node *node = &control->installation.nodes[i];

		if (node->role != role || strcmp(node->region, region) != 0)
			continue;
		if (!node->is_draining)
			return REGION_SERVES;
		state = REGION_DRAINING;
	}
	return state;
}

/* Regions whose last node was removed after the accelerator was made, or takes no new flows. */
static void add_region_problem(const struct control *control, json_t *list,
    const struct accelerator *accelerator, const char *region, enum node_role role)
{
	switch (region_state(control, region, role)) {
	case REGION_EMPTY:
		add_problem(list, "let one join, or take the region out",
		    "accelerator %s has no %s in %s", accelerator->name, node_role_text(role),
		    region);
		break;
	case REGION_DRAINING:
		add_problem(list, "trunkctl node undrain lets a node take new flows again",
		    "every %s of accelerator %s in %s is draining", node_role_text(role),
		    accelerator->name, region);
		break;
	case REGION_SERVES:
		break;
	}
}

static void add_accelerator_problems(const struct control *control, json_t *list)
{
	for (size_t i = 0; i < control->installation.accelerator_count; i++) {
		const struct accelerator *accelerator =
		    &control->installation.accelerators[i].accelerator;

		for (size_t j = 0; j < accelerator->listen_count; j++)
			add_region_problem(
			    control, list, accelerator, accelerator->listen[j].text, NODE_LISTENER);
		for (size_t j = 0; j < accelerator->endpoint_group_count; j++)
			add_region_problem(control, list, accelerator,
			    accelerator->endpoint_groups[j].region, NODE_ENDPOINT);
	}
}

static void add_tunnel_problem(struct control *control, const struct node *listener,
    const struct node *endpoint, void *context)
{
	const char *state =
	    tunnels_state(control->tunnels, listener, endpoint, control_steady_ms());

	if (strcmp(state, "down") == 0 || strcmp(state, "partial") == 0)
		add_problem(context, "is the endpoint's UDP port reachable from the listener?",
		    "tunnel from %s to %s is %s", listener->name, endpoint->name, state);
}

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
	add_confirmation(control, problems);
	add_node_problems(control, problems);
	add_accelerator_problems(control, problems);
	api_tunnels_each(control, add_tunnel_problem, problems);
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
