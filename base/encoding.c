/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hex and base64url by libsodium.
 */
#include "base/encoding.h"

#include "base/err.h"

#include <sodium.h>
#include <stdbool.h>

const char *hex_encode(const void *bytes, size_t n, char *text)
{
	return sodium_bin2hex(text, HEX_TEXT_BYTES(n), bytes, n);
}

int hex_decode(const char *text, size_t length, void *bytes, size_t max, size_t *n)
{
	*n = 0;
	if (length % 2)
		return ERR_MALFORMED;
	if (length / 2 > max)
		return ERR_TOO_LARGE;
	if (sodium_hex2bin(bytes, max, text, length, NULL, n, NULL) || *n != length / 2) {
		*n = 0;
		return ERR_MALFORMED;
	}
	return 0;
}

const char *base64_encode(const void *bytes, size_t n, char *text)
{
	return sodium_bin2base64(
	    text, BASE64_TEXT_BYTES(n), bytes, n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

/* libsodium 1.0.18 takes some bytes above 127 for letters. */
static bool is_ascii(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] > 127)
			return false;
	return true;
}

int base64_decode(const char *text, size_t length, void *bytes, size_t max, size_t *n)
{
	*n = 0;
	if (length / 4 * 3 + (length % 4 ? length % 4 - 1 : 0) > max)
		return ERR_TOO_LARGE;
	if (!is_ascii(text, length)
	    || sodium_base642bin(bytes, max, text, length, NULL, n, NULL,
	        sodium_base64_VARIANT_URLSAFE_NO_PADDING)) {
		*n = 0;
		return ERR_MALFORMED;
	}
	return 0;
}
