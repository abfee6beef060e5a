/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes of strangers: what the tunnel port of either role does with a datagram before anything is
 * authenticated.  Nothing may pass, nothing may be answered, each is counted exactly once.
 */
#include "config.h"

#include "base/bytes.h"
#include "base/err.h"
#include "tunnel/frame.h"
#include "tunnel/gate.h"
#include "tunnel/handshake.h"
#include "tunnel/packet.h"
#include "tunnel/session.h"
#include "tunnel/start.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void no_random(void *context, void *out, size_t length)
{
	(void)context;
	memset(out, 7, length);
}

static uint64_t counted(const struct gate *gate)
{
	uint64_t sum = 0;

	for (int i = 0; i < HANDSHAKE_CAUSE_COUNT; i++)
		sum += gate->counters.count[i];
	return sum;
}

static void knock(enum tunnel_role role, const uint8_t *data, size_t size)
{
	static const uint8_t key[DOOR_SECRET_BYTES] = {1}, pin[PIN_BYTES] = {2};
	struct gate gate;
	struct gate_answer answer;
	struct handshake_header header;
	struct door door;
	const struct door *found;
	struct addr from;

	addr_parse("192.0.2.1:1000", 0, &from);
	gate_init(&gate, role, no_random, NULL, 1);
	door_init(&door, key, pin);
	if (doors_put(&gate.doors, &door))
		abort();
	if (gate_check(&gate, &from, data, size, &header, &found, &answer, 2) == HANDSHAKE_FINE)
		abort(); /* a 16-byte MAC was guessed */
	if (answer.length > 0 || counted(&gate) != 1)
		abort();
	gate_clear(&gate);
}

/* What is looked at before its proof, or behind it by a peer with keys. */
static void read_bodies(const uint8_t *data, size_t size)
{
	struct packet_header sealed;
	struct handshake_header header;
	struct start start;
	const uint8_t *cookie;

	packet_header_read(data, size, &sealed);
	if (handshake_form_check(&header, TUNNEL_ENDPOINT, data, size) != HANDSHAKE_FINE)
		return; /* the others are for packets that it took */
	start_read(&start, data, size);
	initiate_cookie(data, size, &cookie);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy =
	    malloc(size ? size : 1); /* exactly as large, so that ASan sees one byte more */

	if (!copy || sodium_init() < 0)
		abort();
	memcpy(copy, data, size);
	read_bodies(copy, size);
	knock(TUNNEL_LISTENER, copy, size);
	knock(TUNNEL_ENDPOINT, copy, size);
	free(copy);
	return 0;
}
