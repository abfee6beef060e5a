/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Blocks of IP addresses as people write them (RFC 4632, RFC 4291 section 2.3): "10.0.0.0/8",
 * "2001:db8::/32"; an address alone is a block of one.  IPv4 mapped into IPv6 is IPv4, as in
 * addr.h, so "::/0" is all of IPv6 and nothing of IPv4.
 */
#ifndef BASE_CIDR_H
#define BASE_CIDR_H

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CIDR_TEXT_BYTES = 52, /* "ffff:...:255.255.255.255/128" in any form, with the NUL */
	CIDR_FIX_BYTES = 128, /* a sentence, with the NUL */
};

/* No padding; bits of ip behind the prefix are 0. */
struct cidr {
	uint8_t family; /* 4 or 6 */
	uint8_t bits;   /* of the prefix: 0 to 32 or 128 */
	uint8_t ip[16]; /* network order, as struct addr has it */
};
_Static_assert(sizeof(struct cidr) == 18, "struct cidr has no padding");

/*
 * ERR_MALFORMED with *fix saying how to write it, also when bits behind the
 * prefix are set: who writes 10.0.0.5/8 meant one of two things.  fix may be NULL.
 */
int cidr_parse(const char *text, struct cidr *cidr, char fix[CIDR_FIX_BYTES]);

/* The one form of a block, always with its length.  Returns text. */
const char *cidr_format(const struct cidr *cidr, char text[CIDR_TEXT_BYTES]);

/* Whatever the port and scope of the address. */
bool cidr_contains(const struct cidr *cidr, const struct addr *addr);

/* By family, address, then the wider first: < 0, 0 or > 0. */
int cidr_compare(const struct cidr *a, const struct cidr *b);

#endif
