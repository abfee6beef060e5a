/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * After each message in, a channel is pumped: established once, plaintext out, ciphertext out.
 */
#include "config.h"

#include "net/keys_channels.h"

#include "base/err.h"
#include "base/table.h"
#include "net/tls_wolfssl.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct channel {
	UT_hash_handle hh; /* by id */
	uint32_t id;
	struct tls_connection *tls;
	bool expects_pin, is_told; /* is_told: ESTABLISHED was sent */
	uint8_t pin[PIN_BYTES];
};

struct keys_channels {
	struct tls_identity *identity;
	keys_send_fn *send;
	void *context;
	struct channel *table;
};

int keys_channels_new(
    struct keys_channels **out, struct tls_identity *identity, keys_send_fn *send, void *context)
{
	struct keys_channels *channels = calloc(1, sizeof(*channels));

	if (!channels)
		return ERR_NOMEM;
	channels->identity = identity;
	channels->send = send;
	channels->context = context;
	*out = channels;
	return 0;
}

static struct channel *channel_find(const struct keys_channels *channels, uint32_t id)
{
	struct channel *channel;

	HASH_FIND(hh, channels->table, &id, sizeof(id), channel);
	return channel;
}

static void channel_free(struct keys_channels *channels, struct channel *channel)
{
	HASH_DEL(channels->table, channel);
	tls_connection_free(channel->tls);
	free(channel);
}

void keys_channels_free(struct keys_channels *channels)
{
	struct channel *channel, *next;

	if (!channels)
		return;
	HASH_ITER (hh, channels->table, channel, next)
		channel_free(channels, channel);
	free(channels);
}

size_t keys_channels_count(const struct keys_channels *channels)
{
	return HASH_COUNT(channels->table);
}

static int send_closed(struct keys_channels *channels, uint32_t id, int reason, const char *text)
{
	struct keys_channel_closed closed = {.id = id, .reason = reason};

	snprintf(closed.text, sizeof(closed.text), "%s", text);
	return channels->send(
	    channels->context, KEYS_MESSAGE_CHANNEL_CLOSED, &closed, sizeof(closed), NULL, 0);
}

static int send_bytes(struct keys_channels *channels, enum keys_message type,
    const struct channel *channel, const uint8_t *bytes, size_t length)
{
	struct keys_channel head = {.id = channel->id};

	return channels->send(channels->context, type, &head, sizeof(head), bytes, length);
}

/* What waits for the network, an alert of a failed connection too. */
static int pump_ciphertext(struct keys_channels *channels, struct channel *channel)
{
	uint8_t bytes[TLS_READ_BYTES_MAX];
	int result = 0;
	size_t n;

	while (result == 0 && (n = tls_connection_drain(channel->tls, bytes, sizeof(bytes))) > 0)
		result = send_bytes(channels, KEYS_MESSAGE_CHANNEL_CIPHERTEXT, channel, bytes, n);
	return result;
}

/* Positive when the channel ended: it is freed. Negative when main is broken. */
static int channel_end(
    struct keys_channels *channels, struct channel *channel, int reason, const char *text)
{
	int result = pump_ciphertext(channels, channel);

	if (result == 0)
		result = send_closed(channels, channel->id, reason, text);
	channel_free(channels, channel);
	return result < 0 ? result : 1;
}

static int pump_established(struct keys_channels *channels, struct channel *channel)
{
	struct keys_channel_established established = {.id = channel->id};

	if (channel->is_told || !tls_connection_is_established(channel->tls))
		return 0;
	tls_connection_peer_pin(channel->tls, established.peer_pin);
	if (channel->expects_pin
	    && sodium_memcmp(channel->pin, established.peer_pin, PIN_BYTES) != 0)
		return channel_end(
		    channels, channel, ERR_AUTH, "the peer's pin is not the expected one");
	channel->is_told = true;
	return channels->send(channels->context, KEYS_MESSAGE_CHANNEL_ESTABLISHED, &established,
	    sizeof(established), NULL, 0);
}

static int pump_plaintext(struct keys_channels *channels, struct channel *channel)
{
	uint8_t bytes[TLS_READ_BYTES_MAX];

	while (channel->is_told) {
		int n = tls_connection_read(channel->tls, bytes, sizeof(bytes));
		int result;

		if (n == ERR_AGAIN)
			return 0;
		if (n == ERR_CLOSED)
			return channel_end(channels, channel, ERR_CLOSED, "closed by the peer");
		if (n < 0)
			return channel_end(
			    channels, channel, n, tls_connection_error(channel->tls));
		result =
		    send_bytes(channels, KEYS_MESSAGE_CHANNEL_PLAINTEXT, channel, bytes, (size_t)n);
		sodium_memzero(bytes, (size_t)n);
		if (result < 0)
			return result;
	}
	return 0;
}

/* The channel may be gone after it. */
static int channel_pump(struct keys_channels *channels, struct channel *channel)
{
	int result = pump_established(channels, channel);

	if (result == 0)
		result = pump_ciphertext(channels, channel);
	if (result == 0)
		result = pump_plaintext(channels, channel);
	return result < 0 ? result : 0;
}

static int receive_open(struct keys_channels *channels, const struct keys_channel_open *open)
{
	struct channel *channel;

	if (open->tls_role > TLS_SERVER || channel_find(channels, open->id))
		return ERR_INVALID;
	if (HASH_COUNT(channels->table) >= KEYS_CHANNELS_MAX)
		return send_closed(channels, open->id, ERR_LIMIT, "too many channels");
	channel = calloc(1, sizeof(*channel));
	if (!channel)
		return send_closed(channels, open->id, ERR_NOMEM, "no memory");
	channel->id = open->id;
	channel->expects_pin = open->expects_pin;
	memcpy(channel->pin, open->pin, PIN_BYTES);
	if (tls_connection_new(&channel->tls, channels->identity, (enum tls_role)open->tls_role)
	        == 0
	    && (open->tls_role == TLS_SERVER || tls_connection_feed(channel->tls, NULL, 0) == 0))
		HASH_ADD(hh, channels->table, id, sizeof(channel->id), channel);
	if (!TABLE_HAS(channel)) {
		tls_connection_free(channel->tls);
		free(channel);
		return send_closed(channels, open->id, ERR_NOMEM, "no memory");
	}
	return channel_pump(channels, channel);
}

static int receive_feed(
    struct keys_channels *channels, struct channel *channel, const uint8_t *bytes, size_t length)
{
	int result = tls_connection_feed(channel->tls, bytes, length);

	if (result < 0) {
		result = channel_end(channels, channel, result, tls_connection_error(channel->tls));
		return result < 0 ? result : 0;
	}
	return channel_pump(channels, channel);
}

static int receive_write(
    struct keys_channels *channels, struct channel *channel, const uint8_t *bytes, size_t length)
{
	int result = tls_connection_write(channel->tls, bytes, length);

	if (result < 0) {
		result = channel_end(channels, channel, result, tls_connection_error(channel->tls));
		return result < 0 ? result : 0;
	}
	return pump_ciphertext(channels, channel);
}

int keys_channels_receive(
    struct keys_channels *channels, enum keys_message type, const uint8_t *data, size_t length)
{
	struct keys_channel head;
	struct channel *channel;

	if (type == KEYS_MESSAGE_CHANNEL_OPEN) {
		struct keys_channel_open open;

		memcpy(&open, data, sizeof(open));
		return receive_open(channels, &open);
	}
	memcpy(&head, data, sizeof(head));
	channel = channel_find(channels, head.id);
	/* Main may speak to a channel whose CLOSED is on its way to it. */
	if (!channel)
		return 0;
	data += sizeof(head);
	length -= sizeof(head);
	switch (type) {
	case KEYS_MESSAGE_CHANNEL_FEED:
		return receive_feed(channels, channel, data, length);
	case KEYS_MESSAGE_CHANNEL_WRITE:
		return receive_write(channels, channel, data, length);
	case KEYS_MESSAGE_CHANNEL_SHUTDOWN:
		tls_connection_shutdown(channel->tls);
		return pump_ciphertext(channels, channel);
	case KEYS_MESSAGE_CHANNEL_CLOSE:
		channel_free(channels, channel);
		return 0;
	default:
		return ERR_UNSUPPORTED;
	}
}
