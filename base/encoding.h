/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes as text: lower-case hex, and base64url without padding (RFC 4648 section 5).
 * By libsodium, whose time does not depend on the bytes, since keys and tokens go through here.
 */
#ifndef BASE_ENCODING_H
#define BASE_ENCODING_H

#include <stddef.h>
#include <stdint.h>

/* Room for the text of n bytes and its NUL. */
#define HEX_TEXT_BYTES(n)    (2 * (n) + 1)
#define BASE64_TEXT_BYTES(n) (((n)*4 + 2) / 3 + 1)

/* text has HEX_TEXT_BYTES(n) bytes of room; returns it. */
const char *hex_encode(const void *bytes, size_t n, char *text);

/* Upper case is taken too.  *n is the number of bytes; ERR_MALFORMED, or ERR_TOO_LARGE above max. */
int hex_decode(const char *text, size_t length, void *bytes, size_t max, size_t *n);

/* text has BASE64_TEXT_BYTES(n) bytes of room; returns it. */
const char *base64_encode(const void *bytes, size_t n, char *text);

/* *n is the number of bytes; ERR_MALFORMED, or ERR_TOO_LARGE above max. */
int base64_decode(const char *text, size_t length, void *bytes, size_t max, size_t *n);

#endif
