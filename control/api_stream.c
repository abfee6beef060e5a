/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See api_stream.h.  A stream without anything to say is suspended, so that it costs nothing;
 * libmicrohttpd then does not see either that its reader is gone, which the next heartbeat tells.
 */
#include "control/api_private.h"

#include <stdlib.h>

enum { BLOCK_BYTES = 16 * 1024 };

struct api_stream *api_stream_new(const struct api_stream_source *source, void *context)
{
	struct api_stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return NULL;
	stream->source = source;
	stream->context = context;
	list_init(&stream->node);
	return stream;
}

const char *api_stream_media_type(const struct api_stream *stream)
{
	return stream->source->media_type;
}

void api_stream_free(struct api_stream *stream)
{
	list_del(&stream->node);
	stream->source->free(stream->context);
	free(stream);
}

static void on_free(void *context)
{
	api_stream_free(context);
}

static ssize_t on_read(void *context, uint64_t position, char *out, size_t size)
{
	struct api_stream *stream = context;
	ssize_t n;

	(void)position;
	n = stream->api->is_stopping ? -1 : stream->source->read(stream->context, out, size);
	if (n < 0)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (n == 0) {
		stream->is_suspended = true;
		MHD_suspend_connection(stream->connection);
	}
	return n;
}

struct MHD_Response *api_stream_respond(
    struct api_stream *stream, struct api *api, struct MHD_Connection *connection)
{
	struct MHD_Response *response = MHD_create_response_from_callback(
	    MHD_SIZE_UNKNOWN, BLOCK_BYTES, on_read, stream, on_free);

	if (!response)
		return NULL;
	stream->api = api;
	stream->connection = connection;
	list_add_tail(&api->streams, &stream->node);
	return response;
}

void api_stream_wake(struct api_stream *stream)
{
	if (!stream->is_suspended)
		return;
	stream->is_suspended = false;
	MHD_resume_connection(stream->connection);
	http_server_wake(&stream->api->http);
}

void api_streams_end(struct api *api)
{
	api->is_stopping = true;
	LIST_FOREACH (stream, &api->streams, struct api_stream, node)
		api_stream_wake(stream);
	MHD_run(api->http.daemon);
}
