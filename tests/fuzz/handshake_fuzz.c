/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sequences of handshake packets between two real nodes (TLS included, seeded): the input says for
 * each packet whether it is lost, doubled, delayed, cut, changed (under the right door key or not),
 * or followed by one of the fuzzer's own; and when time passes, lanes are dialled, daemons restart.
 * Whatever comes: both sides' keys of one lane start agree, each lane start had a START of its own,
 * and the caps hold.
 */
#include "config.h"

#include "base/bytes.h"
#include "tests/fuzz/require.h"
#include "tests/support/handshake_pair.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PACKETS_MAX = 200 };

enum packet_fate {
	FATE_PASS,
	FATE_LOSE,
	FATE_DOUBLE,
	FATE_DELAY,
	FATE_CUT,
	FATE_CUT_SEALED,
	FATE_CHANGE,
	FATE_CHANGE_SEALED,
	FATE_INSERT,
	FATE_INSERT_SEALED,
	FATE_KEEP,   /* for FATE_REPLAY */
	FATE_REPLAY, /* what was kept, also to the other side or from another address */
	FATE_COUNT,
};

struct fuzzer {
	struct reader input;
	unsigned packets;
	struct pair_packet kept;
};

static void cut(
    struct fuzzer *fuzzer, struct handshake_pair *pair, struct pair_packet *packet, bool sealed)
{
	size_t length = reader_u16(&fuzzer->input) % (packet->length + 1);

	packet->length = length;
	if (sealed && length > HANDSHAKE_HEADER_BYTES + HANDSHAKE_MAC_BYTES)
		pair_seal(pair, packet);
}

static void change(
    struct fuzzer *fuzzer, struct handshake_pair *pair, struct pair_packet *packet, bool sealed)
{
	unsigned count = reader_u8(&fuzzer->input) % 8 + 1;

	while (count--) {
		size_t at = reader_u16(&fuzzer->input) % packet->length;

		packet->bytes[at] ^= reader_u8(&fuzzer->input);
	}
	if (sealed)
		pair_seal(pair, packet);
}

/* A packet with the header of a real one and a body from the input. */
static void insert(struct fuzzer *fuzzer, struct handshake_pair *pair,
    const struct pair_packet *model, bool sealed)
{
	struct pair_packet packet = *model;
	size_t length = reader_u16(&fuzzer->input) % 128;

	packet.bytes[0] = reader_u8(&fuzzer->input) | HANDSHAKE_FLAG;
	if (packet.bytes[0] == (HANDSHAKE_FLAG | HANDSHAKE_INITIATE))
		packet.length = HANDSHAKE_PACKET_BYTES;
	else
		packet.length = HANDSHAKE_HEADER_BYTES + length + HANDSHAKE_MAC_BYTES;
	memset(packet.bytes + HANDSHAKE_HEADER_BYTES, 0, packet.length - HANDSHAKE_HEADER_BYTES);
	reader_copy(&fuzzer->input, packet.bytes + HANDSHAKE_HEADER_BYTES,
	    length < reader_left(&fuzzer->input) ? length : reader_left(&fuzzer->input));
	packet.to = (enum tunnel_role)(reader_u8(&fuzzer->input) % 2);
	if (sealed)
		pair_seal(pair, &packet);
	pair_inject(pair, packet.to, &packet.from, packet.bytes, packet.length);
}

static void replay(struct fuzzer *fuzzer, struct handshake_pair *pair)
{
	struct pair_packet *kept = &fuzzer->kept;
	uint8_t how = reader_u8(&fuzzer->input);
	struct addr from = kept->from;

	if (!kept->length)
		return;
	if (how & 1)
		from.port++;
	pair_inject(pair, (how & 2) ? (enum tunnel_role)(1 - kept->to) : kept->to, &from,
	    kept->bytes, kept->length);
}

static bool decide(struct handshake_pair *pair, struct pair_packet *packet)
{
	struct fuzzer *fuzzer = pair->hook_context;

	if (++fuzzer->packets > PACKETS_MAX)
		return false;
	switch ((enum packet_fate)(reader_u8(&fuzzer->input) % FATE_COUNT)) {
	case FATE_LOSE:
		return false;
	case FATE_DOUBLE:
		pair_inject(pair, packet->to, &packet->from, packet->bytes, packet->length);
		break;
	case FATE_DELAY:
		packet->due_us += reader_u16(&fuzzer->input) * UINT64_C(256);
		break;
	case FATE_CUT:
		cut(fuzzer, pair, packet, false);
		break;
	case FATE_CUT_SEALED:
		cut(fuzzer, pair, packet, true);
		break;
	case FATE_CHANGE:
		change(fuzzer, pair, packet, false);
		break;
	case FATE_CHANGE_SEALED:
		change(fuzzer, pair, packet, true);
		break;
	case FATE_INSERT:
		insert(fuzzer, pair, packet, false);
		break;
	case FATE_INSERT_SEALED:
		insert(fuzzer, pair, packet, true);
		break;
	case FATE_KEEP:
		fuzzer->kept = *packet;
		break;
	case FATE_REPLAY:
		replay(fuzzer, pair);
		break;
	default:
		break;
	}
	return true;
}

/* Keys of one lane start: the same on both sides. */
static void check_grants(const struct handshake_pair *pair)
{
	const struct lane_grant *a = &pair->listener_grant, *b = &pair->endpoint_grant;

	if (!pair->starteds || !pair->starts || a->name.tunnel_id != b->name.tunnel_id
	    || a->name.incarnation != b->name.incarnation || a->lane != b->lane)
		return;
	require(a->aead == b->aead);
	require(memcmp(a->send_secret, b->receive_secret, AEAD_SECRET_BYTES) == 0);
	require(memcmp(a->receive_secret, b->send_secret, AEAD_SECRET_BYTES) == 0);
}

static void check(struct handshake_pair *pair)
{
	struct keyring *endpoint = handshake_node_keyring(pair->nodes[TUNNEL_ENDPOINT]);
	struct handshake_counters counters;

	check_grants(pair);
	require(keyring_half_open(endpoint) <= KEYRING_PEER_HALF_OPEN_MAX);
	/* Each lane start came of a good packet of its own. */
	handshake_node_counters(pair->nodes[TUNNEL_ENDPOINT], &counters);
	require(pair->starts <= counters.count[HANDSHAKE_FINE]);
}

static void step(struct fuzzer *fuzzer, struct handshake_pair *pair)
{
	static const struct lane_name old = {1, 1};
	uint8_t what = reader_u8(&fuzzer->input);

	switch (what % 8) {
	case 0:
		handshake_node_restart(pair->nodes[TUNNEL_ENDPOINT], pair->now_us);
		break;
	case 1:
		handshake_node_restart(pair->nodes[TUNNEL_LISTENER], pair->now_us);
		break;
	case 2:
		pair_dial(pair, &old);
		break;
	case 3:
		pair_run(pair, pair->now_us + 20000000);
		break;
	default:
		pair_dial(pair, NULL);
		break;
	}
	pair_run(pair, pair->now_us + UINT64_C(40000) * (what / 8 + 1));
	check(pair);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct handshake_pair pair;
	struct fuzzer fuzzer = {0};

	if (sodium_init() < 0)
		abort();
	reader_init(&fuzzer.input, data, size);
	pair_start(&pair, 1);
	pair.hook = decide;
	pair.hook_context = &fuzzer;
	pair_dial(&pair, NULL);
	pair_run(&pair, pair.now_us + 100000);
	check(&pair);
	for (int i = 0; i < 8 && !fuzzer.input.failed; i++)
		step(&fuzzer, &pair);
	pair_end(&pair);
	return 0;
}
