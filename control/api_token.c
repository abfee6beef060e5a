/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See api_token.h. */
#include "control/api_token.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static void hash_text(const char *text, size_t length, uint8_t hash[API_TOKEN_HASH_BYTES])
{
	crypto_generichash(
	    hash, API_TOKEN_HASH_BYTES, (const unsigned char *)text, length, NULL, 0);
}

void api_token_make(char text[API_TOKEN_TEXT_BYTES], uint8_t hash[API_TOKEN_HASH_BYTES])
{
	uint8_t secret[API_TOKEN_SECRET_BYTES];

	randombytes_buf(secret, sizeof(secret));
	memcpy(text, API_TOKEN_PREFIX, strlen(API_TOKEN_PREFIX));
	base64_encode(secret, sizeof(secret), text + strlen(API_TOKEN_PREFIX));
	sodium_memzero(secret, sizeof(secret));
	hash_text(text, API_TOKEN_TEXT_BYTES - 1, hash);
}

struct api_token *api_token_find(const struct api_token_list *list, const char *text)
{
	uint8_t hash[API_TOKEN_HASH_BYTES];
	struct api_token *found = NULL;

	if (strnlen(text, API_TOKEN_TEXT_BYTES) != API_TOKEN_TEXT_BYTES - 1)
		return NULL;
	hash_text(text, API_TOKEN_TEXT_BYTES - 1, hash);
	for (size_t i = 0; i < list->count; i++) {
		if (sodium_memcmp(list->tokens[i].hash, hash, sizeof(hash)) == 0)
			found = &list->tokens[i];
	}
	return found;
}

struct api_token *api_token_by_name(const struct api_token_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++) {
		if (strcmp(list->tokens[i].name, name) == 0)
			return &list->tokens[i];
	}
	return NULL;
}

struct api_token *api_token_by_id(const struct api_token_list *list, uint32_t id)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->tokens[i].id == id)
			return &list->tokens[i];
	}
	return NULL;
}

void api_token_list_replace(struct api_token_list *list, struct api_token_list *loaded)
{
	for (size_t i = 0; i < loaded->count; i++) {
		const struct api_token *old = api_token_by_id(list, loaded->tokens[i].id);

		loaded->tokens[i].used_ms = old ? old->used_ms : 0;
	}
	api_token_list_clear(list);
	*list = *loaded;
	*loaded = (struct api_token_list){0};
}

void api_token_list_clear(struct api_token_list *list)
{
	free(list->tokens);
	*list = (struct api_token_list){0};
}
