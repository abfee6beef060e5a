/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A change of one object of the API: read, then written on the condition (If-Match) that nobody
 * changed it in between, else read again.
 */
#ifndef CLI_UPDATE_H
#define CLI_UPDATE_H

#include "cli/session.h"

/*
 * Makes the merge patch (RFC 7396) that the command line asks for, of an object as it is now; the
 * caller's.  False with one line in `error` (VALUE_ERROR_BYTES).
 */
typedef bool update_fn(
    const struct invocation *invocation, const json_t *before, json_t **patch, char *error);

/*
 * PATCHes `path`, with `query` ("?now=true" or "") behind it.  *before and *after are the caller's
 * with EXIT_DONE, else NULL, and the error is told.
 */
enum exit_code update_object(struct session *session, const struct invocation *invocation,
    const char *path, const char *query, update_fn *make_patch, json_t **before, json_t **after);

#endif
