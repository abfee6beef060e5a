/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tokens by which programs and people ask the API over TCP (RFC 6750), as control keeps them:
 * never the secret.  A secret is 32 random bytes, so a plain hash of it can be neither guessed nor
 * reversed.  The list is the store's, in memory.
 */
#ifndef CONTROL_API_TOKEN_H
#define CONTROL_API_TOKEN_H

#include "base/encoding.h"
#include "control/api_caller.h"
#include "model/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* So that people and secret scanners know one when they see it. */
#define API_TOKEN_PREFIX "tla1_"

enum {
	API_TOKENS_MAX = 256,
	API_TOKEN_SECRET_BYTES = 32,
	API_TOKEN_HASH_BYTES = 32,
	API_TOKEN_TEXT_BYTES =
	    sizeof(API_TOKEN_PREFIX) - 1 + BASE64_TEXT_BYTES(API_TOKEN_SECRET_BYTES),
};

struct api_token {
	uint32_t id; /* never used again for another */
	char name[NAME_BYTES];
	enum api_role role;
	uint8_t hash[API_TOKEN_HASH_BYTES]; /* BLAKE2b of the text */
	char created_by[WHO_BYTES];
	uint64_t created_ms, expires_ms; /* UNIX time */
	uint64_t used_ms; /* UNIX time of the last use since control started; 0: none */
};

struct api_token_list {
	struct api_token *tokens; /* by name */
	size_t count;
};

/* Draws a secret: its text, and the hash that is kept. */
void api_token_make(char text[API_TOKEN_TEXT_BYTES], uint8_t hash[API_TOKEN_HASH_BYTES]);

/*
 * The token that a text is, expired or not; NULL when it is none.  How long it takes does not
 * depend on which one it is, or how much of it is right.
 */
struct api_token *api_token_find(const struct api_token_list *list, const char *text);

/* NULL when there is none. */
struct api_token *api_token_by_name(const struct api_token_list *list, const char *name);
struct api_token *api_token_by_id(const struct api_token_list *list, uint32_t id);

/* Takes over what was loaded, with the times of use of the old list; *loaded is empty then. */
void api_token_list_replace(struct api_token_list *list, struct api_token_list *loaded);
void api_token_list_clear(struct api_token_list *list);

#endif
