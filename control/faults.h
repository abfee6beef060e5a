/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All that is wrong with the body of a request: a JSON array of
 * {pointer, detail, fix?, at_key?}, where pointer (RFC 6901) leads into the request's body and
 * at_key is there when a key itself is wrong.
 */
#ifndef CONTROL_FAULTS_H
#define CONTROL_FAULTS_H

#include "control/problem.h"

enum { FAULTS_MAX = 200, POINTER_BYTES = SCHEMA_PATH_BYTES + 64 };

/* Beyond FAULTS_MAX nothing is done.  fix may be "". */
void faults_add(json_t *faults, const char *pointer, bool is_about_key, const char *fix,
    const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Those of a value that lies at base. */
void faults_add_schema(json_t *faults, const char *base, const struct schema_errors *errors);
void faults_add_model(json_t *faults, const char *base, const struct model_error *error);
void faults_add_problem(json_t *faults, const char *base, const struct problem *problem);

#endif
