/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trunkctl tunnel: list and show.  watch is in watch.c.
 */
#include "cli/commands.h"
#include "cli/format.h"
#include "cli/history.h"
#include "cli/tunnel_view.h"
#include "cli/value.h"

int tunnel_list(struct session *session, const struct invocation *invocation)
{
	json_t *answer;
	(void)invocation;
	enum exit_code code = session_get(session, "/v1/tunnels", NULL, NULL, &answer);
	if (code != EXIT_DONE)
		return code;
	if (!session_print_value(session, answer)) {
		const json_t *items = json_object_get(answer, "items");
		tunnel_print_list(session, items);
		if (json_array_size(items) == 0)
			fputs("There is no tunnel: a listener and an endpoint have one when they "
			      "share an "
			      "accelerator.\n",
			    stderr);
	}
	json_decref(answer);
	return EXIT_DONE;
}

static void print_tunnel(struct session *session, json_t *tunnel)
{
	char line[HISTORY_LINE_BYTES];
	json_t *items = json_pack("[O]", tunnel);
	tunnel_print_list(session, items);
	json_decref(items);
	history_line(json_object_get(tunnel, "rtt_history_us"), session->terminal.is_utf8, line);
	fprintf(session->out, "\nRTT, last minute  %s\n\n", line);
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
