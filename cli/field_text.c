/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See field_text.h. */
#include "cli/field_text.h"

#include <inttypes.h>
#include <stdio.h>

static const char *scalar_type(const struct schema_field *field)
{
	switch (field->type) {
	case SCHEMA_BOOL:
		return "true or false";
	case SCHEMA_U8:
	case SCHEMA_U16:
	case SCHEMA_U32:
	case SCHEMA_U64:
		return "whole number";
	case SCHEMA_DOUBLE:
		return "number";
	case SCHEMA_ENUM:
		return "word";
	case SCHEMA_STRUCT:
		return "object";
	default:
		return "text";
	}
}

const char *field_type(const struct schema_field *field, char *text)
{
	if (field->is_map)
		snprintf(
		    text, FIELD_TEXT_BYTES, "map of: %s", scalar_type(&field->schema->fields[1]));
	else
		snprintf(text, FIELD_TEXT_BYTES, "%s%s", field->is_array ? "list of: " : "",
		    scalar_type(field));
	return text;
}

static bool is_number(const struct schema_field *field)
{
	return field->type >= SCHEMA_U8 && field->type <= SCHEMA_U64;
}

static uint64_t greatest(const struct schema_field *field)
{
	static const uint64_t natural[] = {[SCHEMA_U8] = UINT8_MAX,
	    [SCHEMA_U16] = UINT16_MAX,
	    [SCHEMA_U32] = UINT32_MAX,
	    [SCHEMA_U64] = UINT64_MAX};
	return field->max ? field->max : natural[field->type];
}

const char *field_limits(const struct schema_field *field, char *text)
{
	size_t used = 0;
	text[0] = '\0';
	if (field->is_map)
		snprintf(text, FIELD_TEXT_BYTES, "keys of at most %zu bytes, values of %zu",
		    field->schema->fields[0].size - 1, field->schema->fields[1].size - 1);
	else if (is_number(field))
		snprintf(
		    text, FIELD_TEXT_BYTES, "%" PRIu64 "..%" PRIu64, field->min, greatest(field));
	else if (field->type == SCHEMA_TEXT)
		snprintf(text, FIELD_TEXT_BYTES, "at most %zu bytes", field->size - 1);
	for (size_t i = 0; field->type == SCHEMA_ENUM && field->names[i]; i++) {
		if (field->names[i][0] && used < FIELD_TEXT_BYTES)
			used += (size_t)snprintf(text + used, FIELD_TEXT_BYTES - used, "%s%s",
			    used ? ", " : "", field->names[i]);
	}
	return text;
}

const char *field_default(const struct schema_field *field, char *text)
{
	text[0] = '\0';
	if (field->is_required || field->is_array || field->type == SCHEMA_STRUCT)
		return text;
	if (is_number(field) && field->default_number >= field->min)
		snprintf(text, FIELD_TEXT_BYTES, "%" PRIu64, field->default_number);
	else if (field->type == SCHEMA_BOOL)
		snprintf(text, FIELD_TEXT_BYTES, "%s", field->default_number ? "true" : "false");
	else if (field->type == SCHEMA_ENUM)
		snprintf(text, FIELD_TEXT_BYTES, "%s", field->names[field->default_number]);
	else if (field->default_text)
		snprintf(text, FIELD_TEXT_BYTES, "%s", field->default_text);
	return text;
}

const struct schema *field_members(const struct schema_field *field)
{
	return field->is_map ? NULL : field->schema;
}
