/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See plan.h: carrying a plan out, and telling of it. */
#include "control/plan.h"

#include "control/difference.h"

#include <stdio.h>

static const char *const action_texts[] = {
    [PLAN_UNCHANGED] = "unchanged",
    [PLAN_CREATED] = "created",
    [PLAN_UPDATED] = "updated",
    [PLAN_DELETED] = "deleted",
};

bool plan_changes_something(const struct plan *plan)
{
	for (size_t i = 0; i < plan->step_count; i++) {
		if (plan->steps[i].action != PLAN_UNCHANGED)
			return true;
	}
	return false;
}

static int run_step(struct control *control, struct plan_step *step, uint64_t revision)
{
	const struct stored_accelerator *stored;

	if (step->kind->schema == &tunnel_object_schema)
		return store_put_tunnel(control->store, &step->tunnel, revision);
	if (step->action != PLAN_DELETED)
		return store_put_accelerator(control->store, &step->accelerator, revision);
	stored = installation_accelerator(&control->installation, step->name);
	return store_delete_accelerator(control->store, stored->accelerator.id);
}

int plan_run(
    struct control *control, struct plan *plan, struct change *change, struct problem *problem)
{
	int result = 0;

	for (size_t i = 0; i < plan->step_count; i++) {
		const struct plan_step *step = &plan->steps[i];

		if (step->action != PLAN_UNCHANGED)
			change_note(
			    change, step->kind->name, step->name, step->before, step->after);
	}
	if (change_begin(control, change, problem) < 0)
		return -1;
	for (size_t i = 0; result == 0 && i < plan->step_count; i++) {
		if (plan->steps[i].action != PLAN_UNCHANGED)
			result = run_step(control, &plan->steps[i], change->revision.number);
	}
	return change_end(control, change, result, problem);
}

json_t *plan_to_json(const struct plan *plan)
{
	json_t *list = json_array();

	for (size_t i = 0; i < plan->step_count; i++) {
		const struct plan_step *step = &plan->steps[i];

		json_array_append_new(list,
		    json_pack("{s:s, s:s, s:s, s:o}", "kind", step->kind->name, "name", step->name,
		        "action", action_texts[step->action], "fields",
		        step->action == PLAN_UNCHANGED ? json_array()
		                                       : difference(step->before, step->after)));
	}
	return list;
}

json_t *plan_answer(const struct plan *plan, uint64_t revision, bool is_dry_run)
{
	return json_pack("{s:I, s:b, s:o, s:O}", "revision", (json_int_t)revision, "dry_run",
	    is_dry_run, "changes", plan_to_json(plan), "warnings", plan->warnings);
}

const char *plan_summary(const struct plan *plan, char *text, size_t size)
{
	size_t used = 0;

	snprintf(text, size, "nothing changed");
	for (int action = PLAN_CREATED; action <= PLAN_DELETED; action++) {
		size_t count = 0;

		for (size_t i = 0; i < plan->step_count; i++)
			count += (int)plan->steps[i].action == action;
		if (count && used < size)
			used += (size_t)snprintf(text + used, size - used, "%s%zu %s",
			    used ? ", " : "", count, action_texts[action]);
	}
	return text;
}
