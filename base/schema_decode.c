/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The schema walker: goes over a parsed document (schema_source.h) beside a table, fills the
 * struct, and notes every error with its path.  Its work is bounded by the caps in schema.h, since
 * documents come from other machines.
 */
#include "config.h"

#include "base/schema_source.h"

#include "base/encoding.h"
#include "base/err.h"
#include "base/suggest.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* rc is 0, or the error that ends the walk: no memory, or a cap. */
struct walk {
	const struct schema_source *source;
	struct schema_errors *errors;
	unsigned depth;
	size_t values;
	size_t allocated_bytes;
	int rc;
	size_t path_length;
	char path[SCHEMA_PATH_BYTES];
};

#define report(walk, node, ...)                                                                    \
	do {                                                                                       \
		unsigned line_, column_;                                                           \
		(walk)->source->position(node, &line_, &column_);                                  \
		schema_errors_add((walk)->errors, line_, column_, (walk)->path, __VA_ARGS__);      \
	} while (0)

/* The key of a pair is wrong. */
#define report_key(walk, node, ...)                                                                \
	do {                                                                                       \
		size_t before_ = (walk)->errors->count;                                            \
		report(walk, node, __VA_ARGS__);                                                   \
		if ((walk)->errors->count > before_)                                               \
			(walk)->errors->list[before_].is_about_key = true;                         \
	} while (0)

static bool walk_is_over(const struct walk *walk)
{
	return walk->rc < 0 || walk->errors->count == SCHEMA_ERRORS_MAX;
}

/* The path grows by one step; what does not fit is cut.  Returns the length to go back to. */
static size_t path_push_key(struct walk *walk, const char *key, size_t length)
{
	size_t before = walk->path_length;
	int n = snprintf(walk->path + before, sizeof(walk->path) - before, "%s%.*s",
	    before ? "." : "", length < SCHEMA_PATH_BYTES ? (int)length : SCHEMA_PATH_BYTES, key);

	walk->path_length = n < 0 ? before : before + strlen(walk->path + before);
	return before;
}

static size_t path_push_index(struct walk *walk, size_t index)
{
	size_t before = walk->path_length;

	snprintf(walk->path + before, sizeof(walk->path) - before, "[%zu]", index);
	walk->path_length = before + strlen(walk->path + before);
	return before;
}

static void path_pop(struct walk *walk, size_t before)
{
	walk->path_length = before;
	walk->path[before] = 0;
}

typedef void decode_fn(
    struct walk *walk, const struct schema_field *field, struct schema_node node, void *value);

static void decode_bool(
    struct walk *walk, const struct schema_field *field, struct schema_node node, void *value)
{
	(void)field;
	if (!walk->source->as_bool(node, value))
		report(walk, node, "must be true or false");
}

static uint64_t natural_max(enum schema_type type)
{
	switch (type) {
	case SCHEMA_U8:
		return UINT8_MAX;
	case SCHEMA_U16:
		return UINT16_MAX;
	case SCHEMA_U32:
		return UINT32_MAX;
	default:
		return UINT64_MAX;
	}
}

static void decode_integer(
    struct walk *walk, const struct schema_field *field, struct schema_node node, void *value)
{
	uint64_t max = field->max ? field->max : natural_max(field->type), number;

	if (!walk->source->as_integer(node, &number) || number < field->min || number > max) {
		report(walk, node, "must be a whole number, %llu..%llu",
		    (unsigned long long)field->min, (unsigned long long)max);
		return;
	}
	schema_store_number(field, value, number);
}

static void decode_double(
    struct walk *walk, const struct schema_field *field, struct schema_node node, void *value)
{
	double number;

	(void)field;
	if (walk->source->as_double(node, &number) && isfinite(number))
		*(double *)value = number;
	else
		report(walk, node, "must be a number");
}

static void report_enum(struct walk *walk, const struct schema_field *field,
    struct schema_node node, const char *text, size_t length)
{
	struct suggestion suggestion;
	char all[120] = "";
	size_t at = 0;

	suggestion_begin(&suggestion, text, length);
	for (size_t i = 0; field->names[i]; i++) {
		suggestion_offer(&suggestion, field->names[i]);
		if (!field->names[i][0])
			continue; /* a value that nobody may write */
		snprintf(all + at, sizeof(all) - at, "%s%s", at ? ", " : "", field->names[i]);
		at += strlen(all + at);
	}
	if (suggestion.best)
		report(walk, node, "must be one of %s; did you mean '%s'?", all, suggestion.best);
	else
		report(walk, node, "must be one of %s", all);
}

static void decode_enum(
    struct walk *walk, const struct schema_field *field, struct schema_node node, void *value)
{
	const char *text = "";
	size_t length = 0;

	if (walk->source->as_text(node, &text, &length))
		for (int i = 0; field->names[i]; i++)
			if (strlen(field->names[i]) == length
			    && !memcmp(field->names[i], text, length)) {
				*(int *)value = i;
				return;
			}
	report_enum(walk, field, node, text, length);
}

/* The text of a node whose length lies in min..max; false when an error was reported. */
static bool get_text(struct walk *walk, struct schema_node node, size_t min, size_t max,
    const char **text, size_t *length)
{
	if (!walk->source->as_text(node, text, length))
		report(walk, node, "must be text");
	else if (memchr(*text, 0, *length))
		report(walk, node, "must not hold a NUL");
	else if (*length < min || *length > max)
		report(walk, node, "must have %zu..%zu bytes", min, max);
	else
		return true;
	return false;
}

static void decode_string(
    struct walk *walk, const struct schema_field *field, struct schema_node node, void *value)
{
	size_t max = field->max ? field->max : SCHEMA_STRING_MAX, length;
	const char *text;
	char *copy;

	if (!get_text(walk, node, field->min, max, &text, &length))
		return;
	copy = malloc(length + 1);
	if (!copy) {
		walk->rc = ERR_NOMEM;
		return;
	}
	memcpy(copy, text, length);
	copy[length] = 0;
	*(char **)value = copy;
}

static void decode_text(
    struct walk *walk, const struct schema_field *field, struct schema_node node, void *value)
{
	size_t max = field->max && field->max < field->size ? field->max : field->size - 1;
	const char *text;
	size_t length;

	if (!get_text(walk, node, field->min, max, &text, &length))
		return;
	memcpy(value, text, length);
	((char *)value)[length] = 0;
}

static void decode_bytes(
    struct walk *walk, const struct schema_field *field, struct schema_node node, void *value)
{
	bool is_hex = field->type == SCHEMA_HEX;
	const char *text;
	size_t length, n = 0;
	int rc;

	if (!get_text(walk, node, 0, SCHEMA_STRING_MAX, &text, &length))
		return;
	rc = (is_hex ? hex_decode : base64_decode)(text, length, value, field->size, &n);
	if (rc < 0 || n != field->size)
		report(walk, node, "must be %zu bytes as %s", field->size,
		    is_hex ? "hex digits" : "unpadded base64url");
}

static void decode_struct(
    struct walk *walk, const struct schema_field *field, struct schema_node node, void *value);

static decode_fn *const decoders[] = {
    [SCHEMA_BOOL] = decode_bool,
    [SCHEMA_U8] = decode_integer,
    [SCHEMA_U16] = decode_integer,
    [SCHEMA_U32] = decode_integer,
    [SCHEMA_U64] = decode_integer,
    [SCHEMA_DOUBLE] = decode_double,
    [SCHEMA_ENUM] = decode_enum,
    [SCHEMA_STRING] = decode_string,
    [SCHEMA_TEXT] = decode_text,
    [SCHEMA_HEX] = decode_bytes,
    [SCHEMA_BASE64] = decode_bytes,
    [SCHEMA_STRUCT] = decode_struct,
};

/* One value, or one item of an array, with its check. */
static void decode_value(
    struct walk *walk, const struct schema_field *field, struct schema_node node, void *value)
{
	size_t errors_before = walk->errors->count;
	const char *wrong;

	if (++walk->values > SCHEMA_VALUES_MAX) {
		report(walk, node, "the document is too large");
		walk->rc = ERR_LIMIT;
		return;
	}
	decoders[field->type](walk, field, node, value);
	if (!field->check || walk->rc < 0 || walk->errors->count > errors_before)
		return;
	wrong = field->check(field->type == SCHEMA_STRING ? *(void **)value : value);
	if (wrong)
		report(walk, node, "%s", wrong);
}

/* Where the items go: in place, or allocated now; NULL when that fails. */
static char *array_items(
    struct walk *walk, const struct schema_field *field, char *object, size_t count)
{
	char *member = object + field->offset, *items;

	if (field->is_in_place || count == 0)
		return member;
	walk->allocated_bytes += count * field->size;
	if (walk->allocated_bytes > SCHEMA_ARRAYS_MAX_BYTES) {
		walk->rc = ERR_LIMIT;
		return NULL;
	}
	items = calloc(count, field->size);
	if (!items)
		walk->rc = ERR_NOMEM;
	*(char **)(void *)member = items;
	return items;
}

static void decode_array(
    struct walk *walk, const struct schema_field *field, struct schema_node node, char *object)
{
	size_t *count = (size_t *)(void *)(object + field->count_offset), found;
	char *items;

	if (!walk->source->as_array(node, &found)) {
		report(walk, node, "must be a list");
		return;
	}
	if (found < field->min_items || found > field->max_items) {
		report(walk, node, "must have %zu..%zu items", field->min_items, field->max_items);
		return;
	}
	items = array_items(walk, field, object, found);
	if (!items)
		return;
	/* From here on schema_clear() finds the items, decoded or still zero. */
	*count = found;
	for (size_t i = 0; i < found && !walk_is_over(walk); i++) {
		size_t before = path_push_index(walk, i);

		decode_value(walk, field, walk->source->item(node, i), items + i * field->size);
		path_pop(walk, before);
	}
}

/* Takes the key of items[at], and looks whether one before has it. */
static bool decode_key(struct walk *walk, const struct schema_field *map,
    const struct schema_pair *pair, char *items, size_t at)
{
	const struct schema_field *field = &map->schema->fields[0];
	char *key = items + at * map->size + field->offset;
	const char *wrong;

	if (pair->key_length < field->min || pair->key_length >= field->size
	    || memchr(pair->key, 0, pair->key_length)) {
		report_key(walk, pair->key_node, "a key must have %zu..%zu bytes",
		    (size_t)field->min, field->size - 1);
		return false;
	}
	for (size_t i = 0; i < at; i++) {
		const char *other = items + i * map->size + field->offset;

		if (strlen(other) == pair->key_length
		    && !memcmp(other, pair->key, pair->key_length)) {
			report_key(walk, pair->key_node, "stands here twice");
			return false;
		}
	}
	memcpy(key, pair->key, pair->key_length);
	wrong = field->check ? field->check(key) : NULL;
	if (wrong)
		report_key(walk, pair->key_node, "a key %s", wrong);
	return !wrong;
}

static void decode_entry(struct walk *walk, const struct schema_field *map,
    const struct schema_pair *pair, char *items, size_t at)
{
	const struct schema_field *value = &map->schema->fields[1];
	size_t before;

	if (!pair->key) {
		report(walk, pair->key_node, "a key must be text");
		return;
	}
	before = path_push_key(walk, pair->key, pair->key_length);
	if (decode_key(walk, map, pair, items, at))
		decode_value(walk, value, pair->value, items + at * map->size + value->offset);
	path_pop(walk, before);
}

static void decode_map(
    struct walk *walk, const struct schema_field *map, struct schema_node node, char *object)
{
	size_t *count = (size_t *)(void *)(object + map->count_offset), found = 0;
	struct schema_pair pair;
	void *cursor = NULL;
	char *items;

	if (!walk->source->is_object(node)) {
		report(walk, node, "must be an object with keys and values");
		return;
	}
	while (found <= map->max_items && walk->source->next_pair(node, &cursor, &pair))
		found++;
	if (found > map->max_items) {
		report(walk, node, "must have at most %zu keys", map->max_items);
		return;
	}
	items = array_items(walk, map, object, found);
	if (!items)
		return;
	*count = found;
	cursor = NULL;
	for (size_t i = 0;
	     i < found && !walk_is_over(walk) && walk->source->next_pair(node, &cursor, &pair); i++)
		decode_entry(walk, map, &pair, items, i);
}

static void set_default(struct walk *walk, const struct schema_field *field, char *object)
{
	int rc = schema_field_default(field, object + field->offset);

	if (rc < 0)
		walk->rc = rc;
}

static void decode_member(
    struct walk *walk, const struct schema_field *field, struct schema_node node, char *object)
{
	if (walk->source->is_null(node)) {
		if (field->is_required)
			report(walk, node, "is required");
		else
			set_default(walk, field, object);
	} else if (field->is_map) {
		decode_map(walk, field, node, object);
	} else if (field->is_array) {
		decode_array(walk, field, node, object);
	} else {
		decode_value(walk, field, node, object + field->offset);
	}
}

static const struct schema_field *find_field(
    const struct schema *schema, const struct schema_pair *pair)
{
	for (size_t i = 0; i < schema->field_count; i++) {
		const struct schema_field *field = &schema->fields[i];

		if (strlen(field->key) == pair->key_length
		    && !memcmp(field->key, pair->key, pair->key_length))
			return field;
	}
	return NULL;
}

static void report_unknown(
    struct walk *walk, const struct schema *schema, const struct schema_pair *pair)
{
	struct suggestion suggestion;

	suggestion_begin(&suggestion, pair->key, pair->key_length);
	for (size_t i = 0; i < schema->field_count; i++)
		suggestion_offer(&suggestion, schema->fields[i].key);
	if (suggestion.best)
		report_key(
		    walk, pair->key_node, "unknown key; did you mean '%s'?", suggestion.best);
	else
		report_key(walk, pair->key_node, "unknown key");
}

/* seen has one bit a field. */
static void decode_pair(struct walk *walk, const struct schema *schema,
    const struct schema_pair *pair, char *object, uint64_t *seen)
{
	const struct schema_field *field;
	size_t before;
	uint64_t bit;

	if (!pair->key) {
		report(walk, pair->key_node, "a key must be text");
		return;
	}
	before = path_push_key(walk, pair->key, pair->key_length);
	field = find_field(schema, pair);
	bit = field ? UINT64_C(1) << (field - schema->fields) : 0;
	if (!field) {
		report_unknown(walk, schema, pair);
	} else if (*seen & bit) {
		report_key(walk, pair->key_node, "stands here twice");
	} else {
		*seen |= bit;
		decode_member(walk, field, pair->value, object);
	}
	path_pop(walk, before);
}

static void fill_missing(struct walk *walk, const struct schema *schema, struct schema_node node,
    char *object, uint64_t seen)
{
	for (size_t i = 0; i < schema->field_count && !walk_is_over(walk); i++) {
		const struct schema_field *field = &schema->fields[i];

		if (seen >> i & 1)
			continue;
		if (field->is_required) {
			size_t before = path_push_key(walk, field->key, strlen(field->key));

			report(walk, node, "is required");
			path_pop(walk, before);
		} else {
			set_default(walk, field, object);
		}
	}
}

static void decode_object(
    struct walk *walk, const struct schema *schema, struct schema_node node, void *object)
{
	size_t errors_before = walk->errors->count;
	struct schema_pair pair;
	void *cursor = NULL;
	const char *wrong;
	uint64_t seen = 0;

	if (!walk->source->is_object(node)) {
		report(walk, node, "must be an object with keys and values");
		return;
	}
	while (!walk_is_over(walk) && walk->source->next_pair(node, &cursor, &pair))
		decode_pair(walk, schema, &pair, object, &seen);
	fill_missing(walk, schema, node, object, seen);
	if (!schema->check || walk->rc < 0 || walk->errors->count > errors_before)
		return;
	wrong = schema->check(object);
	if (wrong)
		report(walk, node, "%s", wrong);
}

static void decode_struct(
    struct walk *walk, const struct schema_field *field, struct schema_node node, void *value)
{
	if (walk->depth == SCHEMA_DEPTH_MAX) {
		report(walk, node, "lies too deep");
		walk->rc = ERR_LIMIT;
		return;
	}
	walk->depth++;
	decode_object(walk, field->schema, node, value);
	walk->depth--;
}

int schema_decode(const struct schema *schema, const struct schema_source *source,
    struct schema_node root, unsigned flags, void *out, struct schema_errors *errors)
{
	struct walk walk = {.source = source, .errors = errors};

	memset(out, 0, schema->size);
	decode_object(&walk, schema, root, out);
	if (walk.rc == 0 && errors->count == 0)
		return 0;
	if (walk.rc < 0 || !(flags & SCHEMA_KEEP_PARTS))
		schema_clear(schema, out);
	return walk.rc < 0 ? walk.rc : ERR_MALFORMED;
}
