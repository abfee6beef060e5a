/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an accelerator must keep to beside the others: its listening regions have listeners, its
 * backends' regions have endpoints, and its ports are free there.
 */
#ifndef CONTROL_RULES_H
#define CONTROL_RULES_H

#include "control/installation.h"
#include "control/problem.h"

typedef void rules_report_fn(void *context, const struct problem *problem);

/*
 * Reports all that is wrong; the number of it.  The accelerator is validated by itself; the one of
 * the same name is not held against it.
 */
size_t rules_check_accelerator(const struct installation *installation,
    const struct accelerator *accelerator, rules_report_fn *report, void *context);

/* The regions alone, also of one that is not valid: what it lacks is passed over. */
size_t rules_check_regions(const struct installation *installation,
    const struct accelerator *accelerator, rules_report_fn *report, void *context);

/* "tokyo, oslo": the regions that have nodes of that role, or "none". Returns text. */
const char *rules_known_regions(
    const struct installation *installation, enum node_role role, char *text, size_t size);

#endif
