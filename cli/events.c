/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trunkctl events: what happens, as it happens.  When control was away it goes on behind the last
 * change that was seen.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/client_stream.h"
#include "cli/commands.h"
#include "cli/format.h"
#include "cli/value.h"

enum { WAIT_MS = 500, ID_BYTES = 24 };

static void print_health(struct session *session, const json_t *data)
{
	char a[FORMAT_BYTES], b[FORMAT_BYTES], c[FORMAT_BYTES], d[FORMAT_BYTES], e[FORMAT_BYTES];
	fprintf(session->out, "backend %s of %s is %s (%s), says %s\n", format_backend(data, a),
	    format_string(json_object_get(data, "accelerator"), b),
	    format_string(json_object_get(data, "state"), c),
	    format_string(json_object_get(data, "cause"), d),
	    format_string(json_object_get(data, "node"), e));
}

static void print_revision(struct session *session, const json_t *data)
{
	char a[FORMAT_BYTES], b[FORMAT_BYTES], c[FORMAT_BYTES];
	fprintf(session->out, "revision %s: %s, by %s\n",
	    format_integer(json_object_get(data, "revision"), a),
	    format_string(json_object_get(data, "what"), b),
	    format_string(json_object_get(data, "who"), c));
}

static void print_node(struct session *session, const json_t *data)
{
	char a[FORMAT_BYTES], b[FORMAT_BYTES], c[FORMAT_BYTES];
	fprintf(session->out, "%s %s is %s\n", format_string(json_object_get(data, "role"), a),
	    format_string(json_object_get(data, "node"), b),
	    format_string(json_object_get(data, "state"), c));
}

static void print_config(struct session *session, const json_t *data)
{
	const json_t *reason = json_object_get(data, "reason");
	char a[FORMAT_BYTES], b[FORMAT_BYTES], c[FORMAT_BYTES], d[FORMAT_BYTES];
	fprintf(session->out, "%s %s revision %s%s%s\n",
	    format_string(json_object_get(data, "node"), a),
	    format_string(json_object_get(data, "state"), b),
	    format_integer(json_object_get(data, "revision"), c),
	    json_is_string(reason) ? ": " : "",
	    json_is_string(reason) ? format_string(reason, d) : "");
}

static void print_drain(struct session *session, const json_t *data)
{
	char a[FORMAT_BYTES], b[FORMAT_BYTES], c[FORMAT_BYTES];
	fprintf(session->out, "%s is %s: %s\n", format_string(json_object_get(data, "node"), a),
	    format_string(json_object_get(data, "drain"), b),
	    format_flows(json_object_get(data, "flows"), c));
}

static void print_audit(struct session *session, const json_t *data)
{
	const json_t *detail = json_object_get(data, "detail");
	char a[FORMAT_BYTES], b[FORMAT_BYTES], c[FORMAT_BYTES], d[FORMAT_BYTES], e[FORMAT_BYTES];
	fprintf(session->out, "%s: %s, by %s from %s%s%s\n",
	    format_string(json_object_get(data, "outcome"), a),
	    format_string(json_object_get(data, "what"), b),
	    format_string(json_object_get(data, "who"), c),
	    format_string(json_object_get(data, "from"), d), json_is_string(detail) ? ": " : "",
	    json_is_string(detail) ? format_string(detail, e) : "");
}

static void print_lost(struct session *session, const json_t *data)
{
	char a[FORMAT_BYTES];
	fprintf(session->out, "%s events were lost, as they were not read in time\n",
	    format_integer(json_object_get(data, "events"), a));
}

static void print_reset(struct session *session, const json_t *data)
{
	char a[FORMAT_BYTES], b[FORMAT_BYTES];
	fprintf(session->out, "changes after revision %s are not all known; now it is %s\n",
	    format_integer(json_object_get(data, "since"), a),
	    format_integer(json_object_get(data, "revision"), b));
}

typedef void print_fn(struct session *session, const json_t *data);

/* The others, as hello and tunnels, are for programs: they have no line. */
static const struct {
	const char *name;
	print_fn *print;
} lines[] = {
    {"revision", print_revision},
    {"node", print_node},
    {"config", print_config},
    {"health", print_health},
    {"drain", print_drain},
    {"audit", print_audit},
    {"lost", print_lost},
    {"reset", print_reset},
};

/* Behind the time of day. */
static void print_line(struct session *session, const char *name, const json_t *data)
{
	char clock[16];
	time_t now = time(NULL);
	struct tm local;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		if (strcmp(lines[i].name, name) != 0)
			continue;
		strftime(clock, sizeof(clock), "%H:%M:%S", localtime_r(&now, &local));
		fprintf(session->out, "%s ", clock);
		lines[i].print(session, data);
	}
}

/* A line; JSON as {"event", "data"} on one. */
static void print_event(struct session *session, const struct client_event *event)
{
	json_t *data = json_loads(event->data, 0, NULL), *whole;
	if (!json_is_object(data)) {
		json_decref(data);
		return;
	}
	if (session->format == OUTPUT_TABLE) {
		print_line(session, event->name, data);
		json_decref(data);
	} else {
		whole = json_pack("{s:s, s:o}", "event", event->name, "data", data);
		if (session->format == OUTPUT_JSON)
			output_json(whole, true, session->out);
		else
			output_yaml(whole, true, session->out);
		json_decref(whole);
	}
	fflush(session->out);
}

static bool path_of(const char *kinds, const char *since, char path[SESSION_PATH_BYTES])
{
	int length = snprintf(path, SESSION_PATH_BYTES, "/v1/events%s%s%s%s%s",
	    kinds || since[0] ? "?" : "", kinds ? "kinds=" : "", kinds ? kinds : "",
	    kinds && since[0] ? "&" : "", since[0] ? "since=" : "");
	return length < SESSION_PATH_BYTES
	       && length
	                  + snprintf(
	                      path + length, (size_t)(SESSION_PATH_BYTES - length), "%s", since)
	              < SESSION_PATH_BYTES;
}

/* Until the stream is over or the user ends it; true when it is worth another try. */
static bool follow(struct session *session, const char *path, char since[ID_BYTES], bool *was_open,
    struct reply *reply)
{
	struct client_stream *stream = client_stream_open(session->client, path);
	struct client_event event;
	enum client_stream_result result = CLIENT_STREAM_NONE;
	while (stream && result != CLIENT_STREAM_OVER && !terminal_is_ending()) {
		result = client_stream_next(stream, WAIT_MS, -1, &event, reply);
		if (result != CLIENT_STREAM_EVENT)
			continue;
		*was_open = true;
		if (event.id[0])
			snprintf(since, ID_BYTES, "%s", event.id);
		print_event(session, &event);
	}
	client_stream_close(stream);
	return result == CLIENT_STREAM_OVER && (reply->status == 0 || reply->status == 200);
}

int events_follow(struct session *session, const struct invocation *invocation)
{
	char error[VALUE_ERROR_BYTES], path[SESSION_PATH_BYTES], since[ID_BYTES] = "";
	const char *kinds = invocation_value(invocation, "--kinds");
	const char *from = invocation_value(invocation, "--since");
	struct reply reply = {0};
	bool was_open = false;
	long number;
	int code = EXIT_DONE;
	if (from && !value_number("--since", from, 0, INT32_MAX, &number, error))
		return session_fail(EXIT_USAGE, "%s", error);
	if (kinds && strspn(kinds, "abcdefghijklmnopqrstuvwxyz,") != strlen(kinds))
		return session_fail(EXIT_USAGE, "--kinds \"%.100s\": wants KIND[,...]", kinds);
	snprintf(since, sizeof(since), "%s", from ? from : "");
	terminal_heed_signals();
	while (code == EXIT_DONE && !terminal_is_ending()) {
		if (!path_of(kinds, since, path))
			return session_fail(EXIT_USAGE, "--kinds is too long");
		bool again = follow(session, path, since, &was_open, &reply);
		if (!terminal_is_ending() && (!again || !was_open))
			code = session_fail(reply.status ? EXIT_FAILED : EXIT_UNREACHABLE, "%s",
			    reply.error[0] ? reply.error : "out of memory");
		reply_free(&reply);
		if (code == EXIT_DONE)
			terminal_wait(2 * WAIT_MS);
	}
	return code;
}
