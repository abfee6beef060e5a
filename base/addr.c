/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IP addresses in text (RFC 4291 and RFC 3986's brackets) and as sockaddr.
 */
#include "config.h"

#include "base/addr.h"

#include "base/err.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static void set_ipv6(struct addr *addr, const uint8_t ip[16], uint32_t scope)
{
	if (!memcmp(ip, mapped_prefix, sizeof(mapped_prefix))) {
		addr->family = 4;
		memcpy(addr->ip, ip + 12, 4);
		return;
	}
	addr->family = 6;
	memcpy(addr->ip, ip, 16);
	/* Outside link-local the scope means nothing, and would make equal addresses differ. */
	if (ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80)
		addr->scope = scope;
}

/*
 * An interface by its index, as addr_format() writes it, or by its name; 0 for none. The system would take a name
 * with anything behind a colon.
 */
static uint32_t scope_of(const char *zone)
{
	unsigned long long index = 0;
	size_t digits = strspn(zone, "0123456789");

	if (digits > 0 && digits < 11 && !zone[digits])
		index = strtoull(zone, NULL, 10);
	else if (!strchr(zone, ':'))
		index = if_nametoindex(zone);
	return index <= UINT32_MAX ? (uint32_t)index : 0;
}

/* An address alone, with an optional %interface; modifies text. */
static int parse_ip(char *text, struct addr *addr)
{
	char *zone = strchr(text, '%');
	uint8_t ip[16];
	uint32_t scope = 0;

	if (inet_pton(AF_INET, text, ip) == 1) {
		addr->family = 4;
		memcpy(addr->ip, ip, 4);
		return 0;
	}
	if (zone) {
		*zone++ = 0;
		scope = scope_of(zone);
		if (scope == 0)
			return ERR_MALFORMED;
	}
	if (inet_pton(AF_INET6, text, ip) != 1)
		return ERR_MALFORMED;
	set_ipv6(addr, ip, scope);
	return 0;
}

int port_parse(const char *text, bool zero_allowed, uint16_t *port)
{
	unsigned long value = 0;

	if (!text[0] || strlen(text) > 5)
		return ERR_MALFORMED;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return ERR_MALFORMED;
		value = value * 10 + (unsigned long)(*text - '0');
	}
	if (value > 65535 || (value == 0 && !zero_allowed))
		return ERR_MALFORMED;
	*port = (uint16_t)value;
	return 0;
}

/*
 * Splits into host (copied, without brackets) and port text (NULL where there is none).
 * A text with two colons or more and no brackets is an IPv6 address alone.
 */
static int split(const char *text, char *host, size_t host_size, const char **port_text)
{
	const char *host_end, *colon = strchr(text, ':');
	size_t length;

	*port_text = NULL;
	if (text[0] == '[') {
		text++;
		host_end = strchr(text, ']');
		if (!host_end || (host_end[1] && host_end[1] != ':'))
			return ERR_MALFORMED;
		if (host_end[1] == ':')
			*port_text = host_end + 2;
		if (!memchr(text, ':', (size_t)(host_end - text)))
			return ERR_MALFORMED;
	} else if (colon && !strchr(colon + 1, ':')) {
		host_end = colon;
		*port_text = colon + 1;
	} else {
		host_end = text + strlen(text);
	}
	length = (size_t)(host_end - text);
	if (length == 0 || length >= host_size)
		return ERR_MALFORMED;
	memcpy(host, text, length);
	host[length] = 0;
	return 0;
}

int addr_parse(const char *text, uint16_t default_port, struct addr *addr)
{
	char host[ADDR_TEXT_BYTES];
	const char *port_text;
	int rc;

	memset(addr, 0, sizeof(*addr));
	rc = split(text, host, sizeof(host), &port_text);
	if (rc == 0)
		rc = parse_ip(host, addr);
	addr->port = default_port;
	if (rc == 0 && port_text)
		rc = port_parse(port_text, true, &addr->port);
	if (rc < 0)
		memset(addr, 0, sizeof(*addr));
	return rc;
}

const char *addr_format_ip(const struct addr *addr, char *buf, size_t size)
{
	char ip[INET6_ADDRSTRLEN];
	int family = addr->family == 4 ? AF_INET : AF_INET6;

	if (addr->family == 0 || !inet_ntop(family, addr->ip, ip, sizeof(ip)))
		snprintf(buf, size, "none");
	else if (addr->scope)
		snprintf(buf, size, "%s%%%u", ip, addr->scope);
	else
		snprintf(buf, size, "%s", ip);
	return buf;
}

const char *addr_format(const struct addr *addr, char *buf, size_t size)
{
	char ip[ADDR_TEXT_BYTES];

	addr_format_ip(addr, ip, sizeof(ip));
	if (addr->family == 0)
		snprintf(buf, size, "%s", ip);
	else
		snprintf(buf, size, addr->family == 6 ? "[%s]:%u" : "%s:%u", ip, addr->port);
	return buf;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	return a->port == b->port && addr_equal_ip(a, b);
}

bool addr_equal_ip(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && a->scope == b->scope && !memcmp(a->ip, b->ip, 16);
}

struct addr addr_source(const struct addr *addr)
{
	struct addr source = *addr;

	source.port = 0;
	if (source.family == 6)
		memset(source.ip + 8, 0, 8);
	return source;
}

bool addr_is_any(const struct addr *addr)
{
	static const uint8_t zeros[16];

	return addr->family != 0 && !memcmp(addr->ip, zeros, sizeof(zeros));
}

bool addr_is_loopback(const struct addr *addr)
{
	static const uint8_t v6[16] = {[15] = 1};

	if (addr->family == 4)
		return addr->ip[0] == 127;
	return addr->family == 6 && !memcmp(addr->ip, v6, sizeof(v6));
}

struct addr addr_any(uint8_t family, uint16_t port)
{
	return (struct addr){.family = family, .port = port};
}

static socklen_t to_sockaddr_v6(
    const struct addr *addr, const uint8_t ip[16], struct sockaddr_storage *storage)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)storage;

	memset(v6, 0, sizeof(*v6));
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(addr->port);
	v6->sin6_scope_id = addr->scope;
	memcpy(&v6->sin6_addr, ip, 16);
	return sizeof(*v6);
}

socklen_t addr_to_sockaddr(const struct addr *addr, struct sockaddr_storage *storage)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)storage;

	if (addr->family == 6)
		return to_sockaddr_v6(addr, addr->ip, storage);
	if (addr->family != 4)
		return 0;
	memset(v4, 0, sizeof(*v4));
	v4->sin_family = AF_INET;
	v4->sin_port = htons(addr->port);
	memcpy(&v4->sin_addr, addr->ip, 4);
	return sizeof(*v4);
}

socklen_t addr_to_sockaddr_mapped(const struct addr *addr, struct sockaddr_storage *storage)
{
	uint8_t ip[16];

	if (addr->family != 4)
		return addr_to_sockaddr(addr, storage);
	memcpy(ip, mapped_prefix, sizeof(mapped_prefix));
	memcpy(ip + sizeof(mapped_prefix), addr->ip, 4);
	return to_sockaddr_v6(addr, ip, storage);
}

int addr_from_sockaddr(struct addr *addr, const struct sockaddr *sockaddr, socklen_t length)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)sockaddr;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)sockaddr;

	memset(addr, 0, sizeof(*addr));
	if (length < (socklen_t)sizeof(sa_family_t))
		return ERR_TRUNCATED;
	switch (sockaddr->sa_family) {
	case AF_INET:
		if (length < (socklen_t)sizeof(*v4))
			return ERR_TRUNCATED;
		addr->family = 4;
		addr->port = ntohs(v4->sin_port);
		memcpy(addr->ip, &v4->sin_addr, 4);
		return 0;
	case AF_INET6:
		if (length < (socklen_t)sizeof(*v6))
			return ERR_TRUNCATED;
		addr->port = ntohs(v6->sin6_port);
		set_ipv6(addr, v6->sin6_addr.s6_addr, v6->sin6_scope_id);
		return 0;
	default:
		return ERR_UNSUPPORTED;
	}
}

/* RFC 1123 names, and '_' because real zones have it.  Not starting with '-', nor empty labels. */
static bool is_host_name(const char *host)
{
	char previous = '.';

	for (; *host; previous = *host++) {
		if (*host == '.' || *host == '-') {
			if (previous == '.')
				return false;
		} else if (!isalnum((unsigned char)*host) && *host != '_') {
			return false;
		}
	}
	return true;
}

int host_port_split(const char *text, char *host, size_t host_size, uint16_t *port)
{
	const char *port_text;
	struct addr ignored;
	int rc = split(text, host, host_size, &port_text);

	*port = 0;
	if (rc < 0)
		return rc;
	if (strchr(host, ':') ? addr_parse(host, 0, &ignored) < 0 : !is_host_name(host))
		return ERR_MALFORMED;
	return port_text ? port_parse(port_text, false, port) : 0;
}

static int parse_range(char *text, struct port_range *range)
{
	char *dash = strchr(text, '-');
	int rc;

	if (dash)
		*dash++ = 0;
	rc = port_parse(text, false, &range->first);
	range->last = range->first;
	if (rc == 0 && dash)
		rc = port_parse(dash, false, &range->last);
	if (rc < 0)
		return rc;
	return range->first <= range->last ? 0 : ERR_MALFORMED;
}

static int compare_ranges(const void *left, const void *right)
{
	const struct port_range *a = left, *b = right;

	return a->first < b->first ? -1 : a->first > b->first;
}

int port_ranges_parse(const char *text, struct port_range *ranges, size_t max, size_t *count)
{
	char piece[12]; /* "65535-65535" */
	size_t n = 0;

	*count = 0;
	for (;; text++) {
		size_t length = strcspn(text, ",");
		int rc;

		if (length >= sizeof(piece))
			return ERR_MALFORMED;
		if (n == max)
			return ERR_LIMIT;
		memcpy(piece, text, length);
		piece[length] = 0;
		rc = parse_range(piece, &ranges[n++]);
		if (rc < 0)
			return rc;
		text += length;
		if (!*text)
			break;
	}
	qsort(ranges, n, sizeof(*ranges), compare_ranges);
	for (size_t i = 1; i < n; i++)
		if (ranges[i].first <= ranges[i - 1].last)
			return ERR_EXISTS;
	*count = n;
	return 0;
}

int port_ranges_format(const struct port_range *ranges, size_t count, char *buf, size_t size)
{
	size_t at = 0;

	if (size == 0)
		return ERR_TOO_LARGE;
	buf[0] = 0;
	for (size_t i = 0; i < count; i++) {
		const char *comma = i ? "," : "";
		int n;

		if (ranges[i].first == ranges[i].last)
			n = snprintf(buf + at, size - at, "%s%u", comma, ranges[i].first);
		else
			n = snprintf(
			    buf + at, size - at, "%s%u-%u", comma, ranges[i].first, ranges[i].last);
		if (n < 0 || (size_t)n >= size - at)
			return ERR_TOO_LARGE;
		at += (size_t)n;
	}
	return 0;
}
