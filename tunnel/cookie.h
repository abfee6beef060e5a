/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cookies: under load a handshake goes on only when its sender shows that it receives at its
 * address, and that costs the endpoint no memory (RFC 9000 section 8.1.2, WireGuard's cookies).
 * A cookie is keyed BLAKE2b over address, door id and tunnel id; the key turns every 120 s and the
 * one before is still taken.
 */
#ifndef TUNNEL_COOKIE_H
#define TUNNEL_COOKIE_H

#include "base/addr.h"
#include "base/rng.h"
#include "tunnel/handshake.h"

#define COOKIE_TURN_US UINT64_C(120000000)

struct cookie_jar {
	uint8_t keys[2][32]; /* now, and before */
	uint64_t turned_us;
	random_fn *random;
	void *random_context;
};

void cookie_jar_init(
    struct cookie_jar *jar, random_fn *random, void *random_context, uint64_t now_us);
void cookie_make(struct cookie_jar *jar, uint8_t cookie[HANDSHAKE_COOKIE_BYTES],
    const struct addr *source, const struct handshake_header *header, uint64_t now_us);
/* True when it was made for this source and tunnel within the last 120 to 240 s. */
bool cookie_check(struct cookie_jar *jar, const uint8_t cookie[HANDSHAKE_COOKIE_BYTES],
    const struct addr *source, const struct handshake_header *header, uint64_t now_us);

#endif
