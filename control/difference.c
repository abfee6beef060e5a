/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See difference.h. */
#include "control/difference.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { FIELD_BYTES = 512, KEY_BYTES = 320 };

static void compare(json_t *list, const char *field, const json_t *before, const json_t *after);

static void add(json_t *list, const char *field, const json_t *before, const json_t *after)
{
	if (json_array_size(list) < DIFFERENCES_MAX)
		json_array_append_new(list, json_pack("{s:s, s:O?, s:O?}", "field", field, "before",
		                                before, "after", after));
}

static void compare_member(
    json_t *list, const char *field, const char *key, const json_t *before, const json_t *after)
{
	char path[FIELD_BYTES];

	snprintf(path, sizeof(path), "%s%s%s", field, field[0] ? "." : "", key);
	compare(list, path, before, after);
}

static void compare_objects(
    json_t *list, const char *field, const json_t *before, const json_t *after)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)before, key, value)
	    compare_member(list, field, key, value, json_object_get(after, key));
	json_object_foreach((json_t *)after, key, value)
	{
		if (!json_object_get(before, key))
			compare_member(list, field, key, NULL, value);
	}
}

/* What tells an object of a list from its neighbours. */
static void identify(const json_t *object, size_t place, char key[KEY_BYTES])
{
	const char *region = json_string_value(json_object_get(object, "region"));
	const char *host = json_string_value(json_object_get(object, "host"));
	const char *name = json_string_value(json_object_get(object, "name"));
	json_int_t port = json_integer_value(json_object_get(object, "port"));

	if (region || name)
		snprintf(key, KEY_BYTES, "%s", region ? region : name);
	else if (host && port)
		snprintf(key, KEY_BYTES, "%s:%" JSON_INTEGER_FORMAT, host, port);
	else if (host)
		snprintf(key, KEY_BYTES, "%s", host);
	else
		snprintf(key, KEY_BYTES, "%zu", place);
}

static const json_t *find(const json_t *array, const char *key)
{
	char other[KEY_BYTES];
	json_t *item;
	size_t i;

	json_array_foreach(array, i, item)
	{
		identify(item, i, other);
		if (strcmp(key, other) == 0)
			return item;
	}
	return NULL;
}

static void compare_items(
    json_t *list, const char *field, const json_t *before, const json_t *after, bool only_new)
{
	char key[KEY_BYTES], path[FIELD_BYTES];
	json_t *item;
	size_t i;

	json_array_foreach(only_new ? after : before, i, item)
	{
		identify(item, i, key);
		snprintf(path, sizeof(path), "%s[%s]", field, key);
		if (!only_new)
			compare(list, path, item, find(after, key));
		else if (!find(before, key))
			compare(list, path, NULL, item);
	}
}

static bool has_objects(const json_t *array)
{
	return json_is_object(json_array_get(array, 0));
}

static void compare(json_t *list, const char *field, const json_t *before, const json_t *after)
{
	size_t count = json_array_size(list);

	if (before && after && json_equal(before, after))
		return;
	if (json_is_object(before) && json_is_object(after)) {
		compare_objects(list, field, before, after);
	} else if (has_objects(before) && has_objects(after)) {
		compare_items(list, field, before, after, false);
		compare_items(list, field, before, after, true);
		if (json_array_size(list) == count)
			add(list, field, before, after); /* only the order is another */
	} else {
		add(list, field, before, after);
	}
}

json_t *difference(const json_t *before, const json_t *after)
{
	json_t *list = json_array();

	if (json_is_object(before) || json_is_object(after))
		compare_objects(list, "", before, after);
	else
		compare(list, "", before, after);
	return list;
}
