/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trunkctl node drain and undrain: a node takes no new flows, and how long it has old ones.  It asks
 * for that whenever control's events tell of a drain.
 */
#include <string.h>

#include "cli/commands.h"
#include "cli/format.h"
#include "cli/news.h"
#include "cli/value.h"

/* A revision may undo the drain; a node that goes down has no figures. */
#define DRAIN_EVENTS "/v1/events?kinds=revision,node,drain"

enum {
	WAIT_DEFAULT_S = 600,
	WAIT_MAX_S = 7 * 24 * 3600,
};

static const char *drain_of(const json_t *node)
{
	const char *text = json_string_value(json_object_get(node, "drain"));
	return text ? text : "";
}

static enum exit_code set_draining(
    struct session *session, const char *name, bool is_draining, json_t **node)
{
	char path[SESSION_PATH_BYTES];
	json_t *body = json_pack("{s:b}", "draining", is_draining);
	snprintf(path, sizeof(path), "/v1/nodes/%s", name);
	enum exit_code code = session_request(session, "PATCH", path, body, node);
	json_decref(body);
	return code;
}

/* One line each time that there is something else to say. */
static void tell_progress(const json_t *node, char *told, size_t size)
{
	char flows[FORMAT_BYTES], text[2 * FORMAT_BYTES];
	const char *state = json_string_value(json_object_get(node, "state"));
	snprintf(text, sizeof(text), "%s: %s%s", drain_of(node),
	    format_flows(json_object_get(node, "flows"), flows),
	    state && strcmp(state, "up") == 0 ? "" : " (the node is down)");
	if (strcmp(text, told) == 0)
		return;
	snprintf(told, size, "%s", text);
	fprintf(stderr, "%s\n", text);
}

/* Until the node is drained; *node is renewed. */
static enum exit_code follow_drain(
    struct session *session, const char *name, double deadline_s, json_t **node)
{
	struct news news = {.session = session, .path = DRAIN_EVENTS};
	enum exit_code code = EXIT_DONE;
	char told[2 * FORMAT_BYTES] = "";
	while (code == EXIT_DONE && strcmp(drain_of(*node), "draining") == 0
	       && news_clock_s() < deadline_s) {
		tell_progress(*node, told, sizeof(told));
		news_wait(&news, deadline_s);
		json_decref(*node);
		code = session_get(session, "/v1/nodes", name, NULL, node);
	}
	news_end(&news);
	return code;
}

static enum exit_code wait_drained(
    struct session *session, const char *name, long timeout_s, json_t **node)
{
	char flows[FORMAT_BYTES];
	enum exit_code code = follow_drain(session, name, news_clock_s() + (double)timeout_s, node);
	if (code != EXIT_DONE)
		return code;
	if (strcmp(drain_of(*node), "drained") == 0)
		return EXIT_DONE;
	if (strcmp(drain_of(*node), "off") == 0)
		return session_fail(EXIT_FAILED, "node %s was told to take flows again", name);
	return session_fail(EXIT_FAILED,
	    "node %s is not drained after %ld s: %s; it takes no new ones until trunkctl node "
	    "undrain %s",
	    name, timeout_s, format_flows(json_object_get(*node, "flows"), flows), name);
}

int node_drain(struct session *session, const struct invocation *invocation)
{
	char error[VALUE_ERROR_BYTES];
	const char *name = invocation->arguments[0];
	const char *timeout = invocation_value(invocation, "--timeout");
	long timeout_s = WAIT_DEFAULT_S;
	json_t *node;
	if (!value_name("NODE", name, error)
	    || (timeout && !value_duration("--timeout", timeout, 0, WAIT_MAX_S, &timeout_s, error)))
		return session_fail(EXIT_USAGE, "%s", error);
	if (timeout && !invocation_has(invocation, "--wait"))
		return session_fail(EXIT_USAGE, "--timeout is how long to --wait");
	enum exit_code code = set_draining(session, name, true, &node);
	if (code == EXIT_DONE && invocation_has(invocation, "--wait"))
		code = wait_drained(session, name, timeout_s, &node);
	if (code == EXIT_DONE && !session_print_value(session, node))
		fprintf(session->out, "node %s is %s\n", name, drain_of(node));
	json_decref(node);
	return code;
}

int node_undrain(struct session *session, const struct invocation *invocation)
{
	char error[VALUE_ERROR_BYTES];
	const char *name = invocation->arguments[0];
	json_t *node;
	if (!value_name("NODE", name, error))
		return session_fail(EXIT_USAGE, "%s", error);
	enum exit_code code = set_draining(session, name, false, &node);
	if (code == EXIT_DONE && !session_print_value(session, node))
		fprintf(session->out, "node %s takes new flows\n", name);
	json_decref(node);
	return code;
}
