/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside the schema walker only: what it asks of a parsed document, be it JSON or YAML.
 */
#ifndef BASE_SCHEMA_SOURCE_H
#define BASE_SCHEMA_SOURCE_H

#include "base/schema.h"

/* A value within a document; both pointers are the source's own business. */
struct schema_node {
	void *document;
	void *value;
};

/* key is NULL when the document has something else than text there. */
struct schema_pair {
	const char *key;
	size_t key_length;
	struct schema_node key_node, value;
};

/* The as_ functions are false when the value is of another kind. */
struct schema_source {
	bool (*is_null)(struct schema_node node);
	bool (*as_bool)(struct schema_node node, bool *value);
	bool (*as_integer)(struct schema_node node, uint64_t *value);
	bool (*as_double)(struct schema_node node, double *value);
	bool (*as_text)(struct schema_node node, const char **text, size_t *length);
	bool (*as_array)(struct schema_node node, size_t *count);
	struct schema_node (*item)(struct schema_node array, size_t index);
	bool (*is_object)(struct schema_node node);
	/* *cursor is NULL at first.  False after the last pair. */
	bool (*next_pair)(struct schema_node object, void **cursor, struct schema_pair *pair);
	/* From 1; 0 where unknown. */
	void (*position)(struct schema_node node, unsigned *line, unsigned *column);
};

/* Of libyaml's documents: document is a yaml_document_t, value a yaml_node_t. */
extern const struct schema_source schema_yaml_source;

/* The walker itself; errors is not NULL and empty.  As schema_from_json(). */
int schema_decode(const struct schema *schema, const struct schema_source *source,
    struct schema_node root, unsigned flags, void *out, struct schema_errors *errors);

/* Writes it as the field's type has it; the caller has checked its range. */
void schema_store_number(const struct schema_field *field, void *member, uint64_t number);
/* Sets an absent member to its default; 0 or ERR_NOMEM. */
int schema_field_default(const struct schema_field *field, void *member);

#endif
