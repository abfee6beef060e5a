/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trunkctl accelerator: create, list, show, update, enable, disable and delete.
 */
#include <string.h>
#include <time.h>

#include "cli/accelerator_spec.h"
#include "cli/backend_table.h"
#include "cli/commands.h"
#include "cli/format.h"
#include "cli/limit_value.h"
#include "cli/update.h"
#include "cli/watch.h"
#include "model/label_selector.h"

static enum table_colour applied_colour(const json_t *nodes)
{
	size_t i;
	json_t *node;
	enum table_colour colour = json_array_size(nodes) > 0 ? COLOUR_GOOD : COLOUR_NONE;
	json_array_foreach(nodes, i, node)
	{
		const char *state = json_string_value(json_object_get(node, "state"));
		if (state && strcmp(state, "refused") == 0)
			return COLOUR_BAD;
		if (state && strcmp(state, "applied") != 0)
			colour = COLOUR_WARN;
	}
	return colour;
}

static enum exit_code tell_all(const struct spec_errors *errors)
{
	for (size_t i = 0; i < errors->count; i++)
		session_fail(EXIT_USAGE, "%s", errors->list[i]);
	return EXIT_USAGE;
}

int accelerator_create(struct session *session, const struct invocation *invocation)
{
	struct spec_errors errors;
	json_t *body, *answer;
	if (!spec_create(invocation, &body, &errors))
		return tell_all(&errors);
	enum exit_code code = session_request(session, "POST", "/v1/accelerators", body, &answer);
	json_decref(body);
	if (code == EXIT_DONE && !session_print_value(session, answer))
		fprintf(session->out,
		    "accelerator %s created (revision %" JSON_INTEGER_FORMAT ")\n",
		    invocation->arguments[0], format_number_of(answer, "revision"));
	json_decref(answer);
	return code;
}

static bool is_disabled(const json_t *accelerator)
{
	return json_is_false(json_object_get(accelerator, "enabled"));
}

static void add_row(struct table *table, const json_t *accelerator)
{
	char buf[FORMAT_BYTES];
	const json_t *nodes = json_object_get(accelerator, "nodes");
	table_row(table);
	table_cell(table, format_string(json_object_get(accelerator, "name"), buf));
	table_cell(table, format_string(json_object_get(accelerator, "protocol"), buf));
	table_cell(table, format_list(json_object_get(accelerator, "ports"), buf));
	table_cell(table, format_list(json_object_get(accelerator, "listen"), buf));
	table_cell(table, format_groups(json_object_get(accelerator, "endpoint_groups"), buf));
	if (is_disabled(accelerator))
		table_cell(table, "disabled");
	else
		table_cell_coloured(table, format_applied(nodes, buf), applied_colour(nodes));
	table_cell(table, format_integer(json_object_get(accelerator, "revision"), buf));
}

static void print_list(struct session *session, const json_t *answer)
{
	static const struct table_column columns[] = {{"ACCELERATOR", 0}, {"PROTOCOL", 0},
	    {"PORTS", TABLE_CUT}, {"LISTEN", TABLE_CUT}, {"BACKENDS", TABLE_CUT}, {"NODES", 0},
	    {"REVISION", TABLE_RIGHT | TABLE_SPARE}, {NULL, 0}};
	session_print_items(session, columns, answer, add_row);
}

int accelerator_list(struct session *session, const struct invocation *invocation)
{
	char path[SESSION_PATH_BYTES], reason[REASON_BYTES];
	const char *label = invocation_value(invocation, "--label");
	struct label_selector selector;
	const struct watch_view view = {
	    .title = "Accelerators",
	    .path = path,
	    .kinds = "revision,node,config,health",
	    .print = print_list,
	    .empty = label ? "No accelerator has such labels."
	                   : "There is no accelerator yet; trunkctl accelerator create makes one.",
	};
	if (label && label_selector_parse(label, &selector, reason) < 0)
		return session_fail(EXIT_USAGE, "--label: %s; as in env=prod,tier!=web", reason);
	/* What is a selector has no character that a URL would take for another. */
	snprintf(
	    path, sizeof(path), "/v1/accelerators%s%s", label ? "?label=" : "", label ? label : "");
	return watch_or_print(session, invocation, &view);
}

static void print_properties(struct session *session, const json_t *accelerator)
{
	static const struct {
		const char *title, *field;
	} numbers[] = {{"id", "id"}, {"tcp idle timeout s", "tcp_idle_timeout_s"},
	    {"udp idle timeout s", "udp_idle_timeout_s"},
	    {"udp flows per source", "udp_flows_per_source"},
	    {"repair budget %", "repair_budget_percent"}, {"deadline ms", "deadline_ms"},
	    {"revision", "revision"}};
	const json_t *order = json_object_get(accelerator, "failover_order");
	char buf[FORMAT_BYTES];
	struct table *table = table_new_properties();
	table_property(table, "name", format_string(json_object_get(accelerator, "name"), buf));
	table_property(table, "enabled", is_disabled(accelerator) ? "no" : "yes");
	table_property(
	    table, "protocol", format_string(json_object_get(accelerator, "protocol"), buf));
	table_property(table, "ports", format_list(json_object_get(accelerator, "ports"), buf));
	table_property(table, "listen", format_list(json_object_get(accelerator, "listen"), buf));
	table_property(table, "client affinity",
	    format_string(json_object_get(accelerator, "client_affinity"), buf));
	table_property(table, "failover order",
	    json_array_size(order) > 0 ? format_list(order, buf) : "nearest");
	table_property(
	    table, "allow", format_first(json_object_get(accelerator, "allow"), "all", buf));
	table_property(
	    table, "deny", format_first(json_object_get(accelerator, "deny"), "none", buf));
	table_property(table, "class", format_string(json_object_get(accelerator, "class"), buf));
	table_property(
	    table, "compression", format_string(json_object_get(accelerator, "compression"), buf));
	table_property(table, "all unhealthy",
	    format_string(json_object_get(accelerator, "all_unhealthy"), buf));
	table_property(table, "udp failover",
	    format_string(json_object_get(accelerator, "udp_failover"), buf));
	table_property(table, "limits", limit_format(json_object_get(accelerator, "limits"), buf));
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		table_property(table, numbers[i].title,
		    format_integer(json_object_get(accelerator, numbers[i].field), buf));
	table_property(table, "labels", format_map(json_object_get(accelerator, "labels"), buf));
	table_property(
	    table, "comment", format_string(json_object_get(accelerator, "comment"), buf));
	session_print_table(session, table);
}

static void print_backends(struct session *session, const json_t *accelerator)
{
	static const struct table_column columns[] = {{"REGION", 0}, {"DIAL %", TABLE_RIGHT},
	    {"BACKEND", 0}, {"WEIGHT", TABLE_RIGHT}, {NULL, 0}};
	char buf[FORMAT_BYTES];
	struct table *table = table_new(columns, true);
	size_t i, j;
	json_t *group, *backend;
	json_array_foreach(json_object_get(accelerator, "endpoint_groups"), i, group)
	{
		json_array_foreach(json_object_get(group, "backends"), j, backend)
		{
			table_row(table);
			table_cell(table, format_string(json_object_get(group, "region"), buf));
			table_cell(table,
			    format_integer(json_object_get(group, "traffic_dial_percent"), buf));
			table_cell(table, format_backend(backend, buf));
			table_cell(table, format_integer(json_object_get(backend, "weight"), buf));
		}
	}
	fputc('\n', session->out);
	session_print_table(session, table);
}

static void print_nodes(struct session *session, const json_t *nodes)
{
	static const struct table_column columns[] = {{"NODE", 0}, {"ROLE", 0}, {"CONFIG", 0},
	    {"SINCE", TABLE_SPARE}, {"REASON", TABLE_WHOLE}, {NULL, 0}};
	char buf[FORMAT_BYTES];
	struct table *table = table_new(columns, true);
	size_t i;
	json_t *node;
	json_array_foreach(nodes, i, node)
	{
		json_t *alone = json_pack("[O]", node);
		table_row(table);
		table_cell(table, format_string(json_object_get(node, "node"), buf));
		table_cell(table, format_string(json_object_get(node, "role"), buf));
		format_string(json_object_get(node, "state"), buf);
		table_cell_coloured(table, buf, applied_colour(alone));
		table_cell(table, format_time(json_object_get(node, "since"), time(NULL), buf));
		table_cell(table, format_string(json_object_get(node, "reason"), buf));
		json_decref(alone);
	}
	if (json_array_size(nodes) > 0)
		fputc('\n', session->out);
	session_print_table(session, table);
}

int accelerator_show(struct session *session, const struct invocation *invocation)
{
	char error[VALUE_ERROR_BYTES];
	const char *name = invocation->arguments[0];
	json_t *accelerator;
	if (!value_name("NAME", name, error))
		return session_fail(EXIT_USAGE, "%s", error);
	enum exit_code code = session_get(session, "/v1/accelerators", name, NULL, &accelerator);
	if (code == EXIT_DONE && !session_print_value(session, accelerator)) {
		print_properties(session, accelerator);
		print_backends(session, accelerator);
		backend_table_print(session, json_object_get(accelerator, "health"));
		print_nodes(session, json_object_get(accelerator, "nodes"));
	}
	json_decref(accelerator);
	return code;
}

/* Changes it, and says in one word what was done. */
static int update(struct session *session, const struct invocation *invocation,
    update_fn *make_patch, const char *done)
{
	char path[SESSION_PATH_BYTES];
	const char *name = invocation->arguments[0];
	json_t *before, *after;
	snprintf(path, sizeof(path), "/v1/accelerators/%s", name);
	enum exit_code code = update_object(session, invocation, path,
	    invocation_has(invocation, "--now") ? "?now=true" : "", make_patch, &before, &after);
	if (code == EXIT_DONE && !session_print_value(session, after))
		fprintf(session->out, "accelerator %s %s (revision %" JSON_INTEGER_FORMAT ")\n",
		    name,
		    format_number_of(before, "revision") == format_number_of(after, "revision")
		        ? "is so already"
		        : done,
		    format_number_of(after, "revision"));
	json_decref(before);
	json_decref(after);
	return code;
}

int accelerator_update(struct session *session, const struct invocation *invocation)
{
	struct spec_errors errors;
	if (!spec_check_update(invocation, &errors))
		return tell_all(&errors);
	return update(session, invocation, spec_update, "updated");
}

static bool make_enabled(
    const struct invocation *invocation, const json_t *before, json_t **patch, char *error)
{
	(void)invocation, (void)before, (void)error;
	*patch = json_pack("{s:b}", "enabled", 1);
	return true;
}

static bool make_disabled(
    const struct invocation *invocation, const json_t *before, json_t **patch, char *error)
{
	(void)invocation, (void)before, (void)error;
	*patch = json_pack("{s:b}", "enabled", 0);
	return true;
}

int accelerator_enable(struct session *session, const struct invocation *invocation)
{
	char error[VALUE_ERROR_BYTES];
	if (!value_name("NAME", invocation->arguments[0], error))
		return session_fail(EXIT_USAGE, "%s", error);
	return update(session, invocation, make_enabled, "enabled");
}

int accelerator_disable(struct session *session, const struct invocation *invocation)
{
	char error[VALUE_ERROR_BYTES];
	if (!value_name("NAME", invocation->arguments[0], error))
		return session_fail(EXIT_USAGE, "%s", error);
	return update(session, invocation, make_disabled, "disabled");
}

int accelerator_delete(struct session *session, const struct invocation *invocation)
{
	char error[VALUE_ERROR_BYTES], path[SESSION_PATH_BYTES];
	const char *name = invocation->arguments[0];
	if (!value_name("NAME", name, error))
		return session_fail(EXIT_USAGE, "%s", error);
	snprintf(path, sizeof(path), "/v1/accelerators/%s%s", name,
	    invocation_has(invocation, "--now") ? "?now=true" : "");
	return session_delete(session, path, "accelerator", name, "deleted");
}
