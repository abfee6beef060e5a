/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests to control's API (doc/openapi.yaml) over a UNIX socket or HTTP; client_private.h and
 * its .c files are the ones that know libcurl.  One request at a time, the connection is kept between them.
 */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "cli/target.h"

enum { CLIENT_ERROR_BYTES = 1024, CLIENT_ETAG_BYTES = 64 };

/* Exit codes of trunkctl, a contract (DESIGN.md, the command line). */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_NOT_FOUND = 3,
	EXIT_UNREACHABLE = 4,
	EXIT_DIFFERS = 5, /* of diff */
};

struct client;

struct reply {
	long status;                  /* of HTTP, 0 when there was no answer */
	char etag[CLIENT_ETAG_BYTES]; /* with its quotes, "" for none */
	json_t *body;                 /* the answer's object, NULL when it failed */
	json_t *problem;              /* what control said of a failure (RFC 9457), or NULL */
	char error
	    [CLIENT_ERROR_BYTES]; /* one line: what is wrong, and what to do; "" when it did not */
};

/*
 * The target's address is "unix:PATH" or an http:// or https:// URL; with a pin the server is who
 * has that key, and its certificate's names, dates and issuer mean nothing.  Connects to nothing
 * yet.  NULL when it is neither, or would send a token in clear over a network; `error`
 * (CLIENT_ERROR_BYTES) says what is wrong.
 */
struct client *client_open(const struct target *target, char *error);
void client_close(struct client *client);

/* How long a request may take, connecting included, unless it is the 30 s of a patient one. */
void client_set_timeout(struct client *client, long timeout_ms);

/*
 * Does `method` on `path` ("/v1/nodes?x=y") with the JSON `body` (borrowed; NULL for none), on the
 * condition If-Match: `if_match` (an ETag; NULL or "" for none).  Fills `reply` in every case; the
 * caller calls reply_free.  When the answer is lost on the way it is sent once more, and with the
 * Idempotency-Key that it had, so that a change is done once and its answer is that of the first time.
 * It fails all the same where control has no such answer: the token revoked itself, or it was too long.
 * EXIT_DONE, EXIT_FAILED, EXIT_NOT_FOUND or EXIT_UNREACHABLE.
 */
enum exit_code client_request(struct client *client, const char *method, const char *path,
    const json_t *body, const char *if_match, struct reply *reply);

/*
 * The same for a POST without body whose answer is no JSON: it is written to the file, which stays
 * open; what is there when it is not EXIT_DONE is of no use.
 */
enum exit_code client_download(
    struct client *client, const char *path, FILE *file, struct reply *reply);

void reply_free(struct reply *reply);

#endif
