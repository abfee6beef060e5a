/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between client.c (a request and its answer) and client_stream.c (an answer that goes on): the two
 * that know libcurl.  Nobody else includes this.
 */
#ifndef CLI_CLIENT_PRIVATE_H
#define CLI_CLIENT_PRIVATE_H

#include <curl/curl.h>

#include "cli/client.h"

struct client {
	CURL *curl;
	char *where;         /* as the user named it */
	char *base_url;      /* without a slash at its end */
	char *socket_path;   /* NULL for TCP */
	char *authorization; /* the header with the token, or NULL */
	char pin[64];        /* "sha256//...", "" for none */
	long timeout_ms;     /* of a request */
};

/* Where to connect, and how the server is known; curl_error has CURL_ERROR_SIZE bytes. */
void client_set_connection(
    const struct client *client, CURL *curl, const char *url, char *curl_error);

/* One line of why there was no answer, with the next step. */
void client_explain_unreachable(
    const struct client *client, CURL *curl, CURLcode rc, const char *curl_error, char *error);

/* Fills *reply, whose status is set, from the bytes of an answer; the code that trunkctl ends with. */
enum exit_code client_read_answer(
    const struct client *client, const char *bytes, size_t length, struct reply *reply);

#endif
