/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trunkctl explain flow: where a user's flow goes, and why there and not elsewhere.
 */
#include <inttypes.h>
#include <string.h>

#include "base/addr.h"
#include "cli/commands.h"
#include "cli/format.h"
#include "cli/value.h"

/* ---- words for verdicts ---- */

struct phrase {
	const char *verdict, *text;
};

static const char *say(const struct phrase *phrases, const char *verdict)
{
	for (; phrases->verdict; phrases++)
		if (strcmp(phrases->verdict, verdict) == 0)
			return phrases->text;
	return verdict;
}

static const struct phrase outcomes[] = {
    {"taken", "taken"},
    {"failed-open", "taken, though no backend is healthy: the accelerator fails open"},
    {"not-live", "no listener has a flow of that address; name what it goes to by --to"},
    {"unknown", "refused: the node's config does not give it this port of the accelerator"},
    {"draining", "refused: the node is draining and takes no new flows"},
    {"denied", "refused: the accelerator's allow and deny lists are against that address"},
    {"no-lane", "refused: no endpoint of a group that takes flows has a lane that is up"},
    {"unhealthy", "refused: no endpoint that can be reached has a healthy backend"},
    {"no-backend", "refused: the endpoint has no backend that it may use"},
    {"limit", "refused: a limit is reached"},
    {"disabled", "refused: the accelerator is disabled"},
    {"no-listener", "none of the listeners to ask is up"},
    {"no-answer", "a node did not answer in time"},
    {NULL, NULL},
};

static const struct phrase limit_reasons[] = {
    {"source.flows", "refused: its source has as many flows as it may (source.flows)"},
    {"source.new-flows", "refused: its source begins flows too fast (source.new-flows)"},
    {"accelerator.flows",
        "refused: the accelerator has as many flows as it may (accelerator.flows)"},
    {"accelerator.new-flows",
        "refused: the accelerator's flows begin too fast (accelerator.new-flows)"},
    {"backend.flows", "refused: each backend has as many flows as it may (backend.flows)"},
    {"udp-flows-per-source", "refused: its source has its UDP flows, at other workers of the "
                             "listener (udp-flows-per-source)"},
    {"udp-flows", "refused: the listener has as many UDP flows as a node can, at other workers"},
    {NULL, NULL},
};

/* Of a flow that is taken: which one ends for it. */
static const struct phrase evictions[] = {
    {"udp-flows-per-source", "the flow of its source that was idle longest (udp-flows-per-source)"},
    {"accelerator.flows",
        "a UDP flow of the accelerator that was idle for a second or more (accelerator.flows)"},
    {"udp-flows", "the UDP flow that was idle longest: the listener has as many as a node can"},
    {NULL, NULL},
};

static const struct phrase group_reasons[] = {
    {"not-asked", "not asked: one before it took the flow"},
    {"takes", "takes it: its share is below the dial"},
    {"takes-rest", "takes it: no group behind it can"},
    {"passes", "passes it on: its share is not below the dial"},
    {"dial-0", "takes no flows: its dial is 0"},
    {"no-endpoint", "has no endpoint with a lane and a healthy backend"},
    {NULL, NULL},
};

static const struct phrase backend_reasons[] = {
    {"other", "the flow's hash chose another"},
    {"takes", "takes it"},
    {"weight-0", "takes no flows: its weight is 0"},
    {"unhealthy", "is not healthy"},
    {"full", "has as many flows as it may"},
    {"returning", "was healthy again only a while ago, and gets its flows back slowly"},
    {NULL, NULL},
};

/* ---- what is printed ---- */

/* "round trip 142.1 ms, lane 0 from A to B, packets of 1472 bytes" */
static void print_lane(struct table *table, const json_t *lane)
{
	char text[2 * FORMAT_BYTES], rtt[FORMAT_BYTES];
	if (!json_is_object(lane))
		return;
	snprintf(text, sizeof(text),
	    "%" JSON_INTEGER_FORMAT " (%s), round trip %s ms, packets of %" JSON_INTEGER_FORMAT
	    " bytes",
	    format_number_of(lane, "lane"),
	    json_is_true(json_object_get(lane, "up")) ? "up" : "not up",
	    format_ms(json_object_get(lane, "rtt_us"), rtt),
	    format_number_of(lane, "packet_bytes"));
	table_property(table, "lane", text);
	snprintf(text, sizeof(text), "%.64s%sto %.64s", format_text_of(lane, "local"),
	    format_text_of(lane, "local")[0] ? " " : "", format_text_of(lane, "remote"));
	table_property(table, "path", text);
}

static const char *limit_of(const json_t *answer, const char *node)
{
	const char *limit = format_text_of(json_object_get(answer, node), "limit");
	return strcmp(limit, "none") == 0 ? "" : limit;
}

static void print_outcome(struct table *table, const json_t *answer)
{
	const char *verdict = format_text_of(answer, "verdict"), *text = say(outcomes, verdict);
	bool is_taken = strcmp(verdict, "taken") == 0 || strcmp(verdict, "failed-open") == 0;
	const char *limit = limit_of(answer, "listener");
	if (!limit[0])
		limit = limit_of(answer, "endpoint");
	if (strcmp(verdict, "limit") == 0 && limit[0])
		text = say(limit_reasons, limit);
	table_property_coloured(table, "outcome", text, is_taken ? COLOUR_GOOD : COLOUR_BAD);
	if (is_taken && limit[0])
		table_property(table, "gives way", say(evictions, limit));
}

static void print_listener(struct table *table, const json_t *answer)
{
	const json_t *listener = json_object_get(answer, "listener");
	bool is_live = json_is_true(json_object_get(answer, "live"));
	json_int_t workers = format_number_of(listener, "workers"),
	           alike = format_number_of(listener, "alike");
	char text[2 * FORMAT_BYTES], others[FORMAT_BYTES];
	if (!json_is_object(listener))
		return;
	snprintf(text, sizeof(text), "%.64s", format_text_of(listener, "node"));
	if (is_live)
		snprintf(text, sizeof(text), "%.64s, worker %" JSON_INTEGER_FORMAT,
		    format_text_of(listener, "node"), format_number_of(listener, "worker"));
	else if (alike < workers)
		snprintf(text, sizeof(text),
		    "%.64s, as %" JSON_INTEGER_FORMAT " of its %" JSON_INTEGER_FORMAT
		    " workers choose: they see lanes of their own",
		    format_text_of(listener, "node"), alike, workers);
	table_property(table, "listener", text);
	if (!is_live && json_array_size(json_object_get(answer, "other_listeners")) > 0) {
		format_list(json_object_get(answer, "other_listeners"), others);
		snprintf(text, sizeof(text),
		    "%s: DNS or routing says whose users come where (--at)", others);
		table_property(table, "other listeners", text);
	}
}

static void print_endpoint(struct table *table, const json_t *answer)
{
	const json_t *listener = json_object_get(answer, "listener");
	const char *name = format_text_of(listener, "endpoint"),
	           *now = format_text_of(listener, "endpoint_now");
	char text[2 * FORMAT_BYTES];
	if (name[0])
		table_property(table, "endpoint", name);
	if (strcmp(name, now) == 0)
		return;
	snprintf(text, sizeof(text), "%.64s: choices are another since this one began",
	    now[0] ? now : "none");
	table_property(table, "a new one would get", text);
}

static void print_backend(struct table *table, const json_t *answer)
{
	char text[2 * FORMAT_BYTES], name[FORMAT_BYTES];
	size_t i;
	json_t *backend;
	json_array_foreach(
	    json_object_get(json_object_get(answer, "endpoint"), "backends"), i, backend)
	{
		if (strcmp(format_text_of(backend, "verdict"), "takes") != 0)
			continue;
		snprintf(text, sizeof(text), "%s%s%.64s", format_backend(backend, name),
		    format_text_of(backend, "address")[0] ? " at " : "",
		    format_text_of(backend, "address"));
		table_property(table, "backend", text);
	}
}

static void print_groups(struct session *session, const json_t *listener)
{
	static const struct table_column columns[] = {{"GROUP", 0}, {"ORDER BY", 0},
	    {"DIAL", TABLE_RIGHT}, {"SHARE", TABLE_RIGHT}, {"ENDPOINT", 0}, {"WHY", TABLE_CUT},
	    {NULL, 0}};
	struct table *table = table_new(columns, true);
	char buf[FORMAT_BYTES], order[2 * FORMAT_BYTES];
	size_t i;
	json_t *group;
	json_array_foreach(json_object_get(listener, "groups"), i, group)
	{
		snprintf(order, sizeof(order), "%s ms",
		    format_ms(json_object_get(group, "rtt_us"), buf));
		if (json_is_true(json_object_get(group, "ranked")))
			snprintf(order, sizeof(order), "rank");
		else if (format_number_of(group, "rtt_us") == 0)
			snprintf(order, sizeof(order), "not measured");
		table_row(table);
		table_cell(table, format_string(json_object_get(group, "region"), buf));
		table_cell(table, order);
		table_cell(table, format_integer(json_object_get(group, "dial"), buf));
		table_cell(table, format_integer(json_object_get(group, "share"), buf));
		table_cell(table, format_string(json_object_get(group, "endpoint"), buf));
		table_cell(table, say(group_reasons, format_text_of(group, "verdict")));
	}
	session_print_table(session, table);
}

/* Of an endpoint that could take flows, by what became of its group. */
static const struct phrase endpoint_reasons[] = {
    {"not-asked", "its group was not asked"},
    {"passes", "its group passed the flow on"},
    {"dial-0", "its group takes no flows"},
    {"no-endpoint", "its group cannot take the flow"},
    {NULL, NULL},
};

/* Why an endpoint of a group is not the one: no lane, no health, its group, or the hash. */
static const char *endpoint_reason(const json_t *group, const json_t *endpoint)
{
	const char *verdict = format_text_of(group, "verdict");
	bool takes = strcmp(verdict, "takes") == 0 || strcmp(verdict, "takes-rest") == 0;
	if (takes
	    && strcmp(format_text_of(group, "endpoint"), format_text_of(endpoint, "name")) == 0)
		return "the flow's hash chose it";
	if (!json_is_true(json_object_get(endpoint, "has_lane")))
		return "has no lane that is up";
	if (strcmp(format_text_of(endpoint, "health"), "unhealthy") == 0)
		return "has no healthy backend";
	const char *reason = say(endpoint_reasons, verdict);
	return reason != verdict ? reason : "the flow's hash chose another";
}

static void print_endpoints(struct session *session, const json_t *listener)
{
	static const struct table_column columns[] = {{"ENDPOINT", 0}, {"GROUP", 0},
	    {"RTT MS", TABLE_RIGHT}, {"HEALTH", 0}, {"WHY", TABLE_CUT}, {NULL, 0}};
	struct table *table = table_new(columns, true);
	char buf[FORMAT_BYTES];
	size_t i, j;
	json_t *group, *endpoint;
	json_array_foreach(json_object_get(listener, "groups"), i, group)
	{
		json_array_foreach(json_object_get(group, "endpoints"), j, endpoint)
		{
			table_row(table);
			table_cell(table, format_string(json_object_get(endpoint, "name"), buf));
			table_cell(table, format_string(json_object_get(group, "region"), buf));
			table_cell(table, format_number_of(endpoint, "rtt_us") > 0
			                      ? format_ms(json_object_get(endpoint, "rtt_us"), buf)
			                      : "-");
			table_cell(table, format_string(json_object_get(endpoint, "health"), buf));
			table_cell(table, endpoint_reason(group, endpoint));
		}
	}
	session_print_table(session, table);
}

static void print_backends(struct session *session, const json_t *endpoint)
{
	static const struct table_column columns[] = {{"BACKEND", 0}, {"ADDRESS", 0},
	    {"WEIGHT", TABLE_RIGHT}, {"HEALTH", 0}, {"WHY", TABLE_CUT}, {NULL, 0}};
	struct table *table = table_new(columns, true);
	char buf[FORMAT_BYTES];
	size_t i;
	json_t *backend;
	json_array_foreach(json_object_get(endpoint, "backends"), i, backend)
	{
		table_row(table);
		table_cell(table, format_backend(backend, buf));
		table_cell(table, format_string(json_object_get(backend, "address"), buf));
		table_cell(table, format_integer(json_object_get(backend, "weight"), buf));
		table_cell(table, format_string(json_object_get(backend, "health"), buf));
		table_cell(table, say(backend_reasons, format_text_of(backend, "verdict")));
	}
	session_print_table(session, table);
}

static void print_flow(struct session *session, const json_t *answer)
{
	struct table *table = table_new_properties();
	const json_t *listener = json_object_get(answer, "listener");
	char text[2 * FORMAT_BYTES], accelerator[FORMAT_BYTES];
	table_property(table, "flow",
	    json_is_true(json_object_get(answer, "live")) ? "live" : "not there now: as a new one");
	if (json_is_string(json_object_get(answer, "protocol"))) {
		format_string(json_object_get(answer, "accelerator"), accelerator);
		snprintf(text, sizeof(text),
		    "%s, port %" JSON_INTEGER_FORMAT "/%.8s, affinity %.16s", accelerator,
		    format_number_of(answer, "port"), format_text_of(answer, "protocol"),
		    format_text_of(listener, "affinity"));
		table_property(table, "accelerator", text);
	}
	print_outcome(table, answer);
	print_listener(table, answer);
	print_endpoint(table, answer);
	print_lane(table, json_object_get(listener, "lane"));
	print_backend(table, answer);
	if (json_array_size(json_object_get(answer, "silent")) > 0)
		table_property(
		    table, "did not answer", format_list(json_object_get(answer, "silent"), text));
	session_print_table(session, table);
	if (json_array_size(json_object_get(listener, "groups")) > 0) {
		fputc('\n', session->out);
		print_groups(session, listener);
		fputc('\n', session->out);
		print_endpoints(session, listener);
	}
	const json_t *endpoint = json_object_get(answer, "endpoint");
	if (json_array_size(json_object_get(endpoint, "backends")) > 0) {
		fputc('\n', session->out);
		print_backends(session, endpoint);
	}
}

/* ---- the command ---- */

static json_t *question_of(const struct invocation *invocation)
{
	return json_pack("{s:s, s:s*, s:s*, s:s*}", "user", invocation->arguments[0], "to",
	    invocation_value(invocation, "--to"), "at", invocation_value(invocation, "--at"),
	    "protocol", invocation_value(invocation, "--protocol"));
}

/* 3 when there is no such flow, 1 when nobody could be asked. */
static enum exit_code code_of(const char *verdict)
{
	if (strcmp(verdict, "not-live") == 0)
		return EXIT_NOT_FOUND;
	if (strcmp(verdict, "no-listener") == 0 || strcmp(verdict, "no-answer") == 0)
		return EXIT_FAILED;
	return EXIT_DONE;
}

int explain_flow(struct session *session, const struct invocation *invocation)
{
	static const char *const protocols[] = {"tcp", "udp", NULL};
	const char *protocol = invocation_value(invocation, "--protocol");
	char error[VALUE_ERROR_BYTES];
	struct addr user;
	json_t *answer;
	if (addr_parse(invocation->arguments[0], 0, &user) < 0 || user.port == 0)
		return session_fail(EXIT_USAGE,
		    "\"%.100s\" is no ADDR:PORT of a user, as 192.0.2.1:40000 or "
		    "[2001:db8::1]:40000",
		    invocation->arguments[0]);
	if (protocol && !value_word("--protocol", protocol, protocols, error))
		return session_fail(EXIT_USAGE, "%s", error);
	json_t *question = question_of(invocation);
	enum exit_code code =
	    session_request(session, "POST", "/v1/explain/flow", question, &answer);
	json_decref(question);
	if (code != EXIT_DONE)
		return code;
	if (!session_print_value(session, answer))
		print_flow(session, answer);
	code = code_of(format_text_of(answer, "verdict"));
	json_decref(answer);
	return code;
}
