/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --limit: what users may take of a node, and how it is shown. */
#ifndef CLI_LIMIT_VALUE_H
#define CLI_LIMIT_VALUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "cli/command.h"

/*
 * Takes each --limit WHOM.WHAT=N[,...] into the body's "limits", which begin as `current` (NULL: without any).
 * Nothing is set where the option is not given.  False with `error` (VALUE_ERROR_BYTES) filled.
 */
bool limit_take(
    const struct invocation *invocation, const json_t *current, json_t *body, char *error);

/* What a --limit may begin with, as "source.flows"; NULL behind the last. */
const char *limit_name(size_t index);

/* "source.flows=5, backend.flows=100" in `buf` (FORMAT_BYTES), which it returns; "none" without any. */
const char *limit_format(const json_t *limits, char *buf);

#endif
