/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A change from request to nodes: it becomes a numbered revision and is saved with it, in one
 * transaction; then the snapshot is renewed and each node that it concerns gets its new config.
 * Nobody is told of it before it is on disk.
 */
#ifndef CONTROL_CHANGE_H
#define CONTROL_CHANGE_H

#include "control/control.h"
#include "control/problem.h"

struct change {
	struct revision
	    revision;       /* who and what by the caller; number and when by change_begin() */
	uint32_t drain_s;   /* that flows have which lose their accelerator or backend */
	json_t *objects;    /* what becomes of each, or NULL; change_begin() takes it */
	uint32_t confirm_s; /* it is undone after so long unless confirmed; 0: it stays */
	bool is_past_confirmation; /* it goes on though another waits for confirmation */
	bool ends_confirmation;    /* it is the answer to one that waits */
	bool takes_away;           /* a right: goes on in a database that was restored, too */
	/* Of an adoption (adopt.h): what configs bear from it on, 0 for any other change. */
	uint64_t incarnation;
	uint64_t above_revision; /* its own number is to be above this one */
};

/* Names the change: who is at the other end, what happened as a printf format. */
void change_init(struct change *change, const char *who, const char *what, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Says what becomes of one object, as it is to be remembered: before and after (borrowed) are JSON,
 * NULL when it was not or is no more.  change_begin() must follow.
 */
void change_note(struct change *change, const char *kind, const char *name, const json_t *before,
    const json_t *after);

/*
 * Starts the transaction and adds the revision.  0, or -1 with *problem filled and nothing begun: not
 * saved, or objects are to change while an earlier change waits for confirmation, or the database was
 * restored and no node was told yet to follow it.
 */
int change_begin(struct control *control, struct change *change, struct problem *problem);

/*
 * result is what the store said between: when negative, or when the commit fails, nothing has
 * changed and -1 with *problem filled.  Else 0: saved, and on its way to the nodes.
 */
int change_end(struct control *control, struct change *change, int result, struct problem *problem);

/* A change that is made and not yet saved, with what else belongs into its transaction. */
struct change_hold {
	struct change change;
	bool is_made;
};

/*
 * From now on *hold, which must last until change_release(), takes at most one change: it is made
 * and seen in control->installation, but neither saved nor told of to anybody.  0, or -1 with *problem
 * filled and nothing held.
 */
int change_hold(struct control *control, struct change_hold *hold, struct problem *problem);

/* Is a change made that no node was told of yet?  Then what nodes applied is what was before it. */
static inline bool change_waits(const struct control *control)
{
	return control->hold && control->hold->is_made;
}

/*
 * Saves it and all else that was stored meanwhile, and tells of it: 0.  When result is negative, with
 * *problem filled, or when it cannot be saved, nothing has changed and -1.
 */
int change_release(struct control *control, int result, struct problem *problem);

#endif
