/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the schema walker needs apart from documents: defaults, freeing, and the list of errors.
 */
#include "config.h"

#include "base/schema.h"

#include "base/err.h"
#include "base/schema_source.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void schema_store_number(const struct schema_field *field, void *member, uint64_t number)
{
	switch (field->type) {
	case SCHEMA_BOOL:
		*(bool *)member = number != 0;
		break;
	case SCHEMA_U8:
		*(uint8_t *)member = (uint8_t)number;
		break;
	case SCHEMA_U16:
		*(uint16_t *)member = (uint16_t)number;
		break;
	case SCHEMA_U32:
		*(uint32_t *)member = (uint32_t)number;
		break;
	case SCHEMA_U64:
		*(uint64_t *)member = number;
		break;
	case SCHEMA_DOUBLE:
		*(double *)member = (double)number;
		break;
	default:
		*(int *)member = (int)number;
	}
}

int schema_field_default(const struct schema_field *field, void *member)
{
	if (field->is_array)
		return 0;
	switch (field->type) {
	case SCHEMA_STRING:
		if (!field->default_text)
			return 0;
		*(char **)member = strdup(field->default_text);
		return *(char **)member ? 0 : ERR_NOMEM;
	case SCHEMA_TEXT:
		if (field->default_text)
			snprintf(member, field->size, "%s", field->default_text);
		return 0;
	case SCHEMA_HEX:
	case SCHEMA_BASE64:
		return 0;
	case SCHEMA_STRUCT:
		return schema_defaults(field->schema, member);
	default:
		schema_store_number(field, member, field->default_number);
		return 0;
	}
}

int schema_defaults(const struct schema *schema, void *out)
{
	memset(out, 0, schema->size);
	for (size_t i = 0; i < schema->field_count; i++) {
		const struct schema_field *field = &schema->fields[i];

		if (schema_field_default(field, (char *)out + field->offset) < 0) {
			schema_clear(schema, out);
			return ERR_NOMEM;
		}
	}
	return 0;
}

static void clear_value(const struct schema_field *field, void *value)
{
	char *text;

	if (field->type == SCHEMA_STRUCT) {
		schema_clear(field->schema, value);
	} else if (field->type == SCHEMA_STRING && (text = *(char **)value)) {
		if (field->is_secret)
			explicit_bzero(text, strlen(text));
		free(text);
	}
}

static void clear_array(const struct schema_field *field, char *object)
{
	size_t count = *(size_t *)(void *)(object + field->count_offset);
	char *member = object + field->offset;
	char *items = field->is_in_place ? member : *(char **)(void *)member;

	for (size_t i = 0; i < count; i++)
		clear_value(field, items + i * field->size);
	if (!field->is_in_place)
		free(items);
}

void schema_clear(const struct schema *schema, void *object)
{
	if (!object)
		return;
	for (size_t i = 0; i < schema->field_count; i++) {
		const struct schema_field *field = &schema->fields[i];

		if (field->is_array)
			clear_array(field, object);
		else
			clear_value(field, (char *)object + field->offset);
	}
	explicit_bzero(object, schema->size);
}

/* An error may quote what a stranger wrote; a terminal must not take it for commands. */
static void make_printable(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
}

void schema_errors_add(struct schema_errors *errors, unsigned line, unsigned column,
    const char *path, const char *format, ...)
{
	struct schema_error *error = &errors->list[errors->count];
	va_list arguments;

	if (errors->count == SCHEMA_ERRORS_MAX)
		return;
	errors->count++;
	error->line = line;
	error->column = column;
	error->is_about_key = false;
	snprintf(error->path, sizeof(error->path), "%s", path);
	va_start(arguments, format);
	vsnprintf(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);
	make_printable(utf8_mend(error->path));
	make_printable(utf8_mend(error->text));
}

const char *schema_error_format(
    const struct schema_error *error, const char *filename, char *buf, size_t size)
{
	char place[32] = "";

	if (error->line)
		snprintf(place, sizeof(place), "%u:%u: ", error->line, error->column);
	snprintf(buf, size, "%s%s%s%s%s%s", filename ? filename : "",
	    filename ? (error->line ? ":" : ": ") : "", place, error->path,
	    error->path[0] ? ": " : "", error->text);
	return buf;
}

const char *schema_path_pointer(const char *base, const char *path, char *buf, size_t size)
{
	size_t used = (size_t)snprintf(buf, size, "%s%s", base, path[0] ? "/" : "");

	for (; *path && used + 2 < size; path++) {
		if (*path == '.' || *path == '[')
			buf[used++] = '/';
		else if (*path == '~' || *path == '/')
			used += (size_t)snprintf(buf + used, size - used, "~%d", *path == '/');
		else if (*path != ']')
			buf[used++] = *path;
	}
	buf[used < size ? used : size - 1] = '\0';
	return buf;
}
