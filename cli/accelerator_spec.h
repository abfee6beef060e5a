/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From command-line options to the API's objects: a whole accelerator for create, a merge patch
 * for update.  Speaks to nobody.
 */
#ifndef CLI_ACCELERATOR_SPEC_H
#define CLI_ACCELERATOR_SPEC_H

#include <jansson.h>
#include <stdbool.h>

#include "cli/command.h"
#include "cli/value.h"

/*
 * The body of POST /v1/accelerators; the caller frees it.  False when an option is wrong, with one
 * line in `error` (VALUE_ERROR_BYTES).
 */
bool spec_create(const struct invocation *invocation, json_t **body, char *error);

/* Whether the options of update make sense by themselves; else one line in `error`. */
bool spec_check_update(const struct invocation *invocation, char *error);

/*
 * The body of PATCH: what the options name, applied to `current`, the accelerator as control shows
 * it.  The caller frees it.  False when the two do not go together.
 */
bool spec_update(
    const struct invocation *invocation, const json_t *current, json_t **patch, char *error);

#endif
