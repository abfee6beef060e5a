/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From many objects as people state them to one change: what is to be created, updated or deleted,
 * judged as it will be when all of it is done, and then done as a whole or not at all.
 */
#ifndef CONTROL_PLAN_H
#define CONTROL_PLAN_H

#include "control/change.h"
#include "control/control.h"
#include "model/objects.h"

#include <stdbool.h>

enum {
	PLAN_ITEMS_MAX = ACCELERATORS_MAX + 2 * TUNNELS_MAX,
};

enum plan_action { PLAN_UNCHANGED, PLAN_CREATED, PLAN_UPDATED, PLAN_DELETED };

struct plan_step {
	const struct object_kind *kind;
	char name[OBJECT_NAME_BYTES];
	enum plan_action action;
	json_t *before, *after;         /* owned; NULL when it was not, or is no more */
	struct accelerator accelerator; /* of that kind, unless deleted: validated */
	struct tunnel_setting tunnel;   /* of that kind */
	size_t item;                    /* it came from there; meaningless when deleted */
};

struct plan {
	struct plan_step *steps; /* in the order of the items, those deleted behind them */
	size_t step_count;
	json_t *faults;   /* faults.h; empty when the plan can be carried out */
	json_t *warnings; /* texts: what could not be restored, or needs attention */
};

enum plan_flags {
	PLAN_PRUNE = 1, /* what is not among the items is deleted */
	/* The items were in force before: what they lean on may be gone, which is but a warning. */
	PLAN_RESTORE = 2,
};

/*
 * Judges items, a JSON array of objects with `kind`; its faults' pointers begin with "/items/N".
 * The plan is the caller's to plan_clear(), whatever it says.
 */
void plan_make(struct plan *plan, const struct installation *installation, const json_t *items,
    unsigned flags);

/* Can it be carried out?  Not without memory for its faults. */
bool plan_is_good(const struct plan *plan);

/* Is there a step that is not PLAN_UNCHANGED? */
bool plan_changes_something(const struct plan *plan);

/* Does it, in one revision; *change was initialised.  Only without faults.  0, or -1 and *problem. */
int plan_run(
    struct control *control, struct plan *plan, struct change *change, struct problem *problem);

/* A new array of {kind, name, action, fields}. */
json_t *plan_to_json(const struct plan *plan);

/* {revision, dry_run, changes, warnings}: the answer of those who ask for it; a new reference. */
json_t *plan_answer(const struct plan *plan, uint64_t revision, bool is_dry_run);

/* "2 created, 1 updated" for the revision's text; returns text. */
const char *plan_summary(const struct plan *plan, char *text, size_t size);

void plan_clear(struct plan *plan);

#endif
