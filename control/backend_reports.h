/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What control believes of an endpoint's report on backends: of those that the installation has in its region
 * alone, each address once, and BACKEND_ADDRESSES_MAX of a backend.  What an endpoint tells becomes labels of
 * metrics and rows of answers, so it may not choose their texts or number.
 */
#ifndef CONTROL_BACKEND_REPORTS_H
#define CONTROL_BACKEND_REPORTS_H

#include "control/installation.h"
#include "model/backend_report.h"

#include <stddef.h>

/*
 * Leaves those of the list that are believed, in their order; how many those are.  count is at most
 * BACKEND_REPORTS_MAX.
 */
size_t backend_reports_keep(const struct installation *installation, const struct node *node,
    struct backend_report *list, size_t count);

#endif
