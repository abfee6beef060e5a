/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file of objects (YAML or JSON) for apply and diff: the objects as control takes them, and the
 * line and column of each value, for what is wrong with it.
 */
#ifndef CLI_MANIFEST_H
#define CLI_MANIFEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/schema.h"

struct manifest {
	const char *name;            /* of the file, "-" for stdin; borrowed */
	json_t *items;               /* new array; NULL when the file could not be read */
	struct schema_errors errors; /* of the text itself */
	struct manifest_place *places;
	size_t place_count;
};

enum { MANIFEST_ERROR_BYTES = 512 };

/*
 * Reads the file, or stdin for "-".  False when there is no such or it is too large, with `error`
 * (MANIFEST_ERROR_BYTES); else the caller's to manifest_clear().
 */
bool manifest_read(struct manifest *manifest, const char *name, char *error);

/* The same from text. */
void manifest_parse(struct manifest *manifest, const char *name, const char *text, size_t length);

/*
 * Prints everything that is wrong, by line: what the text itself has, and control's list of
 * {pointer, detail, fix?, at_key?} (NULL for none).  One line each, "FILE:LINE:COLUMN: TEXT"; their number.
 */
size_t manifest_print_errors(const struct manifest *manifest, const json_t *faults, FILE *out);

void manifest_clear(struct manifest *manifest);

#endif
