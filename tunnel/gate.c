/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cheapest check first: length and type, look-up, MAC, and last the cookie.
 */
#include "config.h"

#include "tunnel/gate.h"

#include "tunnel/session.h"

#include <sodium.h>

void gate_init(struct gate *gate, enum tunnel_role role, random_fn *random, void *random_context,
    uint64_t now_us)
{
	*gate = (struct gate){.role = role};
	cookie_jar_init(&gate->jar, random, random_context, now_us);
}

void gate_clear(struct gate *gate)
{
	doors_clear(&gate->doors);
	sodium_memzero(gate, sizeof(*gate));
}

/* A wrong cookie is answered by a right one even without load: its key may have turned. */
static enum handshake_cause check_cookie(struct gate *gate, const struct addr *from,
    const struct handshake_header *header, const uint8_t *packet, size_t length, uint64_t now_us)
{
	const uint8_t *cookie;
	enum handshake_cause cause = initiate_cookie(packet, length, &cookie);

	if (cause != HANDSHAKE_FINE)
		return cause;
	if (!cookie)
		return gate->are_cookies_demanded ? HANDSHAKE_COOKIE_MISSING : HANDSHAKE_FINE;
	if (!cookie_check(&gate->jar, cookie, from, header, now_us))
		return HANDSHAKE_COOKIE_WRONG;
	return HANDSHAKE_FINE;
}

enum handshake_cause gate_check(struct gate *gate, const struct addr *from, const uint8_t *packet,
    size_t length, struct handshake_header *header, const struct door **door,
    struct gate_answer *answer, uint64_t now_us)
{
	enum handshake_cause cause =
	    doors_check(&gate->doors, gate->role, packet, length, header, door);
	uint8_t cookie[HANDSHAKE_COOKIE_BYTES];

	answer->length = 0;
	if (cause == HANDSHAKE_FINE && header->type == HANDSHAKE_INITIATE)
		cause = check_cookie(gate, from, header, packet, length, now_us);
	if (cause == HANDSHAKE_FINE)
		return HANDSHAKE_FINE;
	if (cause == HANDSHAKE_COOKIE_MISSING || cause == HANDSHAKE_COOKIE_WRONG) {
		cookie_make(&gate->jar, cookie, from, header, now_us);
		answer->length = retry_build(*door, header, packet, cookie, answer->packet);
	}
	return handshake_count(&gate->counters, cause);
}
