/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See change_view.h. */
#include "cli/change_view.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define COLOUR_REMOVED "\033[31m"
#define COLOUR_ADDED   "\033[32m"
#define COLOUR_RESET   "\033[0m"

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "?";
}

static bool is_change(const json_t *change)
{
	return strcmp(text_of(change, "action"), "unchanged") != 0;
}

bool change_is_any(const json_t *changes)
{
	size_t i;
	json_t *change;
	json_array_foreach(changes, i, change) if (is_change(change)) return true;
	return false;
}

/* Terminals take control characters for commands; JSON has escaped them, names have none. */
static void print_name(FILE *out, const json_t *change)
{
	const char *kind = text_of(change, "kind");
	fprintf(out, "%c%s %s", tolower((unsigned char)kind[0]), kind + 1, text_of(change, "name"));
}

bool change_print_list(struct session *session, const json_t *changes, bool is_dry_run)
{
	size_t i;
	json_t *change;
	json_array_foreach(changes, i, change)
	{
		print_name(session->out, change);
		fprintf(session->out, " %s%s\n", is_dry_run && is_change(change) ? "would be " : "",
		    text_of(change, "action"));
	}
	return change_is_any(changes);
}

static void print_value(struct session *session, char sign, const char *field, const json_t *value)
{
	bool has_colours = session->terminal.has_colours;
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
	fprintf(session->out, "%s%c %s: %s%s\n",
	    has_colours ? (sign == '-' ? COLOUR_REMOVED : COLOUR_ADDED) : "", sign, field,
	    text ? text : "?", has_colours ? COLOUR_RESET : "");
	free(text);
}

void change_print_fields(struct session *session, const json_t *changes)
{
	size_t i, j;
	json_t *change, *field;
	json_array_foreach(changes, i, change)
	{
		if (!is_change(change))
			continue;
		print_name(session->out, change);
		fprintf(session->out, " %s\n", text_of(change, "action"));
		json_array_foreach(json_object_get(change, "fields"), j, field)
		{
			const json_t *before = json_object_get(field, "before");
			const json_t *after = json_object_get(field, "after");
			if (!json_is_null(before))
				print_value(session, '-', text_of(field, "field"), before);
			if (!json_is_null(after))
				print_value(session, '+', text_of(field, "field"), after);
		}
	}
}
