/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Peers by door id, their handshakes and their current tunnel.  A newer tunnel of a peer takes the
 * place of the older one, whose START packets are then unknown: so none that was held back on the
 * way can end a lane of the newer one.
 */
#include "config.h"

#include "tunnel/keyring.h"

#include "base/bytes.h"
#include "base/err.h"
#include "base/list.h"
#include "base/table.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

struct peer;

/* A handshake under way, or an established tunnel. */
struct tunnel {
	struct list_node peer_node; /* in its peer's tunnels */
	struct list_node busy_node; /* in the keyring's busy ones until established */
	struct peer *peer;
	struct session *session;
	struct addr address;
	unsigned worker;
	bool is_half_open, is_told;              /* is_told: of its being established */
	uint32_t incarnations[TUNNEL_LANES_MAX]; /* the last of each lane that was given away */
};

struct peer {
	UT_hash_handle hh; /* by door.id */
	struct door door;
	struct list_node tunnels;
	struct tunnel *current; /* the newest established one, or NULL */
	unsigned half_open;
	uint64_t instance; /* of the daemon that made the current tunnel */
	bool has_instance, is_listed;
	struct lane_request requests[TUNNEL_LANES_MAX]; /* of workers that wait for the tunnel */
	bool is_waiting[TUNNEL_LANES_MAX];
};

struct keyring {
	struct keyring_config config;
	struct peer *peers;
	struct list_node busy;
	size_t half_open;
	unsigned crowded_peers; /* those that alone make us demand cookies */
	bool are_cookies_demanded;
	struct handshake_counters counters;
};

int keyring_new(struct keyring **out, const struct keyring_config *config)
{
	struct keyring *keyring;

	if (!tunnel_parameters_are_good(&config->parameters))
		return ERR_INVALID;
	keyring = calloc(1, sizeof(*keyring));
	if (!keyring)
		return ERR_NOMEM;
	keyring->config = *config;
	list_init(&keyring->busy);
	*out = keyring;
	return 0;
}

const struct handshake_counters *keyring_counters(const struct keyring *keyring)
{
	return &keyring->counters;
}

size_t keyring_half_open(const struct keyring *keyring)
{
	return keyring->half_open;
}

static struct peer *peer_find(const struct keyring *keyring, uint64_t door_id)
{
	struct peer *peer;

	HASH_FIND(hh, keyring->peers, &door_id, sizeof(door_id), peer);
	return peer;
}

static struct tunnel *tunnel_find(const struct peer *peer, uint64_t tunnel_id)
{
	LIST_FOREACH (tunnel, &peer->tunnels, struct tunnel, peer_node)
		if (session_tunnel_id(tunnel->session) == tunnel_id)
			return tunnel;
	return NULL;
}

/* Demanded from the high marks on, given up below half of them. */
static void cookies_decide(struct keyring *keyring)
{
	size_t mark = keyring->are_cookies_demanded ? KEYRING_HALF_OPEN_COOKIES / 2
	                                            : KEYRING_HALF_OPEN_COOKIES;
	bool are_demanded = keyring->half_open >= mark || keyring->crowded_peers > 0;

	if (are_demanded == keyring->are_cookies_demanded)
		return;
	keyring->are_cookies_demanded = are_demanded;
	keyring->config.callbacks->on_cookies(keyring->config.context, are_demanded);
}

static void half_open_begin(struct keyring *keyring, struct tunnel *tunnel)
{
	tunnel->is_half_open = true;
	keyring->half_open++;
	if (++tunnel->peer->half_open == KEYRING_PEER_HALF_OPEN_COOKIES)
		keyring->crowded_peers++;
	cookies_decide(keyring);
}

static void half_open_end(struct keyring *keyring, struct tunnel *tunnel)
{
	if (!tunnel->is_half_open)
		return;
	tunnel->is_half_open = false;
	keyring->half_open--;
	if (tunnel->peer->half_open-- == KEYRING_PEER_HALF_OPEN_COOKIES)
		keyring->crowded_peers--;
	cookies_decide(keyring);
}

static void tunnel_free(struct keyring *keyring, struct tunnel *tunnel)
{
	half_open_end(keyring, tunnel);
	if (tunnel->peer->current == tunnel)
		tunnel->peer->current = NULL;
	list_del(&tunnel->peer_node);
	list_del(&tunnel->busy_node);
	session_free(tunnel->session);
	sodium_memzero(tunnel, sizeof(*tunnel));
	free(tunnel);
}

/* NULL when there is no memory. */
static struct tunnel *tunnel_new(struct keyring *keyring, struct peer *peer,
    const struct session_config *config, unsigned worker, const struct addr *address,
    uint64_t now_us)
{
	struct tunnel *tunnel = calloc(1, sizeof(*tunnel));

	if (!tunnel)
		return NULL;
	if (session_new(&tunnel->session, config, now_us) < 0) {
		free(tunnel);
		return NULL;
	}
	tunnel->peer = peer;
	tunnel->worker = worker;
	tunnel->address = *address;
	list_init(&tunnel->peer_node);
	list_init(&tunnel->busy_node);
	list_add_tail(&peer->tunnels, &tunnel->peer_node);
	list_add_tail(&keyring->busy, &tunnel->busy_node);
	return tunnel;
}

static void session_config_fill(
    const struct keyring *keyring, const struct peer *peer, struct session_config *config)
{
	*config = (struct session_config){
	    .role = keyring->config.role,
	    .tls = keyring->config.tls,
	    .identity = keyring->config.identity,
	    .door = peer->door,
	    .parameters = keyring->config.parameters,
	};
}

static void peer_free(struct keyring *keyring, struct peer *peer)
{
	LIST_FOREACH_SAFE (tunnel, next, &peer->tunnels, struct tunnel, peer_node)
		tunnel_free(keyring, tunnel);
	HASH_DEL(keyring->peers, peer);
	sodium_memzero(peer, sizeof(*peer));
	free(peer);
}

void keyring_free(struct keyring *keyring)
{
	struct peer *peer, *next;

	if (!keyring)
		return;
	HASH_ITER (hh, keyring->peers, peer, next)
		peer_free(keyring, peer);
	sodium_memzero(keyring, sizeof(*keyring));
	free(keyring);
}

static int peer_add(struct keyring *keyring, const struct door *door)
{
	struct peer *peer = peer_find(keyring, door->id);

	if (!peer) {
		if (HASH_COUNT(keyring->peers) >= DOORS_MAX)
			return ERR_LIMIT;
		peer = calloc(1, sizeof(*peer));
		if (!peer)
			return ERR_NOMEM;
		peer->door = *door;
		list_init(&peer->tunnels);
		HASH_ADD(hh, keyring->peers, door.id, sizeof(peer->door.id), peer);
		if (!TABLE_HAS(peer)) {
			free(peer);
			return ERR_NOMEM;
		}
	}
	peer->is_listed = true;
	return 0;
}

/* A peer whose key or pin changed is another peer: its door id or its pin differs. */
int keyring_set_peers(struct keyring *keyring, const struct keyring_peer *peers, size_t count)
{
	struct peer *peer, *next;
	int result = 0;

	for (size_t i = 0; i < count && result == 0; i++) {
		struct door door;

		door_init(&door, peers[i].door_key, peers[i].pin);
		peer = peer_find(keyring, door.id);
		if (peer && memcmp(peer->door.peer_pin, door.peer_pin, PIN_BYTES) != 0)
			peer_free(keyring, peer);
		result = peer_add(keyring, &door);
		sodium_memzero(&door, sizeof(door));
	}
	HASH_ITER (hh, keyring->peers, peer, next) {
		if (!peer->is_listed)
			peer_free(keyring, peer);
		else
			peer->is_listed = false;
	}
	return result;
}

/* Sends what the session has to say, by the worker and to the address that it came from. */
static void tunnel_flush(struct keyring *keyring, struct tunnel *tunnel, uint64_t now_us)
{
	uint8_t packet[HANDSHAKE_PACKET_BYTES];
	size_t length = session_send(tunnel->session, packet, now_us);

	if (length)
		keyring->config.callbacks->on_packet(
		    keyring->config.context, tunnel->worker, &tunnel->address, packet, length);
}

static void event_tell(struct keyring *keyring, const struct tunnel *tunnel,
    enum handshake_cause cause, bool is_restart)
{
	const struct tunnel_keys *keys = session_keys(tunnel->session);
	struct keyring_event event = {
	    .cause = cause,
	    .door_id = tunnel->peer->door.id,
	    .tunnel_id = session_tunnel_id(tunnel->session),
	    .is_restart = is_restart,
	};

	memcpy(event.peer_pin, tunnel->peer->door.peer_pin, PIN_BYTES);
	if (keys)
		event.peer = keys->peer;
	keyring->config.callbacks->on_event(keyring->config.context, &event);
}

/* The keys of the next start of this worker's lane. */
static void lane_give(struct keyring *keyring, struct tunnel *tunnel, unsigned worker, uint8_t lane)
{
	const struct tunnel_keys *keys = session_keys(tunnel->session);
	struct lane_grant grant = {
	    .door_id = tunnel->peer->door.id, .aead = keys->aead, .peer = keys->peer};
	struct lane_name name = {
	    .tunnel_id = session_tunnel_id(tunnel->session),
	    .incarnation = ++tunnel->incarnations[lane],
	};

	memcpy(grant.peer_pin, keys->peer_pin, PIN_BYTES);
	lane_grant_derive(&grant, TUNNEL_LISTENER, keys->secret, &name, lane);
	keyring->config.callbacks->on_lane(keyring->config.context, worker, &grant);
	lane_grant_clear(&grant);
}

static void requests_serve(struct keyring *keyring, struct peer *peer)
{
	for (unsigned worker = 0; worker < TUNNEL_LANES_MAX && peer->current; worker++) {
		if (!peer->is_waiting[worker])
			continue;
		peer->is_waiting[worker] = false;
		lane_give(keyring, peer->current, worker, peer->requests[worker].lane);
	}
}

static void requests_refuse(struct keyring *keyring, struct peer *peer, enum handshake_cause cause)
{
	uint64_t door_id = peer->door.id;

	for (unsigned worker = 0; worker < TUNNEL_LANES_MAX; worker++) {
		if (!peer->is_waiting[worker])
			continue;
		peer->is_waiting[worker] = false;
		keyring->config.callbacks->on_refused(
		    keyring->config.context, worker, door_id, cause);
	}
}

/* Once for each tunnel, when its peer's parameters are known to be true. */
static void tunnel_tell(struct keyring *keyring, struct tunnel *tunnel)
{
	struct peer *peer = tunnel->peer;
	uint64_t instance = session_keys(tunnel->session)->peer.instance;
	bool is_restart = peer->has_instance && peer->instance != instance;

	if (tunnel->is_told)
		return;
	tunnel->is_told = true;
	peer->instance = instance;
	peer->has_instance = true;
	event_tell(keyring, tunnel, HANDSHAKE_FINE, is_restart);
}

/* The handshake is over on both sides: the tunnel takes the older one's place. */
static void tunnel_establish(struct keyring *keyring, struct tunnel *tunnel)
{
	struct peer *peer = tunnel->peer;

	half_open_end(keyring, tunnel);
	list_del(&tunnel->busy_node);
	if (peer->current)
		tunnel_free(keyring, peer->current);
	peer->current = tunnel;
	if (keyring->config.role == TUNNEL_LISTENER)
		tunnel_tell(keyring, tunnel);
	requests_serve(keyring, peer);
}

static void tunnel_fail(struct keyring *keyring, struct tunnel *tunnel, enum handshake_cause cause)
{
	struct peer *peer = tunnel->peer;

	event_tell(keyring, tunnel, cause, false);
	tunnel_free(keyring, tunnel);
	requests_refuse(keyring, peer, cause);
}

/* After the session took a packet or its time: what it sends, and what became of it. */
static void tunnel_advance(
    struct keyring *keyring, struct tunnel *tunnel, enum handshake_cause cause, uint64_t now_us)
{
	if (session_state(tunnel->session) == SESSION_FAILED) {
		tunnel_fail(keyring, tunnel, cause);
		return;
	}
	tunnel_flush(keyring, tunnel, now_us);
	if (session_state(tunnel->session) == SESSION_ESTABLISHED
	    && list_is_linked(&tunnel->busy_node))
		tunnel_establish(keyring, tunnel);
}

/* The first INITIATE of a tunnel id: half-open until TLS has shown who it is. */
static enum handshake_cause accept_tunnel(struct keyring *keyring, struct peer *peer,
    unsigned worker, const struct addr *from, const struct handshake_header *header,
    struct tunnel **out, uint64_t now_us)
{
	struct session_config config;

	if (keyring->half_open >= KEYRING_HALF_OPEN_MAX
	    || peer->half_open >= KEYRING_PEER_HALF_OPEN_MAX)
		return HANDSHAKE_HALF_OPEN_LIMIT;
	session_config_fill(keyring, peer, &config);
	config.tunnel_id = header->tunnel_id;
	*out = tunnel_new(keyring, peer, &config, worker, from, now_us);
	if (!*out)
		return HANDSHAKE_OVERLOADED;
	half_open_begin(keyring, *out);
	return HANDSHAKE_FINE;
}

static enum handshake_cause receive_tls(struct keyring *keyring, struct peer *peer, unsigned worker,
    const struct addr *from, const struct handshake_header *header, const uint8_t *packet,
    size_t length, uint64_t now_us)
{
	struct tunnel *tunnel = tunnel_find(peer, header->tunnel_id);
	enum handshake_cause cause;
	bool is_new = false;

	if (!tunnel && header->type == HANDSHAKE_INITIATE) {
		cause = accept_tunnel(keyring, peer, worker, from, header, &tunnel, now_us);
		if (cause != HANDSHAKE_FINE)
			return cause;
		is_new = true;
	}
	if (!tunnel)
		return HANDSHAKE_TUNNEL_UNKNOWN;
	if (keyring->config.role == TUNNEL_ENDPOINT && !addr_equal(&tunnel->address, from))
		return HANDSHAKE_ADDRESS_CHANGED;
	cause = session_receive(tunnel->session, header, packet, length, now_us);
	if (is_new && cause != HANDSHAKE_FINE) {
		/* Nothing worth keeping began. */
		tunnel_free(keyring, tunnel);
		return cause;
	}
	tunnel->worker = keyring->config.role == TUNNEL_ENDPOINT ? worker : tunnel->worker;
	tunnel_advance(keyring, tunnel, cause, now_us);
	return cause;
}

static void unknown_send(struct keyring *keyring, const struct peer *peer, unsigned worker,
    const struct addr *to, const struct handshake_header *header, const struct start *start)
{
	uint8_t packet[HANDSHAKE_PACKET_BYTES];
	size_t length = unknown_build(&peer->door, header, start, packet);

	keyring->config.callbacks->on_packet(keyring->config.context, worker, to, packet, length);
}

/* Keys of a lane start are given once, and only for an incarnation above the last one. */
static enum handshake_cause receive_start(struct keyring *keyring, struct peer *peer,
    unsigned worker, const struct addr *from, const struct handshake_header *header,
    const uint8_t *packet, size_t length)
{
	struct tunnel *tunnel = tunnel_find(peer, header->tunnel_id);
	struct lane_grant grant = {.door_id = header->door_id, .from = *from};
	const struct tunnel_keys *keys;
	enum handshake_cause cause = start_read(&grant.start, packet, length);
	struct lane_name name = {header->tunnel_id, grant.start.incarnation};

	if (cause != HANDSHAKE_FINE)
		return cause;
	if (!tunnel) {
		unknown_send(keyring, peer, worker, from, header, &grant.start);
		return HANDSHAKE_TUNNEL_UNKNOWN;
	}
	if (tunnel != peer->current)
		return HANDSHAKE_START_EARLY;
	keys = session_keys(tunnel->session);
	lane_grant_derive(&grant, TUNNEL_ENDPOINT, keys->secret, &name, grant.start.lane);
	cause = start_verify(grant.start_key, packet, length);
	if (cause == HANDSHAKE_FINE && grant.start.lane >= keys->peer.workers)
		cause = HANDSHAKE_MALFORMED;
	if (cause == HANDSHAKE_FINE
	    && grant.start.incarnation <= tunnel->incarnations[grant.start.lane])
		cause = HANDSHAKE_START_REPLAYED;
	if (cause == HANDSHAKE_FINE) {
		tunnel->incarnations[grant.start.lane] = grant.start.incarnation;
		grant.aead = keys->aead;
		grant.peer = keys->peer;
		memcpy(grant.peer_pin, keys->peer_pin, PIN_BYTES);
		start_mac_copy(grant.start_mac, packet);
		tunnel_tell(keyring, tunnel);
		keyring->config.callbacks->on_lane(keyring->config.context, worker, &grant);
	}
	lane_grant_clear(&grant);
	return cause;
}

static enum handshake_cause receive(struct keyring *keyring, unsigned worker,
    const struct addr *from, const uint8_t *packet, size_t length, uint64_t now_us)
{
	struct handshake_header header;
	enum handshake_cause cause =
	    handshake_form_check(&header, keyring->config.role, packet, length);
	struct peer *peer;

	if (cause != HANDSHAKE_FINE)
		return cause;
	peer = peer_find(keyring, header.door_id);
	if (!peer)
		return HANDSHAKE_DOOR_UNKNOWN;
	cause = door_check(&peer->door, packet, length);
	if (cause != HANDSHAKE_FINE)
		return cause;
	if (header.type == HANDSHAKE_START)
		return receive_start(keyring, peer, worker, from, &header, packet, length);
	if (header.type == HANDSHAKE_STARTED || header.type == HANDSHAKE_UNKNOWN)
		return HANDSHAKE_WRONG_TYPE;
	return receive_tls(keyring, peer, worker, from, &header, packet, length, now_us);
}

enum handshake_cause keyring_receive(struct keyring *keyring, unsigned worker,
    const struct addr *from, const uint8_t *packet, size_t length, uint64_t now_us)
{
	if (worker >= TUNNEL_LANES_MAX)
		return handshake_count(&keyring->counters, HANDSHAKE_MALFORMED);
	return handshake_count(
	    &keyring->counters, receive(keyring, worker, from, packet, length, now_us));
}

/* Begins the handshake through the worker that asked first. */
static bool tunnel_initiate(struct keyring *keyring, struct peer *peer, unsigned worker,
    const struct lane_request *request, uint64_t now_us)
{
	struct session_config config;
	struct tunnel *tunnel;

	session_config_fill(keyring, peer, &config);
	keyring->config.random(
	    keyring->config.random_context, &config.tunnel_id, sizeof(config.tunnel_id));
	config.local_connection_id = request->connection_id;
	config.remote_connection_id =
	    0; /* slot 0: the endpoint's parameters say how many there are */
	tunnel = tunnel_new(keyring, peer, &config, worker, &request->to, now_us);
	if (!tunnel)
		return false;
	tunnel_flush(keyring, tunnel, now_us);
	return true;
}

static bool has_handshake(const struct peer *peer)
{
	LIST_FOREACH (tunnel, &peer->tunnels, struct tunnel, peer_node)
		if (tunnel != peer->current)
			return true;
	return false;
}

void keyring_request_lane(
    struct keyring *keyring, unsigned worker, const struct lane_request *request, uint64_t now_us)
{
	struct peer *peer = peer_find(keyring, request->door_id);

	if (worker >= TUNNEL_LANES_MAX)
		return;
	if (!peer || request->lane >= keyring->config.parameters.workers
	    || keyring->config.role != TUNNEL_LISTENER) {
		keyring->config.callbacks->on_refused(
		    keyring->config.context, worker, request->door_id, HANDSHAKE_DOOR_UNKNOWN);
		return;
	}
	peer->requests[worker] = *request;
	peer->is_waiting[worker] = true;
	if (peer->current && peer->current->incarnations[request->lane] >= KEYRING_LANE_STARTS_MAX)
		tunnel_free(keyring, peer->current);
	if (peer->current)
		requests_serve(keyring, peer);
	else if (!has_handshake(peer) && !tunnel_initiate(keyring, peer, worker, request, now_us))
		requests_refuse(keyring, peer, HANDSHAKE_OVERLOADED);
}

void keyring_tunnel_unknown(struct keyring *keyring, uint64_t door_id, uint64_t tunnel_id)
{
	struct peer *peer = peer_find(keyring, door_id);

	if (peer && peer->current && session_tunnel_id(peer->current->session) == tunnel_id)
		tunnel_free(keyring, peer->current);
}

/* At an endpoint any worker can carry a handshake on; a listener's answers come to one worker. */
void keyring_worker_gone(struct keyring *keyring, unsigned worker)
{
	struct peer *peer, *next;

	if (worker >= TUNNEL_LANES_MAX)
		return;
	HASH_ITER (hh, keyring->peers, peer, next)
		peer->is_waiting[worker] = false;
	if (keyring->config.role != TUNNEL_LISTENER)
		return;
	LIST_FOREACH_SAFE (tunnel, following, &keyring->busy, struct tunnel, busy_node)
		if (tunnel->worker == worker)
			tunnel_fail(keyring, tunnel, HANDSHAKE_TIMED_OUT);
}

uint64_t keyring_timer_us(const struct keyring *keyring)
{
	uint64_t earliest = UINT64_MAX;

	LIST_FOREACH (tunnel, &keyring->busy, struct tunnel, busy_node) {
		uint64_t at = session_timer_us(tunnel->session);

		if (at < earliest)
			earliest = at;
	}
	return earliest;
}

void keyring_on_timer(struct keyring *keyring, uint64_t now_us)
{
	LIST_FOREACH_SAFE (tunnel, next, &keyring->busy, struct tunnel, busy_node) {
		enum handshake_cause cause = session_on_timer(tunnel->session, now_us);

		if (cause != HANDSHAKE_FINE)
			handshake_count(&keyring->counters, cause);
		tunnel_advance(keyring, tunnel, cause, now_us);
	}
}
