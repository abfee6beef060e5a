/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The API's revisions: what one changed, the way back to it, and confirming the newest. */
#include "base/err.h"
#include "control/api_routes.h"
#include "control/difference.h"
#include "control/rollback.h"
#include "control/time_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int parse_revision(const char *text, uint64_t *revision, struct problem *problem)
{
	char *end;

	errno = 0;
	*revision = strtoull(text, &end, 10);
	if (errno == 0 && *revision && *revision <= INT64_MAX && !*end && text[0] >= '0'
	    && text[0] <= '9')
		return 0;
	return problem_set(problem, PROBLEM_NOT_FOUND, "",
	    "trunkctl history lists those that are kept", "%s is no revision", text);
}

/* ---- one revision ---- */

static const char *action_of(const json_t *object)
{
	if (json_is_null(json_object_get(object, "before")))
		return "created";
	return json_is_null(json_object_get(object, "after")) ? "deleted" : "updated";
}

/* From what is remembered to what is told. */
static json_t *change_json(const json_t *object)
{
	return json_pack("{s:O, s:O, s:s, s:o}", "kind", json_object_get(object, "kind"), "name",
	    json_object_get(object, "name"), "action", action_of(object), "fields",
	    difference(json_object_get(object, "before"), json_object_get(object, "after")));
}

static int tell_revision(void *context, const struct revision *revision, const json_t *objects)
{
	json_t **body = context, *changes = json_array(), *object;
	size_t i;

	json_array_foreach(objects, i, object) json_array_append_new(changes, change_json(object));
	*body = json_pack("{s:I, s:o, s:s, s:s, s:o}", "revision", (json_int_t)revision->number,
	    "when", time_to_json(revision->when_ms), "who", revision->who, "what", revision->what,
	    "changes", changes);
	return *body ? 0 : ERR_NOMEM;
}

int api_revision_show(
    struct control *control, const struct api_request *request, struct api_answer *answer)
{
	uint64_t revision;
	int result;

	if (parse_revision(request->parameters[0], &revision, &answer->problem) < 0)
		return -1;
	result =
	    store_read_revisions(control->store, revision, revision, tell_revision, &answer->body);
	if (result < 0)
		return problem_set(
		    &answer->problem, PROBLEM_INTERNAL, "", "", "%s", store_error(control->store));
	if (!answer->body)
		return problem_set(&answer->problem, PROBLEM_NOT_FOUND, "",
		    "trunkctl history lists those that are kept",
		    "there is no revision %llu, or it is no longer kept",
		    (unsigned long long)revision);
	return 0;
}

/* ---- back to one ---- */

struct rollback_request {
	uint64_t revision;
	bool is_dry_run, is_now;
};

static const struct schema_field rollback_fields[] = {
    {SCHEMA_MEMBER("revision", struct rollback_request, revision), .type = SCHEMA_U64,
        .is_required = true, .min = 1, .max = INT64_MAX},
    {SCHEMA_MEMBER("dry_run", struct rollback_request, is_dry_run), .type = SCHEMA_BOOL},
    {SCHEMA_MEMBER("now", struct rollback_request, is_now), .type = SCHEMA_BOOL},
};
static const struct schema rollback_schema = SCHEMA(struct rollback_request, rollback_fields);

static int decode(const struct api_request *request, const struct schema *schema, void *wanted,
    struct problem *problem)
{
	json_t *json = api_request_json(request, problem);
	struct schema_errors errors;
	int result = 0;

	if (!json)
		return -1;
	if (schema_from_json(schema, json, 0, wanted, &errors) < 0)
		result = problem_from_schema(problem, &errors);
	json_decref(json);
	return result;
}

/* The plan is made once, told, and done unless it is only to be told. */
int api_rollback(
    struct control *control, const struct api_request *request, struct api_answer *answer)
{
	struct rollback_request wanted;
	struct change change;
	struct plan plan;
	int result;

	if (decode(request, &rollback_schema, &wanted, &answer->problem) < 0)
		return -1;
	result = rollback_plan(control, wanted.revision, &plan, &answer->problem);
	if (result == 0 && !wanted.is_dry_run) {
		change_init(&change, request->caller.who, "rolled back to revision %llu",
		    (unsigned long long)wanted.revision);
		change.drain_s = wanted.is_now ? 0 : DRAIN_DEFAULT_S;
		change.ends_confirmation = true;
		result = plan_run(control, &plan, &change, &answer->problem);
	}
	answer->is_dry_run = wanted.is_dry_run;
	if (result == 0)
		answer->body =
		    plan_answer(&plan, control->installation.revision, wanted.is_dry_run);
	plan_clear(&plan);
	return result;
}

/* ---- confirming ---- */

struct confirm_request {
	uint64_t revision; /* 0: whichever waits */
};

static const struct schema_field confirm_fields[] = {
    {SCHEMA_MEMBER("revision", struct confirm_request, revision), .type = SCHEMA_U64,
        .max = INT64_MAX},
};
static const struct schema confirm_schema = SCHEMA(struct confirm_request, confirm_fields);

int api_confirm(
    struct control *control, const struct api_request *request, struct api_answer *answer)
{
	uint64_t waiting = control->installation.confirmation.revision;
	struct confirm_request wanted;
	struct change change;

	if (decode(request, &confirm_schema, &wanted, &answer->problem) < 0)
		return -1;
	if (!waiting || (wanted.revision && wanted.revision != waiting))
		return problem_set(&answer->problem, PROBLEM_NOT_FOUND, "",
		    "trunkctl history tells what became of it",
		    waiting ? "revision %llu waits for confirmation, not that one"
		            : "no change waits for confirmation",
		    (unsigned long long)waiting);
	change_init(
	    &change, request->caller.who, "revision %llu confirmed", (unsigned long long)waiting);
	change.ends_confirmation = true;
	if (change_begin(control, &change, &answer->problem) < 0
	    || change_end(control, &change, 0, &answer->problem) < 0)
		return -1;
	answer->body = json_pack("{s:I, s:I}", "revision", (json_int_t)change.revision.number,
	    "confirmed", (json_int_t)waiting);
	return 0;
}
