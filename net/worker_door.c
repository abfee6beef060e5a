/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See worker_door.h. */
#include "net/worker_door.h"

#include "base/err.h"
#include "base/keyed_hash.h"
#include "net/keys_messages.h"
#include "net/worker_private.h"

#include <sodium.h>
#include <string.h>

enum { FORWARD_QUEUE_BYTES = 1024 * 1024 }; /* waiting for keys; more is dropped */

static bool is_listener(const struct worker *worker)
{
	return worker->role->role == NODE_LISTENER;
}

/* ---- to keys ---- */

static bool send_to_keys(struct worker *worker, uint16_t type, const void *data, size_t length)
{
	struct ipc *channel = worker->keys_channel;

	return channel && ipc_queued_bytes(channel) < FORWARD_QUEUE_BYTES
	       && ipc_send(channel, type, data, length) == 0;
}

static enum handshake_cause forward(struct worker *worker, const struct udp_datagram *datagram)
{
	struct {
		struct keys_packet packet;
		uint8_t bytes[HANDSHAKE_PACKET_BYTES];
	} message = {.packet.address = datagram->from};

	memcpy(message.bytes, datagram->data, datagram->length_bytes);
	return send_to_keys(worker, KEYS_MESSAGE_PACKET, &message,
	           sizeof message.packet + datagram->length_bytes)
	           ? HANDSHAKE_FINE
	           : HANDSHAKE_OVERLOADED;
}

void worker_door_request_lane(struct worker *worker, const struct lane_request *request)
{
	send_to_keys(worker, KEYS_MESSAGE_REQUEST_LANE, request, sizeof *request);
}

void worker_door_tunnel_unknown(struct worker *worker, const struct handshake_header *header)
{
	struct keys_tunnel tunnel = {header->door_id, header->tunnel_id};

	send_to_keys(worker, KEYS_MESSAGE_TUNNEL_UNKNOWN, &tunnel, sizeof tunnel);
}

/* ---- the way back ---- */

static size_t way_of(const struct addr *remote)
{
	return keyed_hash(remote, sizeof *remote) % DOOR_WAYS;
}

static void note_way(struct worker *worker, const struct udp_datagram *datagram)
{
	worker->ways[way_of(&datagram->from)] = (struct door_way){datagram->from, datagram->local};
}

struct addr worker_door_local(const struct worker *worker, const struct addr *remote)
{
	const struct door_way *way = &worker->ways[way_of(remote)];

	return addr_equal(&way->remote, remote) ? way->local : (struct addr){0};
}

/* ---- packets from the network ---- */

static enum handshake_cause pass_on(struct worker *worker, const struct handshake_header *header,
    const struct udp_datagram *datagram)
{
	if (header->type == HANDSHAKE_STARTED || header->type == HANDSHAKE_UNKNOWN)
		return dial_receive(&worker->dial, header, datagram);
	if (header->type == HANDSHAKE_START && accept_repeat(&worker->accept, header, datagram))
		return HANDSHAKE_DUPLICATE;
	return forward(worker, datagram);
}

static enum handshake_cause receive(struct worker *worker, const struct udp_datagram *datagram)
{
	struct handshake_header header;
	const struct door *door = NULL;
	struct gate_answer answer;
	enum handshake_cause cause = gate_check(&worker->gate, &datagram->from, datagram->data,
	    datagram->length_bytes, &header, &door, &answer, worker->now_us);

	if (answer.length > 0)
		lanes_send_packet(&worker->lanes, answer.packet, answer.length, &datagram->from,
		    &datagram->local);
	if (cause != HANDSHAKE_FINE)
		return cause;
	if (!is_listener(worker))
		note_way(worker, datagram);
	return handshake_count(&worker->gate.counters, pass_on(worker, &header, datagram));
}

void worker_door_receive(struct worker *worker, const struct udp_datagram *datagram)
{
	if (receive(worker, datagram) == HANDSHAKE_FINE)
		page_count(worker->page, PAGE_handshake_packets_received);
	else
		page_count(worker->page, PAGE_handshake_packets_dropped);
}

/* ---- from keys ---- */

static int on_send(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct worker *worker = context;
	const struct keys_packet *packet = (const void *)message->data;
	struct addr from = worker_door_local(worker, &packet->address);

	(void)ipc;
	lanes_send_packet(&worker->lanes, message->data + sizeof *packet,
	    message->length_bytes - sizeof *packet, &packet->address, &from);
	return 0;
}

static int on_lane(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct worker *worker = context;
	struct lane_grant grant;

	(void)ipc;
	memcpy(&grant, message->data, sizeof grant);
	explicit_bzero((void *)(uintptr_t)message->data, message->length_bytes);
	if (is_listener(worker))
		dial_on_grant(&worker->dial, &grant);
	else
		accept_on_grant(&worker->accept, &grant);
	lane_grant_clear(&grant);
	return 0;
}

static int on_refused(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct worker *worker = context;
	const struct keys_refused *refused = (const void *)message->data;

	(void)ipc;
	dial_on_refused(&worker->dial, refused->door_id);
	return 0;
}

static int on_cookies(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct worker *worker = context;
	const struct keys_cookies *cookies = (const void *)message->data;

	(void)ipc;
	worker->gate.are_cookies_demanded = cookies->are_demanded != 0;
	return 0;
}

/* A listener learns of the endpoint's restart from STARTED, lane by lane. */
static int on_tunnel(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct worker *worker = context;
	const struct keyring_event *event = (const void *)message->data;

	(void)ipc;
	if (event->is_restart && !is_listener(worker))
		accept_on_restart(&worker->accept, event->door_id);
	return 0;
}

const struct ipc_rule worker_door_rules[] = {
    {KEYS_MESSAGE_SEND, sizeof(struct keys_packet) + HANDSHAKE_HEADER_BYTES,
        sizeof(struct keys_packet) + HANDSHAKE_PACKET_BYTES, 0, 0, on_send},
    {KEYS_MESSAGE_LANE, sizeof(struct lane_grant), sizeof(struct lane_grant), 0, 0, on_lane},
    {KEYS_MESSAGE_REFUSED, sizeof(struct keys_refused), sizeof(struct keys_refused), 0, 0,
        on_refused},
    {KEYS_MESSAGE_COOKIES, sizeof(struct keys_cookies), sizeof(struct keys_cookies), 0, 0,
        on_cookies},
    {KEYS_MESSAGE_TUNNEL, sizeof(struct keyring_event), sizeof(struct keyring_event), 0, 0,
        on_tunnel},
};
const size_t worker_door_rule_count = sizeof worker_door_rules / sizeof *worker_door_rules;

/* ---- the config ---- */

const struct config_peer *worker_peer(const struct worker *worker, const uint8_t pin[PIN_BYTES])
{
	for (size_t i = 0; worker->config && i < worker->config->peer_count; i++)
		if (!memcmp(worker->config->peers[i].pin, pin, PIN_BYTES))
			return &worker->config->peers[i];
	return NULL;
}

uint16_t worker_packet_bytes(const struct worker *worker, const struct tunnel_parameters *peer)
{
	uint16_t ours = worker->settings.packet_bytes;

	return peer->packet_bytes < ours ? peer->packet_bytes : ours;
}

int worker_door_on_config(struct worker *worker)
{
	const struct node_config *config = worker->config;
	struct door door;
	int error = 0;

	doors_clear(&worker->gate.doors);
	for (size_t i = 0; !error && i < config->peer_count; i++) {
		door_init(&door, config->peers[i].door_key, config->peers[i].pin);
		error = doors_put(&worker->gate.doors, &door);
	}
	explicit_bzero(&door, sizeof door);
	return error;
}

static void secure_random(void *context, void *out, size_t length)
{
	(void)context;
	randombytes_buf(out, length);
}

void worker_door_init(struct worker *worker)
{
	gate_init(&worker->gate,
	    worker->role->role == NODE_LISTENER ? TUNNEL_LISTENER : TUNNEL_ENDPOINT, secure_random,
	    NULL, worker->now_us);
}
