/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Texts of pins, door keys and secrets: base64url without padding (RFC 4648 section 5).
 * A pin is the SHA-256 of a peer's public key (DER SubjectPublicKeyInfo); making one from a
 * certificate is net's work.
 */
#ifndef MODEL_PIN_H
#define MODEL_PIN_H

#include "model/limits.h"

#include <stddef.h>
#include <stdint.h>

/* Any 32 bytes (pin, door key, secret) as 43 characters and a NUL; returns text. */
const char *pin_format(const uint8_t bytes[PIN_BYTES], char text[PIN_TEXT_BYTES]);

/* The reverse: exactly 43 characters; ERR_MALFORMED otherwise, and bytes are untouched. */
int pin_parse(const char *text, uint8_t bytes[PIN_BYTES]);

#endif
