/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The API's nodes, and the tokens with which they join. */
#include "base/err.h"
#include "control/api_routes.h"
#include "control/change.h"
#include "control/health_json.h"
#include "control/node_drain.h"
#include "control/node_server.h"
#include "control/state.h"
#include "control/time_text.h"
#include "model/name.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { TOKEN_TTL_DEFAULT_S = 3600, TOKEN_TTL_MAX_S = 30 * 86400 };

struct token_request {
	enum node_role role;
	char region[NAME_BYTES];
	uint32_t ttl_s;
};

static const char *check_name(const void *value)
{
	return name_is_valid(value) ? NULL : "must be " NAME_RULE;
}

static const char *check_role(const void *value)
{
	return *(const enum node_role *)value ? NULL : "must be listener or endpoint";
}

static const struct schema_field token_fields[] = {
    {SCHEMA_MEMBER("role", struct token_request, role), .type = SCHEMA_ENUM, .is_required = true,
        .names = node_role_names, .check = check_role},
    {SCHEMA_MEMBER("region", struct token_request, region), .type = SCHEMA_TEXT,
        .is_required = true, .check = check_name},
    {SCHEMA_MEMBER("ttl_s", struct token_request, ttl_s), .type = SCHEMA_U32, .min = 1,
        .max = TOKEN_TTL_MAX_S, .default_number = TOKEN_TTL_DEFAULT_S},
};
static const struct schema token_schema = SCHEMA(struct token_request, token_fields);

static int save_token(struct control *control, const struct api_request *request,
    const struct token *token, struct problem *problem)
{
	struct change change;
	int result;

	change_init(&change, request->caller.who, "token for %s in %s made",
	    node_role_phrase(token->role), token->region);
	if (change_begin(control, &change, problem) < 0)
		return -1;
	result = store_add_token(control->store, token);
	return change_end(control, &change, result, problem);
}

static int make_token(struct control *control, const struct api_request *request,
    const struct token_request *wanted, struct api_answer *answer)
{
	struct join_token join = {.role = wanted->role};
	struct token token = {.role = wanted->role};
	char text[JOIN_TOKEN_TEXT_BYTES];

	memcpy(join.region, wanted->region, sizeof(join.region));
	memcpy(token.region, wanted->region, sizeof(token.region));
	memcpy(join.control_pin, control->pin, sizeof(join.control_pin));
	memcpy(join.addresses, control->join_addresses, sizeof(join.addresses));
	join.address_count = control->join_address_count;
	randombytes_buf(join.secret, sizeof(join.secret));
	crypto_generichash(
	    token.hash, sizeof(token.hash), join.secret, sizeof(join.secret), NULL, 0);
	token.expires_ms = control_expiry_ms(control) + UINT64_C(1000) * wanted->ttl_s;
	if (join_token_format(&join, text) < 0)
		return problem_set(&answer->problem, PROBLEM_INTERNAL, "",
		    "start control with --advertise ADDR:PORT",
		    "control knows no address of its own");
	if (save_token(control, request, &token, &answer->problem) < 0)
		return -1;
	answer->status = 201;
	answer->body =
	    json_pack("{s:s, s:s, s:s, s:o}", "token", text, "role", node_role_text(token.role),
	        "region", token.region, "expires", time_to_json(token.expires_ms));
	sodium_memzero(&join, sizeof(join));
	return 0;
}

int api_node_token_create(
    struct control *control, const struct api_request *request, struct api_answer *answer)
{
	json_t *json = api_request_json(request, &answer->problem);
	struct token_request wanted;
	struct schema_errors errors;
	int result;

	if (!json)
		return -1;
	result = schema_from_json(&token_schema, json, 0, &wanted, &errors);
	json_decref(json);
	if (result < 0)
		return problem_from_schema(&answer->problem, &errors);
	return make_token(control, request, &wanted, answer);
}

static json_t *addresses_json(const struct node *node)
{
	json_t *list = json_array();

	for (size_t i = 0; i < node->address_count; i++)
		json_array_append_new(list, json_string(node->addresses[i].text));
	return list;
}

static json_t *config_json(const struct node_live *live)
{
	json_t *refused = json_null();

	if (live->refused_revision)
		refused = json_pack("{s:I, s:s, s:o}", "revision",
		    (json_int_t)live->refused_revision, "reason", live->refused_reason, "since",
		    time_to_json(live->refused_since_ms));
	return json_pack("{s:I, s:o, s:o}", "wanted", (json_int_t)live->wanted_revision, "applied",
	    live->has_applied ? json_integer((json_int_t)live->applied_revision) : json_null(),
	    "refused", refused);
}

static json_t *node_json(const struct control *control, const struct node *node)
{
	const struct node_live *live = node_server_live(control->nodes, node->id);
	uint64_t seen_ms = live->last_seen_ms ? live->last_seen_ms : node->last_seen_ms;
	struct node_flows flows = node_drain_flows(control, node);
	char pin[PIN_TEXT_BYTES];

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:I, s:s, s:o, s:o}", "name",
	    node->name, "role", node_role_text(node->role), "region", node->region, "pin",
	    pin_format(node->pin, pin), "state", live->is_up ? "up" : "down", "drain",
	    node_drain_state(control, node), "flows", node_drain_flows_json(&flows), "addresses",
	    addresses_json(node), "slots", (json_int_t)node->slots, "version", node->version,
	    "config", config_json(live), "last_seen", time_to_json(seen_ms));
}

static json_t *counters_json(const struct node_live *live)
{
	json_t *counters = json_object();

	for (size_t i = 0; i < live->counter_count; i++)
		json_object_set_new(counters, live->counters[i].name,
		    json_integer((json_int_t)live->counters[i].value));
	return counters;
}

int api_node_list(
    struct control *control, const struct api_request *request, struct api_answer *answer)
{
	json_t *items = json_array();

	(void)request;
	for (size_t i = 0; i < control->installation.node_count; i++)
		json_array_append_new(items, node_json(control, &control->installation.nodes[i]));
	answer->body = json_pack("{s:o}", "items", items);
	return 0;
}

static const struct node *find(
    const struct control *control, const char *name, struct problem *problem)
{
	const struct node *node = installation_node(&control->installation, name);

	if (!node)
		problem_set(problem, PROBLEM_NOT_FOUND, "",
		    "trunkctl node list shows those that exist", "there is no node \"%s\"", name);
	return node;
}

int api_node_show(
    struct control *control, const struct api_request *request, struct api_answer *answer)
{
	const struct node *node = find(control, request->parameters[0], &answer->problem);
	const struct node_live *live;

	if (!node)
		return -1;
	live = node_server_live(control->nodes, node->id);
	answer->body = node_json(control, node);
	json_object_set_new(answer->body, "reported", time_to_json_exact(live->reported_ms));
	json_object_set_new(answer->body, "counters", counters_json(live));
	json_object_set_new(answer->body, "health", health_json(control, node, 0));
	return 0;
}

/* ---- draining ---- */

struct node_update {
	bool is_draining;
};

static const struct schema_field update_fields[] = {
    {SCHEMA_MEMBER("draining", struct node_update, is_draining), .type = SCHEMA_BOOL,
        .is_required = true},
};
static const struct schema update_schema = SCHEMA(struct node_update, update_fields);

static int save_drain(struct control *control, const struct api_request *request,
    const struct node *node, bool is_draining, struct problem *problem)
{
	json_t *before = json_pack("{s:s, s:b}", "name", node->name, "draining", node->is_draining);
	json_t *after = json_pack("{s:s, s:b}", "name", node->name, "draining", is_draining);
	struct change change;
	int result;

	change_init(&change, request->caller.who,
	    is_draining ? "node %s drained" : "node %s takes flows again", node->name);
	change.is_past_confirmation = true; /* which would not undo it */
	change_note(&change, "Node", node->name, before, after);
	json_decref(before);
	json_decref(after);
	result = change_begin(control, &change, problem);
	if (result < 0)
		return result;
	result = store_drain_node(control->store, node->id, is_draining);
	return change_end(control, &change, result, problem);
}

int api_node_update(
    struct control *control, const struct api_request *request, struct api_answer *answer)
{
	const struct node *node = find(control, request->parameters[0], &answer->problem);
	json_t *json = node ? api_request_json(request, &answer->problem) : NULL;
	struct node_update wanted;
	struct schema_errors errors;
	int result;

	if (!json)
		return -1;
	result = schema_from_json(&update_schema, json, 0, &wanted, &errors);
	json_decref(json);
	if (result < 0)
		return problem_from_schema(&answer->problem, &errors);
	if (wanted.is_draining != node->is_draining
	    && save_drain(control, request, node, wanted.is_draining, &answer->problem) < 0)
		return -1;
	return api_node_show(control, request, answer); /* of the new snapshot */
}

/* What was set for its tunnels goes with a node. */
static void note_tunnels(
    const struct control *control, const struct node *node, struct change *change)
{
	const struct installation *installation = &control->installation;

	for (size_t i = 0; i < installation->tunnel_setting_count; i++) {
		const struct tunnel_setting *setting = &installation->tunnel_settings[i];
		char name[OBJECT_NAME_BYTES];
		json_t *before;

		if (setting->listener != node->id && setting->endpoint != node->id)
			continue;
		before = state_tunnel_json(installation, setting);
		change_note(change, "Tunnel", object_name(object_kind_find("Tunnel"), before, name),
		    before, NULL);
		json_decref(before);
	}
}

int api_node_remove(
    struct control *control, const struct api_request *request, struct api_answer *answer)
{
	const struct node *node = find(control, request->parameters[0], &answer->problem);
	struct change change;
	json_t *before;
	int result;

	if (!node)
		return -1;
	change_init(&change, request->caller.who, "node %s removed", node->name);
	change.drain_s = 0; /* what was stolen must end now */
	change.takes_away = true;
	change.is_past_confirmation = true;
	before = node_json(control, node);
	change_note(&change, "Node", node->name, before, NULL);
	json_decref(before);
	note_tunnels(control, node, &change);
	result = change_begin(control, &change, &answer->problem);
	if (result < 0)
		return -1;
	result = store_delete_node(control->store, node->id);
	if (change_end(control, &change, result, &answer->problem) < 0)
		return -1;
	answer->body = json_pack("{s:I}", "revision", (json_int_t)change.revision.number);
	return 0;
}
