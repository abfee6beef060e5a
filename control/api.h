/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The HTTP side of control: libmicrohttpd on UNIX sockets and on TCP with TLS, driven by libev.
 * This file, api_private.h and their .c files are the only ones that know it; handlers see a
 * request and fill in an answer.
 * What is served is doc/openapi.yaml.
 */
#ifndef CONTROL_API_H
#define CONTROL_API_H

#include "control/api_caller.h"
#include "control/api_tls.h"
#include "control/control.h"
#include "control/problem.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	API_BODY_BYTES_MAX = 1024 * 1024,
	API_HEADER_BYTES_MAX = 32 * 1024, /* and the buffers of a connection */
	API_CONNECTIONS_MAX = 256,        /* of a listening socket */
	API_CLIENT_CONNECTIONS_MAX = 64,  /* of them by a user, or by an address */
	API_BACKLOG = 64,
	API_REQUEST_MS = 30000, /* from the connection, or the last answer, to the answer's end */
	API_FILE_MS = 600000,   /* for an answer that is a file */
	API_IDLE_S = 20,
	API_PARAMETERS_MAX = 2,
};

struct MHD_Connection;
struct api_stream;

/* Valid until the handler returns. */
struct api_request {
	const char *method, *path;
	char parameters[API_PARAMETERS_MAX][NAME_BYTES]; /* of the path, in order; valid names */
	const char *body;                                /* NUL-terminated */
	size_t body_bytes;
	struct api_caller caller;
	struct MHD_Connection *connection;
};

/* An answer that is no JSON; no file when it has no bytes. */
struct api_file {
	int descriptor;
	size_t bytes;
};

struct api_answer {
	unsigned status; /* 200 unless the handler says other */
	json_t *body;    /* owned; given up to the caller */
	char *text;      /* in place of body, metrics; owned; given up to the caller */
	char etag[32];   /* with its quotes, "" for none */
	char location[128];
	struct api_stream *stream; /* in place of body; given up to the caller */
	struct api_file file;      /* in place of body; given up to the caller */
	bool is_dry_run;           /* only told what would be done */
	struct problem problem;    /* when the handler returned -1 */
};

/* 0, or -1 with answer->problem filled. */
typedef int api_handler_fn(
    struct control *control, const struct api_request *request, struct api_answer *answer);

/* A header or an argument of the query, or NULL; valid as long as the request. */
const char *api_request_header(const struct api_request *request, const char *name);
const char *api_request_query(const struct api_request *request, const char *name);

/*
 * The body as a JSON object, a new reference; or NULL with *problem filled: no JSON, not an
 * object, a key twice, too deep.
 */
json_t *api_request_json(const struct api_request *request, struct problem *problem);

/* The revision as an entity tag (RFC 9110). */
void api_answer_set_etag(struct api_answer *answer, uint64_t revision);

/*
 * If-Match: the tag that the caller saw, or *.  0 when there is none or it is the revision's; else -1
 * with *problem filled, which calls the object `what`: "accelerator \"web\"".
 */
int api_check_match(const struct api_request *request, uint64_t revision, const char *what,
    struct problem *problem);

/* The value of a query argument "true" or "false"; -1 with *problem filled for any other. */
int api_request_flag(
    const struct api_request *request, const char *name, bool *value, struct problem *problem);

/*
 * The query argument "limit", 1 to max, or usual when it is not there; -1 with *problem filled.
 */
int api_request_limit(
    const struct api_request *request, long usual, long max, long *limit, struct problem *problem);

struct api;

struct api_config {
	const char *socket_path;        /* of a UNIX socket; or NULL, and */
	const struct addr *address;     /* TCP, with this key and certificate */
	const struct api_tls *tls;      /* only needed for the start */
	const struct api_group *groups; /* as long as the API */
	size_t group_count;
};

/*
 * Serves on the socket; control->access is there.  A UNIX socket takes the place of one left
 * there; it is its owner's alone, 0600, but with groups everybody may connect and is told what he
 * may do.  A negative error, logged.
 */
int api_start(struct api **api, struct control *control, const struct api_config *config);

/* Ends all connections and removes the socket.  Takes NULL. */
void api_stop(struct api *api);

#endif
