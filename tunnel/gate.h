/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a worker does with a handshake packet before anybody else sees it: the door's MAC, and under
 * load the cookie, without memory for strangers.  What passes goes on by its type: INITIATE,
 * RESPOND, RETRY to the keys process; START to start_answer or keys; STARTED, UNKNOWN to start_attempt.
 */
#ifndef TUNNEL_GATE_H
#define TUNNEL_GATE_H

#include "tunnel/cookie.h"
#include "tunnel/door.h"

struct gate {
	enum tunnel_role role;
	struct doors doors; /* by doors_put(); doors_clear() at the end */
	struct cookie_jar jar;
	bool are_cookies_demanded;
	struct handshake_counters counters; /* of what was dropped here */
};

void gate_init(struct gate *gate, enum tunnel_role role, random_fn *random, void *random_context,
    uint64_t now_us);
void gate_clear(struct gate *gate);

/* A packet to send back to where one came from; length is 0 when there is none. */
struct gate_answer {
	uint8_t packet[HANDSHAKE_PACKET_BYTES];
	size_t length;
};

/*
 * HANDSHAKE_FINE: header and door are filled (door as doors_find()), go on.  Otherwise it was
 * counted, and *answer is what to send back, if anything (a RETRY, shorter than what came).
 */
enum handshake_cause gate_check(struct gate *gate, const struct addr *from, const uint8_t *packet,
    size_t length, struct handshake_header *header, const struct door **door,
    struct gate_answer *answer, uint64_t now_us);

#endif
