/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See pin.h. */
#include "base/pin.h"

#include "base/encoding.h"
#include "base/err.h"

#include <sodium.h>
#include <string.h>

const char *pin_format(const uint8_t pin[PIN_BYTES], char text[PIN_TEXT_BYTES])
{
	return base64_encode(pin, PIN_BYTES, text);
}

int pin_parse(const char *text, uint8_t pin[PIN_BYTES])
{
	uint8_t decoded[PIN_BYTES];
	size_t length;

	if (strlen(text) != PIN_TEXT_BYTES - 1
	    || base64_decode(text, PIN_TEXT_BYTES - 1, decoded, sizeof(decoded), &length) < 0
	    || length != PIN_BYTES)
		return ERR_MALFORMED;
	memcpy(pin, decoded, PIN_BYTES);
	sodium_memzero(decoded, sizeof(decoded));
	return 0;
}
