/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a request was not done, as problem details (RFC 9457): what kind, what exactly, which field
 * of the request, and what to do next.
 */
#ifndef CONTROL_PROBLEM_H
#define CONTROL_PROBLEM_H

#include "model/error.h"

#include <jansson.h>

enum problem_kind {
	PROBLEM_NONE = 0,
	PROBLEM_BAD_REQUEST,
	PROBLEM_UNAUTHENTICATED,
	PROBLEM_FORBIDDEN,
	PROBLEM_NOT_FOUND,
	PROBLEM_NO_ROUTE,
	PROBLEM_METHOD_NOT_ALLOWED,
	PROBLEM_TOO_SLOW,
	PROBLEM_NAME_TAKEN,
	PROBLEM_PORT_TAKEN,
	PROBLEM_UNCONFIRMED,
	PROBLEM_RESTORED,
	PROBLEM_NOT_AHEAD,
	PROBLEM_KEY_REUSED,
	PROBLEM_CHANGED_MEANWHILE,
	PROBLEM_TOO_LARGE,
	PROBLEM_TOO_MANY,
	PROBLEM_INVALID,
	PROBLEM_UNKNOWN_REGION,
	PROBLEM_NO_ENDPOINT,
	PROBLEM_STORAGE,
	PROBLEM_INTERNAL,
};

struct problem {
	enum problem_kind kind;
	char detail[REASON_BYTES];
	char field[SCHEMA_PATH_BYTES]; /* "" for none */
	char fix[REASON_BYTES];        /* "" for none */
	json_t *faults; /* faults.h: all that is wrong with the body; problem_to_json() takes it */
	unsigned retry_after_s; /* 0 for none */
};

/* Fills *problem and returns -1, so that a handler may return it. fix may be "". */
int problem_set(struct problem *problem, enum problem_kind kind, const char *field, const char *fix,
    const char *format, ...) __attribute__((format(printf, 5, 6)));

/*
 * One more thing that is wrong with the body: the first is what *problem says, and all are its faults.
 * Begin with a problem that is zero.  context is the struct problem (rules_report_fn).
 */
void problem_add(void *context, const struct problem *fault);

/* From what decoding found, all of it; unknown and missing fields are no values.  Returns -1. */
int problem_from_schema(struct problem *problem, const struct schema_errors *errors);

/* A value that is wrong by itself.  context is the struct problem (accelerator_fault_fn). */
void problem_add_model(void *context, const struct model_error *error);

/* The HTTP status. */
unsigned problem_status(const struct problem *problem);

/* A new reference, or NULL without memory; takes the faults. */
json_t *problem_to_json(struct problem *problem);

#endif
