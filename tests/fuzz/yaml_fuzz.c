/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files that `trunkctl apply` reads: any text becomes a list of objects, with errors that are in the text; of a text without any,
 * each place that was told is within it and its pointer leads to a value.
 */
#include "config.h"

#include "base/yaml_objects.h"
#include "model/objects.h"
#include "tests/fuzz/require.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_BYTES_MAX = 1 << 16, PLACES_MAX = 4096 };

static char *pointers[PLACES_MAX];
static size_t pointer_count;
static unsigned lines;

static const struct schema *schema_of(const char *kind)
{
	const struct object_kind *found = object_kind_find(kind);

	return found ? found->schema : NULL;
}

static void on_place(void *context, const char *pointer, const struct yaml_place *place)
{
	(void)context;
	require(place->line >= 1 && place->line <= lines && place->column >= 1);
	require(place->key_line >= 1 && place->key_line <= lines && place->key_column >= 1);
	require(strlen(pointer) < YAML_POINTER_BYTES);
	if (pointer_count < PLACES_MAX)
		pointers[pointer_count++] = strdup(pointer);
}

/* One reference token of a JSON pointer (RFC 6901); returns what is behind it. */
static const char *take_token(const char *at, char *token)
{
	for (at++; *at && *at != '/'; at++) {
		if (*at == '~')
			*token++ = *++at == '0' ? '~' : '/';
		else
			*token++ = *at;
	}
	*token = '\0';
	return at;
}

static const json_t *find(const json_t *root, const char *pointer)
{
	char token[YAML_POINTER_BYTES];

	while (root && *pointer) {
		require(*pointer == '/');
		pointer = take_token(pointer, token);
		root = json_is_array(root) ? json_array_get(root, strtoul(token, NULL, 10))
		                           : json_object_get(root, token);
	}
	return root;
}

static void check_places(json_t *items, bool is_good)
{
	json_t *root = json_pack("{s:O}", "items", items);

	for (size_t i = 0; i < pointer_count; i++) {
		require(!is_good || find(root, pointers[i]));
		free(pointers[i]);
	}
	json_decref(root);
}

static void check_errors(const struct schema_errors *errors)
{
	for (size_t i = 0; i < errors->count && i < SCHEMA_ERRORS_MAX; i++)
		require(errors->list[i].line >= 1 && errors->list[i].line <= lines
		        && errors->list[i].text[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct yaml_reader reader = {.schema_of = schema_of, .on_place = on_place};
	struct schema_errors errors;
	json_t *items;
	char *text; /* exactly as large, so that ASan sees one byte more */

	if (size > TEXT_BYTES_MAX)
		return 0;
	text = malloc(size ? size : 1);
	memcpy(text, data, size);
	pointer_count = 0;
	lines = 2; /* the first, and where the text ends */
	for (size_t i = 0; i < size; i++)
		lines += text[i] == '\n' || text[i] == '\r' || (uint8_t)text[i] >= 0x80;
	items = yaml_objects_read(text, size, &reader, &errors);
	require(json_is_array(items));
	check_errors(&errors);
	check_places(items, errors.count == 0);
	json_decref(items);
	free(text);
	return 0;
}
