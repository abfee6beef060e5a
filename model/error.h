/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wrong with an object or message, for a person. */
#ifndef MODEL_ERROR_H
#define MODEL_ERROR_H

#include "base/schema.h"
#include "model/limits.h"

struct model_error {
	char field[SCHEMA_PATH_BYTES]; /* "endpoint_groups[0].backends[1].port"; "" for the whole */
	char reason[REASON_BYTES];     /* what is wrong, one sentence */
	char fix[REASON_BYTES];        /* what to do, or "" */
};

/* Fills *error and returns ERR_INVALID.  */
int model_error_set(struct model_error *error, const char *field, const char *fix,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Takes over the first of errors; "unknown" when there is none. */
void model_error_from_schema(struct model_error *error, const struct schema_errors *errors);

#endif
