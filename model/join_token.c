/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See join_token.h.  Bytes inside the base64url: role (1), region (length 1, text), pin (32),
 * secret (32), number of addresses (1), each (length 1, text), then 4 bytes of BLAKE2b over all
 * before.  A later kind gets another prefix.
 */
#include "model/join_token.h"

#include "base/bytes.h"
#include "base/encoding.h"
#include "base/err.h"
#include "model/name.h"

#include <sodium.h>
#include <string.h>

enum { CHECKSUM_BYTES = 4, BINARY_BYTES = 1 + 64 + 32 + 32 + 1 + 4 * 64 + CHECKSUM_BYTES };

_Static_assert(sizeof(JOIN_TOKEN_PREFIX) + (BINARY_BYTES * 4 + 2) / 3 <= JOIN_TOKEN_TEXT_BYTES,
    "every token fits");

/* libsodium has no shorter BLAKE2b than 16 bytes: its first 4 serve. */
static void checksum(const uint8_t *data, size_t length, uint8_t out[CHECKSUM_BYTES])
{
	uint8_t digest[crypto_generichash_BYTES_MIN];

	crypto_generichash(digest, sizeof(digest), data, length, NULL, 0);
	memcpy(out, digest, CHECKSUM_BYTES);
}

static void write_text(struct writer *w, const char *text)
{
	size_t length = strlen(text);

	writer_u8(w, (uint8_t)length);
	writer_bytes(w, text, length);
}

static void read_text(struct reader *r, char text[NAME_BYTES])
{
	size_t length = reader_u8(r);

	memset(text, 0, NAME_BYTES);
	if (length == 0 || length >= NAME_BYTES)
		reader_fail(r);
	else
		reader_copy(r, text, length);
	if (strlen(text) != length)
		reader_fail(r);
}

static bool role_is_known(enum node_role role)
{
	return role == NODE_LISTENER || role == NODE_ENDPOINT;
}

int join_token_format(const struct join_token *token, char text[JOIN_TOKEN_TEXT_BYTES])
{
	uint8_t binary[BINARY_BYTES], sum[CHECKSUM_BYTES];
	size_t prefix = strlen(JOIN_TOKEN_PREFIX);
	struct writer w;

	if (!role_is_known(token->role) || !name_is_valid(token->region)
	    || token->address_count == 0 || token->address_count > JOIN_ADDRESSES_MAX)
		return ERR_INVALID;
	writer_init(&w, binary, sizeof(binary));
	writer_u8(&w, (uint8_t)token->role);
	write_text(&w, token->region);
	writer_bytes(&w, token->control_pin, PIN_BYTES);
	writer_bytes(&w, token->secret, JOIN_SECRET_BYTES);
	writer_u8(&w, (uint8_t)token->address_count);
	for (size_t i = 0; i < token->address_count; i++)
		write_text(&w, token->addresses[i]);
	checksum(binary, writer_length(&w), sum);
	writer_bytes(&w, sum, sizeof(sum));
	memcpy(text, JOIN_TOKEN_PREFIX, prefix);
	base64_encode(binary, writer_length(&w), text + prefix);
	sodium_memzero(binary, sizeof(binary));
	return 0;
}

static int read_token(const uint8_t *binary, size_t length, struct join_token *token)
{
	uint8_t sum[CHECKSUM_BYTES];
	struct reader r;

	if (length < CHECKSUM_BYTES)
		return ERR_MALFORMED;
	length -= CHECKSUM_BYTES;
	checksum(binary, length, sum);
	if (memcmp(sum, binary + length, CHECKSUM_BYTES) != 0)
		return ERR_MALFORMED;
	reader_init(&r, binary, length);
	token->role = (enum node_role)reader_u8(&r);
	read_text(&r, token->region);
	reader_copy(&r, token->control_pin, PIN_BYTES);
	reader_copy(&r, token->secret, JOIN_SECRET_BYTES);
	token->address_count = reader_u8(&r);
	if (token->address_count == 0 || token->address_count > JOIN_ADDRESSES_MAX)
		return ERR_MALFORMED;
	for (size_t i = 0; i < token->address_count; i++)
		read_text(&r, token->addresses[i]);
	if (r.failed || reader_left(&r) || !role_is_known(token->role)
	    || !name_is_valid(token->region))
		return ERR_MALFORMED;
	return 0;
}

int join_token_parse(const char *text, struct join_token *token)
{
	const char *white = " \t\r\n", *start = text + strspn(text, white);
	size_t length = strcspn(start, white), prefix = strlen(JOIN_TOKEN_PREFIX), size;
	uint8_t binary[BINARY_BYTES];
	int result;

	memset(token, 0, sizeof(*token));
	if (start[length + strspn(start + length, white)] != '\0' || length < prefix
	    || strncmp(start, "tlj", 3) != 0)
		return ERR_MALFORMED;
	if (strncmp(start, JOIN_TOKEN_PREFIX, prefix) != 0)
		return start[4] == '_' ? ERR_UNSUPPORTED : ERR_MALFORMED;
	if (base64_decode(start + prefix, length - prefix, binary, sizeof(binary), &size) < 0)
		return ERR_MALFORMED;
	result = read_token(binary, size, token);
	sodium_memzero(binary, sizeof(binary));
	if (result < 0)
		memset(token, 0, sizeof(*token));
	return result;
}
