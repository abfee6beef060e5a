/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The schema walker's YAML side, by libyaml's document nodes, which know their line and column.
 * What a plain scalar means is decided by the table, so a region may be called `no`.  An alias is
 * followed, and counts as the values that it stands for.
 */
#include "config.h"

#include "base/schema.h"

#include "base/err.h"
#include "base/schema_source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

static struct schema_node yaml_node_at(struct schema_node parent, int index)
{
	return (struct schema_node){
	    .document = parent.document, .value = yaml_document_get_node(parent.document, index)};
}

/* The text of an unquoted scalar, or NULL. */
static const char *plain_text(struct schema_node node)
{
	const yaml_node_t *yaml = node.value;

	if (yaml->type != YAML_SCALAR_NODE || yaml->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return NULL;
	return (const char *)yaml->data.scalar.value;
}

static bool is_one_of(const char *text, const char *const *words)
{
	for (; text && *words; words++)
		if (!strcmp(text, *words))
			return true;
	return false;
}

static bool yaml_is_null(struct schema_node node)
{
	static const char *const words[] = {"", "~", "null", "Null", "NULL", NULL};

	return is_one_of(plain_text(node), words);
}

static bool yaml_as_bool(struct schema_node node, bool *value)
{
	static const char *const yes[] = {"true", "True", "TRUE", "yes", "on", NULL};
	static const char *const no[] = {"false", "False", "FALSE", "no", "off", NULL};
	const char *text = plain_text(node);

	*value = is_one_of(text, yes);
	return *value || is_one_of(text, no);
}

static bool yaml_as_integer(struct schema_node node, uint64_t *value)
{
	const char *text = plain_text(node);

	if (!text || !text[0] || text[strspn(text, "0123456789")])
		return false;
	errno = 0;
	*value = strtoull(text, NULL, 10);
	return errno == 0;
}

static bool yaml_as_double(struct schema_node node, double *value)
{
	const char *text = plain_text(node);
	char *end;

	if (!text || !text[0] || text[strspn(text, "0123456789+-.eE")])
		return false;
	*value = strtod(text, &end);
	return *end == 0;
}

static bool yaml_as_text(struct schema_node node, const char **text, size_t *length)
{
	const yaml_node_t *yaml = node.value;

	if (yaml->type != YAML_SCALAR_NODE)
		return false;
	*text = (const char *)yaml->data.scalar.value;
	*length = yaml->data.scalar.length;
	return true;
}

static bool yaml_as_array(struct schema_node node, size_t *count)
{
	const yaml_node_t *yaml = node.value;

	if (yaml->type != YAML_SEQUENCE_NODE)
		return false;
	*count = (size_t)(yaml->data.sequence.items.top - yaml->data.sequence.items.start);
	return true;
}

static struct schema_node yaml_item(struct schema_node array, size_t index)
{
	const yaml_node_t *yaml = array.value;

	return yaml_node_at(array, yaml->data.sequence.items.start[index]);
}

static bool yaml_is_object(struct schema_node node)
{
	return ((const yaml_node_t *)node.value)->type == YAML_MAPPING_NODE;
}

static bool yaml_next_pair(struct schema_node object, void **cursor, struct schema_pair *pair)
{
	const yaml_node_t *yaml = object.value;
	yaml_node_pair_t *next =
	    *cursor ? (yaml_node_pair_t *)*cursor + 1 : yaml->data.mapping.pairs.start;

	if (next == yaml->data.mapping.pairs.top)
		return false;
	*cursor = next;
	pair->key_node = yaml_node_at(object, next->key);
	pair->value = yaml_node_at(object, next->value);
	if (!yaml_as_text(pair->key_node, &pair->key, &pair->key_length))
		pair->key = NULL;
	return true;
}

static void yaml_position(struct schema_node node, unsigned *line, unsigned *column)
{
	const yaml_node_t *yaml = node.value;

	*line = (unsigned)yaml->start_mark.line + 1;
	*column = (unsigned)yaml->start_mark.column + 1;
}

const struct schema_source schema_yaml_source = {
    .is_null = yaml_is_null,
    .as_bool = yaml_as_bool,
    .as_integer = yaml_as_integer,
    .as_double = yaml_as_double,
    .as_text = yaml_as_text,
    .as_array = yaml_as_array,
    .item = yaml_item,
    .is_object = yaml_is_object,
    .next_pair = yaml_next_pair,
    .position = yaml_position,
};

static int report_parser(const yaml_parser_t *parser, struct schema_errors *errors)
{
	schema_errors_add(errors, (unsigned)parser->problem_mark.line + 1,
	    (unsigned)parser->problem_mark.column + 1, "", "%s",
	    parser->problem ? parser->problem : "not YAML");
	return parser->error == YAML_MEMORY_ERROR ? ERR_NOMEM : ERR_MALFORMED;
}

/* A file without any document is one with an empty mapping. */
static int add_empty_root(yaml_document_t *document)
{
	return yaml_document_add_mapping(document, NULL, YAML_BLOCK_MAPPING_STYLE) ? 0 : ERR_NOMEM;
}

static int decode_document(
    const struct schema *schema, yaml_document_t *document, void *out, struct schema_errors *errors)
{
	struct schema_node root = {.document = document};
	int rc;

	if (!yaml_document_get_root_node(document) && (rc = add_empty_root(document)) < 0)
		return rc;
	root.value = yaml_document_get_root_node(document);
	return schema_decode(schema, &schema_yaml_source, root, 0, out, errors);
}

/* After the first document nothing may follow: it would be ignored in silence. */
static int check_end(yaml_parser_t *parser, struct schema_errors *errors)
{
	yaml_document_t document;
	int rc = 0;

	if (!yaml_parser_load(parser, &document))
		return report_parser(parser, errors);
	if (yaml_document_get_root_node(&document)) {
		schema_errors_add(errors, (unsigned)document.start_mark.line + 1,
		    (unsigned)document.start_mark.column + 1, "", "a second document begins here");
		rc = ERR_MALFORMED;
	}
	yaml_document_delete(&document);
	return rc;
}

static int decode_stream(
    const struct schema *schema, yaml_parser_t *parser, void *out, struct schema_errors *errors)
{
	yaml_document_t document;
	int rc;

	if (!yaml_parser_load(parser, &document))
		return report_parser(parser, errors);
	rc = decode_document(schema, &document, out, errors);
	if (rc == 0 && yaml_document_get_root_node(&document)) {
		rc = check_end(parser, errors);
		if (rc < 0)
			schema_clear(schema, out);
	}
	yaml_document_delete(&document);
	return rc;
}

int schema_from_yaml_text(const struct schema *schema, const char *text, size_t length, void *out,
    struct schema_errors *errors)
{
	struct schema_errors own;
	yaml_parser_t parser;
	int rc;

	if (!errors)
		errors = &own;
	errors->count = 0;
	memset(out, 0, schema->size);
	if (length > SCHEMA_TEXT_MAX_BYTES) {
		schema_errors_add(errors, 0, 0, "", "the document is too large");
		return ERR_LIMIT;
	}
	if (!yaml_parser_initialize(&parser))
		return ERR_NOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
	rc = decode_stream(schema, &parser, out, errors);
	yaml_parser_delete(&parser);
	return rc;
}
