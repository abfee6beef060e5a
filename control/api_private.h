/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between api_server.c (sockets and connections), api.c (requests) and api_stream.c (answers that go on):
 * the three that know libmicrohttpd.  Nobody else includes this.
 */
#ifndef CONTROL_API_PRIVATE_H
#define CONTROL_API_PRIVATE_H

#include "base/list.h"
#include "control/api.h"
#include "control/api_stream.h"
#include "net/http_server.h"

#include <sys/un.h>

/* One listening socket and its connections. */
struct api {
	struct control *control;
	struct http_server http; /* its peers are of struct api_peer */
	const struct api_group *groups;
	size_t group_count;
	bool is_tcp;
	struct list_node streams; /* of struct api_stream */
	bool is_stopping;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* "" for TCP */
};

/* A connection, from when it was accepted. */
struct api_peer {
	struct http_peer http;
	struct api_caller caller; /* by the socket alone */
};

struct api_stream {
	struct list_node node;
	const struct api_stream_source *source;
	void *context;
	struct api *api;
	struct MHD_Connection *connection;
	bool is_suspended;
};

/* A response that reads the stream, and frees it in the end; NULL without memory. */
struct MHD_Response *api_stream_respond(
    struct api_stream *stream, struct api *api, struct MHD_Connection *connection);

/* One that became no response. */
void api_stream_free(struct api_stream *stream);

/* Ends all streams, so that libmicrohttpd may stop. */
void api_streams_end(struct api *api);

struct api_peer *api_peer_of(struct MHD_Connection *connection);

/* libmicrohttpd's MHD_AccessHandlerCallback and MHD_RequestCompletedCallback, of api.c. */
enum MHD_Result api_on_request(void *context, struct MHD_Connection *connection, const char *path,
    const char *method, const char *version, const char *data, size_t *length,
    void **request_context);
void api_on_completed(void *context, struct MHD_Connection *connection, void **request_context,
    enum MHD_RequestTerminationCode code);

#endif
