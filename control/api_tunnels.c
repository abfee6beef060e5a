/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The API's tunnels: list, show, and what is set for one. */
#include "control/api_tunnels.h"

#include "control/api_routes.h"
#include "control/change.h"

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

	json_object_set_new(json, "congestion",
	    json_string(installation_congestion(&control->installation, listener, endpoint)));
	return json;
}

static void append_tunnel(struct control *control, const struct node *listener,
    const struct node *endpoint, void *context)
{
	json_array_append_new(context, to_json(control, listener, endpoint, TUNNEL_VIEW_LIST));
}

int api_tunnel_list(
    struct control *control, const struct api_request *request, struct api_answer *answer)
{
	json_t *items = json_array();

	(void)request;
	api_tunnels_each(control, append_tunnel, items);
	answer->body = json_pack("{s:o}", "items", items);
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

	if (find(control, request, &listener, &endpoint, &answer->problem) < 0)
		return -1;
	answer->body = to_json(control, listener, endpoint, TUNNEL_VIEW_DETAIL);
	return 0;
}

/* ---- what is set ---- */

static const struct schema_field update_fields[] = {
    {SCHEMA_MEMBER("congestion", struct tunnel_setting, congestion), .type = SCHEMA_TEXT,
        .default_text = CONGESTION_DEFAULT, .check = congestion_check},
};
static const struct schema update_schema = SCHEMA(struct tunnel_setting, update_fields);

/* Takes what the request says; the text becomes the one form that there is of it. */
static int decode(
    const struct api_request *request, struct tunnel_setting *setting, struct problem *problem)
{
	struct schema_errors errors;
	struct congestion congestion;
	json_t *patch = api_request_json(request, problem);
	int result = -1;

	if (!patch)
		return -1;
	if (json_object_size(patch) == 0)
		problem_set(problem, PROBLEM_BAD_REQUEST, "", "name the fields to change",
		    "the body changes nothing");
	else if (schema_from_json(&update_schema, patch, 0, setting, &errors) < 0)
		problem_from_schema(problem, &errors);
	else
		result = congestion_parse(setting->congestion, &congestion);
	json_decref(patch);
	if (result == 0)
		congestion_format(&congestion, setting->congestion);
	return result;
}

static int save(struct control *control, const struct api_request *request,
    const struct tunnel_setting *setting, const char *before, struct problem *problem)
{
	json_t *old = json_pack("{s:s}", "congestion", before);
	json_t *new = json_pack("{s:s}", "congestion", setting->congestion);
	struct change change;
	int result;

	change_init(&change, request->who, "tunnel from %s to %s updated", request->parameters[0],
	    request->parameters[1]);
	result = change_begin(control, &change, old, new, problem);
	json_decref(old);
	json_decref(new);
	if (result < 0)
		return result;
	return change_end(control, &change, store_put_tunnel(control->store, setting), problem);
}

int api_tunnel_update(
    struct control *control, const struct api_request *request, struct api_answer *answer)
{
	const struct node *listener, *endpoint;
	struct tunnel_setting setting = {0};
	const char *before;

	if (find(control, request, &listener, &endpoint, &answer->problem) < 0
	    || decode(request, &setting, &answer->problem) < 0)
		return -1;
	setting.listener = listener->id;
	setting.endpoint = endpoint->id;
	before = installation_congestion(&control->installation, listener, endpoint);
	if (strcmp(before, setting.congestion) != 0
	    && save(control, request, &setting, before, &answer->problem) < 0)
		return -1;
	return api_tunnel_show(control, request, answer); /* of the new snapshot */
}
