/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See adopt.h. */
#include "control/adopt.h"

#include "control/compile.h"
#include "control/node_server.h"

static struct config_number own_number(const struct control *control)
{
	return (struct config_number){
	    control->installation.incarnation, control->installation.revision};
}

bool adopt_is_ahead(const struct control *control, const struct config_number *has)
{
	struct config_number own = own_number(control);

	return config_number_compare(has, &own) > 0;
}

/* One that was set back and went on may have come to the very number that a node has. */
static bool is_refused(const struct control *control)
{
	for (size_t i = 0; i < control->installation.node_count; i++) {
		uint32_t id = control->installation.nodes[i].id;

		if (node_server_live(control->nodes, id)->refused_revision)
			return true;
	}
	return false;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

int adopt_run(
    struct control *control, const char *who, struct change *change, struct problem *problem)
{
	struct config_number own = own_number(control), newest = node_server_newest(control->nodes);

	if (!control->installation.restored_from_ms && control->audited_revision <= own.revision
	    && !adopt_is_ahead(control, &newest) && !is_refused(control))
		return problem_set(problem, PROBLEM_NOT_AHEAD, "", "",
		    "there is nothing to adopt: no node has a newer config than this control, or "
		    "refuses one");
	change_init(change, who, "nodes follow this control, whatever config they have");
	change->incarnation =
	    most(own.incarnation, least(newest.incarnation, ADOPT_INCARNATION_MAX)) + 1;
	newest.revision = least(newest.revision, own.revision + ADOPT_REVISIONS_MAX);
	/* Control's own word is as good as its database, and needs no bound. */
	change->above_revision =
	    most(own.revision, most(newest.revision, control->audited_revision));
	if (change_begin(control, change, problem) < 0)
		return -1;
	return change_end(
	    control, change, store_put_compile_format(control->store, COMPILE_FORMAT), problem);
}
