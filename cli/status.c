/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trunkctl status: the installation at a glance.
 */
#include <time.h>

#include "cli/commands.h"
#include "cli/format.h"
#include "cli/watch.h"

/* "2 up, 1 down": the counts of an object that are not 0, in its order; "none". */
static const char *format_counts(const json_t *counts, char *buf)
{
	const char *key;
	json_t *count;
	size_t used = 0;
	buf[0] = '\0';
	json_object_foreach((json_t *)counts, key, count)
	{
		if (json_integer_value(count) > 0 && used < FORMAT_BYTES)
			used += (size_t)snprintf(buf + used, FORMAT_BYTES - used,
			    "%s%" JSON_INTEGER_FORMAT " %s", used > 0 ? ", " : "",
			    json_integer_value(count), key);
	}
	if (used == 0)
		snprintf(buf, FORMAT_BYTES, "none");
	return buf;
}

static void print_problems(struct session *session, const json_t *problems)
{
	static const struct table_column columns[] = {
	    {"NEEDS ATTENTION", TABLE_WHOLE}, {"WHAT TO DO", TABLE_WHOLE}, {NULL, 0}};
	char buf[FORMAT_BYTES];
	struct table *table = table_new(columns, true);
	size_t i;
	json_t *problem;
	json_array_foreach(problems, i, problem)
	{
		table_row(table);
		table_cell_coloured(
		    table, format_string(json_object_get(problem, "detail"), buf), COLOUR_BAD);
		table_cell(table, format_string(json_object_get(problem, "fix"), buf));
	}
	fputc('\n', session->out);
	session_print_table(session, table);
}

static void print_status(struct session *session, const json_t *status)
{
	char buf[FORMAT_BYTES];
	struct table *table = table_new_properties();
	const json_t *problems = json_object_get(status, "problems");
	bool is_well = json_array_size(problems) == 0;
	table_property(table, "version", format_string(json_object_get(status, "version"), buf));
	table_property(
	    table, "started", format_time(json_object_get(status, "started"), time(NULL), buf));
	table_property(table, "nodes connect to",
	    format_string(json_object_get(status, "nodes_address"), buf));
	table_property(table, "pin", format_string(json_object_get(status, "pin"), buf));
	const json_t *api_pin = json_object_get(json_object_get(status, "api"), "pin");
	if (json_is_string(api_pin))
		table_property(table, "pin of the API", format_string(api_pin, buf));
	table_property(table, "revision", format_integer(json_object_get(status, "revision"), buf));
	table_property(table, "nodes", format_counts(json_object_get(status, "nodes"), buf));
	table_property(
	    table, "accelerators", format_integer(json_object_get(status, "accelerators"), buf));
	table_property(table, "tunnels", format_counts(json_object_get(status, "tunnels"), buf));
	if (is_well)
		table_property_coloured(table, "problems", "none", COLOUR_GOOD);
	session_print_table(session, table);
	if (!is_well)
		print_problems(session, problems);
}

int status_show(struct session *session, const struct invocation *invocation)
{
	static const struct watch_view view = {
	    .title = "Status",
	    .path = "/v1/status",
	    .kinds = "revision,node,config,health,tunnels",
	    .print = print_status,
	};
	return watch_or_print(session, invocation, &view);
}
