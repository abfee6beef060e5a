/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An answer of control as JSON or YAML, unchanged and in its order; the one place that knows
 * libyaml's emitter.
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

enum output_format { OUTPUT_TABLE, OUTPUT_JSON, OUTPUT_YAML };

/* Indented; on one line with is_compact.  A newline at the end. */
bool output_json(const json_t *value, bool is_compact, FILE *out);

/* One YAML 1.1 document, starting with "---" when has_marker. */
bool output_yaml(const json_t *value, bool has_marker, FILE *out);

#endif
