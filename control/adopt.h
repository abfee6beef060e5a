/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nodes refuse a config that is older than the one they have, so they do not follow a control whose
 * database was set back.  To adopt them is to go on from that database with a new incarnation, which
 * makes its configs newer than any that they have.
 */
#ifndef CONTROL_ADOPT_H
#define CONTROL_ADOPT_H

#include "control/change.h"

enum {
	/*
	 * Revisions go on above those that the audit log tells of and those of the configs that
	 * nodes have; but no node can push them further than this.
	 */
	ADOPT_REVISIONS_MAX = 1000,
};

/* Nor the incarnation further than what JSON's numbers are exact for (RFC 8259, section 6). */
#define ADOPT_INCARNATION_MAX ((UINT64_C(1) << 53) - 1)

/* Has the node a config that control's database, as it is now, has not made? */
bool adopt_is_ahead(const struct control *control, const struct config_number *has);

/*
 * *change is filled in, is saved and takes effect.  -1 with *problem filled: not saved, or there is
 * nothing to adopt.
 */
int adopt_run(
    struct control *control, const char *who, struct change *change, struct problem *problem);

#endif
