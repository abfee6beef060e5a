/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See api_access.h.  The token is looked at first, which is one short hash: a right one is charged
 * to its own limit alone, and only who has none to the address's.  So nobody is shut out by what
 * others behind the same address do.  An address that failed often is told to wait.
 */
#include "control/api_access.h"

#include "base/log.h"
#include "control/store.h"
#include "control/time_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum limit_kind { LIMIT_USER, LIMIT_ADDRESS, LIMIT_TOKEN, LIMIT_FAILURES };

/* What a bucket is of; no padding, for it is hashed. */
struct limit_key {
	enum limit_kind of;
	uint32_t number;
	uint8_t network[16];
};

static const struct rate failure_rate = {1, API_FAILURES_BURST};

static struct limit_key address_key(enum limit_kind of, const struct addr *addr)
{
	struct limit_key key = {.of = of, .number = addr->family};
	struct addr source = addr_source(addr);

	memcpy(key.network, source.ip, sizeof(key.network));
	return key;
}

int api_access_load_tokens(struct api_access *access, struct store *store)
{
	int result = store_load_api_tokens(store, &access->tokens);

	if (result < 0) {
		api_token_list_clear(&access->tokens);
		log_error("api_tokens_not_read", "reason=\"%s\"", store_error(store));
	}
	return result;
}

static int too_many(struct problem *problem, uint64_t wait_ms, const char *fix, const char *detail)
{
	problem_set(problem, PROBLEM_TOO_MANY, "", fix, "%s", detail);
	problem->retry_after_s = (unsigned)(wait_ms / 1000 + 1);
	return -1;
}

static int take(struct api_access *access, const struct limit_key *key, const struct rate *rate,
    uint64_t steady_ms, struct problem *problem)
{
	uint64_t wait_ms = rate_limit_take(&access->limits, key, sizeof(*key), rate, steady_ms);
	char detail[128];

	if (!wait_ms)
		return 0;
	snprintf(detail, sizeof(detail), "more than %u requests a second come from this %s",
	    rate->per_second,
	    key->of == LIMIT_TOKEN  ? "token"
	    : key->of == LIMIT_USER ? "user"
	                            : "address");
	return too_many(problem, wait_ms,
	    "wait as Retry-After says, and ask less often; control's --api-rate sets the limit",
	    detail);
}

/* Somebody who is not known; told so at most as often as the failures' rate allows. */
static int fail(struct api_access *access, const struct api_caller *caller, uint64_t steady_ms,
    struct problem *problem)
{
	struct limit_key key = address_key(LIMIT_FAILURES, &caller->addr);
	uint64_t wait_ms;

	if (caller->addr.family == 0)
		key.number = (uint32_t)caller->uid;
	wait_ms = rate_limit_take(&access->limits, &key, sizeof(key), &failure_rate, steady_ms);
	if (wait_ms)
		return too_many(problem, wait_ms,
		    "wait as Retry-After says, and send a right token",
		    "too many requests from here were without a right token");
	return -1;
}

/* After "Bearer " and its spaces; NULL for another scheme. */
static const char *token_text(const char *authorization)
{
	static const char scheme[] = "Bearer ";

	if (strncasecmp(authorization, scheme, sizeof(scheme) - 1) != 0)
		return NULL;
	authorization += sizeof(scheme) - 1;
	return authorization + strspn(authorization, " ");
}

static int admit_token(
    struct api_caller *caller, struct api_token *token, uint64_t unix_ms, struct problem *problem)
{
	char expired[TIME_TEXT_BYTES];

	if (token->expires_ms <= unix_ms)
		return problem_set(problem, PROBLEM_UNAUTHENTICATED, "",
		    "let an admin make another one: trunkctl token create",
		    "the token \"%s\" has expired at %s", token->name,
		    time_format(token->expires_ms, expired));
	token->used_ms = unix_ms;
	caller->role = token->role;
	caller->token = token->id;
	snprintf(caller->who, sizeof(caller->who), "token %s", token->name);
	return 0;
}

static int authenticate(struct api_access *access, struct api_caller *caller,
    const char *authorization, uint64_t unix_ms, struct problem *problem)
{
	const char *text = authorization ? token_text(authorization) : NULL;
	struct api_token *token = text ? api_token_find(&access->tokens, text) : NULL;

	if (token)
		return admit_token(caller, token, unix_ms, problem);
	return problem_set(problem, PROBLEM_UNAUTHENTICATED, "",
	    "send Authorization: Bearer TOKEN (trunkctl: --token-file or TRUNKLINE_TOKEN); an "
	    "admin "
	    "makes one with trunkctl token create",
	    "%s",
	    authorization ? "the token is none of control's: wrong, or revoked"
	                  : "a request over TCP must bear a token");
}

int api_access_admit(struct api_access *access, struct api_caller *caller,
    const char *authorization, uint64_t steady_ms, uint64_t unix_ms, struct problem *problem)
{
	bool is_local = caller->addr.family == 0;
	bool is_known = is_local && !authorization;
	struct limit_key key = is_local ? (struct limit_key){LIMIT_USER, (uint32_t)caller->uid, {0}}
	                                : address_key(LIMIT_ADDRESS, &caller->addr);

	if (!is_known && authenticate(access, caller, authorization, unix_ms, problem) == 0) {
		key = (struct limit_key){LIMIT_TOKEN, caller->token, {0}};
		return take(access, &key, &access->rate, steady_ms, problem);
	}
	if (take(access, &key, is_local ? &access->local_rate : &access->rate, steady_ms, problem)
	    < 0)
		return -1;
	return is_known ? 0 : fail(access, caller, steady_ms, problem);
}

bool api_access_is_good(
    const struct api_access *access, const struct api_caller *caller, uint64_t unix_ms)
{
	const struct api_token *token = api_token_by_id(&access->tokens, caller->token);

	return caller->token == 0 || (token && token->expires_ms > unix_ms);
}

struct api_access *api_access_new(uint32_t rate)
{
	struct api_access *access = calloc(1, sizeof(*access));

	if (!access)
		return NULL;
	access->rate = (struct rate){rate, rate * API_RATE_BURST_S};
	access->local_rate = (struct rate){
	    rate * API_RATE_LOCAL_FACTOR, rate * API_RATE_LOCAL_FACTOR * API_RATE_BURST_S};
	return access;
}

void api_access_free(struct api_access *access)
{
	if (access)
		api_token_list_clear(&access->tokens);
	free(access);
}
