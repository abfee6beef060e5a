/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The API's rollout: how far a revision has come, node by node. */
#include "control/api_routes.h"
#include "control/node_server.h"
#include "control/time_text.h"

#include <errno.h>
#include <stdlib.h>

/*
 * A node has a revision when it serves by the config of that revision or of a later one; a config
 * that did not change keeps its number, so the one wanted may be older than the revision.
 * What a node has when it connects it may be unable to serve by: then it refuses it.  And one that
 * is newer than the wanted one is of a control that was restored since, and another config; so may
 * be one of that very number, until the node that is asked has answered.
 */
static bool is_applied(const struct node_live *live, uint64_t needed)
{
	return live->has_applied && !(live->is_up && live->is_asked)
	       && live->applied_revision >= needed
	       && live->applied_revision <= live->wanted_revision
	       && (!live->refused_revision || live->applied_revision != live->refused_revision);
}

static const char *state_of(const struct node_live *live, uint64_t revision, uint64_t *since_ms)
{
	uint64_t needed = live->wanted_revision < revision ? live->wanted_revision : revision;

	if (is_applied(live, needed)) {
		*since_ms = live->applied_since_ms;
		return "applied";
	}
	if (live->refused_revision && live->refused_revision >= needed) {
		*since_ms = live->refused_since_ms;
		return "refused";
	}
	*since_ms = live->is_up ? 0 : live->state_since_ms;
	return live->is_up ? "pending" : "down";
}

static json_t *node_json(
    const struct control *control, const struct node *node, uint64_t revision, bool *is_done)
{
	const struct node_live *live = node_server_live(control->nodes, node->id);
	uint64_t since_ms;
	const char *state = state_of(live, revision, &since_ms);
	bool is_refused = state[0] == 'r';

	*is_done = *is_done && state[0] == 'a';
	return json_pack("{s:s, s:s, s:s, s:s?, s:o}", "node", node->name, "role",
	    node_role_text(node->role), "state", state, "reason",
	    is_refused ? live->refused_reason : NULL, "since", time_to_json(since_ms));
}

static int read_revision(const struct control *control, const struct api_request *request,
    uint64_t *revision, struct problem *problem)
{
	const char *text = api_request_query(request, "revision");
	char *end;

	*revision = control->installation.revision;
	if (!text)
		return 0;
	errno = 0;
	*revision = strtoull(text, &end, 10);
	if (errno || *end || text[0] < '0' || text[0] > '9')
		return problem_set(problem, PROBLEM_BAD_REQUEST, "revision", "",
		    "the argument revision must be a number");
	if (*revision > control->installation.revision)
		return problem_set(problem, PROBLEM_NOT_FOUND, "",
		    "trunkctl history lists those that are kept",
		    "there is no revision %llu yet: the newest is %llu",
		    (unsigned long long)*revision,
		    (unsigned long long)control->installation.revision);
	return 0;
}

int api_rollout(
    struct control *control, const struct api_request *request, struct api_answer *answer)
{
	const struct installation *installation = &control->installation;
	json_t *nodes;
	uint64_t revision;
	bool is_done = true;

	if (read_revision(control, request, &revision, &answer->problem) < 0)
		return -1;
	nodes = json_array();
	for (size_t i = 0; i < installation->node_count; i++)
		json_array_append_new(
		    nodes, node_json(control, &installation->nodes[i], revision, &is_done));
	answer->body = json_pack(
	    "{s:I, s:b, s:o}", "revision", (json_int_t)revision, "done", is_done, "nodes", nodes);
	return 0;
}
