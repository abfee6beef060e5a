/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See plan.h: judging.  plan_run.c has the rest. */
#include "config.h"

#include "control/plan.h"

#include "base/err.h"
#include "base/suggest.h"
#include "control/faults.h"
#include "control/rules.h"
#include "control/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct judging {
	struct plan *plan;
	const struct installation *installation;
	unsigned flags;
	const char *base; /* of the item at hand */
};

static struct plan_step *find_step(
    const struct plan *plan, const struct object_kind *kind, const char *name)
{
	for (size_t i = 0; i < plan->step_count; i++) {
		if (plan->steps[i].kind == kind && strcmp(plan->steps[i].name, name) == 0)
			return &plan->steps[i];
	}
	return NULL;
}

/* Room is made by plan_make() for all items and all objects that there are. */
static struct plan_step *add_step(
    struct plan *plan, const struct object_kind *kind, const char *name, size_t item)
{
	struct plan_step *step = &plan->steps[plan->step_count++];

	step->kind = kind;
	step->item = item;
	memcpy(step->name, name, strlen(name) + 1);
	return step;
}

static void decide(struct plan_step *step)
{
	if (!step->before)
		step->action = step->after ? PLAN_CREATED : PLAN_UNCHANGED;
	else if (!step->after)
		step->action = PLAN_DELETED;
	else
		step->action =
		    json_equal(step->before, step->after) ? PLAN_UNCHANGED : PLAN_UPDATED;
}

/* ---- one accelerator ---- */

struct reporting {
	struct judging *judging;
	const struct plan_step *step;
};

static void report_rule(void *context, const struct problem *problem)
{
	struct reporting *reporting = context;
	struct plan *plan = reporting->judging->plan;
	char base[POINTER_BYTES];

	snprintf(base, sizeof(base), "/items/%zu", reporting->step->item);
	if (reporting->judging->flags & PLAN_RESTORE)
		json_array_append_new(plan->warnings,
		    json_sprintf("accelerator %s: %s", reporting->step->name, problem->detail));
	else
		faults_add_problem(plan->faults, base, problem);
}

static void report_fault(void *context, const struct model_error *fault)
{
	const struct judging *judging = context;

	faults_add_model(judging->plan->faults, judging->base, fault);
}

static void take_accelerator(struct judging *judging, struct plan_step *step, const json_t *json)
{
	json_t *faults = judging->plan->faults;
	const struct stored_accelerator *stored;
	struct schema_errors errors;
	int result;

	if (schema_from_json(
	        &accelerator_schema, json, SCHEMA_KEEP_PARTS, &step->accelerator, &errors)
	    < 0) {
		faults_add_schema(faults, judging->base, &errors);
		rules_check_regions(judging->installation, &step->accelerator, report_rule,
		    &(struct reporting){judging, step});
		return;
	}
	result = accelerator_judge(&step->accelerator, report_fault, judging);
	if (result == ERR_NOMEM)
		faults_add(faults, judging->base, false, "", "no memory");
	if (result < 0) {
		rules_check_regions(judging->installation, &step->accelerator, report_rule,
		    &(struct reporting){judging, step});
		return;
	}
	stored = installation_accelerator(judging->installation, step->name);
	step->accelerator.id = stored ? stored->accelerator.id : 0;
	step->before = stored ? accelerator_to_json(&stored->accelerator) : NULL;
	step->after = accelerator_to_json(&step->accelerator);
	decide(step);
}

/* ---- one tunnel ---- */

static const struct node *find_end(
    struct judging *judging, const char *field, const char *name, enum node_role role)
{
	const struct installation *installation = judging->installation;
	const struct node *node = installation_node(installation, name);
	char pointer[POINTER_BYTES], fix[REASON_BYTES];
	struct suggestion suggestion;

	if (node && node->role == role)
		return node;
	if (judging->flags & PLAN_RESTORE) {
		json_array_append_new(judging->plan->warnings,
		    json_sprintf(
		        "node %s is gone: what was set for its tunnel is not restored", name));
		return NULL;
	}
	suggestion_begin(&suggestion, name, strlen(name));
	for (size_t i = 0; i < installation->node_count; i++) {
		if (installation->nodes[i].role == role)
			suggestion_offer(&suggestion, installation->nodes[i].name);
	}
	if (suggestion.best)
		snprintf(fix, sizeof(fix), "did you mean \"%s\"?", suggestion.best);
	else
		snprintf(fix, sizeof(fix), "trunkctl node list shows those that exist");
	faults_add(judging->plan->faults,
	    schema_path_pointer(judging->base, field, pointer, sizeof(pointer)), false, fix,
	    node ? "node \"%s\" is no %s" : "there is no node \"%s\"", name, node_role_text(role));
	return NULL;
}

static void take_tunnel(struct judging *judging, struct plan_step *step, const json_t *json)
{
	const struct node *listener, *endpoint;
	struct tunnel_object object;
	struct schema_errors errors;
	struct congestion congestion;
	struct tunnel_setting before;

	if (schema_from_json(&tunnel_object_schema, json, 0, &object, &errors) < 0) {
		faults_add_schema(judging->plan->faults, judging->base, &errors);
		return;
	}
	listener = find_end(judging, "listener", object.listener, NODE_LISTENER);
	endpoint = find_end(judging, "endpoint", object.endpoint, NODE_ENDPOINT);
	if (!listener || !endpoint)
		return;
	before = installation_tunnel(judging->installation, listener, endpoint);
	step->tunnel = before;
	step->tunnel.is_traced = object.is_traced;
	congestion_parse(object.congestion, &congestion);
	congestion_format(&congestion, step->tunnel.congestion);
	if (!tunnel_setting_is_default(&before))
		step->before = state_tunnel_json(judging->installation, &before);
	if (!tunnel_setting_is_default(&step->tunnel))
		step->after = state_tunnel_json(judging->installation, &step->tunnel);
	decide(step);
}

/* ---- one item ---- */

static const struct object_kind *find_kind(struct judging *judging, const json_t *item)
{
	const char *word = json_string_value(json_object_get(item, "kind")), *meant;
	const struct object_kind *kind = word ? object_kind_find(word) : NULL;
	char pointer[POINTER_BYTES], fix[REASON_BYTES];

	if (kind)
		return kind;
	snprintf(pointer, sizeof(pointer), "%s/kind", judging->base);
	meant = word ? object_kind_suggest(word) : NULL;
	if (meant)
		snprintf(fix, sizeof(fix), "did you mean \"%s\"?", meant);
	else
		snprintf(fix, sizeof(fix), "trunkctl explain lists the kinds");
	if (word)
		faults_add(
		    judging->plan->faults, pointer, false, fix, "there is no kind \"%.64s\"", word);
	else
		faults_add(judging->plan->faults, judging->base, false, fix,
		    "kind: is required, as kind: Accelerator");
	return NULL;
}

/* Does the file name the same object twice? */
static bool is_twice(struct judging *judging, const struct object_kind *kind, const char *name)
{
	char pointer[POINTER_BYTES];

	if (!name[0] || !find_step(judging->plan, kind, name))
		return false;
	snprintf(pointer, sizeof(pointer), "%s/%s", judging->base, kind->names[0]);
	faults_add(judging->plan->faults, pointer, false, "state it once", "%s \"%s\" stands twice",
	    kind->name, name);
	return true;
}

static void take_item(struct judging *judging, const json_t *item, size_t index)
{
	const struct object_kind *kind;
	char name[OBJECT_NAME_BYTES];
	struct plan_step *step;
	json_t *fields;

	if (!json_is_object(item)) {
		faults_add(judging->plan->faults, judging->base, false, "", "must be an object");
		return;
	}
	kind = find_kind(judging, item);
	if (!kind || is_twice(judging, kind, object_name(kind, item, name)))
		return;
	step = add_step(judging->plan, kind, name, index);
	fields = json_copy((json_t *)item);
	json_object_del(fields, "kind");
	if (kind->schema == &accelerator_schema)
		take_accelerator(judging, step, fields);
	else
		take_tunnel(judging, step, fields);
	json_decref(fields);
}

/* ---- those that are not among the items ---- */

static void prune(struct judging *judging)
{
	json_t *objects = state_objects(judging->installation), *object;
	char name[OBJECT_NAME_BYTES];
	size_t i;

	json_array_foreach(objects, i, object)
	{
		const struct object_kind *kind =
		    object_kind_find(json_string_value(json_object_get(object, "kind")));
		struct plan_step *step;

		if (find_step(judging->plan, kind, object_name(kind, object, name)))
			continue;
		step = add_step(judging->plan, kind, name, 0);
		step->before = json_copy(object);
		json_object_del(step->before, "kind");
		step->action = PLAN_DELETED;
		if (kind->schema == &tunnel_object_schema) {
			const struct tunnel_setting *setting =
			    &judging->installation
			         ->tunnel_settings[i - judging->installation->accelerator_count];

			step->tunnel = installation_tunnel_default(setting);
		}
	}
	json_decref(objects);
}

/* ---- beside each other ---- */

/*
 * The installation as it will be: only nodes and accelerators, all borrowed.  An item that was not
 * understood leaves the accelerator of its name as it is.
 */
static bool make_wanted(const struct judging *judging, struct installation *wanted)
{
	const struct installation *now = judging->installation;
	const struct plan *plan = judging->plan;
	const struct object_kind *kind = object_kind_find("Accelerator");

	*wanted = (struct installation){.nodes = now->nodes, .node_count = now->node_count};
	wanted->accelerators =
	    calloc(now->accelerator_count + plan->step_count + 1, sizeof(*wanted->accelerators));
	if (!wanted->accelerators)
		return false;
	for (size_t i = 0; i < now->accelerator_count; i++) {
		const struct plan_step *step =
		    find_step(plan, kind, now->accelerators[i].accelerator.name);

		if (!step || (!step->after && step->action != PLAN_DELETED))
			wanted->accelerators[wanted->accelerator_count++] = now->accelerators[i];
	}
	for (size_t i = 0; i < plan->step_count; i++) {
		if (plan->steps[i].kind == kind && plan->steps[i].after)
			wanted->accelerators[wanted->accelerator_count++].accelerator =
			    plan->steps[i].accelerator;
	}
	return true;
}

static void check_beside_each_other(struct judging *judging)
{
	struct installation wanted;

	if (!make_wanted(judging, &wanted)) {
		faults_add(judging->plan->faults, "", false, "", "no memory");
		return;
	}
	if (wanted.accelerator_count > ACCELERATORS_MAX)
		faults_add(judging->plan->faults, "/items", false,
		    "delete some, or give some more ports",
		    "that makes %zu accelerators, the most are %d", wanted.accelerator_count,
		    ACCELERATORS_MAX);
	/* Each is compared with all: no more than can be told. */
	for (size_t i = 0;
	     i < judging->plan->step_count && wanted.accelerator_count <= ACCELERATORS_MAX
	     && json_array_size(judging->plan->faults) < FAULTS_MAX;
	     i++) {
		struct reporting reporting = {judging, &judging->plan->steps[i]};

		if (reporting.step->kind->schema == &accelerator_schema && reporting.step->after
		    && reporting.step->action != PLAN_UNCHANGED)
			rules_check_accelerator(
			    &wanted, &reporting.step->accelerator, report_rule, &reporting);
	}
	free(wanted.accelerators);
}

void plan_make(
    struct plan *plan, const struct installation *installation, const json_t *items, unsigned flags)
{
	struct judging judging = {.plan = plan, .installation = installation, .flags = flags};
	size_t room = json_array_size(items) + installation->accelerator_count
	              + installation->tunnel_setting_count;
	char base[POINTER_BYTES];
	json_t *item;
	size_t i;

	*plan = (struct plan){.faults = json_array(), .warnings = json_array()};
	if (json_array_size(items) > PLAN_ITEMS_MAX) {
		faults_add(plan->faults, "/items", false, "use several files",
		    "more than %d objects", PLAN_ITEMS_MAX);
		return;
	}
	plan->steps = calloc(room + 1, sizeof(*plan->steps));
	if (!plan->steps) {
		faults_add(plan->faults, "", false, "", "no memory");
		return;
	}
	judging.base = base;
	json_array_foreach(items, i, item)
	{
		snprintf(base, sizeof(base), "/items/%zu", i);
		take_item(&judging, item, i);
	}
	if (flags & PLAN_PRUNE)
		prune(&judging);
	check_beside_each_other(&judging);
}

bool plan_is_good(const struct plan *plan)
{
	return plan->faults && json_array_size(plan->faults) == 0;
}

void plan_clear(struct plan *plan)
{
	for (size_t i = 0; i < plan->step_count; i++) {
		json_decref(plan->steps[i].before);
		json_decref(plan->steps[i].after);
		accelerator_clear(&plan->steps[i].accelerator);
	}
	free(plan->steps);
	json_decref(plan->faults);
	json_decref(plan->warnings);
	*plan = (struct plan){0};
}
