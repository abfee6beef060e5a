/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Back to an earlier revision, as a new one: accelerators and what is set for tunnels are as they were
 * then.  Nodes and tokens stay as they are, and what leans on nodes that are gone is warned of.
 */
#ifndef CONTROL_ROLLBACK_H
#define CONTROL_ROLLBACK_H

#include "control/change.h"
#include "control/plan.h"

/*
 * Makes the plan, the caller's to plan_clear() in every case.  0, or -1 with *problem filled: no such
 * revision, or it cannot be read any more.
 */
int rollback_plan(
    struct control *control, uint64_t revision, struct plan *plan, struct problem *problem);

/*
 * Makes and runs it; it also ends the wait for confirmation.  *change was initialised.  There is a
 * revision even when nothing changes.  0, or -1 with *problem filled.
 */
int rollback_run(
    struct control *control, uint64_t revision, struct change *change, struct problem *problem);

#endif
