/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The API's own tokens: make, list, revoke. */
#include "control/api_access.h"
#include "control/api_routes.h"
#include "control/change.h"
#include "control/time_text.h"
#include "model/name.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum {
	TTL_DEFAULT_S = 90 * 86400,
	TTL_MAX_S = 10 * 366 * 86400,
	EXPIRED_KEPT_S = 7 * 86400, /* so that the list tells why a program stopped working */
};

struct wanted {
	char name[NAME_BYTES];
	enum api_role role;
	uint32_t ttl_s;
};

static const char *check_name(const void *value)
{
	return name_is_valid(value) ? NULL : "must be " NAME_RULE;
}

static const char *check_role(const void *value)
{
	return *(const enum api_role *)value ? NULL : "must be viewer, operator or admin";
}

static const struct schema_field fields[] = {
    {SCHEMA_MEMBER("name", struct wanted, name), .type = SCHEMA_TEXT, .is_required = true,
        .check = check_name},
    {SCHEMA_MEMBER("role", struct wanted, role), .type = SCHEMA_ENUM, .is_required = true,
        .names = api_role_names, .check = check_role},
    {SCHEMA_MEMBER("ttl_s", struct wanted, ttl_s), .type = SCHEMA_U32, .min = 1, .max = TTL_MAX_S,
        .default_number = TTL_DEFAULT_S},
};
static const struct schema schema = SCHEMA(struct wanted, fields);

static json_t *to_json(const struct control *control, const struct api_token *token)
{
	return json_pack("{s:s, s:s, s:s, s:o, s:s, s:o, s:o}", "name", token->name, "role",
	    api_role_names[token->role], "state",
	    token->expires_ms > control_expiry_ms(control) ? "good" : "expired", "created",
	    time_to_json(token->created_ms), "created_by", token->created_by, "expires",
	    time_to_json(token->expires_ms), "used", time_to_json(token->used_ms));
}

static int check_room(const struct control *control, const char *name, struct problem *problem)
{
	const struct api_token_list *list = &control->access->tokens;

	if (api_token_by_name(list, name))
		return problem_set(problem, PROBLEM_NAME_TAKEN, "name",
		    "choose another name, or revoke that one: trunkctl token revoke",
		    "there is a token \"%s\" already", name);
	if (list->count >= API_TOKENS_MAX)
		return problem_set(problem, PROBLEM_INVALID, "", "revoke one",
		    "there are %d tokens, which is the most", API_TOKENS_MAX);
	return 0;
}

static int save(struct control *control, const struct api_request *request, struct api_token *token,
    struct problem *problem)
{
	struct change change;
	int result;

	change_init(&change, request->caller.who, "token %s created: %s", token->name,
	    api_role_names[token->role]);
	if (change_begin(control, &change, problem) < 0)
		return -1;
	result = store_add_api_token(control->store, token);
	return change_end(control, &change, result, problem);
}

static int create(struct control *control, const struct api_request *request,
    const struct wanted *wanted, struct api_answer *answer)
{
	struct api_token token = {.role = wanted->role, .created_ms = control_now_ms()};
	char text[API_TOKEN_TEXT_BYTES];
	int result = check_room(control, wanted->name, &answer->problem);

	if (result < 0)
		return result;
	memcpy(token.name, wanted->name, sizeof(token.name));
	memcpy(token.created_by, request->caller.who, sizeof(token.created_by));
	token.expires_ms = control_expiry_ms(control) + UINT64_C(1000) * wanted->ttl_s;
	api_token_make(text, token.hash);
	if (save(control, request, &token, &answer->problem) == 0) {
		api_access_load_tokens(control->access, control->store);
		answer->status = 201;
		answer->body = to_json(control, &token);
		json_object_set_new(answer->body, "token", json_string(text));
	}
	sodium_memzero(text, sizeof(text));
	return answer->body ? 0 : -1;
}

int api_token_create(
    struct control *control, const struct api_request *request, struct api_answer *answer)
{
	json_t *json = api_request_json(request, &answer->problem);
	struct wanted wanted;
	struct schema_errors errors;
	int result;

	if (!json)
		return -1;
	result = schema_from_json(&schema, json, 0, &wanted, &errors);
	json_decref(json);
	if (result < 0)
		return problem_from_schema(&answer->problem, &errors);
	if (store_purge_api_tokens(
	        control->store, control_expiry_ms(control) - UINT64_C(1000) * EXPIRED_KEPT_S)
	        < 0
	    || api_access_load_tokens(control->access, control->store) < 0)
		return problem_set(
		    &answer->problem, PROBLEM_STORAGE, "", "", "%s", store_error(control->store));
	return create(control, request, &wanted, answer);
}

int api_token_list(
    struct control *control, const struct api_request *request, struct api_answer *answer)
{
	const struct api_token_list *list = &control->access->tokens;
	json_t *items = json_array();

	(void)request;
	for (size_t i = 0; i < list->count; i++)
		json_array_append_new(items, to_json(control, &list->tokens[i]));
	answer->body = json_pack("{s:o}", "items", items);
	return 0;
}

int api_token_revoke(
    struct control *control, const struct api_request *request, struct api_answer *answer)
{
	const char *name = request->parameters[0];
	const struct api_token *token = api_token_by_name(&control->access->tokens, name);
	struct change change;
	int result;

	if (!token)
		return problem_set(&answer->problem, PROBLEM_NOT_FOUND, "",
		    "trunkctl token list shows those that exist", "there is no token \"%s\"", name);
	change_init(&change, request->caller.who, "token %s revoked", name);
	change.takes_away = true;
	if (change_begin(control, &change, &answer->problem) < 0)
		return -1;
	result = store_delete_api_token(control->store, token->id);
	if (change_end(control, &change, result, &answer->problem) < 0)
		return -1;
	api_access_load_tokens(control->access, control->store);
	answer->body = json_pack("{s:I}", "revision", (json_int_t)change.revision.number);
	return 0;
}
