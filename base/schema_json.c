/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The schema walker's JSON side, by jansson: documents to decode, and structs encoded.
 */
#include "config.h"

#include "base/schema.h"

#include "base/encoding.h"
#include "base/err.h"
#include "base/schema_source.h"

#include <stdlib.h>
#include <string.h>

static bool json_is_absent(struct schema_node node)
{
	return json_is_null((json_t *)node.value);
}

static bool json_as_bool(struct schema_node node, bool *value)
{
	*value = json_is_true((json_t *)node.value);
	return json_is_boolean((json_t *)node.value);
}

static bool json_as_integer(struct schema_node node, uint64_t *value)
{
	json_int_t number = json_integer_value(node.value);

	*value = (uint64_t)number;
	return json_is_integer((json_t *)node.value) && number >= 0;
}

static bool json_as_double(struct schema_node node, double *value)
{
	*value = json_number_value(node.value);
	return json_is_number((json_t *)node.value);
}

static bool json_as_text(struct schema_node node, const char **text, size_t *length)
{
	if (!json_is_string((json_t *)node.value))
		return false;
	*text = json_string_value(node.value);
	*length = json_string_length(node.value);
	return true;
}

static bool json_as_array(struct schema_node node, size_t *count)
{
	*count = json_array_size(node.value);
	return json_is_array((json_t *)node.value);
}

static struct schema_node json_item(struct schema_node array, size_t index)
{
	return (struct schema_node){.value = json_array_get(array.value, index)};
}

static bool json_is_object_node(struct schema_node node)
{
	return json_is_object((json_t *)node.value);
}

static bool json_next_pair(struct schema_node object, void **cursor, struct schema_pair *pair)
{
	*cursor =
	    *cursor ? json_object_iter_next(object.value, *cursor) : json_object_iter(object.value);
	if (!*cursor)
		return false;
	pair->key = json_object_iter_key(*cursor);
	pair->key_length = strlen(pair->key);
	pair->value = (struct schema_node){.value = json_object_iter_value(*cursor)};
	pair->key_node = pair->value;
	return true;
}

static void json_position(struct schema_node node, unsigned *line, unsigned *column)
{
	(void)node;
	*line = *column = 0;
}

static const struct schema_source json_source = {
    .is_null = json_is_absent,
    .as_bool = json_as_bool,
    .as_integer = json_as_integer,
    .as_double = json_as_double,
    .as_text = json_as_text,
    .as_array = json_as_array,
    .item = json_item,
    .is_object = json_is_object_node,
    .next_pair = json_next_pair,
    .position = json_position,
};

int schema_from_json(const struct schema *schema, const json_t *json, unsigned flags, void *out,
    struct schema_errors *errors)
{
	/* jansson's iterators want a json_t that is not const, and do not change it. */
	struct schema_node root = {.value = (json_t *)json};
	struct schema_errors own;

	if (!errors)
		errors = &own;
	errors->count = 0;
	return schema_decode(schema, &json_source, root, flags, out, errors);
}

int schema_from_json_text(const struct schema *schema, const char *text, size_t length,
    unsigned flags, void *out, struct schema_errors *errors)
{
	json_error_t error;
	json_t *json;
	int rc;

	memset(out, 0, schema->size);
	if (errors)
		errors->count = 0;
	if (length > SCHEMA_TEXT_MAX_BYTES) {
		if (errors)
			schema_errors_add(errors, 0, 0, "", "the document is too large");
		return ERR_LIMIT;
	}
	json = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
	if (!json) {
		if (errors)
			schema_errors_add(errors, (unsigned)error.line, (unsigned)error.column, "",
			    "%s", error.text);
		return json_error_code(&error) == json_error_out_of_memory ? ERR_NOMEM
		                                                           : ERR_MALFORMED;
	}
	rc = schema_from_json(schema, json, flags, out, errors);
	json_decref(json);
	return rc;
}

static json_t *bytes_to_json(const struct schema_field *field, const void *value)
{
	char *text = malloc(HEX_TEXT_BYTES(field->size));
	json_t *json = NULL;

	if (text)
		json = json_string((field->type == SCHEMA_HEX ? hex_encode : base64_encode)(
		    value, field->size, text));
	free(text);
	return json;
}

static json_t *integer_to_json(uint64_t number)
{
	return number > INT64_MAX ? NULL : json_integer((json_int_t)number);
}

static json_t *enum_to_json(const struct schema_field *field, int number)
{
	for (int i = 0; field->names[i]; i++)
		if (i == number)
			return json_string(field->names[i]);
	return NULL;
}

static json_t *value_to_json(const struct schema_field *field, const void *value, unsigned flags)
{
	const char *text;

	switch (field->type) {
	case SCHEMA_BOOL:
		return json_boolean(*(const bool *)value);
	case SCHEMA_U8:
		return integer_to_json(*(const uint8_t *)value);
	case SCHEMA_U16:
		return integer_to_json(*(const uint16_t *)value);
	case SCHEMA_U32:
		return integer_to_json(*(const uint32_t *)value);
	case SCHEMA_U64:
		return integer_to_json(*(const uint64_t *)value);
	case SCHEMA_DOUBLE:
		return json_real(*(const double *)value);
	case SCHEMA_ENUM:
		return enum_to_json(field, *(const int *)value);
	case SCHEMA_STRING:
		text = *(char *const *)value;
		return json_string(text ? text : "");
	case SCHEMA_TEXT:
		return json_string(value);
	case SCHEMA_HEX:
	case SCHEMA_BASE64:
		return bytes_to_json(field, value);
	case SCHEMA_STRUCT:
		return schema_to_json(field->schema, value, flags);
	}
	return NULL;
}

static json_t *array_to_json(const struct schema_field *field, const char *object, unsigned flags)
{
	size_t count = *(const size_t *)(const void *)(object + field->count_offset);
	const char *member = object + field->offset;
	const char *items = field->is_in_place ? member : *(char *const *)(const void *)member;
	json_t *array = json_array();

	for (size_t i = 0; array && i < count; i++)
		/* The append takes over the item, and fails when there is none. */
		if (json_array_append_new(
		        array, value_to_json(field, items + i * field->size, flags))) {
			json_decref(array);
			return NULL;
		}
	return array;
}

static json_t *map_to_json(const struct schema_field *field, const char *object, unsigned flags)
{
	const struct schema_field *key = &field->schema->fields[0];
	const struct schema_field *value = &field->schema->fields[1];
	size_t count = *(const size_t *)(const void *)(object + field->count_offset);
	const char *items = *(char *const *)(const void *)(object + field->offset);
	json_t *map = json_object();

	for (size_t i = 0; map && i < count; i++) {
		const char *item = items + i * field->size;

		if (json_object_set_new(map, item + key->offset,
		        value_to_json(value, item + value->offset, flags))) {
			json_decref(map);
			return NULL;
		}
	}
	return map;
}

static json_t *member_to_json(const struct schema_field *field, const char *object, unsigned flags)
{
	if (field->is_map)
		return map_to_json(field, object, flags);
	if (field->is_array)
		return array_to_json(field, object, flags);
	return value_to_json(field, object + field->offset, flags);
}

static bool is_all_zero(const uint8_t *bytes, size_t n)
{
	uint8_t any = 0;

	for (size_t i = 0; i < n; i++)
		any |= bytes[i];
	return any == 0;
}

/* True for what decoding gives again when it is left out. */
static bool is_left_out(const struct schema_field *field, const void *value, unsigned flags)
{
	const char *text;

	if (field->is_secret && flags & SCHEMA_OMIT_SECRETS)
		return true;
	if (field->is_required || field->is_array)
		return false;
	switch (field->type) {
	case SCHEMA_STRING:
		text = *(char *const *)value;
		return !field->default_text && (!text || !text[0]);
	case SCHEMA_TEXT:
		return !field->default_text && !*(const char *)value;
	case SCHEMA_HEX:
	case SCHEMA_BASE64:
		return is_all_zero(value, field->size);
	default:
		return false;
	}
}

json_t *schema_to_json(const struct schema *schema, const void *object, unsigned flags)
{
	json_t *json = json_object();

	for (size_t i = 0; json && i < schema->field_count; i++) {
		const struct schema_field *field = &schema->fields[i];

		if (is_left_out(field, (const char *)object + field->offset, flags))
			continue;
		if (json_object_set_new(json, field->key, member_to_json(field, object, flags))) {
			json_decref(json);
			return NULL;
		}
	}
	return json;
}
