/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See problem.h. */
#include "control/problem.h"

#include "base/utf8.h"
#include "control/faults.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct kind {
	const char *name;
	unsigned status;
	const char *title;
} kinds[] = {
    [PROBLEM_BAD_REQUEST] = {"bad-request", 400, "Request not understood"},
    [PROBLEM_UNAUTHENTICATED] = {"unauthenticated", 401, "Not authenticated"},
    [PROBLEM_FORBIDDEN] = {"forbidden", 403, "Forbidden"},
    [PROBLEM_NOT_FOUND] = {"not-found", 404, "Not found"},
    [PROBLEM_NO_ROUTE] = {"no-route", 404, "No such path"},
    [PROBLEM_METHOD_NOT_ALLOWED] = {"method-not-allowed", 405, "Method not allowed"},
    [PROBLEM_TOO_SLOW] = {"too-slow", 408, "Request too slow"},
    [PROBLEM_NAME_TAKEN] = {"name-taken", 409, "Name taken"},
    [PROBLEM_PORT_TAKEN] = {"port-taken", 409, "Port taken"},
    [PROBLEM_UNCONFIRMED] = {"unconfirmed", 409, "A change waits for confirmation"},
    [PROBLEM_RESTORED] = {"restored", 409, "Restored from a backup"},
    [PROBLEM_NOT_AHEAD] = {"not-ahead", 409, "No node is ahead"},
    [PROBLEM_KEY_REUSED] = {"key-reused", 422, "Idempotency key used before"},
    [PROBLEM_CHANGED_MEANWHILE] = {"changed-meanwhile", 412, "Changed meanwhile"},
    [PROBLEM_TOO_LARGE] = {"too-large", 413, "Too large"},
    [PROBLEM_TOO_MANY] = {"too-many", 429, "Too many requests"},
    [PROBLEM_INVALID] = {"invalid", 422, "Invalid value"},
    [PROBLEM_UNKNOWN_REGION] = {"unknown-region", 422, "Unknown region"},
    [PROBLEM_NO_ENDPOINT] = {"no-endpoint", 422, "No endpoint"},
    [PROBLEM_STORAGE] = {"storage", 503, "Not saved"},
    [PROBLEM_INTERNAL] = {"internal", 500, "Internal fault"},
};

int problem_set(struct problem *problem, enum problem_kind kind, const char *field, const char *fix,
    const char *format, ...)
{
	va_list args;

	problem->kind = kind;
	snprintf(problem->field, sizeof(problem->field), "%s", field);
	snprintf(problem->fix, sizeof(problem->fix), "%s", fix);
	va_start(args, format);
	vsnprintf(problem->detail, sizeof(problem->detail), format, args);
	va_end(args);
	utf8_mend(problem->field);
	utf8_mend(problem->fix);
	utf8_mend(problem->detail);
	return -1;
}

static json_t *faults_of(struct problem *problem)
{
	if (!problem->faults)
		problem->faults = json_array();
	return problem->faults;
}

void problem_add(void *context, const struct problem *fault)
{
	struct problem *problem = context;
	json_t *faults = faults_of(problem);

	faults_add_problem(faults, "", fault);
	if (problem->kind)
		return;
	*problem = *fault;
	problem->faults = faults;
}

/*
 * The schema's words for a wrong value begin with "must"; the others are of the shape: unknown
 * key, missing, twice, no JSON.
 */
static enum problem_kind kind_of(const struct schema_error *error)
{
	return strncmp(error->text, "must", 4) == 0 ? PROBLEM_INVALID : PROBLEM_BAD_REQUEST;
}

int problem_from_schema(struct problem *problem, const struct schema_errors *errors)
{
	const struct schema_error *first = &errors->list[0];
	char text[REASON_BYTES];

	if (errors->count == 0)
		return problem_set(problem, PROBLEM_INTERNAL, "", "", "no memory");
	if (!problem->kind)
		problem_set(problem, kind_of(first), first->path, "", "%s",
		    schema_error_format(first, NULL, text, sizeof(text)));
	faults_add_schema(faults_of(problem), "", errors);
	return -1;
}

void problem_add_model(void *context, const struct model_error *error)
{
	struct problem fault = {0};

	problem_set(&fault, PROBLEM_INVALID, error->field, error->fix, "%s", error->reason);
	problem_add(context, &fault);
}

unsigned problem_status(const struct problem *problem)
{
	return kinds[problem->kind].status;
}

json_t *problem_to_json(struct problem *problem)
{
	const struct kind *kind = &kinds[problem->kind];
	json_t *json = json_pack("{s:o, s:s, s:i, s:s}", "type",
	    json_sprintf("urn:trunkline:problem:%s", kind->name), "title", kind->title, "status",
	    (int)kind->status, "detail", problem->detail);

	if (json && problem->field[0])
		json_object_set_new(json, "field", json_string(problem->field));
	if (json && problem->fix[0])
		json_object_set_new(json, "fix", json_string(problem->fix));
	if (problem->faults)
		json_object_set_new(json, "errors", problem->faults);
	problem->faults = NULL;
	return json;
}
