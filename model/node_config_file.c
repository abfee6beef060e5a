/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The saved form of a node's config: "trunkline-config 1 BLAKE2B-256\n" and the JSON, of which the
 * hash is.  It finds torn and edited files; it keeps nobody out.
 */
#include "base/encoding.h"
#include "base/err.h"
#include "model/json_guard.h"
#include "model/node_config.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAGIC "trunkline-config 1 "

enum {
	HASH_BYTES = crypto_generichash_BYTES,
	HEADER_BYTES = sizeof(FILE_MAGIC) - 1 + 2 * HASH_BYTES + 1,
};

static void make_header(const char *json, size_t length, char header[HEADER_BYTES + 1])
{
	uint8_t hash[HASH_BYTES];
	char hex[HEX_TEXT_BYTES(HASH_BYTES)];

	crypto_generichash(hash, sizeof(hash), (const uint8_t *)json, length, NULL, 0);
	snprintf(
	    header, HEADER_BYTES + 1, "%s%s\n", FILE_MAGIC, hex_encode(hash, sizeof(hash), hex));
}

static char *config_dump(const struct node_config *config)
{
	json_t *json = schema_to_json(&node_config_schema, config, 0);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	return text;
}

int node_config_save(const struct node_config *config, char **text, size_t *length)
{
	char header[HEADER_BYTES + 1], *json = config_dump(config);
	size_t json_length;

	*text = NULL;
	if (!json)
		return ERR_NOMEM;
	json_length = strlen(json);
	*text = malloc(HEADER_BYTES + json_length + 1);
	if (*text) {
		make_header(json, json_length, header);
		memcpy(*text, header, HEADER_BYTES);
		memcpy(*text + HEADER_BYTES, json, json_length + 1);
		*length = HEADER_BYTES + json_length;
	}
	sodium_memzero(json, json_length);
	free(json);
	return *text ? 0 : ERR_NOMEM;
}

static int malformed(struct model_error *error, const char *reason)
{
	model_error_set(error, "", "", "%s", reason);
	return ERR_MALFORMED;
}

int node_config_load(
    const char *text, size_t length, struct node_config *config, struct model_error *error)
{
	char header[HEADER_BYTES + 1];
	struct schema_errors errors;
	int result;

	memset(config, 0, sizeof(*config));
	if (length > CONTROL_MESSAGE_BYTES_MAX + HEADER_BYTES)
		return malformed(error, "the file is too large");
	if (length < HEADER_BYTES || memcmp(text, FILE_MAGIC, strlen(FILE_MAGIC)) != 0)
		return malformed(error, "the file is no saved config");
	text += HEADER_BYTES;
	length -= HEADER_BYTES;
	make_header(text, length, header);
	if (memcmp(text - HEADER_BYTES, header, HEADER_BYTES) != 0)
		return malformed(error, "the checksum is wrong: the file was cut or changed");
	if (json_guard(text, length, JSON_DEPTH_MAX, JSON_VALUES_MAX) < 0)
		return malformed(error, "the content nests too deep or has too many values");
	result = schema_from_json_text(&node_config_schema, text, length, 0, config, &errors);
	if (result < 0) {
		model_error_from_schema(error, &errors);
		return result == ERR_NOMEM ? ERR_NOMEM : ERR_MALFORMED;
	}
	if (node_config_validate(config, error) < 0) {
		node_config_clear(config);
		return ERR_MALFORMED;
	}
	return 0;
}

int node_config_fingerprint(const struct node_config *config, uint8_t fingerprint[32])
{
	struct node_config unnumbered = *config; /* borrows what config owns */
	char *json;

	unnumbered.number = (struct config_number){0};
	unnumbered.drain_s = 0;
	json = config_dump(&unnumbered);
	if (!json)
		return ERR_NOMEM;
	crypto_generichash(fingerprint, 32, (const uint8_t *)json, strlen(json), NULL, 0);
	sodium_memzero(json, strlen(json));
	free(json);
	return 0;
}
