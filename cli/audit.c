/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trunkctl audit: who changed what, or was refused.
 */
#include <string.h>
#include <time.h>

#include "cli/commands.h"
#include "cli/format.h"
#include "cli/value.h"
#include "cli/watch.h"

enum { ENTRIES_MAX = 1000 }; /* as in doc/openapi.yaml */

static void add_row(struct table *table, const json_t *entry)
{
	static const char *const strings[] = {"who", "from", "role", "what"};
	char buf[FORMAT_BYTES];
	table_row(table);
	table_cell(table, format_time(json_object_get(entry, "when"), time(NULL), buf));
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
		table_cell(table, format_string(json_object_get(entry, strings[i]), buf));
	format_string(json_object_get(entry, "outcome"), buf);
	table_cell_coloured(table, buf, strcmp(buf, "done") == 0 ? COLOUR_GOOD : COLOUR_BAD);
	table_cell(table, format_integer(json_object_get(entry, "revision"), buf));
	table_cell(table, format_string(json_object_get(entry, "detail"), buf));
}

static void print_list(struct session *session, const json_t *answer)
{
	static const struct table_column columns[] = {{"WHEN", 0}, {"WHO", 0},
	    {"FROM", TABLE_SPARE}, {"ROLE", TABLE_SPARE}, {"WHAT", 0}, {"OUTCOME", 0},
	    {"REVISION", TABLE_RIGHT}, {"WHY", TABLE_CUT}, {NULL, 0}};
	session_print_items(session, columns, answer, add_row);
}

int audit_list(struct session *session, const struct invocation *invocation)
{
	char error[VALUE_ERROR_BYTES], path[SESSION_PATH_BYTES];
	const char *limit = invocation_value(invocation, "--limit");
	const struct watch_view view = {
	    .title = "Audit log",
	    .path = path,
	    .kinds = "audit",
	    .print = print_list,
	    .empty = "Nothing was changed or refused yet.",
	};
	long number = 20;
	if (limit && !value_number("--limit", limit, 1, ENTRIES_MAX, &number, error))
		return session_fail(EXIT_USAGE, "%s", error);
	snprintf(path, sizeof(path), "/v1/audit?limit=%ld", number);
	return watch_or_print(session, invocation, &view);
}
