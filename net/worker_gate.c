/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See worker_gate.h. */
#include "net/worker_gate.h"

#include "base/encoding.h"
#include "base/err.h"
#include "net/keys_messages.h"
#include "net/worker_private.h"

#include <sodium.h>
#include <string.h>

enum { FORWARD_QUEUE_BYTES = 1024 * 1024 }; /* waiting for keys; more is dropped */

static bool is_listener(const struct gate *gate)
{
	return gate->worker->role->role == NODE_LISTENER;
}

/* ---- to keys ---- */

static bool send_to_keys(struct gate *gate, uint16_t type, const void *data, size_t length)
{
	struct ipc *channel = gate->worker->keys_channel;

	return channel && ipc_queued_bytes(channel) < FORWARD_QUEUE_BYTES
	       && ipc_send(channel, type, data, length) == 0;
}

static enum handshake_cause forward(struct gate *gate, const struct udp_datagram *datagram)
{
	struct {
		struct keys_packet packet;
		uint8_t bytes[HANDSHAKE_PACKET_BYTES];
	} message = {.packet.address = datagram->from};

	memcpy(message.bytes, datagram->data, datagram->length_bytes);
	return send_to_keys(gate, KEYS_MESSAGE_PACKET, &message,
		   sizeof message.packet + datagram->length_bytes)
	           ? HANDSHAKE_FINE
	           : HANDSHAKE_OVERLOADED;
}

void gate_request_lane(struct gate *gate, const struct lane_request *request)
{
	send_to_keys(gate, KEYS_MESSAGE_REQUEST_LANE, request, sizeof *request);
}

void gate_tunnel_unknown(struct gate *gate, const struct handshake_header *header)
{
	struct keys_tunnel tunnel = {header->door_id, header->tunnel_id};

	send_to_keys(gate, KEYS_MESSAGE_TUNNEL_UNKNOWN, &tunnel, sizeof tunnel);
}

/* ---- packets from the network ---- */

/* Under load a handshake goes on only with a cookie; what is missing is answered by RETRY. */
static enum handshake_cause check_cookie(struct gate *gate, const struct handshake_header *header,
    const struct door *door, const struct udp_datagram *datagram)
{
	const uint8_t *shown;
	uint8_t cookie[HANDSHAKE_COOKIE_BYTES], packet[HANDSHAKE_PACKET_BYTES];
	uint64_t now_us = gate->worker->now_us;
	enum handshake_cause cause =
	    initiate_cookie(datagram->data, datagram->length_bytes, &shown);

	if (cause != HANDSHAKE_FINE)
		return cause;
	if (shown && cookie_check(&gate->jar, shown, &datagram->from, header, now_us))
		return HANDSHAKE_FINE;
	if (!shown && !gate->are_cookies_demanded)
		return HANDSHAKE_FINE;
	cookie_make(&gate->jar, cookie, &datagram->from, header, now_us);
	size_t length = retry_build(door, header, datagram->data, cookie, packet);
	lanes_send_packet(
	    &gate->worker->lanes, packet, length, &datagram->from, &datagram->local);
	return shown ? HANDSHAKE_COOKIE_WRONG : HANDSHAKE_COOKIE_MISSING;
}

static enum handshake_cause receive_at_endpoint(struct gate *gate,
    const struct handshake_header *header, const struct door *door,
    const struct udp_datagram *datagram)
{
	if (header->type == HANDSHAKE_INITIATE) {
		enum handshake_cause cause = check_cookie(gate, header, door, datagram);
		return cause == HANDSHAKE_FINE ? forward(gate, datagram) : cause;
	}
	if (accept_repeat(&gate->worker->accept, header, datagram))
		return HANDSHAKE_DUPLICATE;
	return forward(gate, datagram);
}

static enum handshake_cause receive(struct gate *gate, const struct udp_datagram *datagram)
{
	enum tunnel_role role = is_listener(gate) ? TUNNEL_LISTENER : TUNNEL_ENDPOINT;
	struct handshake_header header;
	const struct door *door;
	enum handshake_cause cause = doors_check(
	    &gate->doors, role, datagram->data, datagram->length_bytes, &header, &door);

	if (cause != HANDSHAKE_FINE)
		return cause;
	if (role == TUNNEL_ENDPOINT)
		return receive_at_endpoint(gate, &header, door, datagram);
	if (header.type == HANDSHAKE_STARTED || header.type == HANDSHAKE_UNKNOWN)
		return dial_receive(&gate->worker->dial, &header, datagram);
	return forward(gate, datagram);
}

void gate_receive(struct gate *gate, const struct udp_datagram *datagram)
{
	enum handshake_cause cause = handshake_count(&gate->counters, receive(gate, datagram));

	if (cause == HANDSHAKE_FINE)
		page_count(gate->worker->page, PAGE_handshake_packets_received);
	else
		page_count(gate->worker->page, PAGE_handshake_packets_dropped);
}

/* ---- from keys ---- */

static int on_send(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct worker *worker = context;
	const struct keys_packet *packet = (const void *)message->data;
	struct addr from = {0};

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
	if (is_listener(&worker->gate))
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
	if (event->is_restart && !is_listener(&worker->gate))
		accept_on_restart(&worker->accept, event->door_id);
	return 0;
}

const struct ipc_rule gate_keys_rules[] = {
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
const size_t gate_keys_rule_count = sizeof gate_keys_rules / sizeof *gate_keys_rules;

/* ---- the config ---- */

int gate_door_of(const struct config_peer *peer, struct door *door)
{
	uint8_t key[DOOR_SECRET_BYTES], pin[PIN_BYTES];
	size_t length;
	int error = base64_decode(peer->door_key, strlen(peer->door_key), key, sizeof key, &length);

	if (error || length != sizeof key || pin_parse(peer->pin, pin))
		return ERR_MALFORMED;
	door_init(door, key, pin);
	explicit_bzero(key, sizeof key);
	return 0;
}

const struct config_peer *gate_peer(const struct worker *worker, const uint8_t pin[PIN_BYTES])
{
	char text[PIN_TEXT_BYTES];

	pin_format(pin, text);
	for (size_t i = 0; worker->config && i < worker->config->peer_count; i++)
		if (!strcmp(worker->config->peers[i].pin, text))
			return &worker->config->peers[i];
	return NULL;
}

int gate_on_config(struct gate *gate)
{
	const struct node_config *config = gate->worker->config;
	struct door door;
	int error = 0;

	doors_clear(&gate->doors);
	for (size_t i = 0; !error && i < config->peer_count; i++)
		if (!gate_door_of(&config->peers[i], &door))
			error = doors_put(&gate->doors, &door);
	explicit_bzero(&door, sizeof door);
	return error;
}

static void secure_random(void *context, void *out, size_t length)
{
	(void)context;
	randombytes_buf(out, length);
}

void gate_init(struct gate *gate, struct worker *worker)
{
	*gate = (struct gate){.worker = worker};
	cookie_jar_init(&gate->jar, secure_random, NULL, worker->now_us);
}

void gate_clear(struct gate *gate)
{
	doors_clear(&gate->doors);
	explicit_bzero(&gate->jar, sizeof gate->jar);
}
