/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a schema table says of a field, in words: for explain, and for the man page of all fields.
 */
#ifndef CLI_FIELD_TEXT_H
#define CLI_FIELD_TEXT_H

#include "base/schema.h"

enum { FIELD_TEXT_BYTES = 256 };

/* Each fills `text` (FIELD_TEXT_BYTES) and returns it; "" when nothing is to be said. */

/* "whole number", "list of: text", "map of: text". */
const char *field_type(const struct schema_field *field, char *text);

/* "0..255", "auto, realtime", "at most 63 bytes". */
const char *field_limits(const struct schema_field *field, char *text);

const char *field_default(const struct schema_field *field, char *text);

/* The fields of an object, or of each in a list; NULL for the rest, and for a map, whose keys are people's own. */
const struct schema *field_members(const struct schema_field *field);

#endif
