/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See utf8.h. */
#include "base/utf8.h"

#include <stdbool.h>
#include <stddef.h>

/* By its first byte; 0 for one that begins none. */
static size_t character_bytes(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef)
		return 3;
	return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

/* RFC 3629, 4: neither longer than needed, nor a surrogate, nor above U+10FFFF. */
static bool is_second(unsigned char first, unsigned char byte)
{
	unsigned char lowest = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
	unsigned char highest = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;

	return byte >= lowest && byte <= highest;
}

/* How many of the character's bytes stand here. */
static size_t present_bytes(const unsigned char *at, size_t wanted)
{
	size_t n = 1;

	if (wanted > 1 && is_second(at[0], at[1]))
		for (n = 2; n < wanted && (at[n] & 0xc0) == 0x80; n++)
			;
	return n;
}

char *utf8_mend(char *text)
{
	unsigned char *at = (unsigned char *)text;

	while (*at) {
		size_t wanted = character_bytes(*at);
		size_t present = present_bytes(at, wanted);

		if (wanted == present)
			at += present;
		else if (wanted && !at[present])
			*at = '\0';
		else
			*at++ = '?';
	}
	return text;
}
