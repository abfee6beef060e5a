/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All tunnels of one node: its peers, the handshakes under way with their caps, the tunnel secrets,
 * and who gets which lane's keys.  This is what the keys process does, without its messages; the
 * simulator uses it as it is.
 * Each function that takes a packet raises exactly one counter.  A worker is known by its index.
 */
#ifndef TUNNEL_KEYRING_H
#define TUNNEL_KEYRING_H

#include "base/addr.h"
#include "base/rng.h"
#include "tunnel/session.h"
#include "tunnel/start.h"

struct keyring;

enum {
	KEYRING_HALF_OPEN_MAX = 1024,    /* handshakes under way at an endpoint */
	KEYRING_HALF_OPEN_COOKIES = 512, /* from here on each must show a cookie */
	KEYRING_PEER_HALF_OPEN_MAX = 16, /* of one listener, so that none shuts out the others */
	KEYRING_PEER_HALF_OPEN_COOKIES = 8,
	/*
	 * Starts of one lane under one tunnel; the next one makes a new tunnel first. Nobody tells a
	 * listener that its START cannot be proved, so a bad tunnel must not live for ever.
	 */
	KEYRING_LANE_STARTS_MAX = 4,
};

/*
 * A tunnel was established, or a handshake failed.  An endpoint tells of the tunnel with the first
 * START that is proved under it: only then are the listener's parameters true.
 */
struct keyring_event {
	enum handshake_cause cause; /* HANDSHAKE_FINE: established */
	uint64_t door_id;
	uint64_t tunnel_id;
	uint8_t peer_pin[PIN_BYTES];
	struct tunnel_parameters peer; /* when established */
	bool is_restart; /* established, and the peer's daemon is another one than before */
};

/* None of them may call a function of the keyring. */
struct keyring_callbacks {
	/* Send this packet by that worker's socket. */
	void (*on_packet)(void *context, unsigned worker, const struct addr *to,
	    const uint8_t *packet, size_t length);
	/* Keys of a lane that the worker asked for (listener) or that a START began (endpoint). */
	void (*on_lane)(void *context, unsigned worker, const struct lane_grant *grant);
	/* Listener: the lane that the worker asked for cannot be had now; it asks again later. */
	void (*on_refused)(
	    void *context, unsigned worker, uint64_t door_id, enum handshake_cause cause);
	void (*on_event)(void *context, const struct keyring_event *event);
	/* Endpoint: whether workers must demand cookies from now on. */
	void (*on_cookies)(void *context, bool are_demanded);
};

struct keyring_config {
	enum tunnel_role role;
	const struct tls_ops *tls;
	struct tls_identity *identity; /* outlives the keyring */
	uint8_t pin[PIN_BYTES];        /* our own */
	struct tunnel_parameters parameters;
	random_fn *random;
	void *random_context;
	const struct keyring_callbacks *callbacks;
	void *context;
};

struct keyring_peer {
	uint8_t pin[PIN_BYTES];
	uint8_t door_key[DOOR_SECRET_BYTES];
};

/* A worker's request for its lane to an endpoint. */
struct lane_request {
	uint64_t door_id;
	uint8_t lane;           /* the worker's index */
	uint32_t connection_id; /* with which it receives handshake answers */
	struct addr to;
};

int keyring_new(struct keyring **keyring, const struct keyring_config *config);
/* Erases everything. Takes NULL. */
void keyring_free(struct keyring *keyring);

/*
 * The peers from now on; those that are no longer there lose their tunnels and handshakes at once.
 * ERR_LIMIT above DOORS_MAX or ERR_NOMEM; then some may be missing.
 */
int keyring_set_peers(struct keyring *keyring, const struct keyring_peer *peers, size_t count);

/*
 * A packet that a worker received and that passed doors_check() there (it is checked again: it
 * costs a hash, and a worker is not believed).  May call back before it returns.
 */
enum handshake_cause keyring_receive(struct keyring *keyring, unsigned worker,
    const struct addr *from, const uint8_t *packet, size_t length, uint64_t now_us);

/* Listener: on_lane or on_refused follows, perhaps before it returns. */
void keyring_request_lane(
    struct keyring *keyring, unsigned worker, const struct lane_request *request, uint64_t now_us);
/* Listener: a worker got UNKNOWN for that tunnel: the next request makes a new handshake. */
void keyring_tunnel_unknown(struct keyring *keyring, uint64_t door_id, uint64_t tunnel_id);
/* The worker is gone; what it asked for is forgotten. */
void keyring_worker_gone(struct keyring *keyring, unsigned worker);

/* When keyring_on_timer() is due; UINT64_MAX for never. */
uint64_t keyring_timer_us(const struct keyring *keyring);
void keyring_on_timer(struct keyring *keyring, uint64_t now_us);

const struct handshake_counters *keyring_counters(const struct keyring *keyring);
size_t keyring_half_open(const struct keyring *keyring);

#endif
