/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is let in: each request's caller by its token or its socket, how often each may ask, and
 * what was refused.  Shared by all the API's sockets.  Knows nothing of HTTP but the text of the
 * Authorization header (RFC 6750 section 2.1).
 */
#ifndef CONTROL_API_ACCESS_H
#define CONTROL_API_ACCESS_H

#include "base/pin.h"
#include "control/api_caller.h"
#include "control/api_token.h"
#include "control/problem.h"
#include "control/rate_limit.h"

struct store;

enum {
	API_RATE_DEFAULT = 200, /* requests a second of a token, and of an address without one */
	API_RATE_MAX = 100000,
	API_RATE_BURST_S = 2,      /* so many seconds' requests may come at once */
	API_RATE_LOCAL_FACTOR = 5, /* a user of this machine may ask so many times as often */
	API_FAILURES_BURST = 10,   /* of an address, and then one a second */
};

struct api_counters {
	uint64_t requests;
	uint64_t unauthenticated, forbidden, limited, too_slow; /* refused: 401, 403, 429, 408 */
	uint64_t connections_refused;
	uint64_t events_lost; /* by subscribers that were too slow */
};

struct api_access {
	struct api_token_list tokens;
	struct rate_limits limits;
	struct rate rate, local_rate;
	struct api_counters counters;
	bool has_pin; /* the API is served over TCP, by this key */
	uint8_t pin[PIN_BYTES];
};

/* rate: requests a second, 1 to API_RATE_MAX.  NULL without memory. */
struct api_access *api_access_new(uint32_t rate);
void api_access_free(struct api_access *access);

/*
 * Reads the tokens again: what is saved is in force, and when it cannot be read, nobody's token is
 * good.  ERR_IO, ERR_NOMEM.
 */
int api_access_load_tokens(struct api_access *access, struct store *store);

/*
 * Decides about one request: *caller is who the connection's other end is (api_caller.h), and then
 * who the token says.  authorization is the header's value or NULL.  steady_ms is for the limits,
 * unix_ms for expiry.  0, or -1 with *problem filled: too often, no token, or one that is no good.
 */
int api_access_admit(struct api_access *access, struct api_caller *caller,
    const char *authorization, uint64_t steady_ms, uint64_t unix_ms, struct problem *problem);

/* May what a token began go on?  True for those who came without one. */
bool api_access_is_good(
    const struct api_access *access, const struct api_caller *caller, uint64_t unix_ms);

#endif
