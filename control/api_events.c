/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GET /v1/events: who listens gets a greeting, the changes since the revision that he names, and
 * then everything as it happens.
 */
#include "config.h"

#include "base/err.h"
#include "control/api_access.h"
#include "control/api_routes.h"
#include "control/api_stream.h"
#include "control/events.h"
#include "control/time_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SUBSCRIBERS_MAX = 64,
	SUBSCRIBERS_OF_ONE_MAX = 16, /* the same token or user: he shuts nobody else out */
	SINCE_MAX = 256,             /* changes that are told again */
};

struct subscriber {
	struct event_reader reader;
	struct control *control;
	struct api_stream *stream;
	struct api_caller caller;
	char *text; /* on its way: the greeting and older changes, then one event after the other */
	size_t length, sent;
	bool is_beat_due;
};

/* ---- what is sent ---- */

/* Takes over the text; -1 without memory. */
static int put(struct subscriber *subscriber, char *text)
{
	free(subscriber->text);
	subscriber->text = text;
	subscriber->length = text ? strlen(text) : 0;
	subscriber->sent = 0;
	return text ? 0 : -1;
}

/* The next text, if there is one; -1 at the end. */
static int next_text(struct subscriber *subscriber)
{
	struct events *events = subscriber->control->events;
	uint64_t lost;
	const char *text;

	if (!api_access_is_good(subscriber->control->access, &subscriber->caller,
	        control_expiry_ms(subscriber->control)))
		return -1;
	text = events_read(events, &subscriber->reader, &lost);
	if (lost) {
		subscriber->control->access->counters.events_lost += lost;
		if (text)
			subscriber->reader.next--; /* it comes again after this */
		return put(subscriber,
		    event_text("lost", 0, json_pack("{s:I}", "events", (json_int_t)lost)));
	}
	if (text)
		return put(subscriber, strdup(text));
	if (subscriber->is_beat_due) {
		subscriber->is_beat_due = false;
		return put(subscriber, strdup(":\n\n"));
	}
	return 0;
}

static ssize_t on_read(void *context, char *out, size_t size)
{
	struct subscriber *subscriber = context;
	size_t left;

	if (subscriber->sent == subscriber->length && next_text(subscriber) < 0)
		return -1;
	left = subscriber->length - subscriber->sent;
	if (size > left)
		size = left;
	memcpy(out, subscriber->text + subscriber->sent, size);
	subscriber->sent += size;
	return (ssize_t)size;
}

static void on_free(void *context)
{
	struct subscriber *subscriber = context;

	events_leave(subscriber->control->events, &subscriber->reader);
	free(subscriber->text);
	free(subscriber);
}

static const struct api_stream_source source = {"text/event-stream", on_read, on_free};

static struct subscriber *subscriber_of(struct event_reader *reader)
{
	return (struct subscriber *)(void *)((char *)reader - offsetof(struct subscriber, reader));
}

static void on_event(struct event_reader *reader)
{
	api_stream_wake(subscriber_of(reader)->stream);
}

static void on_heartbeat(struct event_reader *reader)
{
	subscriber_of(reader)->is_beat_due = true;
	api_stream_wake(subscriber_of(reader)->stream);
}

/* ---- the beginning ---- */

/* id: behind which revision to go on when the connection breaks here. */
static char *hello(const struct control *control, uint64_t id)
{
	return event_text("hello", id,
	    json_pack("{s:s, s:I, s:I}", "version", PACKAGE_VERSION, "incarnation",
	        (json_int_t)control->installation.incarnation, "revision",
	        (json_int_t)control->installation.revision));
}

json_t *api_revision_json(const struct revision *revision)
{
	return json_pack("{s:I, s:o, s:s, s:s}", "revision", (json_int_t)revision->number, "when",
	    time_to_json(revision->when_ms), "who", revision->who, "what", revision->what);
}

/* Joins two texts and frees them; NULL when one is. */
static char *join(char *a, char *b)
{
	char *both;

	if (!a || !b || asprintf(&both, "%s%s", a, b) < 0)
		both = NULL;
	free(a);
	free(b);
	return both;
}

/* Oldest first, behind the greeting. */
static char *tell_revisions(const struct revision *list, size_t count, char *text)
{
	for (size_t i = count; i-- > 0;)
		text =
		    join(text, event_text("revision", list[i].number, api_revision_json(&list[i])));
	return text;
}

/* The changes after `since`; when some of them are forgotten, or it never was, the word to begin anew. */
static char *tell_since(struct control *control, uint64_t since, char *text)
{
	uint64_t newest = control->installation.revision;
	struct revision *list;
	int count;

	if (since == newest)
		return text;
	if (since > newest || newest - since > SINCE_MAX)
		return join(text, event_text("reset", newest,
		                      json_pack("{s:I, s:I}", "since", (json_int_t)since,
		                          "revision", (json_int_t)newest)));
	list = calloc(SINCE_MAX, sizeof(*list));
	count = list ? store_list_revisions(control->store, list, (size_t)(newest - since)) : -1;
	if (count < 0) {
		free(text);
		text = NULL;
	} else {
		text = tell_revisions(list, (size_t)count, text);
	}
	free(list);
	return text;
}

static int read_kinds(const struct api_request *request, unsigned *kinds, struct problem *problem)
{
	const char *at = api_request_query(request, "kinds");
	unsigned kind;

	*kinds =
	    (EVENT_BIT(EVENT_KINDS) - 1) & ~(EVENT_BIT(EVENT_TUNNELS) | EVENT_BIT(EVENT_AUDIT));
	if (!at)
		return 0;
	for (*kinds = 0; *at; at += strspn(at, ",")) {
		size_t length = strcspn(at, ",");

		for (kind = 0; kind < EVENT_KINDS; kind++) {
			if (strlen(event_kind_names[kind]) == length
			    && strncmp(event_kind_names[kind], at, length) == 0)
				break;
		}
		if (kind == EVENT_KINDS)
			break;
		*kinds |= EVENT_BIT(kind);
		at += length;
	}
	if (!*at && *kinds)
		return 0;
	return problem_set(problem, PROBLEM_BAD_REQUEST, "kinds",
	    "as kinds=revision,tunnels; without it all but audit and tunnels",
	    "the argument kinds must be of revision, node, config, health, drain, audit, tunnels");
}

/* Entries of the audit log are for those who may read it. */
static int check_kinds(const struct api_request *request, unsigned kinds, struct problem *problem)
{
	if (!(kinds & EVENT_BIT(EVENT_AUDIT)) || request->caller.role >= API_ROLE_ADMIN)
		return 0;
	return problem_set(problem, PROBLEM_FORBIDDEN, "kinds",
	    "let somebody do it who has that role, or get it from an admin",
	    "events of the kind audit need the role %s, and %s has the role %s",
	    api_role_names[API_ROLE_ADMIN], request->caller.who,
	    api_role_names[request->caller.role]);
}

/* 0 for what was not said: everything from now on. */
static int read_since(const struct api_request *request, uint64_t *since, struct problem *problem)
{
	const char *text = api_request_header(request, "Last-Event-ID");
	char *end;

	if (!text)
		text = api_request_query(request, "since");
	*since = UINT64_MAX;
	if (!text)
		return 0;
	errno = 0;
	*since = strtoull(text, &end, 10);
	if (errno == 0 && text[0] >= '0' && text[0] <= '9' && !*end && *since < INT64_MAX)
		return 0;
	return problem_set(problem, PROBLEM_BAD_REQUEST, "since", "",
	    "Last-Event-ID, or the argument since, must be a revision's number");
}

static int subscribe(struct control *control, const struct api_request *request, unsigned kinds,
    char *text, struct api_answer *answer)
{
	struct subscriber *subscriber = calloc(1, sizeof(*subscriber));

	if (!text || !subscriber || !(subscriber->stream = api_stream_new(&source, subscriber))) {
		free(subscriber);
		free(text);
		return problem_set(&answer->problem, PROBLEM_INTERNAL, "", "", "no memory");
	}
	subscriber->control = control;
	subscriber->caller = request->caller;
	put(subscriber, text);
	subscriber->reader.kinds = kinds;
	subscriber->reader.who = subscriber->caller.who;
	subscriber->reader.on_event = on_event;
	subscriber->reader.on_heartbeat = on_heartbeat;
	events_join(control->events, &subscriber->reader);
	answer->stream = subscriber->stream;
	return 0;
}

static int check_room(const struct control *control, const char *who, struct problem *problem)
{
	bool is_full = events_reader_count(control->events) >= SUBSCRIBERS_MAX;

	if (!is_full && events_readers_of(control->events, who) < SUBSCRIBERS_OF_ONE_MAX)
		return 0;
	problem->retry_after_s = EVENTS_HEARTBEAT_S;
	return problem_set(problem, PROBLEM_TOO_MANY, "", "end another, or ask GET /v1/status",
	    is_full ? "%d listen to events already, which is the most"
	            : "%d of this token or user listen to events already, which is the most",
	    is_full ? SUBSCRIBERS_MAX : SUBSCRIBERS_OF_ONE_MAX);
}

int api_event_stream(
    struct control *control, const struct api_request *request, struct api_answer *answer)
{
	uint64_t since;
	unsigned kinds;
	char *text;

	if (read_kinds(request, &kinds, &answer->problem) < 0
	    || check_kinds(request, kinds, &answer->problem) < 0
	    || read_since(request, &since, &answer->problem) < 0)
		return -1;
	if (check_room(control, request->caller.who, &answer->problem) < 0)
		return -1;
	text = hello(control, since == UINT64_MAX ? control->installation.revision : since);
	if (text && since != UINT64_MAX && kinds & EVENT_BIT(EVENT_REVISION))
		text = tell_since(control, since, text);
	return subscribe(control, request, kinds, text, answer);
}
