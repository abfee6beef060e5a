/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See yaml_objects.h. */
#include "config.h"

#include "base/yaml_objects.h"

#include "base/schema_source.h"

#include <stdio.h>
#include <string.h>

#include <yaml.h>

struct reading {
	const struct schema_source *source;
	const struct yaml_reader *reader;
	struct schema_errors *errors;
	json_t *items;
	unsigned depth;
	size_t values;
	bool is_over; /* too deep or too large: said once */
	size_t pointer_length;
	char pointer[YAML_POINTER_BYTES];
};

static void report(struct reading *reading, struct schema_node node, const char *text)
{
	unsigned line, column;

	reading->source->position(node, &line, &column);
	schema_errors_add(reading->errors, line, column, "", "%s", text);
}

/* ---- where things stand ---- */

/* One step of a pointer, escaped as RFC 6901 has it; returns the length to go back to. */
static size_t push(struct reading *reading, const char *step, size_t length)
{
	size_t before = reading->pointer_length, at = before;

	if (at + 3 < YAML_POINTER_BYTES)
		reading->pointer[at++] = '/';
	for (size_t i = 0; i < length && at + 3 < YAML_POINTER_BYTES; i++) {
		if (step[i] == '~' || step[i] == '/') {
			reading->pointer[at++] = '~';
			reading->pointer[at++] = step[i] == '/' ? '1' : '0';
		} else {
			reading->pointer[at++] = step[i];
		}
	}
	reading->pointer[at] = '\0';
	reading->pointer_length = at;
	return before;
}

static size_t push_index(struct reading *reading, size_t index)
{
	char text[24];

	return push(reading, text, (size_t)snprintf(text, sizeof(text), "%zu", index));
}

static void pop(struct reading *reading, size_t before)
{
	reading->pointer_length = before;
	reading->pointer[before] = '\0';
}

static void tell_place(
    struct reading *reading, struct schema_node key_node, struct schema_node node)
{
	struct yaml_place place;

	reading->source->position(node, &place.line, &place.column);
	reading->source->position(key_node, &place.key_line, &place.key_column);
	reading->reader->on_place(reading->reader->context, reading->pointer, &place);
}

/* ---- values ---- */

static json_t *read_value(
    struct reading *reading, const struct schema_field *field, struct schema_node node);

static bool is_text_field(const struct schema_field *field)
{
	return field->type == SCHEMA_TEXT || field->type == SCHEMA_STRING
	       || field->type == SCHEMA_ENUM || field->type == SCHEMA_HEX
	       || field->type == SCHEMA_BASE64;
}

/* field is NULL where nothing is known of it. */
static json_t *read_scalar(
    struct reading *reading, const struct schema_field *field, struct schema_node node)
{
	const struct schema_source *source = reading->source;
	const char *text = "";
	size_t length = 0;
	uint64_t integer;
	double number;
	bool is_true;

	if (source->is_null(node))
		return json_null();
	if (!field || !is_text_field(field)) {
		if (source->as_integer(node, &integer) && integer <= INT64_MAX)
			return json_integer((json_int_t)integer);
		if (source->as_double(node, &number))
			return json_real(number);
		if (source->as_bool(node, &is_true))
			return json_boolean(is_true);
	}
	source->as_text(node, &text, &length);
	return json_stringn(text, length);
}

/* What the value of a key is; NULL where nothing is known of it. */
static const struct schema_field *find_field(
    const struct schema *schema, bool is_map, const char *key, size_t length)
{
	if (is_map)
		return &schema->fields[1];
	for (size_t i = 0; schema && i < schema->field_count; i++) {
		if (strlen(schema->fields[i].key) == length
		    && !memcmp(schema->fields[i].key, key, length))
			return &schema->fields[i];
	}
	return NULL;
}

static void read_pair(struct reading *reading, const struct schema *schema, bool is_map,
    const struct schema_pair *pair, json_t *object)
{
	char key[SCHEMA_PATH_BYTES], quoted[SCHEMA_PATH_BYTES + 32];
	json_t *value;
	size_t before;

	if (!pair->key || pair->key_length >= sizeof(key)
	    || memchr(pair->key, '\0', pair->key_length)) {
		report(reading, pair->key_node, "a key must be a short text");
		return;
	}
	snprintf(key, sizeof(key), "%.*s", (int)pair->key_length, pair->key);
	if (json_object_get(object, key)) {
		snprintf(quoted, sizeof(quoted), "the key %s stands here twice", key);
		report(reading, pair->key_node, quoted);
		return;
	}
	before = push(reading, key, pair->key_length);
	tell_place(reading, pair->key_node, pair->value);
	value = read_value(
	    reading, find_field(schema, is_map, pair->key, pair->key_length), pair->value);
	if (value && json_object_set_new(object, key, value))
		report(reading, pair->value, "must be text in UTF-8");
	pop(reading, before);
}

/* schema is NULL where nothing is known; that of a map describes each of its pairs. */
static json_t *read_object(
    struct reading *reading, const struct schema *schema, bool is_map, struct schema_node node)
{
	json_t *object = json_object();
	struct schema_pair pair;
	void *cursor = NULL;

	while (!reading->is_over && reading->source->next_pair(node, &cursor, &pair))
		read_pair(reading, schema, is_map, &pair, object);
	return object;
}

static json_t *read_array(struct reading *reading, const struct schema_field *field,
    struct schema_node node, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count && !reading->is_over; i++) {
		struct schema_node item = reading->source->item(node, i);
		size_t before = push_index(reading, i);

		tell_place(reading, item, item);
		json_array_append_new(array, read_value(reading, field, item));
		pop(reading, before);
	}
	return array;
}

/* An alias to what it lies in would go on for ever: depth and number of values are capped. */
static json_t *read_value(
    struct reading *reading, const struct schema_field *field, struct schema_node node)
{
	json_t *value;
	size_t count;

	if (reading->depth == SCHEMA_DEPTH_MAX || ++reading->values > SCHEMA_VALUES_MAX) {
		report(reading, node, "lies too deep, or the text has too many values");
		reading->is_over = true;
		return NULL;
	}
	reading->depth++;
	if (reading->source->is_object(node))
		value = read_object(
		    reading, field ? field->schema : NULL, field && field->is_map, node);
	else if (reading->source->as_array(node, &count))
		value = read_array(reading, field, node, count);
	else
		value = read_scalar(reading, field, node);
	reading->depth--;
	if (!value)
		report(reading, node, "must be text in UTF-8");
	return value;
}

/* ---- documents ---- */

/* The value of a key of one short text, or false. */
static bool find_text(
    struct reading *reading, struct schema_node object, const char *key, char *text, size_t size)
{
	struct schema_pair pair;
	void *cursor = NULL;
	const char *value;
	size_t length;

	while (reading->source->next_pair(object, &cursor, &pair)) {
		if (!pair.key || pair.key_length != strlen(key)
		    || memcmp(pair.key, key, pair.key_length)
		    || !reading->source->as_text(pair.value, &value, &length))
			continue;
		snprintf(text, size, "%.*s", (int)length, value);
		return true;
	}
	return false;
}

static void read_item(struct reading *reading, struct schema_node node)
{
	const struct schema *schema = NULL;
	char kind[64];
	size_t before;

	if (!reading->source->is_object(node)) {
		report(reading, node, "must be an object with a kind, as kind: Accelerator");
		return;
	}
	if (find_text(reading, node, "kind", kind, sizeof(kind)))
		schema = reading->reader->schema_of(kind);
	before = push(reading, "items", strlen("items"));
	push_index(reading, json_array_size(reading->items));
	tell_place(reading, node, node);
	json_array_append_new(reading->items, read_object(reading, schema, false, node));
	pop(reading, before);
}

static void read_list(struct reading *reading, struct schema_node node, size_t count)
{
	for (size_t i = 0; i < count && !reading->is_over; i++)
		read_item(reading, reading->source->item(node, i));
}

/* Is the document nothing but `items: [...]`?  *list is then the list. */
static bool is_item_list(
    struct reading *reading, struct schema_node node, struct schema_node *list, size_t *count)
{
	struct schema_pair pair;
	void *cursor = NULL;

	if (!reading->source->is_object(node) || !reading->source->next_pair(node, &cursor, &pair)
	    || !pair.key || pair.key_length != strlen("items")
	    || memcmp(pair.key, "items", pair.key_length)
	    || !reading->source->as_array(pair.value, count))
		return false;
	*list = pair.value;
	return !reading->source->next_pair(node, &cursor, &pair);
}

static void read_document(struct reading *reading, yaml_document_t *document)
{
	struct schema_node list,
	    node = {.document = document, .value = yaml_document_get_root_node(document)};
	size_t count;

	if (reading->source->is_null(node))
		return;
	if (is_item_list(reading, node, &list, &count))
		read_list(reading, list, count);
	else if (reading->source->as_array(node, &count))
		read_list(reading, node, count);
	else
		read_item(reading, node);
}

static void read_documents(struct reading *reading, yaml_parser_t *parser)
{
	yaml_document_t document;
	bool has_more = true;

	while (has_more && !reading->is_over) {
		if (!yaml_parser_load(parser, &document)) {
			schema_errors_add(reading->errors, (unsigned)parser->problem_mark.line + 1,
			    (unsigned)parser->problem_mark.column + 1, "", "%s",
			    parser->problem ? parser->problem : "not YAML");
			return;
		}
		has_more = yaml_document_get_root_node(&document) != NULL;
		if (has_more)
			read_document(reading, &document);
		yaml_document_delete(&document);
	}
}

json_t *yaml_objects_read(
    const char *text, size_t length, const struct yaml_reader *reader, struct schema_errors *errors)
{
	struct reading reading = {.source = &schema_yaml_source,
	    .reader = reader,
	    .errors = errors,
	    .items = json_array()};
	yaml_parser_t parser;

	errors->count = 0;
	if (!reading.items || !yaml_parser_initialize(&parser)) {
		json_decref(reading.items);
		return NULL;
	}
	if (length > SCHEMA_TEXT_MAX_BYTES) {
		schema_errors_add(errors, 0, 0, "", "the text is too large");
	} else {
		yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
		read_documents(&reading, &parser);
	}
	yaml_parser_delete(&parser);
	return reading.items;
}
