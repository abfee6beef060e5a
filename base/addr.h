/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IP addresses with ports: parsing, printing, comparing, and to and from sockaddr.
 * IPv6 in text stands in brackets when a port follows.  An IPv4 address mapped into IPv6 becomes
 * plain IPv4, so that one user has one address.  Names are split from their port, never resolved.
 */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/*
 * family is 4, 6 or 0 for none; port is in host order; ip is in network order, IPv4 in its first
 * 4 bytes with zeros after; scope is an interface index, for link-local IPv6 only.  The struct has
 * no padding, and unused bytes are zero: its bytes may be hashed and compared as a key.
 */
struct addr {
	uint8_t family;
	uint8_t zero;
	uint16_t port;
	uint8_t ip[16];
	uint32_t scope;
};
_Static_assert(sizeof(struct addr) == 24, "struct addr is a hash key and has no padding");

enum {
	ADDR_TEXT_BYTES = 64,  /* enough for any addr_format() */
	ADDR_HOST_BYTES = 256, /* enough for any host name and its NUL, RFC 1035 */
};

/*
 * "1.2.3.4", "1.2.3.4:80", "::1", "[::1]", "[::1]:80", "[fe80::1%eth0]:80", "[fe80::1%2]:80".
 * The port is default_port where the text has none.  ERR_MALFORMED otherwise.
 */
int addr_parse(const char *text, uint16_t default_port, struct addr *addr);

/* "1.2.3.4:80" or "[::1]:80"; "none" for family 0.  Returns buf, NUL-terminated. */
const char *addr_format(const struct addr *addr, char *buf, size_t size);

/* The same without brackets and port. */
const char *addr_format_ip(const struct addr *addr, char *buf, size_t size);

bool addr_equal(const struct addr *a, const struct addr *b);

/* The same address, whatever the port. */
bool addr_equal_ip(const struct addr *a, const struct addr *b);

/*
 * Who the address counts as: without its port, and of IPv6 the /64 only, within which a host chooses
 * freely (RFC 4291, section 2.5.1).
 */
struct addr addr_source(const struct addr *addr);

/* 0.0.0.0 or :: */
bool addr_is_any(const struct addr *addr);

/* 127.0.0.0/8 or ::1 */
bool addr_is_loopback(const struct addr *addr);

/* family is 4 or 6. */
struct addr addr_any(uint8_t family, uint16_t port);

/* Fills storage and returns the length in use; 0 for family 0. */
socklen_t addr_to_sockaddr(const struct addr *addr, struct sockaddr_storage *storage);

/* As above, but IPv4 becomes ::ffff:a.b.c.d, for a dual-stack socket. */
socklen_t addr_to_sockaddr_mapped(const struct addr *addr, struct sockaddr_storage *storage);

/* ERR_UNSUPPORTED for other families, ERR_TRUNCATED for a length that is too short. */
int addr_from_sockaddr(struct addr *addr, const struct sockaddr *sockaddr, socklen_t length);

/* A decimal port 1 to 65535 (0 too when zero_allowed) and nothing else; ERR_MALFORMED otherwise. */
int port_parse(const char *text, bool zero_allowed, uint16_t *port);

/*
 * "host", "host:port", "[v6]", "[v6]:port"; a bare v6 address without port is taken too.
 * host gets the name without brackets; *port is 0 where the text has none.
 * Checks lengths and characters (letters, digits, '-', '.', '_', or an address), resolves nothing.
 */
int host_port_split(const char *text, char *host, size_t host_size, uint16_t *port);

/* Ports first to last, both included; 1 <= first <= last. */
struct port_range {
	uint16_t first, last;
};

/*
 * "8000-8010,9000" into at most `max` ranges, sorted, disjoint.  ERR_LIMIT when there are more,
 * ERR_EXISTS when two overlap, ERR_MALFORMED otherwise.
 */
int port_ranges_parse(const char *text, struct port_range *ranges, size_t max, size_t *count);

/* The reverse of port_ranges_parse; ERR_TOO_LARGE when buf is too small. */
int port_ranges_format(const struct port_range *ranges, size_t count, char *buf, size_t size);

#endif
