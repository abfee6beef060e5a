/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The same calls in the same order as a worker and the keys process make them.
 */
#include "config.h"

#include "tests/support/handshake_node.h"

#include "base/err.h"
#include "net/tls_wolfssl.h"

#include <stdlib.h>
#include <string.h>

/* A lane of a listener, or a place for one at an endpoint (by slot and lane). */
struct dialled {
	struct start_attempt attempt;
	struct lane_grant grant;
	struct lane_name old;
	uint32_t connection_id;
	struct addr to;
};

struct handshake_node {
	struct handshake_node_config config;
	struct tls_identity *identity;
	struct keyring *keyring;
	struct gate gate;
	struct rng rng;
	struct door door;
	struct keyring_peer peer;
	bool has_peer;
	struct dialled dialled[HANDSHAKE_NODE_LANES];
	struct start_answer answers[HANDSHAKE_NODE_LANES];
	struct handshake_counters counters; /* of what neither gate nor keyring counts */
	struct handshake_counters before;   /* of keyrings before a restart */
	uint64_t now_us;
};

static void counters_add(struct handshake_counters *sum, const struct handshake_counters *more)
{
	for (int i = 0; i < HANDSHAKE_CAUSE_COUNT; i++)
		sum->count[i] += more->count[i];
}

static void send_packet(
    void *context, unsigned worker, const struct addr *to, const uint8_t *packet, size_t length)
{
	struct handshake_node *node = context;

	(void)worker;
	node->config.callbacks->on_packet(node->config.context, to, packet, length);
}

static void attempt_send(struct handshake_node *node, struct dialled *dialled)
{
	if (start_attempt_poll(&dialled->attempt, node->now_us))
		node->config.callbacks->on_packet(node->config.context, &dialled->to,
		    dialled->attempt.packet, dialled->attempt.length);
}

static void listener_lane(struct handshake_node *node, const struct lane_grant *grant)
{
	struct dialled *dialled = &node->dialled[grant->lane];
	unsigned slot = lane_slot(
	    grant->lane, tls_identity_pin(node->identity), grant->peer_pin, grant->peer.workers);

	dialled->grant = *grant;
	start_attempt_begin(&dialled->attempt, &node->door, grant, slot, dialled->connection_id,
	    &dialled->old, node->now_us);
	attempt_send(node, dialled);
}

static void endpoint_lane(
    struct handshake_node *node, unsigned slot, const struct lane_grant *grant)
{
	enum started_status status = STARTED_NEW;
	uint8_t packet[HANDSHAKE_PACKET_BYTES];
	uint32_t id;
	size_t length;

	id = node->config.callbacks->on_start(node->config.context, slot, grant, &status);
	length = started_build(&node->door, grant, status, id, packet);
	start_answer_keep(&node->answers[grant->lane], grant, packet, length);
	node->config.callbacks->on_packet(node->config.context, &grant->from, packet, length);
}

static void take_lane(void *context, unsigned worker, const struct lane_grant *grant)
{
	struct handshake_node *node = context;

	if (grant->lane >= HANDSHAKE_NODE_LANES)
		return;
	if (node->config.role == TUNNEL_LISTENER)
		listener_lane(node, grant);
	else
		endpoint_lane(node, worker, grant);
}

static void take_refusal(
    void *context, unsigned worker, uint64_t door_id, enum handshake_cause cause)
{
	struct handshake_node *node = context;

	(void)door_id;
	node->config.callbacks->on_refused(node->config.context, (uint8_t)worker, cause);
}

static void take_event(void *context, const struct keyring_event *event)
{
	(void)context;
	(void)event;
}

static void take_cookies(void *context, bool are_demanded)
{
	struct handshake_node *node = context;

	node->gate.are_cookies_demanded = are_demanded;
}

static const struct keyring_callbacks keyring_callbacks = {
    .on_packet = send_packet,
    .on_lane = take_lane,
    .on_refused = take_refusal,
    .on_event = take_event,
    .on_cookies = take_cookies,
};

static int node_start(struct handshake_node *node, uint64_t now_us)
{
	struct keyring_config config = {
	    .role = node->config.role,
	    .tls = &tls_wolfssl_ops,
	    .identity = node->identity,
	    .parameters =
	        {
	            .version = TUNNEL_VERSION,
	            .aeads = AEAD_AES256GCM | AEAD_CHACHA20POLY1305,
	            .workers = node->config.workers,
	            .instance = rng_next(&node->rng),
	            .max_flows = 100000,
	            .packet_bytes = 1452,
	        },
	    .random = rng_random,
	    .random_context = &node->rng,
	    .callbacks = &keyring_callbacks,
	    .context = node,
	};

	memcpy(config.pin, tls_identity_pin(node->identity), PIN_BYTES);
	gate_init(&node->gate, node->config.role, rng_random, &node->rng, now_us);
	return keyring_new(&node->keyring, &config);
}

int handshake_node_new(
    struct handshake_node **out, const struct handshake_node_config *config, uint64_t now_us)
{
	char key[TLS_PEM_BYTES], certificate[TLS_PEM_BYTES];
	struct handshake_node *node = calloc(1, sizeof(*node));
	int result;

	if (!node)
		return ERR_NOMEM;
	node->config = *config;
	rng_seed(&node->rng, config->seed);
	result = tls_identity_generate(key, certificate, config->device);
	if (result == 0)
		result = tls_identity_new(&node->identity, key, certificate, config->device);
	if (result == 0)
		result = node_start(node, now_us);
	if (result < 0) {
		handshake_node_free(node);
		return result;
	}
	*out = node;
	return 0;
}

void handshake_node_free(struct handshake_node *node)
{
	if (!node)
		return;
	keyring_free(node->keyring);
	gate_clear(&node->gate);
	tls_identity_free(node->identity);
	free(node);
}

const uint8_t *handshake_node_pin(const struct handshake_node *node)
{
	return tls_identity_pin(node->identity);
}

static int peer_apply(struct handshake_node *node)
{
	int result = 0;

	doors_clear(&node->gate.doors);
	if (node->has_peer)
		result = doors_put(&node->gate.doors, &node->door);
	return result < 0 ? result : keyring_set_peers(node->keyring, &node->peer, node->has_peer);
}

int handshake_node_restart(struct handshake_node *node, uint64_t now_us)
{
	counters_add(&node->before, keyring_counters(node->keyring));
	counters_add(&node->before, &node->gate.counters);
	keyring_free(node->keyring);
	node->keyring = NULL;
	gate_clear(&node->gate);
	memset(node->dialled, 0, sizeof(node->dialled));
	memset(node->answers, 0, sizeof(node->answers));
	return node_start(node, now_us) < 0 ? ERR_NOMEM : peer_apply(node);
}

int handshake_node_set_peer(struct handshake_node *node, const uint8_t pin[PIN_BYTES],
    const uint8_t door_key[DOOR_SECRET_BYTES])
{
	memcpy(node->peer.pin, pin, PIN_BYTES);
	memcpy(node->peer.door_key, door_key, DOOR_SECRET_BYTES);
	door_init(&node->door, door_key, pin);
	node->has_peer = true;
	return peer_apply(node);
}

void handshake_node_dial(struct handshake_node *node, uint8_t lane, uint32_t connection_id,
    const struct lane_name *old, const struct addr *to, uint64_t now_us)
{
	struct dialled *dialled = &node->dialled[lane];
	struct lane_request request = {
	    .door_id = node->door.id, .lane = lane, .connection_id = connection_id, .to = *to};

	node->now_us = now_us;
	start_attempt_end(&dialled->attempt);
	dialled->old = old ? *old : (struct lane_name){0};
	dialled->connection_id = connection_id;
	dialled->to = *to;
	keyring_request_lane(node->keyring, lane, &request, now_us);
}

static struct dialled *dialled_find(struct handshake_node *node, uint32_t connection_id)
{
	for (int i = 0; i < HANDSHAKE_NODE_LANES; i++)
		if (node->dialled[i].connection_id == connection_id)
			return &node->dialled[i];
	return &node->dialled[0];
}

static void receive_answer(struct handshake_node *node, const struct handshake_header *header,
    const uint8_t *packet, size_t length)
{
	struct dialled *dialled = dialled_find(node, header->connection_id);
	struct started started;
	enum handshake_cause cause =
	    start_attempt_receive(&dialled->attempt, header, packet, length, &started);

	handshake_count(&node->counters, cause);
	if (cause != HANDSHAKE_FINE)
		return;
	if (header->type == HANDSHAKE_STARTED) {
		node->config.callbacks->on_started(node->config.context, &dialled->grant, &started);
		return;
	}
	keyring_tunnel_unknown(node->keyring, header->door_id, header->tunnel_id);
	node->config.callbacks->on_refused(
	    node->config.context, dialled->grant.lane, HANDSHAKE_TUNNEL_UNKNOWN);
}

/* True when the START had its answer before. */
static bool answer_again(
    struct handshake_node *node, const struct addr *from, const uint8_t *packet, size_t length)
{
	for (int i = 0; i < HANDSHAKE_NODE_LANES; i++) {
		const struct start_answer *answer = &node->answers[i];

		if (!start_answer_matches(answer, packet, length))
			continue;
		handshake_count(&node->counters, HANDSHAKE_DUPLICATE);
		node->config.callbacks->on_packet(
		    node->config.context, from, answer->packet, answer->length);
		return true;
	}
	return false;
}

void handshake_node_receive(struct handshake_node *node, const struct addr *from,
    const uint8_t *packet, size_t length, uint64_t now_us)
{
	struct handshake_header header;
	struct gate_answer answer;
	const struct door *door;

	node->now_us = now_us;
	if (gate_check(&node->gate, from, packet, length, &header, &door, &answer, now_us)
	    != HANDSHAKE_FINE) {
		if (answer.length)
			node->config.callbacks->on_packet(
			    node->config.context, from, answer.packet, answer.length);
		return;
	}
	if (header.type == HANDSHAKE_STARTED || header.type == HANDSHAKE_UNKNOWN)
		receive_answer(node, &header, packet, length);
	else if (header.type != HANDSHAKE_START || !answer_again(node, from, packet, length))
		keyring_receive(node->keyring, (header.connection_id >> 24) % node->config.workers,
		    from, packet, length, now_us);
}

uint64_t handshake_node_timer_us(const struct handshake_node *node)
{
	uint64_t earliest = keyring_timer_us(node->keyring);

	for (int i = 0; i < HANDSHAKE_NODE_LANES; i++) {
		uint64_t at = start_attempt_timer_us(&node->dialled[i].attempt);

		if (at < earliest)
			earliest = at;
	}
	return earliest;
}

void handshake_node_on_timer(struct handshake_node *node, uint64_t now_us)
{
	node->now_us = now_us;
	keyring_on_timer(node->keyring, now_us);
	for (int i = 0; i < HANDSHAKE_NODE_LANES; i++) {
		struct dialled *dialled = &node->dialled[i];
		bool was_active = dialled->attempt.is_active;

		attempt_send(node, dialled);
		if (!was_active || dialled->attempt.is_active)
			continue;
		handshake_count(&node->counters, HANDSHAKE_TIMED_OUT);
		node->config.callbacks->on_refused(
		    node->config.context, (uint8_t)i, HANDSHAKE_TIMED_OUT);
	}
}

void handshake_node_counters(const struct handshake_node *node, struct handshake_counters *counters)
{
	*counters = node->counters;
	counters_add(counters, &node->before);
	counters_add(counters, &node->gate.counters);
	counters_add(counters, keyring_counters(node->keyring));
}

struct keyring *handshake_node_keyring(struct handshake_node *node)
{
	return node->keyring;
}
