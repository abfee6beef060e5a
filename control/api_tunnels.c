/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The API's tunnels: list, show, and what is set for one. */
#include "control/api_tunnels.h"

#include "control/api_routes.h"
#include "control/change.h"
#include "control/state.h"

#include <stdio.h>
#include <string.h>

void api_tunnels_each(struct control *control, api_tunnel_fn *call, void *context)
{
	const struct installation *installation = &control->installation;

	for (size_t i = 0; i < installation->node_count; i++) {
		for (size_t j = 0; j < installation->node_count; j++) {
			if (installation_has_tunnel(
			        installation, &installation->nodes[i], &installation->nodes[j]))
				call(control, &installation->nodes[i], &installation->nodes[j],
				    context);
		}
	}
}

/* What was measured, and what is set. */
static json_t *to_json(const struct control *control, const struct node *listener,
    const struct node *endpoint, enum tunnel_view view)
{
	json_t *json =
	    tunnels_to_json(control->tunnels, listener, endpoint, view, control_steady_ms());
	struct tunnel_setting setting =
	    installation_tunnel(&control->installation, listener, endpoint);

	json_object_update_new(json, state_tunnel_json(&control->installation, &setting));
	return json;
}

static void append_tunnel(struct control *control, const struct node *listener,
    const struct node *endpoint, void *context)
{
	json_array_append_new(context, to_json(control, listener, endpoint, TUNNEL_VIEW_LIST));
}

json_t *api_tunnels_to_json(struct control *control)
{
	json_t *items = json_array();

	api_tunnels_each(control, append_tunnel, items);
	return json_pack("{s:o}", "items", items);
}

int api_tunnel_list(
    struct control *control, const struct api_request *request, struct api_answer *answer)
{
	(void)request;
	answer->body = api_tunnels_to_json(control);
	return 0;
}

/* The two nodes that the path names; -1 with *problem filled when they have no tunnel. */
static int find(const struct control *control, const struct api_request *request,
    const struct node **listener, const struct node **endpoint, struct problem *problem)
{
	const struct installation *installation = &control->installation;

	*listener = installation_node(installation, request->parameters[0]);
	*endpoint = installation_node(installation, request->parameters[1]);
	if (*listener && *endpoint && installation_has_tunnel(installation, *listener, *endpoint))
		return 0;
	return problem_set(problem, PROBLEM_NOT_FOUND, "",
	    "trunkctl tunnel list shows those that exist: one for each listener and endpoint that "
	    "share an accelerator",
	    "there is no tunnel from \"%s\" to \"%s\"", request->parameters[0],
	    request->parameters[1]);
}

int api_tunnel_show(
    struct control *control, const struct api_request *request, struct api_answer *answer)
{
	const struct node *listener, *endpoint;
	struct tunnel_setting setting;

	if (find(control, request, &listener, &endpoint, &answer->problem) < 0)
		return -1;
	setting = installation_tunnel(&control->installation, listener, endpoint);
	api_answer_set_etag(answer, setting.revision);
	answer->body = to_json(control, listener, endpoint, TUNNEL_VIEW_DETAIL);
	return 0;
}

/* ---- what is set ---- */

/* What a patch must not name, told and taken out of it; an empty one is told too. */
static void check_patch(json_t *patch, struct problem *problem)
{
	static const char *const ends[] = {"listener", "endpoint"};
	struct problem fault;

	if (json_object_size(patch) == 0)
		problem_set(problem, PROBLEM_BAD_REQUEST, "", "name the fields to change",
		    "the body changes nothing");
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (!json_object_get(patch, ends[i]))
			continue;
		fault = (struct problem){0};
		problem_set(&fault, PROBLEM_BAD_REQUEST, ends[i], "name them in the path",
		    "the ends of a tunnel cannot be changed");
		problem_add(problem, &fault);
		json_object_del(patch, ends[i]);
	}
}

/*
 * Takes what the request says into *setting (JSON merge patch, RFC 7396); the text of congestion
 * becomes the one form that there is of it.
 */
static int decode(const struct control *control, const struct api_request *request,
    struct tunnel_setting *setting, struct problem *problem)
{
	json_t *patch = api_request_json(request, problem), *merged;
	struct tunnel_object wanted = {0};
	struct schema_errors errors;
	struct congestion congestion;

	if (!patch)
		return -1;
	check_patch(patch, problem);
	merged = state_tunnel_json(&control->installation, setting);
	json_object_update(merged, patch);
	json_decref(patch);
	if (schema_from_json(&tunnel_object_schema, merged, 0, &wanted, &errors) < 0)
		problem_from_schema(problem, &errors);
	json_decref(merged);
	if (problem->kind || congestion_parse(wanted.congestion, &congestion) < 0)
		return -1;
	congestion_format(&congestion, setting->congestion);
	setting->is_traced = wanted.is_traced;
	return 0;
}

static int save(struct control *control, const struct api_request *request,
    const struct tunnel_setting *setting, const json_t *before, const json_t *after,
    struct problem *problem)
{
	struct change change;
	char name[OBJECT_NAME_BYTES];

	change_init(&change, request->caller.who, "tunnel from %s to %s updated",
	    request->parameters[0], request->parameters[1]);
	change_note(
	    &change, "Tunnel", object_name(object_kind_find("Tunnel"), after, name), before, after);
	if (change_begin(control, &change, problem) < 0)
		return -1;
	return change_end(control, &change,
	    store_put_tunnel(control->store, setting, change.revision.number), problem);
}

int api_tunnel_update(
    struct control *control, const struct api_request *request, struct api_answer *answer)
{
	const struct node *listener, *endpoint;
	struct tunnel_setting setting;
	json_t *before, *after;
	int result = 0;

	if (find(control, request, &listener, &endpoint, &answer->problem) < 0)
		return -1;
	setting = installation_tunnel(&control->installation, listener, endpoint);
	if (api_check_match(request, setting.revision, "the tunnel", &answer->problem) < 0)
		return -1;
	before = state_tunnel_json(&control->installation, &setting);
	if (decode(control, request, &setting, &answer->problem) < 0) {
		json_decref(before);
		return -1;
	}
	after = state_tunnel_json(&control->installation, &setting);
	if (!json_equal(before, after))
		result = save(control, request, &setting, before, after, &answer->problem);
	json_decref(before);
	json_decref(after);
	return result < 0 ? result
	                  : api_tunnel_show(control, request, answer); /* of the new snapshot */
}
