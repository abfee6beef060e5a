/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The API's backup, and going on from one that was restored. */
#include "control/adopt.h"
#include "control/api_routes.h"
#include "control/audit.h"
#include "control/node_server.h"
#include "model/backup_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* It is no change, but whoever has a backup has its secrets. */
static void note(
    const struct control *control, const struct api_request *request, uint64_t revision)
{
	char what[64];

	snprintf(what, sizeof(what), "backup of revision %llu", (unsigned long long)revision);
	audit_write(control->audit,
	    &(struct audit_entry){.outcome = AUDIT_DONE,
	        .who = request->caller.who,
	        .from = request->caller.from,
	        .role = api_role_names[request->caller.role],
	        .what = what,
	        .status = 200},
	    control_now_ms());
}

int api_backup(
    struct control *control, const struct api_request *request, struct api_answer *answer)
{
	struct backup_mark mark = {
	    .revision = control->installation.revision, .made_ms = control_now_ms()};
	int descriptor;
	off_t end = -1;

	if (store_copy(control->store, &descriptor) < 0)
		return problem_set(&answer->problem, PROBLEM_STORAGE, "",
		    "free space in control's state directory and try again", "%s",
		    store_error(control->store));
	if (backup_file_seal(descriptor, &mark) == 0)
		end = lseek(descriptor, 0, SEEK_END);
	if (end < 0) {
		problem_set(&answer->problem, PROBLEM_STORAGE, "",
		    "free space in control's state directory and try again",
		    "the backup could not be written: %s", strerror(errno));
		close(descriptor);
		return -1;
	}
	note(control, request, mark.revision);
	answer->file = (struct api_file){descriptor, (size_t)end};
	return 0;
}

static json_t *adopted_json(const struct control *control, const struct node *node, bool was_ahead)
{
	const struct node_live *live = node_server_live(control->nodes, node->id);

	return json_pack("{s:s, s:s, s:I, s:b}", "node", node->name, "role",
	    node_role_text(node->role), "revision", (json_int_t)live->has.revision, "was_ahead",
	    was_ahead);
}

int api_adopt(struct control *control, const struct api_request *request, struct api_answer *answer)
{
	const struct installation *installation = &control->installation;
	bool was_ahead[NODES_MAX] = {false};
	struct change change;
	json_t *nodes;

	/* The installation is replaced by the change, but its nodes and their order stay. */
	for (size_t i = 0; i < installation->node_count; i++) {
		uint32_t id = installation->nodes[i].id;

		was_ahead[i] = adopt_is_ahead(control, &node_server_live(control->nodes, id)->has);
	}
	if (adopt_run(control, request->caller.who, &change, &answer->problem) < 0)
		return -1;
	nodes = json_array();
	for (size_t i = 0; i < installation->node_count; i++)
		json_array_append_new(
		    nodes, adopted_json(control, &installation->nodes[i], was_ahead[i]));
	answer->body = json_pack("{s:I, s:I, s:o}", "revision", (json_int_t)installation->revision,
	    "incarnation", (json_int_t)installation->incarnation, "nodes", nodes);
	return 0;
}
