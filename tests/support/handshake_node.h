/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One node's handshake in one piece, for tests and the simulator: gate, keyring and lane starts,
 * which in a daemon are spread over workers and the keys process.  The real wolfSSL is below, seeded
 * by tls_seeded_start().  Packets leave by a callback and come in by handshake_node_receive().
 */
#ifndef TESTS_SUPPORT_HANDSHAKE_NODE_H
#define TESTS_SUPPORT_HANDSHAKE_NODE_H

#include "base/rng.h"
#include "tunnel/gate.h"
#include "tunnel/keyring.h"
#include "tunnel/start.h"

struct handshake_node;

enum { HANDSHAKE_NODE_LANES = 8 };

/* None of them may call a function of the node. */
struct handshake_node_callbacks {
	void (*on_packet)(
	    void *context, const struct addr *to, const uint8_t *packet, size_t length);
	/*
	 * Endpoint: a lane is to start.  Returns the connection id that it receives with (its top byte
	 * is `slot`), after making the lane; or sets *status to STARTED_ALIVE when it holds the lane
	 * that grant->start.old names, and returns that one's.
	 */
	uint32_t (*on_start)(void *context, unsigned slot, const struct lane_grant *grant,
	    enum started_status *status);
	/* Listener: the lane asked for has keys; started->connection_id is the endpoint's. */
	void (*on_started)(
	    void *context, const struct lane_grant *grant, const struct started *started);
	/* Listener: it could not be had (ask again by handshake_node_dial()). */
	void (*on_refused)(void *context, uint8_t lane, enum handshake_cause cause);
};

struct handshake_node_config {
	enum tunnel_role role;
	uint8_t workers; /* slots, 1 .. HANDSHAKE_NODE_LANES */
	uint64_t seed;   /* of everything but TLS's own randomness */
	int device;      /* from tls_seeded_start() */
	const struct handshake_node_callbacks *callbacks;
	void *context;
};

int handshake_node_new(
    struct handshake_node **node, const struct handshake_node_config *config, uint64_t now_us);
void handshake_node_free(struct handshake_node *node);
const uint8_t *handshake_node_pin(const struct handshake_node *node);
/* The daemon restarts: all handshake state is gone, the identity stays, the instance is new. */
int handshake_node_restart(struct handshake_node *node, uint64_t now_us);

/* Says who the peer is; both sides must say the same door key.  The last call counts. */
int handshake_node_set_peer(struct handshake_node *node, const uint8_t pin[PIN_BYTES],
    const uint8_t door_key[DOOR_SECRET_BYTES]);

/*
 * Listener: asks for the lane to the peer at `to`; connection_id is ours for this lane, old the lane
 * still held or NULL.  on_started or on_refused follows.
 */
void handshake_node_dial(struct handshake_node *node, uint8_t lane, uint32_t connection_id,
    const struct lane_name *old, const struct addr *to, uint64_t now_us);

void handshake_node_receive(struct handshake_node *node, const struct addr *from,
    const uint8_t *packet, size_t length, uint64_t now_us);
uint64_t handshake_node_timer_us(const struct handshake_node *node);
void handshake_node_on_timer(struct handshake_node *node, uint64_t now_us);

/* The sum of all counters; each packet raised exactly one (see HANDSHAKE_FINE). */
void handshake_node_counters(
    const struct handshake_node *node, struct handshake_counters *counters);
struct keyring *handshake_node_keyring(struct handshake_node *node);

#endif
