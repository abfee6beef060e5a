/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The objects that people state, as `trunkctl apply` takes them: each is a mapping with a `kind`
 * and the fields of that kind's table, all on one level.
 */
#ifndef MODEL_OBJECTS_H
#define MODEL_OBJECTS_H

#include "base/schema.h"
#include "model/congestion.h"
#include "model/limits.h"

#include <stdbool.h>

enum { OBJECT_NAME_BYTES = 2 * NAME_BYTES };

/* What is set for the tunnel of two nodes.  One with nothing but defaults is as good as none. */
struct tunnel_object {
	char listener[NAME_BYTES], endpoint[NAME_BYTES]; /* names of nodes */
	char congestion[CONGESTION_TEXT_BYTES];          /* as congestion_format() has it */
	bool is_traced; /* both nodes write each packet of its lanes to a file */
};

/* congestion may be in any form that congestion_parse() takes. */
extern const struct schema tunnel_object_schema;

struct object_kind {
	const char *name;   /* "Accelerator" */
	const char *plural; /* "accelerators" */
	const char *help;
	const struct schema *schema;
	const char
	    *names[3]; /* the fields that its name is made of, joined by "/"; ends with NULL */
};

/* Ends with one whose name is NULL. */
extern const struct object_kind object_kinds[];

/* By its name as it is written in files, or NULL. */
const struct object_kind *object_kind_find(const char *name);

/* As people type it: in any case, one or many; NULL when there is none. */
const struct object_kind *object_kind_guess(const char *word);

/* The kind that was perhaps meant, or NULL. */
const char *object_kind_suggest(const char *word);

/* "web", "tokyo-1/oslo-1": from the object's JSON; returns name.  "" when a field is missing. */
const char *object_name(
    const struct object_kind *kind, const json_t *object, char name[OBJECT_NAME_BYTES]);

#endif
