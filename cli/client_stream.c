/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See client_stream.h: libcurl's multi interface with one transfer. */
#include "config.h"

#include "cli/client_stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client_private.h"

enum {
	BUFFER_BYTES_MAX = 64 * 1024 * 1024,
	SILENT_S = 45, /* three heartbeats of control */
	STATUS_DONE = 200,
};

struct client_stream {
	const struct client *client;
	CURL *curl;
	CURLM *multi;
	struct curl_slist *headers;
	char curl_error[CURL_ERROR_SIZE];
	char *bytes; /* not yet read, NUL-terminated */
	size_t length, taken;
	bool is_over;
	CURLcode result;
};

static size_t collect(char *bytes, size_t size, size_t count, void *context)
{
	struct client_stream *stream = context;
	size_t more = size * count;
	if (stream->taken > 0) {
		memmove(
		    stream->bytes, stream->bytes + stream->taken, stream->length - stream->taken);
		stream->length -= stream->taken;
		stream->taken = 0;
	}
	if (stream->length + more > BUFFER_BYTES_MAX)
		return 0;
	char *grown = realloc(stream->bytes, stream->length + more + 1);
	if (!grown)
		return 0;
	memcpy(grown + stream->length, bytes, more);
	stream->bytes = grown;
	stream->length += more;
	grown[stream->length] = '\0';
	return more;
}

static void set_options(struct client_stream *stream, const char *url)
{
	CURL *curl = stream->curl;
	client_set_connection(stream->client, curl, url, stream->curl_error);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, stream->headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, stream);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)SILENT_S);
}

struct client_stream *client_stream_open(struct client *client, const char *path)
{
	struct client_stream *stream = calloc(1, sizeof(*stream));
	char url[2048];
	if (!stream)
		return NULL;
	stream->client = client;
	stream->curl = curl_easy_init();
	stream->multi = curl_multi_init();
	stream->headers = curl_slist_append(NULL, "Accept: text/event-stream");
	if (client->authorization)
		stream->headers = curl_slist_append(stream->headers, client->authorization);
	if (!stream->curl || !stream->multi || !stream->headers) {
		client_stream_close(stream);
		return NULL;
	}
	snprintf(url, sizeof(url), "%s%s", client->base_url, path);
	set_options(stream, url);
	curl_multi_add_handle(stream->multi, stream->curl);
	return stream;
}

void client_stream_close(struct client_stream *stream)
{
	if (!stream)
		return;
	if (stream->multi && stream->curl)
		curl_multi_remove_handle(stream->multi, stream->curl);
	curl_easy_cleanup(stream->curl);
	curl_multi_cleanup(stream->multi);
	curl_slist_free_all(stream->headers);
	free(stream->bytes);
	free(stream);
}

/* A field's value when the line is of that field. */
static const char *value_of(const char *line, const char *field)
{
	size_t length = strlen(field);
	if (strncmp(line, field, length) != 0 || line[length] != ':')
		return NULL;
	line += length + 1;
	return *line == ' ' ? line + 1 : line;
}

static void take_line(const char *line, struct client_event *event)
{
	const char *value;
	if ((value = value_of(line, "event")))
		event->name = value;
	else if ((value = value_of(line, "id")))
		event->id = value;
	else if ((value = value_of(line, "data")))
		event->data = value;
}

/* Takes the next whole event out of the bytes; what has no data is a heartbeat. */
static bool take_event(struct client_stream *stream, struct client_event *event)
{
	char *end;
	while (stream->taken < stream->length
	       && (end = strstr(stream->bytes + stream->taken, "\n\n"))) {
		char *line = stream->bytes + stream->taken, *rest = NULL;
		*event = (struct client_event){.name = "message", .id = ""};
		*end = '\0';
		stream->taken = (size_t)(end - stream->bytes) + 2;
		for (line = strtok_r(line, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
			take_line(line, event);
		if (event->data)
			return true;
	}
	return false;
}

static void perform(struct client_stream *stream)
{
	int running, left;
	const CURLMsg *message;
	curl_multi_perform(stream->multi, &running);
	while ((message = curl_multi_info_read(stream->multi, &left))) {
		if (message->msg == CURLMSG_DONE) {
			stream->is_over = true;
			stream->result = message->data.result;
		}
	}
}

static void explain_end(struct client_stream *stream, struct reply *reply)
{
	curl_easy_getinfo(stream->curl, CURLINFO_RESPONSE_CODE, &reply->status);
	if (reply->status != 0 && reply->status != STATUS_DONE)
		client_read_answer(
		    stream->client, stream->bytes ? stream->bytes : "", stream->length, reply);
	else if (stream->result != CURLE_OK)
		client_explain_unreachable(
		    stream->client, stream->curl, stream->result, stream->curl_error, reply->error);
	else
		snprintf(reply->error, sizeof(reply->error),
		    "control ended the events: it stops, or the token is no longer good");
}

static bool answers_with_events(const struct client_stream *stream)
{
	long status = 0;
	curl_easy_getinfo(stream->curl, CURLINFO_RESPONSE_CODE, &status);
	return status == STATUS_DONE;
}

enum client_stream_result client_stream_next(struct client_stream *stream, int timeout_ms,
    int descriptor, struct client_event *event, struct reply *reply)
{
	struct curl_waitfd extra = {.fd = descriptor, .events = CURL_WAIT_POLLIN};
	memset(reply, 0, sizeof(*reply));
	for (int waited = 0; waited < 2; waited++) {
		if (!stream->is_over)
			perform(stream);
		if (answers_with_events(stream) && take_event(stream, event))
			return CLIENT_STREAM_EVENT;
		if (stream->is_over) {
			explain_end(stream, reply);
			return CLIENT_STREAM_OVER;
		}
		if (waited == 0)
			curl_multi_poll(
			    stream->multi, &extra, descriptor >= 0 ? 1 : 0, timeout_ms, NULL);
	}
	return CLIENT_STREAM_NONE;
}
