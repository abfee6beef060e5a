/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See rollback.h. */
#include "control/rollback.h"

#include "base/err.h"
#include "control/state.h"

static void warn_of_nodes(struct plan *plan, const json_t *gone)
{
	json_t *name;
	size_t i;

	json_array_foreach(gone, i, name) json_array_append_new(
	    plan->warnings, json_sprintf("node %s was removed since: it does not come back",
	                        json_string_value(name)));
}

static int fail(struct control *control, uint64_t revision, int result, struct problem *problem)
{
	if (result == ERR_NOT_FOUND)
		return problem_set(problem, PROBLEM_NOT_FOUND, "",
		    "trunkctl history lists those that are kept",
		    "there is no revision %llu, or it is no longer kept",
		    (unsigned long long)revision);
	return problem_set(problem, PROBLEM_INTERNAL, "", "", "%s", store_error(control->store));
}

int rollback_plan(
    struct control *control, uint64_t revision, struct plan *plan, struct problem *problem)
{
	json_t *items, *gone;
	int result =
	    state_objects_at(control->store, &control->installation, revision, &items, &gone);

	*plan = (struct plan){0};
	if (result < 0)
		return fail(control, revision, result, problem);
	plan_make(plan, &control->installation, items, PLAN_PRUNE | PLAN_RESTORE);
	warn_of_nodes(plan, gone);
	json_decref(items);
	json_decref(gone);
	if (plan_is_good(plan))
		return 0;
	problem->faults = json_incref(plan->faults);
	return problem_set(problem, PROBLEM_INVALID, "",
	    "make it as it was by trunkctl apply, as far as that is possible now",
	    "revision %llu was made by another version and cannot be taken as it was",
	    (unsigned long long)revision);
}

int rollback_run(
    struct control *control, uint64_t revision, struct change *change, struct problem *problem)
{
	struct plan plan;
	int result = rollback_plan(control, revision, &plan, problem);

	change->ends_confirmation = true;
	if (result == 0)
		result = plan_run(control, &plan, change, problem);
	plan_clear(&plan);
	return result;
}
