/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See manifest.h. */
#include "config.h"

#include "cli/manifest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/yaml_objects.h"
#include "model/objects.h"

struct manifest_place {
	char *pointer;
	struct yaml_place at;
};

/* ---- reading ---- */

static const struct schema *schema_of(const char *kind)
{
	const struct object_kind *known = object_kind_find(kind);
	return known ? known->schema : NULL;
}

/* Without memory a place is not known; its error then has that of what it lies in. */
static void add_place(void *context, const char *pointer, const struct yaml_place *place)
{
	struct manifest *manifest = context;
	struct manifest_place *grown =
	    reallocarray(manifest->places, manifest->place_count + 1, sizeof(*grown));
	if (!grown)
		return;
	manifest->places = grown;
	char *copy = strdup(pointer);
	if (copy)
		grown[manifest->place_count++] = (struct manifest_place){copy, *place};
}

void manifest_parse(struct manifest *manifest, const char *name, const char *text, size_t length)
{
	const struct yaml_reader reader = {
	    .schema_of = schema_of, .on_place = add_place, .context = manifest};
	*manifest = (struct manifest){.name = name};
	manifest->items = yaml_objects_read(text, length, &reader, &manifest->errors);
}

static char *read_all(FILE *file, size_t *length)
{
	size_t room = 0;
	char *text = NULL;
	*length = 0;
	do {
		room = room ? 2 * room : 16384;
		char *grown = realloc(text, room);
		if (!grown)
			break;
		text = grown;
		*length += fread(text + *length, 1, room - *length, file);
	} while (*length == room && room <= SCHEMA_TEXT_MAX_BYTES);
	return text;
}

bool manifest_read(struct manifest *manifest, const char *name, char *error)
{
	bool is_stdin = strcmp(name, "-") == 0;
	FILE *file = is_stdin ? stdin : fopen(name, "re");
	size_t length = 0;
	char *text = file ? read_all(file, &length) : NULL;
	bool is_read = text && !ferror(file);
	if (!is_read)
		snprintf(
		    error, MANIFEST_ERROR_BYTES, "cannot read %.300s: %s", name, strerror(errno));
	else
		manifest_parse(manifest, name, text, length);
	free(text);
	if (file && !is_stdin)
		fclose(file);
	return is_read;
}

void manifest_clear(struct manifest *manifest)
{
	for (size_t i = 0; i < manifest->place_count; i++)
		free(manifest->places[i].pointer);
	free(manifest->places);
	json_decref(manifest->items);
	memset(manifest, 0, sizeof(*manifest));
}

/* ---- errors ---- */

/* One line to print. */
struct line {
	unsigned line, column;
	size_t order;
	char text[1200];
};

static const struct manifest_place *find_place(
    const struct manifest *manifest, const char *pointer, size_t length)
{
	for (size_t i = manifest->place_count; i-- > 0;) {
		if (strlen(manifest->places[i].pointer) == length
		    && memcmp(manifest->places[i].pointer, pointer, length) == 0)
			return &manifest->places[i];
	}
	return NULL;
}

/* What is missing lies where it is missing: the nearest value around it that is there. */
static void locate(const struct manifest *manifest, const json_t *fault, struct line *line)
{
	const char *pointer = json_string_value(json_object_get(fault, "pointer"));
	size_t length = pointer ? strlen(pointer) : 0, whole = length;
	const struct manifest_place *place = NULL;
	while (length > 0 && !(place = find_place(manifest, pointer, length))) {
		while (length > 0 && pointer[--length] != '/')
			;
	}
	if (!place)
		return;
	bool is_key = length == whole && json_is_true(json_object_get(fault, "at_key"));
	line->line = is_key ? place->at.key_line : place->at.line;
	line->column = is_key ? place->at.key_column : place->at.column;
}

static int compare_lines(const void *a, const void *b)
{
	const struct line *left = a, *right = b;
	if (left->line != right->line)
		return left->line < right->line ? -1 : 1;
	if (left->column != right->column)
		return left->column < right->column ? -1 : 1;
	return left->order < right->order ? -1 : 1;
}

static void print_line(const struct manifest *manifest, struct line *line, FILE *out)
{
	for (char *at = line->text; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = '?';
	if (line->line)
		fprintf(
		    out, "%s:%u:%u: %s\n", manifest->name, line->line, line->column, line->text);
	else
		fprintf(out, "%s: %s\n", manifest->name, line->text);
}

static void fill_fault(const struct manifest *manifest, const json_t *fault, struct line *line)
{
	const char *detail = json_string_value(json_object_get(fault, "detail"));
	const char *fix = json_string_value(json_object_get(fault, "fix"));
	snprintf(line->text, sizeof(line->text), "%s%s%s", detail ? detail : "?", fix ? "; " : "",
	    fix ? fix : "");
	locate(manifest, fault, line);
}

size_t manifest_print_errors(const struct manifest *manifest, const json_t *faults, FILE *out)
{
	size_t own = manifest->errors.count, count = own + json_array_size(faults);
	struct line *lines = calloc(count + 1, sizeof(*lines));
	if (!lines)
		return count;
	for (size_t i = 0; i < count; i++) {
		lines[i].order = i;
		if (i >= own) {
			fill_fault(manifest, json_array_get(faults, i - own), &lines[i]);
			continue;
		}
		lines[i].line = manifest->errors.list[i].line;
		lines[i].column = manifest->errors.list[i].column;
		snprintf(lines[i].text, sizeof(lines[i].text), "%s", manifest->errors.list[i].text);
	}
	qsort(lines, count, sizeof(*lines), compare_lines);
	for (size_t i = 0; i < count; i++)
		print_line(manifest, &lines[i], out);
	free(lines);
	return count;
}
