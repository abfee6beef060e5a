/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Server-sent events (WHATWG HTML, section 9.2) from control's API.  Waits for an event, for time and for
 * a descriptor at once, so that a terminal's keys are heard meanwhile.
 */
#ifndef CLI_CLIENT_STREAM_H
#define CLI_CLIENT_STREAM_H

#include "cli/client.h"

struct client_stream;

/* Valid until the next call. */
struct client_event {
	const char *name; /* "revision" */
	const char *id;   /* "" for none */
	const char *data; /* one line */
};

enum client_stream_result {
	CLIENT_STREAM_EVENT,
	CLIENT_STREAM_NONE, /* the time is over, or the descriptor is readable */
	CLIENT_STREAM_OVER, /* *reply says why: its status is 0 or 200 when it is worth a new try */
};

/* Asks for `path`.  NULL without memory. */
struct client_stream *client_stream_open(struct client *client, const char *path);
void client_stream_close(struct client_stream *stream);

/* descriptor is -1 for none.  After CLIENT_STREAM_OVER the caller calls reply_free(). */
enum client_stream_result client_stream_next(struct client_stream *stream, int timeout_ms,
    int descriptor, struct client_event *event, struct reply *reply);

#endif
