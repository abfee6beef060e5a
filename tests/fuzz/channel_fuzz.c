/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The TLS connections between nodes and control, as strangers at control's port meet them: a client's and a server's
 * side joined by the fuzzer, which cuts, changes, drops, doubles and makes up what goes between.  What comes out of a
 * channel goes through its framing, whole and in any pieces.  Nobody is told of bytes before the handshake, nor twice of an end.
 */
#include "config.h"

#include "base/bytes.h"
#include "base/err.h"
#include "base/keyed_hash.h"
#include "net/channel.h"
#include "net/keys_channels.h"
#include "net/tls_wolfssl.h"
#include "tests/fuzz/require.h"
#include "tests/support/tls_seeded.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS_MAX = 60, WIRE_BYTES = 1 << 17, CHANNEL = 3, MESSAGE_BYTES = 4096 };

struct side {
	struct keys_channels *channels;
	struct side *other;
	uint8_t wire[WIRE_BYTES]; /* what came for it */
	size_t wire_bytes;
	bool is_open, is_established, is_closed;
	struct channel_decoder decoder;
	bool is_broken; /* its framing */
	unsigned messages;
};

static struct side sides[2]; /* client, server */
static struct tls_identity *identities[2];

static int on_message(void *context, const char *message, size_t length)
{
	struct side *side = context;

	require(length > 0 && length <= MESSAGE_BYTES && message[length] == '\0');
	side->messages++;
	return message[0] == '!' ? ERR_INVALID : 0;
}

static void take_plaintext(struct side *side, const uint8_t *bytes, size_t length)
{
	require(side->is_established && !side->is_closed);
	if (!side->is_broken)
		side->is_broken =
		    channel_decode(&side->decoder, bytes, length, on_message, side) < 0;
}

/* What the keys process tells main. */
static int take(void *context, enum keys_message type, const void *head, size_t head_bytes,
    const uint8_t *bytes, size_t length)
{
	struct side *side = context, *other = side->other;

	require(head_bytes >= sizeof(uint32_t) && *(const uint32_t *)head == CHANNEL);
	switch (type) {
	case KEYS_MESSAGE_CHANNEL_CIPHERTEXT:
		if (length > sizeof(other->wire) - other->wire_bytes)
			length = sizeof(other->wire) - other->wire_bytes;
		memcpy(other->wire + other->wire_bytes, bytes, length);
		other->wire_bytes += length;
		break;
	case KEYS_MESSAGE_CHANNEL_ESTABLISHED:
		require(!side->is_established && !side->is_closed);
		require(memcmp(((const struct keys_channel_established *)head)->peer_pin,
		            tls_identity_pin(identities[side == &sides[0]]), PIN_BYTES)
		        == 0);
		side->is_established = true;
		break;
	case KEYS_MESSAGE_CHANNEL_PLAINTEXT:
		take_plaintext(side, bytes, length);
		break;
	case KEYS_MESSAGE_CHANNEL_CLOSED:
		require(!side->is_closed);
		side->is_closed = true;
		break;
	default:
		abort();
	}
	return 0;
}

static void tell(struct side *side, enum keys_message type, const uint8_t *bytes, size_t length)
{
	struct keys_channel head = {.id = CHANNEL};
	uint8_t *message = malloc(sizeof(head) + length);

	memcpy(message, &head, sizeof(head));
	memcpy(message + sizeof(head), bytes, length);
	require(keys_channels_receive(side->channels, type, message, sizeof(head) + length) == 0);
	free(message);
}

static void open_side(struct side *side, int index)
{
	memset(side, 0, sizeof(*side));
	side->other = &sides[1 - index];
	channel_decoder_init(&side->decoder, MESSAGE_BYTES);
	require(keys_channels_new(&side->channels, identities[index], take, side) == 0);
}

static void begin(struct side *side, int index)
{
	struct keys_channel_open open = {
	    .id = CHANNEL, .tls_role = (uint32_t)index, .expects_pin = index == 0};

	memcpy(open.pin, tls_identity_pin(identities[1]), PIN_BYTES);
	require(keys_channels_receive(
	            side->channels, KEYS_MESSAGE_CHANNEL_OPEN, (const uint8_t *)&open, sizeof(open))
	        == 0);
}

/* The first `length` bytes of what came for it. */
static void feed(struct side *side, size_t length)
{
	uint8_t *bytes;

	if (length > side->wire_bytes)
		length = side->wire_bytes;
	if (length > KEYS_CHANNEL_BYTES_MAX)
		length = KEYS_CHANNEL_BYTES_MAX;
	bytes = malloc(length ? length : 1);
	memcpy(bytes, side->wire, length);
	side->wire_bytes -= length;
	memmove(side->wire, side->wire + length, side->wire_bytes);
	tell(side, KEYS_MESSAGE_CHANNEL_FEED, bytes, length);
	free(bytes);
}

static void insert(struct side *side, struct reader *r)
{
	uint8_t bytes[256];
	size_t length = reader_u8(r);

	if (length > reader_left(r))
		length = reader_left(r);
	reader_copy(r, bytes, length);
	if (length > sizeof(side->wire) - side->wire_bytes)
		return;
	memmove(side->wire + length, side->wire, side->wire_bytes);
	memcpy(side->wire, bytes, length);
	side->wire_bytes += length;
}

static void change(struct side *side, struct reader *r)
{
	size_t at = reader_u16(r);
	uint8_t with = reader_u8(r);

	if (side->wire_bytes)
		side->wire[at % side->wire_bytes] ^= with;
}

/* Frames of the node's protocol, or bytes that are none. */
static void say(struct side *side, struct reader *r)
{
	uint8_t bytes[CHANNEL_HEADER_BYTES + 300] = {0};
	size_t length = reader_u8(r);
	bool is_framed = reader_u8(r) & 1;

	if (length > reader_left(r))
		length = reader_left(r);
	bytes[3] = (uint8_t)length;
	reader_copy(r, bytes + CHANNEL_HEADER_BYTES, length);
	tell(side, KEYS_MESSAGE_CHANNEL_WRITE, bytes + (is_framed ? 0 : CHANNEL_HEADER_BYTES),
	    length + (is_framed ? CHANNEL_HEADER_BYTES : 0));
}

static void step(struct reader *r)
{
	uint8_t op = reader_u8(r);
	struct side *side = &sides[op & 1];

	switch (op / 2 % 8) {
	case 0:
	case 1:
		feed(side, SIZE_MAX);
		break;
	case 2:
		feed(side, reader_u8(r));
		break;
	case 3:
		change(side, r);
		break;
	case 4:
		insert(side, r);
		break;
	case 5:
		say(side, r);
		break;
	case 6:
		tell(side, KEYS_MESSAGE_CHANNEL_SHUTDOWN, (const uint8_t *)"", 0);
		break;
	default: {
		size_t cut = reader_u16(r);

		side->wire_bytes -= cut < side->wire_bytes ? cut : side->wire_bytes;
	}
	}
}

static void initialize(void)
{
	char key[TLS_PEM_BYTES], certificate[TLS_PEM_BYTES];
	int device;

	if (identities[0])
		return;
	require(sodium_init() >= 0 && keyed_hash_init() == 0);
	device = tls_seeded_start(1);
	for (int i = 0; i < 2; i++) {
		require(tls_identity_generate(key, certificate, device) == 0);
		require(tls_identity_new(&identities[i], key, certificate, device) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r;

	initialize();
	tls_seeded_start(1);
	for (int i = 0; i < 2; i++)
		open_side(&sides[i], i);
	for (int i = 0; i < 2; i++)
		begin(&sides[i], i);
	reader_init(&r, data, size);
	for (int i = 0; i < STEPS_MAX && reader_left(&r) > 0; i++)
		step(&r);
	for (int i = 0; i < 2; i++) {
		require(keys_channels_count(sides[i].channels) == !sides[i].is_closed);
		keys_channels_free(sides[i].channels);
		channel_decoder_clear(&sides[i].decoder);
	}
	return 0;
}
