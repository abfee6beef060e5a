/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trunkctl get: the objects as they were stated, in a form that apply takes unchanged.
 */
#include <string.h>

#include "cli/commands.h"
#include "model/objects.h"

/* Those of the kind (NULL for all) and name (NULL for all); a new array. */
static json_t *choose(const json_t *items, const struct object_kind *kind, const char *name)
{
	char its_name[OBJECT_NAME_BYTES];
	json_t *chosen = json_array(), *item;
	size_t i;
	json_array_foreach(items, i, item)
	{
		const char *its_kind = json_string_value(json_object_get(item, "kind"));
		if (kind && (!its_kind || strcmp(its_kind, kind->name) != 0))
			continue;
		if (name && strcmp(object_name(kind, item, its_name), name) != 0)
			continue;
		json_array_append(chosen, item);
	}
	return chosen;
}

static void print_objects(struct session *session, const json_t *items)
{
	static const struct table_column columns[] = {{"KIND", 0}, {"NAME", 0}, {NULL, 0}};
	struct table *table;
	char name[OBJECT_NAME_BYTES];
	json_t *item;
	size_t i;
	if (session->format == OUTPUT_JSON) {
		json_t *list = json_pack("{s:O}", "items", items);
		output_json(list, false, session->out);
		json_decref(list);
		return;
	}
	if (session->format == OUTPUT_YAML) {
		json_array_foreach(items, i, item) output_yaml(item, i > 0, session->out);
		return;
	}
	table = table_new(columns, true);
	json_array_foreach(items, i, item)
	{
		const char *its_kind = json_string_value(json_object_get(item, "kind"));
		const struct object_kind *kind = its_kind ? object_kind_find(its_kind) : NULL;
		table_row(table);
		table_cell(table, its_kind ? its_kind : "?");
		table_cell(table, kind ? object_name(kind, item, name) : "?");
	}
	session_print_table(session, table);
}

static enum exit_code print_chosen(
    struct session *session, const json_t *items, const struct object_kind *kind, const char *name)
{
	enum exit_code code = EXIT_DONE;
	json_t *chosen = choose(items, kind, name);
	if (name && json_array_size(chosen) == 0)
		code = session_fail(EXIT_NOT_FOUND,
		    "there is no %s \"%.200s\"; trunkctl get %s "
		    "lists those that are stated",
		    kind->name, name, kind->plural);
	else
		print_objects(session, chosen);
	json_decref(chosen);
	return code;
}

int get_objects(struct session *session, const struct invocation *invocation)
{
	const char *word = invocation->arguments[0];
	const struct object_kind *kind = word ? object_kind_guess(word) : NULL;
	json_t *answer;
	if (word && !kind)
		return session_fail(EXIT_USAGE,
		    "there is no kind \"%.64s\"; trunkctl explain lists the kinds", word);
	enum exit_code code = session_get(session, "/v1/objects", NULL, NULL, &answer);
	if (code == EXIT_DONE)
		code = print_chosen(
		    session, json_object_get(answer, "items"), kind, invocation->arguments[1]);
	json_decref(answer);
	return code;
}
