/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See backend_table.h. */
#include "cli/backend_table.h"

#include <string.h>
#include <time.h>

#include "cli/format.h"

static enum table_colour colour_of(const char *state)
{
	if (strcmp(state, "healthy") == 0)
		return COLOUR_GOOD;
	return strcmp(state, "unhealthy") == 0 ? COLOUR_BAD : COLOUR_NONE;
}

static void add_row(struct table *table, const json_t *backend)
{
	static const char *const strings[] = {"node", "accelerator"};
	char buf[FORMAT_BYTES];
	table_row(table);
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
		table_cell(table, format_string(json_object_get(backend, strings[i]), buf));
	table_cell(table, format_backend(backend, buf));
	table_cell(table, format_string(json_object_get(backend, "address"), buf));
	format_string(json_object_get(backend, "state"), buf);
	table_cell_coloured(table, buf, colour_of(buf));
	table_cell(table, format_string(json_object_get(backend, "cause"), buf));
	table_cell(table, format_time(json_object_get(backend, "since"), time(NULL), buf));
}

void backend_table_print(struct session *session, const json_t *health)
{
	static const struct table_column columns[] = {{"ENDPOINT", 0}, {"ACCELERATOR", 0},
	    {"BACKEND", 0}, {"ADDRESS", TABLE_SPARE}, {"HEALTH", 0}, {"CAUSE", TABLE_CUT},
	    {"SINCE", TABLE_SPARE}, {NULL, 0}};
	struct table *table;
	json_t *backend;
	size_t i;
	if (json_array_size(health) == 0)
		return;
	table = table_new(columns, true);
	json_array_foreach(health, i, backend) add_row(table, backend);
	fputc('\n', session->out);
	session_print_table(session, table);
}
