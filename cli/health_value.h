/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --health: which endpoint groups are asked how. */
#ifndef CLI_HEALTH_VALUE_H
#define CLI_HEALTH_VALUE_H

#include <jansson.h>
#include <stdbool.h>

#include "cli/command.h"

/*
 * Takes each --health [REGION=]CHECK into the groups: of that region, or all of them.  groups may be NULL: then the
 * values are only looked at.  False with `error` (VALUE_ERROR_BYTES) filled.
 */
bool health_take(const struct invocation *invocation, json_t *groups, char *error);

#endif
