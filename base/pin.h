/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pin, which is who a peer is: the SHA-256 of its public key (DER SubjectPublicKeyInfo), and its
 * text, base64url without padding (RFC 4648 section 5).  Taking one from a certificate is net's
 * work.
 */
#ifndef BASE_PIN_H
#define BASE_PIN_H

#include <stddef.h>
#include <stdint.h>

enum {
	PIN_BYTES = 32,
	PIN_TEXT_BYTES = 44, /* with the NUL */
};

/* 43 characters and a NUL; returns text. */
const char *pin_format(const uint8_t pin[PIN_BYTES], char text[PIN_TEXT_BYTES]);

/* Exactly 43 characters in the one canonical spelling; ERR_MALFORMED otherwise, bytes untouched. */
int pin_parse(const char *text, uint8_t pin[PIN_BYTES]);

#endif
