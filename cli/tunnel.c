/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trunkctl tunnel: list, watch, show and update.
 */
#include <string.h>

#include "cli/commands.h"
#include "cli/format.h"
#include "cli/history.h"
#include "cli/tunnel_view.h"
#include "cli/update.h"
#include "cli/value.h"
#include "cli/watch.h"
#include "model/congestion.h"

static void print_list(struct session *session, const json_t *answer)
{
	tunnel_print_list(session, json_object_get(answer, "items"));
}

static void print_history(struct session *session, const json_t *answer)
{
	fputc('\n', session->out);
	tunnel_print_history(session, json_object_get(answer, "items"));
}

static const struct watch_view list_view = {
    .title = "Tunnels",
    .path = "/v1/tunnels",
    .kinds = "tunnels",
    .event = "tunnels",
    .print = print_list,
    .print_more = print_history,
    .empty = "There is no tunnel: a listener and an endpoint have one when they share an "
             "accelerator.",
};

int tunnel_list(struct session *session, const struct invocation *invocation)
{
	return watch_or_print(session, invocation, &list_view);
}

int tunnel_watch(struct session *session, const struct invocation *invocation)
{
	(void)invocation;
	return watch_view(session, &list_view);
}

static void print_settings(struct session *session, const json_t *tunnel)
{
	const json_t *in_use = json_object_get(tunnel, "congestion_in_use");
	char set[FORMAT_BYTES], listener[FORMAT_BYTES], endpoint[FORMAT_BYTES];
	fprintf(session->out, "trace             %s\n",
	    json_is_true(json_object_get(tunnel, "trace")) ? "on" : "off");
	fprintf(session->out, "congestion        %s; in use: listener %s, endpoint %s\n\n",
	    format_string(json_object_get(tunnel, "congestion"), set),
	    format_string(json_object_get(in_use, "listener"), listener),
	    format_string(json_object_get(in_use, "endpoint"), endpoint));
}

static void print_tunnel(struct session *session, json_t *tunnel)
{
	char line[HISTORY_LINE_BYTES];
	json_t *items = json_pack("[O]", tunnel);
	tunnel_print_list(session, items);
	json_decref(items);
	history_line(json_object_get(tunnel, "rtt_history_us"), session->terminal.is_utf8, line);
	fprintf(session->out, "\nRTT, last minute  %s\n", line);
	print_settings(session, tunnel);
	tunnel_print_lanes(session, json_object_get(tunnel, "lane_list"));
	fputc('\n', session->out);
	tunnel_print_figures(session, json_object_get(tunnel, "figures"));
}

int tunnel_show(struct session *session, const struct invocation *invocation)
{
	char error[VALUE_ERROR_BYTES];
	const char *listener = invocation->arguments[0];
	const char *endpoint = invocation->arguments[1];
	json_t *tunnel;
	if (!value_name("LISTENER", listener, error) || !value_name("ENDPOINT", endpoint, error))
		return session_fail(EXIT_USAGE, "%s", error);
	enum exit_code code = session_get(session, "/v1/tunnels", listener, endpoint, &tunnel);
	if (code == EXIT_DONE && !session_print_value(session, tunnel))
		print_tunnel(session, tunnel);
	json_decref(tunnel);
	return code;
}

static bool check_changes(const struct invocation *invocation, char *error)
{
	const char *congestion = invocation_value(invocation, "--congestion");
	const char *trace = invocation_value(invocation, "--trace");
	bool is_on;
	if (!congestion && !trace) {
		snprintf(error, VALUE_ERROR_BYTES, "say what to change: --congestion or --trace");
		return false;
	}
	return (!congestion || value_congestion("--congestion", congestion, error))
	       && (!trace || value_on_off("--trace", trace, &is_on, error));
}

/* A congestion or trace that check_changes() took. */
static bool make_changes(
    const struct invocation *invocation, const json_t *before, json_t **patch, char *error)
{
	const char *congestion = invocation_value(invocation, "--congestion");
	const char *trace = invocation_value(invocation, "--trace");
	(void)before;
	(void)error;
	*patch = json_object();
	if (congestion)
		json_object_set_new(*patch, "congestion", json_string(congestion));
	if (trace)
		json_object_set_new(*patch, "trace", json_boolean(strcmp(trace, "on") == 0));
	return true;
}

int tunnel_update(struct session *session, const struct invocation *invocation)
{
	char error[VALUE_ERROR_BYTES], path[SESSION_PATH_BYTES];
	const char *listener = invocation->arguments[0];
	const char *endpoint = invocation->arguments[1];
	json_t *before, *tunnel;
	if (!value_name("LISTENER", listener, error) || !value_name("ENDPOINT", endpoint, error)
	    || !check_changes(invocation, error))
		return session_fail(EXIT_USAGE, "%s", error);
	snprintf(path, sizeof(path), "/v1/tunnels/%s/%s", listener, endpoint);
	enum exit_code code =
	    update_object(session, invocation, path, "", make_changes, &before, &tunnel);
	if (code == EXIT_DONE && !session_print_value(session, tunnel))
		fprintf(session->out, "tunnel from %s to %s updated: congestion %s, trace %s\n",
		    listener, endpoint, json_string_value(json_object_get(tunnel, "congestion")),
		    json_is_true(json_object_get(tunnel, "trace")) ? "on" : "off");
	json_decref(before);
	json_decref(tunnel);
	return code;
}
