/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See cidr.h. */
#include "base/cidr.h"

#include "base/err.h"

#include <stdio.h>
#include <string.h>

enum { IPV4_BITS = 32, IPV6_BITS = 128, MAPPED_BITS = 96 };

#define FORM "write a block as 192.0.2.0/24 or 2001:db8::/32, or an address"

static int refuse(char *fix, const char *text)
{
	if (fix)
		snprintf(fix, CIDR_FIX_BYTES, "%s", text);
	return ERR_MALFORMED;
}

/* "0" to "128", without signs or leading zeros. */
static bool parse_bits(const char *text, unsigned *bits)
{
	size_t length = strlen(text);

	*bits = 0;
	if (length == 0 || length > 3 || (text[0] == '0' && length > 1))
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		*bits = *bits * 10 + (unsigned)(*text - '0');
	}
	return *bits <= IPV6_BITS;
}

/* The bits of byte i that belong to the prefix. */
static uint8_t mask_at(unsigned bits, size_t i)
{
	if (bits >= 8 * (i + 1))
		return 0xff;
	return (uint8_t)(bits <= 8 * i ? 0U : 0xffU << (8 * (i + 1) - bits));
}

/* Clears what is behind the prefix; false when there was nothing. */
static bool clear_behind(struct cidr *cidr)
{
	bool had_any = false;

	for (size_t i = 0; i < sizeof(cidr->ip); i++) {
		uint8_t mask = mask_at(cidr->bits, i);

		had_any = had_any || (cidr->ip[i] & ~mask);
		cidr->ip[i] &= mask;
	}
	return had_any;
}

static int refuse_set_bits(const struct cidr *cidr, const char *address, char *fix)
{
	char text[CIDR_TEXT_BYTES];

	if (fix)
		snprintf(fix, CIDR_FIX_BYTES, "write %s, or %.45s for one address",
		    cidr_format(cidr, text), address);
	return ERR_MALFORMED;
}

/* An address alone: addr_parse() takes brackets, ports and interfaces too. */
static bool parse_address(const char *text, struct addr *addr)
{
	const char *colon = strchr(text, ':');
	bool has_port = colon && colon == strrchr(text, ':');

	return !has_port && !strpbrk(text, "[%") && addr_parse(text, 0, addr) == 0;
}

int cidr_parse(const char *text, struct cidr *cidr, char fix[CIDR_FIX_BYTES])
{
	size_t length = strcspn(text, "/");
	bool has_length = text[length];
	char host[CIDR_TEXT_BYTES];
	struct addr addr;
	unsigned bits, most;

	memset(cidr, 0, sizeof(*cidr));
	snprintf(
	    host, sizeof(host), "%.*s", (int)(length < sizeof(host) ? length : sizeof(host)), text);
	if (length >= sizeof(host) || !parse_address(host, &addr))
		return refuse(fix, FORM);
	most = strchr(host, ':') ? IPV6_BITS : IPV4_BITS;
	bits = most;
	if (has_length && (!parse_bits(text + length + 1, &bits) || bits > most))
		return refuse(
		    fix, most == IPV4_BITS ? "end it in /0 to /32" : "end it in /0 to /128");
	if (most == IPV6_BITS && addr.family == 4) { /* mapped */
		if (bits < MAPPED_BITS)
			return refuse(fix, "write it as plain IPv4, or with /96 to /128");
		bits -= MAPPED_BITS;
	}
	cidr->family = addr.family;
	cidr->bits = (uint8_t)bits;
	memcpy(cidr->ip, addr.ip, sizeof(cidr->ip));
	return clear_behind(cidr) ? refuse_set_bits(cidr, host, fix) : 0;
}

const char *cidr_format(const struct cidr *cidr, char text[CIDR_TEXT_BYTES])
{
	struct addr addr = {.family = cidr->family};
	char ip[ADDR_TEXT_BYTES];

	memcpy(addr.ip, cidr->ip, sizeof(addr.ip));
	snprintf(
	    text, CIDR_TEXT_BYTES, "%.45s/%u", addr_format_ip(&addr, ip, sizeof(ip)), cidr->bits);
	return text;
}

bool cidr_contains(const struct cidr *cidr, const struct addr *addr)
{
	if (cidr->family != addr->family)
		return false;
	for (size_t i = 0; i < sizeof(cidr->ip); i++)
		if ((addr->ip[i] ^ cidr->ip[i]) & mask_at(cidr->bits, i))
			return false;
	return true;
}

int cidr_compare(const struct cidr *a, const struct cidr *b)
{
	int order = (int)a->family - (int)b->family;

	if (order == 0)
		order = memcmp(a->ip, b->ip, sizeof(a->ip));
	return order ? order : (int)a->bits - (int)b->bits;
}
