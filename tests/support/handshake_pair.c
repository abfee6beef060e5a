/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual time jumps to the next packet or timer.
 */
#include "config.h"

#include "tests/support/handshake_pair.h"

#include "base/bytes.h"
#include "tests/support/tls_seeded.h"

#include <stdlib.h>
#include <string.h>

static void enqueue(struct handshake_pair *pair, const struct pair_packet *packet)
{
	if (pair->queued < PAIR_QUEUE)
		pair->queue[pair->queued++] = *packet;
}

static void node_sends(
    struct handshake_pair *pair, enum tunnel_role from, const uint8_t *bytes, size_t length)
{
	struct pair_packet packet = {.to = (enum tunnel_role)(1 - from),
	    .from = pair->addresses[from],
	    .due_us = pair->now_us + PAIR_DELAY_US,
	    .length = length};

	memcpy(packet.bytes, bytes, length);
	pair->carried[packet.to]++;
	pair->bytes[packet.to] += length;
	if (!pair->hook || pair->hook(pair, &packet))
		enqueue(pair, &packet);
}

static void listener_sends(
    void *context, const struct addr *to, const uint8_t *packet, size_t length)
{
	(void)to;
	node_sends(context, TUNNEL_LISTENER, packet, length);
}

static void endpoint_sends(
    void *context, const struct addr *to, const uint8_t *packet, size_t length)
{
	struct handshake_pair *pair = context;

	/* Answers to addresses that were made up go nowhere. */
	if (addr_equal(to, &pair->addresses[TUNNEL_LISTENER]))
		node_sends(context, TUNNEL_ENDPOINT, packet, length);
}

static uint32_t take_start(
    void *context, unsigned slot, const struct lane_grant *grant, enum started_status *status)
{
	struct handshake_pair *pair = context;

	pair->starts++;
	pair->endpoint_grant = *grant;
	if (pair->held.tunnel_id && pair->held.tunnel_id == grant->start.old.tunnel_id
	    && pair->held.incarnation == grant->start.old.incarnation)
		*status = STARTED_ALIVE;
	return (uint32_t)slot << 24 | 0x123456;
}

static void take_started(
    void *context, const struct lane_grant *grant, const struct started *started)
{
	struct handshake_pair *pair = context;

	pair->starteds++;
	pair->listener_grant = *grant;
	pair->started = *started;
}

static void take_refused(void *context, uint8_t lane, enum handshake_cause cause)
{
	struct handshake_pair *pair = context;

	(void)lane;
	pair->refusals++;
	pair->refused = cause;
}

static const struct handshake_node_callbacks callbacks[2] = {
    [TUNNEL_LISTENER] = {.on_packet = listener_sends,
        .on_started = take_started,
        .on_refused = take_refused},
    [TUNNEL_ENDPOINT] = {.on_packet = endpoint_sends, .on_start = take_start},
};

void pair_start(struct handshake_pair *pair, uint64_t seed)
{
	static const uint8_t door_key[DOOR_SECRET_BYTES] = {1, 2, 3};
	int device = tls_seeded_start(seed);

	memset(pair, 0, sizeof(*pair));
	pair->now_us = 1000000;
	addr_parse("192.0.2.1:1000", 0, &pair->addresses[TUNNEL_LISTENER]);
	addr_parse("192.0.2.2:7401", 0, &pair->addresses[TUNNEL_ENDPOINT]);
	for (int role = 0; role < 2; role++) {
		struct handshake_node_config config = {.role = (enum tunnel_role)role,
		    .workers = 4,
		    .seed = seed + (uint64_t)role,
		    .device = device,
		    .callbacks = &callbacks[role],
		    .context = pair};

		if (handshake_node_new(&pair->nodes[role], &config, pair->now_us) < 0)
			abort();
	}
	for (int role = 0; role < 2; role++) {
		const uint8_t *pin = handshake_node_pin(pair->nodes[1 - role]);

		door_init(&pair->doors[role], door_key, pin);
		if (handshake_node_set_peer(pair->nodes[role], pin, door_key) < 0)
			abort();
	}
}

void pair_end(struct handshake_pair *pair)
{
	handshake_node_free(pair->nodes[0]);
	handshake_node_free(pair->nodes[1]);
}

void pair_dial(struct handshake_pair *pair, const struct lane_name *old)
{
	handshake_node_dial(pair->nodes[TUNNEL_LISTENER], 0, 0x00abcdef, old,
	    &pair->addresses[TUNNEL_ENDPOINT], pair->now_us);
}

bool pair_inject(struct handshake_pair *pair, enum tunnel_role to, const struct addr *from,
    const uint8_t *bytes, size_t length)
{
	struct pair_packet packet = {
	    .to = to, .from = *from, .due_us = pair->now_us, .length = length};

	if (pair->queued == PAIR_QUEUE)
		return false;
	memcpy(packet.bytes, bytes, length);
	enqueue(pair, &packet);
	return true;
}

/* Packets due at the same time keep their order. */
static size_t queue_first(const struct handshake_pair *pair)
{
	size_t first = 0;

	for (size_t i = 1; i < pair->queued; i++)
		if (pair->queue[i].due_us < pair->queue[first].due_us)
			first = i;
	return first;
}

static void deliver(struct handshake_pair *pair, size_t at)
{
	struct pair_packet packet = pair->queue[at];

	memmove(
	    pair->queue + at, pair->queue + at + 1, (--pair->queued - at) * sizeof(*pair->queue));
	handshake_node_receive(
	    pair->nodes[packet.to], &packet.from, packet.bytes, packet.length, pair->now_us);
}

void pair_run(struct handshake_pair *pair, uint64_t until_us)
{
	for (;;) {
		size_t first = queue_first(pair);
		uint64_t next_us = pair->queued ? pair->queue[first].due_us : UINT64_MAX;
		int role = -1;

		for (int i = 0; i < 2; i++)
			if (handshake_node_timer_us(pair->nodes[i]) < next_us) {
				next_us = handshake_node_timer_us(pair->nodes[i]);
				role = i;
			}
		if (next_us == UINT64_MAX || next_us > until_us)
			break;
		if (next_us > pair->now_us)
			pair->now_us = next_us;
		if (role < 0)
			deliver(pair, first);
		else
			handshake_node_on_timer(pair->nodes[role], pair->now_us);
	}
	if (until_us != UINT64_MAX && until_us > pair->now_us)
		pair->now_us = until_us;
}

void pair_seal(struct handshake_pair *pair, struct pair_packet *packet)
{
	struct writer w;

	writer_init(&w, packet->bytes, sizeof(packet->bytes));
	writer_skip(&w, packet->length - HANDSHAKE_MAC_BYTES);
	door_seal(&pair->doors[packet->to], &w);
}

bool pair_agrees(const struct handshake_pair *pair)
{
	const struct lane_grant *a = &pair->listener_grant, *b = &pair->endpoint_grant;

	return pair->starteds && a->name.tunnel_id == b->name.tunnel_id
	       && a->name.incarnation == b->name.incarnation && a->lane == b->lane
	       && a->aead == b->aead
	       && memcmp(a->send_secret, b->receive_secret, AEAD_SECRET_BYTES) == 0
	       && memcmp(a->receive_secret, b->send_secret, AEAD_SECRET_BYTES) == 0;
}

uint64_t pair_count(
    const struct handshake_pair *pair, enum tunnel_role role, enum handshake_cause cause)
{
	struct handshake_counters counters;

	handshake_node_counters(pair->nodes[role], &counters);
	return counters.count[cause];
}
