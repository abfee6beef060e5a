/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The API's accelerators: list, create, show, update, delete. */
#include "base/err.h"
#include "control/api_routes.h"
#include "control/change.h"
#include "control/health_json.h"
#include "control/node_server.h"
#include "control/rules.h"
#include "control/time_text.h"
#include "model/label_selector.h"

#include <stdio.h>
#include <string.h>

/* What one node made of the newest config. */
static json_t *node_json(const struct control *control, const struct node *node)
{
	const struct node_live *live = node_server_live(control->nodes, node->id);
	const char *state = "pending", *reason = NULL;
	bool is_told = !change_waits(control);
	uint64_t since_ms = 0;

	if (!live->is_up) {
		state = "down";
		since_ms = live->state_since_ms;
	} else if (is_told && live->refused_revision
	           && live->refused_revision == live->wanted_revision) {
		state = "refused";
		reason = live->refused_reason;
		since_ms = live->refused_since_ms;
	} else if (is_told && live->has_applied && !live->is_asked
	           && live->applied_revision == live->wanted_revision) {
		state = "applied";
		since_ms = live->applied_since_ms;
	}
	return json_pack("{s:s, s:s, s:s, s:s?, s:o}", "node", node->name, "role",
	    node_role_text(node->role), "state", state, "reason", reason, "since",
	    time_to_json(since_ms));
}

static bool concerns(const struct accelerator *accelerator, const struct node *node)
{
	return node->role == NODE_LISTENER
	           ? accelerator_listens_in(accelerator, node->region)
	           : accelerator_group_in(accelerator, node->region) != NULL;
}

static json_t *nodes_json(const struct control *control, const struct accelerator *accelerator)
{
	json_t *list = json_array();

	for (size_t i = 0; i < control->installation.node_count; i++) {
		const struct node *node = &control->installation.nodes[i];

		if (concerns(accelerator, node))
			json_array_append_new(list, node_json(control, node));
	}
	return list;
}

static json_t *to_json(const struct control *control, const struct stored_accelerator *stored)
{
	json_t *json = accelerator_to_json(&stored->accelerator);

	json_object_set_new(json, "id", json_integer(stored->accelerator.id));
	json_object_set_new(json, "revision", json_integer((json_int_t)stored->revision));
	json_object_set_new(json, "nodes", nodes_json(control, &stored->accelerator));
	json_object_set_new(json, "health", health_json(control, NULL, stored->accelerator.id));
	return json;
}

static const struct stored_accelerator *find(
    const struct control *control, const char *name, struct problem *problem)
{
	const struct stored_accelerator *stored =
	    installation_accelerator(&control->installation, name);

	if (!stored)
		problem_set(problem, PROBLEM_NOT_FOUND, "",
		    "trunkctl accelerator list shows those that exist",
		    "there is no accelerator \"%s\"", name);
	return stored;
}

static int answer_stored(const struct control *control, const struct stored_accelerator *stored,
    struct api_answer *answer)
{
	api_answer_set_etag(answer, stored->revision);
	answer->body = to_json(control, stored);
	return 0;
}

/* The answer after a change: the accelerator as the snapshot now has it. */
static int answer_saved(const struct control *control, const char *name, struct api_answer *answer)
{
	const struct stored_accelerator *stored =
	    installation_accelerator(&control->installation, name);

	if (!stored) /* of an older snapshot */
		return problem_set(
		    &answer->problem, PROBLEM_INTERNAL, "", "look at it: it is saved", "no memory");
	return answer_stored(control, stored, answer);
}

int api_accelerator_list(
    struct control *control, const struct api_request *request, struct api_answer *answer)
{
	const char *text = api_request_query(request, "label");
	struct label_selector selector = {.count = 0};
	char reason[REASON_BYTES];
	json_t *items;

	if (text && label_selector_parse(text, &selector, reason) < 0)
		return problem_set(&answer->problem, PROBLEM_BAD_REQUEST, "label",
		    "write it as " LABEL_SELECTOR_RULE, "the argument label: %s", reason);
	items = json_array();
	for (size_t i = 0; i < control->installation.accelerator_count; i++) {
		const struct stored_accelerator *stored = &control->installation.accelerators[i];

		if (label_selector_matches(&selector, &stored->accelerator.notes))
			json_array_append_new(items, to_json(control, stored));
	}
	answer->body = json_pack("{s:o}", "items", items);
	return 0;
}

int api_accelerator_show(
    struct control *control, const struct api_request *request, struct api_answer *answer)
{
	const struct stored_accelerator *stored =
	    find(control, request->parameters[0], &answer->problem);

	return stored ? answer_stored(control, stored, answer) : -1;
}

/*
 * Decodes and judges one, telling all that is wrong, beside what the problem has already; 0 makes it
 * the caller's to clear.
 */
static int decode(const struct control *control, const json_t *json, uint32_t id,
    struct accelerator *accelerator, struct problem *problem)
{
	struct schema_errors errors;
	int result =
	    schema_from_json(&accelerator_schema, json, SCHEMA_KEEP_PARTS, accelerator, &errors);

	accelerator->id = id;
	if (result < 0) {
		problem_from_schema(problem, &errors);
		rules_check_regions(&control->installation, accelerator, problem_add, problem);
	} else {
		result = accelerator_judge(accelerator, problem_add_model, problem);
		if (result == ERR_NOMEM)
			problem_set(problem, PROBLEM_INTERNAL, "", "", "no memory");
		else if (result < 0)
			rules_check_regions(
			    &control->installation, accelerator, problem_add, problem);
		else
			rules_check_accelerator(
			    &control->installation, accelerator, problem_add, problem);
	}
	if (!problem->kind)
		return 0;
	accelerator_clear(accelerator);
	return -1;
}

static int save(struct control *control, struct change *change, struct accelerator *accelerator,
    const json_t *before, struct problem *problem)
{
	json_t *after = accelerator_to_json(accelerator);
	int result;

	change_note(change, "Accelerator", accelerator->name, before, after);
	json_decref(after);
	result = change_begin(control, change, problem);
	if (result < 0)
		return result;
	result = store_put_accelerator(control->store, accelerator, change->revision.number);
	return change_end(control, change, result, problem);
}

/* If-None-Match: * says that the caller knows of none of that name (RFC 9110, section 13.1.2). */
static void refuse_name(
    const struct api_request *request, const char *name, struct problem *problem)
{
	const char *absent = api_request_header(request, "If-None-Match");
	struct problem fault = {0};

	if (absent && strcmp(absent, "*") == 0)
		problem_set(&fault, PROBLEM_CHANGED_MEANWHILE, "name",
		    "look at it, and change it with its ETag", "accelerator \"%s\" is there by now",
		    name);
	else
		problem_set(&fault, PROBLEM_NAME_TAKEN, "name",
		    "choose another name, or change that one: trunkctl accelerator update",
		    "there is an accelerator \"%s\" already", name);
	problem_add(problem, &fault);
}

static void check_room(const struct control *control, const struct api_request *request,
    const json_t *json, struct problem *problem)
{
	const char *name = json_string_value(json_object_get(json, "name"));

	if (name && installation_accelerator(&control->installation, name))
		refuse_name(request, name, problem);
	else if (control->installation.accelerator_count >= ACCELERATORS_MAX)
		problem_set(problem, PROBLEM_INVALID, "", "delete one, or give one more ports",
		    "there are %d accelerators, which is the most", ACCELERATORS_MAX);
}

static int create(struct control *control, const struct api_request *request, const json_t *json,
    struct api_answer *answer)
{
	struct accelerator accelerator;
	struct change change;
	int result;

	check_room(control, request, json, &answer->problem);
	if (decode(control, json, 0, &accelerator, &answer->problem) < 0)
		return -1;
	change_init(&change, request->caller.who, "accelerator %s created", accelerator.name);
	result = save(control, &change, &accelerator, NULL, &answer->problem);
	if (result == 0)
		result = answer_saved(control, accelerator.name, answer);
	if (result == 0) {
		answer->status = 201;
		snprintf(answer->location, sizeof(answer->location), "/v1/accelerators/%s",
		    accelerator.name);
	}
	accelerator_clear(&accelerator);
	return result;
}

int api_accelerator_create(
    struct control *control, const struct api_request *request, struct api_answer *answer)
{
	json_t *json = api_request_json(request, &answer->problem);
	int result = json ? create(control, request, json, answer) : -1;

	json_decref(json);
	return result;
}

static int check_match(const struct api_request *request, const struct stored_accelerator *stored,
    struct problem *problem)
{
	char what[NAME_BYTES + 16];

	snprintf(what, sizeof(what), "accelerator \"%s\"", stored->accelerator.name);
	return api_check_match(request, stored->revision, what, problem);
}

/*
 * JSON merge patch (RFC 7396) of the top level, on a copy; lists are replaced as a whole.  NULL when
 * it changes nothing; what cannot be changed is told and left as it is.
 */
static json_t *merge(const json_t *before, json_t *patch, struct problem *problem)
{
	json_t *merged = json_copy((json_t *)before), *value;
	struct problem fault = {0};
	const char *key;

	if (json_object_get(patch, "name")) {
		problem_set(&fault, PROBLEM_BAD_REQUEST, "name", "delete it and create another one",
		    "the name cannot be changed");
		problem_add(problem, &fault);
		json_object_del(patch, "name");
	} else if (json_object_size(patch) == 0) {
		problem_set(problem, PROBLEM_BAD_REQUEST, "", "name the fields to change",
		    "the body changes nothing");
		json_decref(merged);
		return NULL;
	}
	json_object_foreach(patch, key, value)
	{
		if (json_is_null(value))
			json_object_del(merged, key);
		else
			json_object_set(merged, key, value);
	}
	return merged;
}

static int update(struct control *control, const struct api_request *request,
    const struct stored_accelerator *stored, const json_t *merged, const json_t *before,
    struct api_answer *answer)
{
	struct accelerator accelerator;
	struct change change;
	json_t *after;
	bool now;
	int result = api_request_flag(request, "now", &now, &answer->problem);

	if (result == 0)
		result =
		    decode(control, merged, stored->accelerator.id, &accelerator, &answer->problem);
	if (result < 0)
		return result;
	after = accelerator_to_json(&accelerator);
	if (!json_equal(after, before)) {
		change_init(
		    &change, request->caller.who, "accelerator %s updated", accelerator.name);
		change.drain_s = now ? 0 : DRAIN_DEFAULT_S;
		result = save(control, &change, &accelerator, before, &answer->problem);
	}
	if (result == 0)
		result = answer_saved(control, accelerator.name, answer);
	json_decref(after);
	accelerator_clear(&accelerator);
	return result;
}

int api_accelerator_update(
    struct control *control, const struct api_request *request, struct api_answer *answer)
{
	const struct stored_accelerator *stored =
	    find(control, request->parameters[0], &answer->problem);
	json_t *patch, *before, *merged;
	int result = -1;

	if (!stored || check_match(request, stored, &answer->problem) < 0)
		return -1;
	patch = api_request_json(request, &answer->problem);
	if (!patch)
		return -1;
	before = accelerator_to_json(&stored->accelerator);
	merged = merge(before, patch, &answer->problem);
	if (merged)
		result = update(control, request, stored, merged, before, answer);
	json_decref(merged);
	json_decref(before);
	json_decref(patch);
	return result;
}

int api_accelerator_delete(
    struct control *control, const struct api_request *request, struct api_answer *answer)
{
	const struct stored_accelerator *stored =
	    find(control, request->parameters[0], &answer->problem);
	struct change change;
	json_t *before;
	bool now;
	int result;

	if (!stored || check_match(request, stored, &answer->problem) < 0
	    || api_request_flag(request, "now", &now, &answer->problem) < 0)
		return -1;
	change_init(
	    &change, request->caller.who, "accelerator %s deleted", stored->accelerator.name);
	change.drain_s = now ? 0 : DRAIN_DEFAULT_S;
	before = accelerator_to_json(&stored->accelerator);
	change_note(&change, "Accelerator", stored->accelerator.name, before, NULL);
	json_decref(before);
	result = change_begin(control, &change, &answer->problem);
	if (result < 0)
		return result;
	result = store_delete_accelerator(control->store, stored->accelerator.id);
	if (change_end(control, &change, result, &answer->problem) < 0)
		return -1;
	answer->body = json_pack("{s:I}", "revision", (json_int_t)change.revision.number);
	return 0;
}
