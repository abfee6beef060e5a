/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See attention.h. */
#include "control/attention.h"

#include "control/adopt.h"
#include "control/api_tunnels.h"
#include "control/finding.h"
#include "control/node_server.h"
#include "control/time_text.h"

#include <string.h>

static void add_confirmation(const struct control *control, json_t *list)
{
	const struct confirmation *waits = &control->installation.confirmation;
	char deadline[TIME_TEXT_BYTES];

	if (waits->revision)
		finding_add(list, FINDING_NOTICE, CHECK_CONFIG, NULL,
		    "trunkctl confirm keeps it, trunkctl rollback takes it back",
		    "revision %llu is undone at %s unless it is confirmed",
		    (unsigned long long)waits->revision, time_format(waits->deadline_ms, deadline));
}

static void add_restored(const struct control *control, json_t *list)
{
	char when[TIME_TEXT_BYTES];

	if (control->installation.restored_from_ms)
		finding_add(list, FINDING_WRONG, CHECK_CONFIG, NULL,
		    "trunkctl adopt lets nodes follow it from here on",
		    "control was restored from a backup of %s: until nodes follow it again "
		    "changes are refused, and nodes that have newer configs keep them",
		    time_format(control->installation.restored_from_ms, when));
}

/* Without --restore, which says so itself.  It ends with an adopt. */
static void add_set_back(const struct control *control, json_t *list)
{
	const struct installation *installation = &control->installation;

	if (installation->restored_from_ms || installation->revision >= control->audited_revision)
		return;
	finding_add(list, FINDING_WRONG, CHECK_STATE, NULL,
	    "stop control and put the newer control.db back, or go on from here: trunkctl adopt",
	    "control's database is of revision %llu, and its audit log tells of revision %llu: it "
	    "was set back",
	    (unsigned long long)installation->revision,
	    (unsigned long long)control->audited_revision);
}

static const char *refusal_fix(const struct control *control, const struct node_live *live)
{
	if (adopt_is_ahead(control, &live->has))
		return "trunkctl adopt lets nodes follow this control from here on";
	/* By that number it has another one, or cannot serve by what it saved. */
	if (live->has.incarnation == control->installation.incarnation
	    && live->has.revision == live->refused_revision)
		return "trunkctl adopt lets nodes follow this control from here on if its state "
		       "was set back; else mend the cause";
	return "mend the cause or change the accelerator";
}

static void add_node_problems(const struct control *control, json_t *list)
{
	for (size_t i = 0; i < control->installation.node_count; i++) {
		const struct node *node = &control->installation.nodes[i];
		const struct node_live *live = node_server_live(control->nodes, node->id);

		if (!live->is_up)
			finding_add(list, FINDING_WRONG, CHECK_REACHABILITY, node->name,
			    "start it, or look at its log; trunkctl node remove forgets it",
			    "%s %s in %s is down", node_role_text(node->role), node->name,
			    node->region);
		else if (live->refused_revision)
			finding_add(list, FINDING_WRONG, CHECK_CONFIG, node->name,
			    refusal_fix(control, live), "%s %s refused config %llu: %s",
			    node_role_text(node->role), node->name,
			    (unsigned long long)live->refused_revision, live->refused_reason);
	}
}

enum region_state { REGION_EMPTY, REGION_DRAINING, REGION_SERVES };

static enum region_state region_state(
    const struct control *control, const char *region, enum node_role role)
{
	enum region_state state = REGION_EMPTY;

	for (size_t i = 0; i < control->installation.node_count; i++) {
		const struct node *node = &control->installation.nodes[i];

		if (node->role != role || strcmp(node->region, region) != 0)
			continue;
		if (!node->is_draining)
			return REGION_SERVES;
		state = REGION_DRAINING;
	}
	return state;
}

/* Regions whose last node was removed after the accelerator was made, or takes no new flows. */
static void add_region_problem(const struct control *control, json_t *list,
    const struct accelerator *accelerator, const char *region, enum node_role role)
{
	switch (region_state(control, region, role)) {
	case REGION_EMPTY:
		finding_add(list, FINDING_WRONG, CHECK_REACHABILITY, NULL,
		    "let one join, or take the region out", "accelerator %s has no %s in %s",
		    accelerator->name, node_role_text(role), region);
		break;
	case REGION_DRAINING:
		finding_add(list, FINDING_WRONG, CHECK_REACHABILITY, NULL,
		    "trunkctl node undrain lets a node take new flows again",
		    "every %s of accelerator %s in %s is draining", node_role_text(role),
		    accelerator->name, region);
		break;
	case REGION_SERVES:
		break;
	}
}

static void add_accelerator_problems(const struct control *control, json_t *list)
{
	for (size_t i = 0; i < control->installation.accelerator_count; i++) {
		const struct accelerator *accelerator =
		    &control->installation.accelerators[i].accelerator;

		if (!accelerator->is_enabled)
			continue;
		for (size_t j = 0; j < accelerator->listen_count; j++)
			add_region_problem(
			    control, list, accelerator, accelerator->listen[j].text, NODE_LISTENER);
		for (size_t j = 0; j < accelerator->endpoint_group_count; j++)
			add_region_problem(control, list, accelerator,
			    accelerator->endpoint_groups[j].region, NODE_ENDPOINT);
	}
}

static void add_tunnel_problem(struct control *control, const struct node *listener,
    const struct node *endpoint, void *context)
{
	const char *state =
	    tunnels_state(control->tunnels, listener, endpoint, control_steady_ms());

	if (strcmp(state, "down") == 0 || strcmp(state, "partial") == 0)
		finding_add(context, FINDING_WRONG, CHECK_REACHABILITY, listener->name,
		    "is the endpoint's UDP port reachable from the listener?",
		    "tunnel from %s to %s is %s", listener->name, endpoint->name, state);
}

void attention_add(struct control *control, json_t *findings)
{
	add_confirmation(control, findings);
	add_restored(control, findings);
	add_set_back(control, findings);
	add_node_problems(control, findings);
	add_accelerator_problems(control, findings);
	api_tunnels_each(control, add_tunnel_problem, findings);
}
