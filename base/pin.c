/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See pin.h. */
#include "base/pin.h"

#include "base/err.h"

#include <sodium.h>
#include <string.h>

const char *pin_format(const uint8_t pin[PIN_BYTES], char text[PIN_TEXT_BYTES])
{
	return sodium_bin2base64(
	    text, PIN_TEXT_BYTES, pin, PIN_BYTES, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

int pin_parse(const char *text, uint8_t pin[PIN_BYTES])
{
	uint8_t decoded[PIN_BYTES];
	size_t length;

	if (strlen(text) != PIN_TEXT_BYTES - 1
	    || sodium_base642bin(decoded, sizeof(decoded), text, PIN_TEXT_BYTES - 1, NULL, &length,
	        NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING)
	    || length != PIN_BYTES)
		return ERR_MALFORMED;
	memcpy(pin, decoded, PIN_BYTES);
	sodium_memzero(decoded, sizeof(decoded));
	return 0;
}
