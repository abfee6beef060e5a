/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What people note about an object for themselves: labels, by which they find it, and a comment.
 * Labels are written as Kubernetes has them.  Nodes get nothing of it.
 */
#ifndef MODEL_NOTES_H
#define MODEL_NOTES_H

#include "base/schema.h"
#include "model/limits.h"

#include <stddef.h>

enum {
	LABEL_PART_BYTES_MAX = 63, /* of a value, a key's name, and its prefix */
	LABEL_KEY_BYTES = 2 * LABEL_PART_BYTES_MAX + 2, /* "PREFIX/NAME", with the NUL */
	LABEL_VALUE_BYTES = LABEL_PART_BYTES_MAX + 1,
	COMMENT_BYTES = 512, /* with the NUL */
};

#define LABEL_PART_RULE                                                                            \
	"1 to 63 letters, digits, '-', '_' and '.', the first and the last a letter or digit"

struct label {
	char key[LABEL_KEY_BYTES];
	char value[LABEL_VALUE_BYTES]; /* may be empty */
};

/* Owned, as the schema decodes them. */
struct notes {
	struct label *labels; /* no key twice, in no order */
	size_t label_count;
	char comment[COMMENT_BYTES]; /* UTF-8 */
};

/* As a schema's check: NULL, or what is wrong ("must be ..."). */
const char *label_check_key(const void *text);
const char *label_check_value(const void *text);
const char *comment_check(const void *text);

/* The value of that key, or NULL. */
const char *notes_label(const struct notes *notes, const char *key);

/* Of one label; for the map below. */
extern const struct schema label_schema;

/* The fields of a table whose struct has a `struct notes notes`. */
#define NOTES_FIELDS(struct_type)                                                                  \
	{SCHEMA_MAP("labels", struct_type, notes.labels, notes.label_count),                       \
	    .help = "by which people find it, as env: prod", .schema = &label_schema,              \
	    .max_items = LABELS_MAX},                                                              \
	{                                                                                          \
		SCHEMA_MEMBER("comment", struct_type, notes.comment),                              \
		    .help = "a line for whoever looks at it", .type = SCHEMA_TEXT,                 \
		    .check = comment_check                                                         \
	}

#endif
