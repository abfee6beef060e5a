/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A listener's and an endpoint's handshake_node joined by a queue of packets in virtual time, with a
 * hook that sees each packet and may change it, drop it or send more.  For tests.
 */
#ifndef TESTS_SUPPORT_HANDSHAKE_PAIR_H
#define TESTS_SUPPORT_HANDSHAKE_PAIR_H

#include "tests/support/handshake_node.h"

enum { PAIR_QUEUE = 64, PAIR_DELAY_US = 10000 };

struct pair_packet {
	enum tunnel_role to;
	struct addr from;
	uint64_t due_us;
	size_t length;
	uint8_t bytes[HANDSHAKE_PACKET_BYTES + 64];
};

struct handshake_pair;

/* May change the packet; false drops it. */
typedef bool pair_hook_fn(struct handshake_pair *pair, struct pair_packet *packet);

struct handshake_pair {
	struct handshake_node *nodes[2]; /* by enum tunnel_role */
	struct door doors[2];            /* as each node has it: for hooks that seal anew */
	struct addr addresses[2];
	struct pair_packet queue[PAIR_QUEUE];
	size_t queued;
	uint64_t now_us;
	pair_hook_fn *hook;
	void *hook_context;
	unsigned carried[2]; /* packets that were sent to that role */
	size_t bytes[2];     /* and their bytes */

	/* What the nodes called back. */
	struct lane_grant listener_grant, endpoint_grant;
	struct started started;
	unsigned starts, starteds, refusals;
	enum handshake_cause refused;
	struct lane_name held; /* the lane that the endpoint says it holds */
};

/* Two nodes that know each other's pins and one door key. */
void pair_start(struct handshake_pair *pair, uint64_t seed);
void pair_end(struct handshake_pair *pair);
/* Dials lane 0; `old` may be NULL. */
void pair_dial(struct handshake_pair *pair, const struct lane_name *old);
/* Puts a packet on its way, past the hook. False when the queue is full. */
bool pair_inject(struct handshake_pair *pair, enum tunnel_role to, const struct addr *from,
    const uint8_t *packet, size_t length);
/* Carries packets and fires timers until `until_us`, or until both are at rest. */
void pair_run(struct handshake_pair *pair, uint64_t until_us);
/* Writes the door's MAC anew over a changed packet. */
void pair_seal(struct handshake_pair *pair, struct pair_packet *packet);
/* True when both have the same keys for the same lane. */
bool pair_agrees(const struct handshake_pair *pair);
uint64_t pair_count(
    const struct handshake_pair *pair, enum tunnel_role role, enum handshake_cause cause);

#endif
