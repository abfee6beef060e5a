/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What endpoints last reported of backends, as the API shows it. */
#ifndef CONTROL_HEALTH_JSON_H
#define CONTROL_HEALTH_JSON_H

#include "control/control.h"

#include <jansson.h>

/*
 * A new list of what that node, or (NULL) each endpoint that is up, knows of that accelerator's backends, or (0) of all. What
 * is not in the installation any more is left out.
 */
json_t *health_json(const struct control *control, const struct node *node, uint32_t accelerator);

/*
 * Tells those who listen which backends are in another state than in the node's report before.  One that
 * is new is told when something is known of it.
 */
void health_tell(struct control *control, const struct node *node,
    const struct backend_report *before, size_t before_count, const struct backend_report *now,
    size_t count);

#endif
