/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The API's objects as people state them: all of them, and many at once in one change. */
#include "control/api_routes.h"
#include "control/confirm.h"
#include "control/plan.h"
#include "control/state.h"

int api_object_list(
    struct control *control, const struct api_request *request, struct api_answer *answer)
{
	const struct installation *installation = &control->installation;

	(void)request;
	api_answer_set_etag(answer, installation->revision);
	answer->body = json_pack("{s:I, s:o}", "revision", (json_int_t)installation->revision,
	    "items", state_objects(installation));
	return 0;
}

struct apply_request {
	bool is_dry_run, prunes, is_now;
	uint32_t confirm_s; /* 0: it needs no confirmation */
};

/* Without the items, which are no struct's. */
static const struct schema_field apply_fields[] = {
    {SCHEMA_MEMBER("dry_run", struct apply_request, is_dry_run), .type = SCHEMA_BOOL},
    {SCHEMA_MEMBER("prune", struct apply_request, prunes), .type = SCHEMA_BOOL},
    {SCHEMA_MEMBER("now", struct apply_request, is_now), .type = SCHEMA_BOOL},
    {SCHEMA_MEMBER("confirm_s", struct apply_request, confirm_s), .type = SCHEMA_U32,
        .max = CONFIRM_MAX_S},
};
static const struct schema apply_schema = SCHEMA(struct apply_request, apply_fields);

static int decode(const json_t *json, struct apply_request *wanted, struct problem *problem)
{
	json_t *rest = json_copy((json_t *)json);
	struct schema_errors errors;
	struct problem fault = {0};

	if (!json_is_array(json_object_get(json, "items"))) {
		problem_set(&fault, PROBLEM_BAD_REQUEST, "items",
		    "send the objects as {\"items\": [...]}", "items: must be a list of objects");
		problem_add(problem, &fault);
	}
	json_object_del(rest, "items");
	if (schema_from_json(&apply_schema, rest, 0, wanted, &errors) < 0)
		problem_from_schema(problem, &errors);
	json_decref(rest);
	return problem->kind ? -1 : 0;
}

static int refuse(struct plan *plan, struct problem *problem)
{
	size_t count = json_array_size(plan->faults);

	problem->faults = json_incref(plan->faults);
	return problem_set(problem, PROBLEM_INVALID, "", "mend them all; nothing was changed",
	    "the objects have %zu error%s", count, count == 1 ? "" : "s");
}

static int run(struct control *control, const struct api_request *request, struct plan *plan,
    const struct apply_request *wanted, struct api_answer *answer)
{
	struct change change;
	char summary[WHAT_BYTES / 2];

	if (!wanted->is_dry_run && plan_changes_something(plan)) {
		change_init(&change, request->caller.who, "applied: %s",
		    plan_summary(plan, summary, sizeof(summary)));
		change.drain_s = wanted->is_now ? 0 : DRAIN_DEFAULT_S;
		change.confirm_s = wanted->confirm_s;
		if (plan_run(control, plan, &change, &answer->problem) < 0)
			return -1;
	}
	answer->is_dry_run = wanted->is_dry_run;
	api_answer_set_etag(answer, control->installation.revision);
	answer->body = plan_answer(plan, control->installation.revision, wanted->is_dry_run);
	return 0;
}

static int apply(struct control *control, const struct api_request *request, const json_t *json,
    struct api_answer *answer)
{
	struct apply_request wanted;
	struct plan plan;
	int result;

	if (decode(json, &wanted, &answer->problem) < 0
	    || api_check_match(
	           request, control->installation.revision, "the installation", &answer->problem)
	           < 0)
		return -1;
	plan_make(&plan, &control->installation, json_object_get(json, "items"),
	    wanted.prunes ? PLAN_PRUNE : 0);
	result = plan_is_good(&plan) ? run(control, request, &plan, &wanted, answer)
	                             : refuse(&plan, &answer->problem);
	plan_clear(&plan);
	return result;
}

int api_apply(struct control *control, const struct api_request *request, struct api_answer *answer)
{
	json_t *json = api_request_json(request, &answer->problem);
	int result = json ? apply(control, request, json, answer) : -1;

	json_decref(json);
	return result;
}
