/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The objects of a YAML text (or JSON, which is YAML in flow style) as JSON, and where in the text
 * each value stands.  A text has any number of documents; a document is one object, a list of
 * objects, or a mapping with nothing but `items`, a list of objects.  What a plain scalar means is
 * decided by the table of the object's kind, so a region may be called `no` and a port be 443.
 */
#ifndef BASE_YAML_OBJECTS_H
#define BASE_YAML_OBJECTS_H

#include "base/schema.h"

/* From 1.  An item of a list has no key: its key's place is its own. */
struct yaml_place {
	unsigned line, column;
	unsigned key_line, key_column;
};

struct yaml_reader {
	/* The table of a kind, or NULL when there is none such. */
	const struct schema *(*schema_of)(const char *kind);
	/* Each value by its JSON pointer, "/items/0/ports/1"; parents before their members. */
	void (*on_place)(void *context, const char *pointer, const struct yaml_place *place);
	void *context;
};

enum { YAML_POINTER_BYTES = 512 };

/*
 * A new array of all objects, never NULL but without memory.  What is wrong with the text itself
 * (syntax, a key twice, a document that is no object) is in *errors; the rest is in the array all
 * the same, as far as it could be read.
 */
json_t *yaml_objects_read(const char *text, size_t length, const struct yaml_reader *reader,
    struct schema_errors *errors);

#endif
