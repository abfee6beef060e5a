/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Texts of the error codes.
 */
#include "base/err.h"

#include <stddef.h>

static const char *const texts[] = {
    [0] = "success",
    [-ERR_NOMEM] = "out of memory",
    [-ERR_TRUNCATED] = "truncated",
    [-ERR_MALFORMED] = "malformed",
    [-ERR_LIMIT] = "limit reached",
    [-ERR_AUTH] = "authentication failed",
    [-ERR_STATE] = "not allowed in this state",
    [-ERR_NOT_FOUND] = "not found",
    [-ERR_EXISTS] = "exists already",
    [-ERR_EXPIRED] = "expired",
    [-ERR_REPLAY] = "replayed",
    [-ERR_IO] = "input or output failed",
    [-ERR_INVALID] = "invalid value",
    [-ERR_AGAIN] = "try again",
    [-ERR_CLOSED] = "closed",
    [-ERR_UNSUPPORTED] = "not supported",
    [-ERR_TOO_LARGE] = "too large",
    [-ERR_TIMEOUT] = "timed out",
    [-ERR_REFUSED] = "refused",
    [-ERR_UNREACHABLE] = "unreachable",
    [-ERR_FLOW_CONTROL] = "flow control window exceeded",
};

const char *err_text(int code)
{
	int count = (int)(sizeof(texts) / sizeof(texts[0]));

	if (code > 0 || code <= -count)
		return code > 0 ? "success" : "unknown error";
	return texts[-code];
}
