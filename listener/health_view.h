/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What endpoints told a listener's worker of the health of accelerators there: each accelerator at each endpoint of
 * its groups.  An endpoint tells each state once, perhaps before the config that needs it is here, or while the
 * endpoint is out of the groups: such states are kept too, HEALTH_SPARES_MAX of each peer, the newest.
 */
#ifndef LISTENER_HEALTH_VIEW_H
#define LISTENER_HEALTH_VIEW_H

#include "model/health.h"
#include "model/limits.h"
#include "model/node_config.h"

#include <stdbool.h>
#include <stdint.h>

enum { HEALTH_SPARES_MAX = ACCELERATORS_MAX };

struct health_view;

/* Places for what the config has; the states of `before` (may be NULL) go on, but those of whom is no peer. 0 or ERR_NOMEM. */
int health_view_new(
    struct health_view **view, const struct node_config *config, const struct health_view *before);
void health_view_free(struct health_view *view);

/*
 * A state came over that lane.  Old news of the same lane is left out. True when something
 * changed.
 */
bool health_view_take(struct health_view *view, const char *endpoint, uint32_t accelerator,
    uint64_t lane, uint64_t sequence, enum health_state state);

/* HEALTH_UNKNOWN for what nobody told. */
enum health_state health_view_of(
    const struct health_view *view, const char *endpoint, uint32_t accelerator);

#endif
