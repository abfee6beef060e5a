/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an accelerator must keep to beside the others: its listening regions have listeners, its
 * backends' regions have endpoints, and its ports are free there.
 */
#ifndef CONTROL_RULES_H
#define CONTROL_RULES_H

#include "control/installation.h"
#include "control/problem.h"

/*
 * 0, or -1 with *problem filled.  The accelerator is validated by itself; the one of the same id
 * (0: none yet) is not held against it.
 */
int rules_check_accelerator(const struct installation *installation,
    const struct accelerator *accelerator, struct problem *problem);

/* "tokyo, oslo": the regions that have nodes of that role, or "none". Returns text. */
const char *rules_known_regions(
    const struct installation *installation, enum node_role role, char *text, size_t size);

#endif
