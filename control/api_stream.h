/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An answer that is not there at once, or goes on for as long as its reader stays: server-sent events. */
#ifndef CONTROL_API_STREAM_H
#define CONTROL_API_STREAM_H

#include <stddef.h>
#include <sys/types.h>

struct api_stream;

struct api_stream_source {
	const char *media_type; /* of the answer */
	/* Puts up to size bytes into out: their number; 0 for none now, -1 for the end. */
	ssize_t (*read)(void *context, char *out, size_t size);
	/* The stream is over, and its pointer is gone. */
	void (*free)(void *context);
};

/* For answer->stream.  NULL without memory; context is then still the caller's. */
struct api_stream *api_stream_new(const struct api_stream_source *source, void *context);

const char *api_stream_media_type(const struct api_stream *stream);

/* There is something to read after read() gave 0.  Calls nothing back at once. */
void api_stream_wake(struct api_stream *stream);

#endif
