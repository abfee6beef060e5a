/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trunkctl node: tokens, and the nodes that joined by them.
 */
#include <string.h>
#include <time.h>

#include "cli/backend_table.h"
#include "cli/commands.h"
#include "cli/format.h"
#include "cli/value.h"
#include "cli/watch.h"

enum {
	TOKEN_TTL_DEFAULT_S = 3600,
	TOKEN_TTL_MAX_S = 30 * 24 * 3600, /* as in doc/openapi.yaml */
};

static enum table_colour state_colour(const char *state)
{
	return strcmp(state, "up") == 0 ? COLOUR_GOOD : COLOUR_BAD;
}

static enum table_colour config_colour(const json_t *config)
{
	if (json_is_object(json_object_get(config, "refused")))
		return COLOUR_BAD;
	return json_equal(json_object_get(config, "wanted"), json_object_get(config, "applied"))
	           ? COLOUR_NONE
	           : COLOUR_WARN;
}

/* The token alone is stdout's, for scripts; a person also sees how to use it. */
static void print_token(struct session *session, const json_t *token, const char *role)
{
	char expires[FORMAT_BYTES];
	const char *text = json_string_value(json_object_get(token, "token"));
	fprintf(session->out, "%s\n", text ? text : "");
	format_time(json_object_get(token, "expires"), time(NULL), expires);
	if (session->terminal.is_terminal)
		fprintf(stderr,
		    "Good for one node until %s: trunkline-%s --state DIR --join TOKEN\n", expires,
		    role);
}

int node_token(struct session *session, const struct invocation *invocation)
{
	static const char *const roles[] = {"listener", "endpoint", NULL};
	char error[VALUE_ERROR_BYTES];
	const char *role = invocation_value(invocation, "--role");
	const char *region = invocation_value(invocation, "--region");
	const char *ttl = invocation_value(invocation, "--ttl");
	long ttl_s = TOKEN_TTL_DEFAULT_S;
	json_t *token;
	if (!value_word("--role", role, roles, error) || !value_name("--region", region, error)
	    || (ttl && !value_duration("--ttl", ttl, 1, TOKEN_TTL_MAX_S, &ttl_s, error)))
		return session_fail(EXIT_USAGE, "%s", error);
	json_t *body = json_pack(
	    "{s:s, s:s, s:I}", "role", role, "region", region, "ttl_s", (json_int_t)ttl_s);
	enum exit_code code = session_request(session, "POST", "/v1/node-tokens", body, &token);
	json_decref(body);
	if (code == EXIT_DONE && !session_print_value(session, token))
		print_token(session, token, role);
	json_decref(token);
	return code;
}

/* "up", "up, draining", "down" ... */
static void add_state(struct table *table, const json_t *node)
{
	char buf[FORMAT_BYTES], text[2 * FORMAT_BYTES];
	const char *drain = json_string_value(json_object_get(node, "drain"));
	format_string(json_object_get(node, "state"), buf);
	if (!drain || strcmp(drain, "off") == 0) {
		table_cell_coloured(table, buf, state_colour(buf));
		return;
	}
	snprintf(text, sizeof(text), "%s, %s", buf, drain);
	table_cell_coloured(table, text, strcmp(buf, "up") == 0 ? COLOUR_WARN : COLOUR_BAD);
}

static void add_row(struct table *table, const json_t *node)
{
	static const char *const strings[] = {"name", "role", "region"};
	char buf[FORMAT_BYTES];
	const json_t *config = json_object_get(node, "config");
	table_row(table);
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
		table_cell(table, format_string(json_object_get(node, strings[i]), buf));
	add_state(table, node);
	table_cell(table, format_list(json_object_get(node, "addresses"), buf));
	table_cell(table, format_integer(json_object_get(node, "slots"), buf));
	table_cell(table, format_string(json_object_get(node, "version"), buf));
	table_cell_coloured(table, format_config(config, buf), config_colour(config));
	table_cell(table, format_time(json_object_get(node, "last_seen"), time(NULL), buf));
}

static void print_list(struct session *session, const json_t *answer)
{
	static const struct table_column columns[] = {{"NODE", 0}, {"ROLE", 0}, {"REGION", 0},
	    {"STATE", 0}, {"ADDRESSES", TABLE_CUT | TABLE_SPARE},
	    {"WORKERS", TABLE_RIGHT | TABLE_SPARE}, {"VERSION", TABLE_SPARE}, {"CONFIG", TABLE_CUT},
	    {"LAST SEEN", TABLE_SPARE}, {NULL, 0}};
	session_print_items(session, columns, answer, add_row);
}

/* Measurements come each second, and with them the time when each node was seen. */
int node_list(struct session *session, const struct invocation *invocation)
{
	static const struct watch_view view = {
	    .title = "Nodes",
	    .path = "/v1/nodes",
	    .kinds = "revision,node,config,tunnels",
	    .print = print_list,
	    .empty = "No node has joined yet; trunkctl node token makes a token for one.",
	};
	return watch_or_print(session, invocation, &view);
}

/* Those that are not 0. */
static void add_counters(struct table *table, const json_t *node)
{
	char buf[FORMAT_BYTES];
	const char *name;
	json_t *value, *counters = json_object_get(node, "counters");

	json_object_foreach(counters, name, value)
	{
		if (json_integer_value(value) != 0)
			table_property(table, name, format_integer(value, buf));
	}
}

static void print_node(struct session *session, const json_t *node)
{
	static const char *const strings[] = {
	    "name", "role", "region", "state", "drain", "pin", "version"};
	char buf[FORMAT_BYTES];
	struct table *table = table_new_properties();
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
		table_property(
		    table, strings[i], format_string(json_object_get(node, strings[i]), buf));
	table_property(table, "flows", format_flows(json_object_get(node, "flows"), buf));
	table_property(table, "addresses", format_list(json_object_get(node, "addresses"), buf));
	table_property(table, "workers", format_integer(json_object_get(node, "slots"), buf));
	table_property(table, "config", format_config(json_object_get(node, "config"), buf));
	table_property(
	    table, "last seen", format_time(json_object_get(node, "last_seen"), time(NULL), buf));
	table_property(
	    table, "reported", format_time(json_object_get(node, "reported"), time(NULL), buf));
	add_counters(table, node);
	session_print_table(session, table);
}

int node_show(struct session *session, const struct invocation *invocation)
{
	char error[VALUE_ERROR_BYTES];
	const char *name = invocation->arguments[0];
	json_t *node;
	if (!value_name("NODE", name, error))
		return session_fail(EXIT_USAGE, "%s", error);
	enum exit_code code = session_get(session, "/v1/nodes", name, NULL, &node);
	if (code == EXIT_DONE && !session_print_value(session, node)) {
		print_node(session, node);
		backend_table_print(session, json_object_get(node, "health"));
	}
	json_decref(node);
	return code;
}

int node_remove(struct session *session, const struct invocation *invocation)
{
	char error[VALUE_ERROR_BYTES], path[SESSION_PATH_BYTES];
	const char *name = invocation->arguments[0];
	if (!value_name("NODE", name, error))
		return session_fail(EXIT_USAGE, "%s", error);
	snprintf(path, sizeof(path), "/v1/nodes/%s", name);
	return session_delete(session, path, "node", name, "removed");
}
