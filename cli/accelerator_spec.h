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

enum { SPEC_ERRORS_MAX = 16 };

/* All that is wrong with the options, a line each; more than fit are left out. */
struct spec_errors {
	size_t count;
	char list[SPEC_ERRORS_MAX][VALUE_ERROR_BYTES];
};

/*
 * The body of POST /v1/accelerators; the caller frees it.  False when options are wrong, with each
 * in *errors.
 */
bool spec_create(const struct invocation *invocation, json_t **body, struct spec_errors *errors);

/* Whether the options of update make sense by themselves; else what does not. */
bool spec_check_update(const struct invocation *invocation, struct spec_errors *errors);

/*
 * The body of PATCH: what the options name, applied to `current`, the accelerator as control shows
 * it.  The caller frees it.  False when the two do not go together, with the first reason in `error`
 * (VALUE_ERROR_BYTES).
 */
bool spec_update(
    const struct invocation *invocation, const json_t *current, json_t **patch, char *error);

#endif
