/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A node's connection to control; see net/control_client.h. */
#include "config.h"

#include "net/control_client.h"

#include "base/addr.h"
#include "base/err.h"
#include "base/rng.h"
#include "net/channel.h"
#include "net/keys_messages.h"
#include "net/resolve.h"
#include "net/tcp.h"
#include "tunnel/tls.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Seconds, as libev counts. */
#define BACKOFF_FIRST_S 0.1
#define BACKOFF_LAST_S  5.0
#define OPEN_S          5.0  /* for TCP and TLS together */
#define STEADY_S        10.0 /* who was open that long tries again at BACKOFF_FIRST_S */

enum {
	SILENT_MS = 10000, /* what was sent and not acknowledged for so long ends the connection */
	READ_BYTES = 16 * 1024,
	SEND_QUEUE_BYTES = 8 * 1024 * 1024, /* ciphertext that TCP did not take yet */
	WHY_BYTES = 256,
};

enum client_state { IDLE, WAITING, RESOLVING, CONNECTING, SHAKING, OPEN };

/* descriptor is -1 but for CONNECTING, SHAKING and OPEN; channel_id is 0 but for the last two. */
struct control_client {
	struct control_client_config config;
	char addresses[JOIN_ADDRESSES_MAX][NAME_BYTES];
	enum client_state state;
	struct resolver *resolver;
	struct resolve_query *query;
	unsigned attempt;
	uint16_t port; /* of the address that is being resolved */
	int descriptor;
	ev_io readable, writable;
	ev_timer timer; /* WAITING: the back-off; up to SHAKING: OPEN_S */
	double backoff_s, opened_s;
	uint32_t channel_id, next_channel_id;
	struct channel_decoder decoder;
	uint8_t *queue; /* ciphertext for TCP in [queue_start, queue_end) */
	size_t queue_start, queue_end, queue_size;
	struct rng rng;
};

static void fail(struct control_client *client, int reason, const char *why);

/* ---- the way back to nothing ---- */

static struct ipc *keys_channel(struct control_client *client)
{
	return client->config.keys_channel(client->config.context);
}

static void close_channel(struct control_client *client)
{
	struct keys_channel close_it = {.id = client->channel_id};
	struct ipc *keys = keys_channel(client);

	if (client->channel_id && keys)
		ipc_send(keys, KEYS_MESSAGE_CHANNEL_CLOSE, &close_it, sizeof(close_it));
	client->channel_id = 0;
}

static void disconnect(struct control_client *client)
{
	ev_timer_stop(client->config.loop, &client->timer);
	ev_io_stop(client->config.loop, &client->readable);
	ev_io_stop(client->config.loop, &client->writable);
	if (client->query)
		resolve_cancel(client->query);
	client->query = NULL;
	close_channel(client);
	if (client->descriptor >= 0)
		close(client->descriptor);
	client->descriptor = -1;
	client->queue_start = client->queue_end = 0;
	client->state = IDLE;
}

static void wait_and_retry(struct control_client *client)
{
	double jitter = 0.75 + 0.5 * rng_uniform(&client->rng);

	client->state = WAITING;
	ev_timer_set(&client->timer, client->backoff_s * jitter, 0.);
	ev_timer_start(client->config.loop, &client->timer);
	client->backoff_s *= 2;
	if (client->backoff_s > BACKOFF_LAST_S)
		client->backoff_s = BACKOFF_LAST_S;
}

static void fail(struct control_client *client, int reason, const char *why)
{
	bool was_steady =
	    client->state == OPEN && ev_now(client->config.loop) - client->opened_s > STEADY_S;

	disconnect(client);
	if (was_steady)
		client->backoff_s = BACKOFF_FIRST_S;
	wait_and_retry(client);
	client->config.callbacks->on_closed(client->config.context, reason, why);
}

/* ---- ciphertext to and from TCP ---- */

static void flush_queue(struct control_client *client)
{
	while (client->queue_start < client->queue_end) {
		ssize_t sent = send(client->descriptor, client->queue + client->queue_start,
		    client->queue_end - client->queue_start, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EAGAIN) {
			ev_io_start(client->config.loop, &client->writable);
			return;
		}
		if (sent < 0) {
			fail(client, ERR_CLOSED, strerror(errno));
			return;
		}
		client->queue_start += (size_t)sent;
	}
	client->queue_start = client->queue_end = 0;
	ev_io_stop(client->config.loop, &client->writable);
}

static int queue_reserve(struct control_client *client, size_t length)
{
	size_t used = client->queue_end - client->queue_start;
	size_t size = client->queue_size ? client->queue_size : READ_BYTES;
	uint8_t *grown;

	if (used + length > SEND_QUEUE_BYTES)
		return ERR_LIMIT;
	if (client->queue_start) {
		memmove(client->queue, client->queue + client->queue_start, used);
		client->queue_start = 0;
		client->queue_end = used;
	}
	while (size < used + length)
		size *= 2;
	if (size == client->queue_size)
		return 0;
	grown = realloc(client->queue, size);
	if (!grown)
		return ERR_NOMEM;
	client->queue = grown;
	client->queue_size = size;
	return 0;
}

static void send_ciphertext(struct control_client *client, const uint8_t *data, size_t length)
{
	int result = queue_reserve(client, length);

	if (result < 0) {
		fail(client, result, "control reads too slowly");
		return;
	}
	memcpy(client->queue + client->queue_end, data, length);
	client->queue_end += length;
	flush_queue(client);
}

/* A struct keys_channel and the bytes behind it. */
static int tell_keys(struct control_client *client, uint16_t type, const void *data, size_t length)
{
	struct {
		struct keys_channel channel;
		uint8_t bytes[READ_BYTES];
	} piece = {.channel.id = client->channel_id};
	struct ipc *keys = keys_channel(client);

	if (!keys)
		return ERR_CLOSED;
	memcpy(piece.bytes, data, length);
	return ipc_send(keys, type, &piece, sizeof(piece.channel) + length);
}

static void on_readable(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct control_client *client = watcher->data;
	uint8_t data[READ_BYTES];
	ssize_t length = recv(client->descriptor, data, sizeof(data), 0);

	(void)loop;
	(void)events;
	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (length <= 0)
		fail(client, ERR_CLOSED, length < 0 ? strerror(errno) : "closed by control");
	else if (tell_keys(client, KEYS_MESSAGE_CHANNEL_FEED, data, (size_t)length) < 0)
		fail(client, ERR_CLOSED, "the keys process is away");
}

/* ---- connecting ---- */

static void shake(struct control_client *client)
{
	struct keys_channel_open open = {.tls_role = TLS_CLIENT, .expects_pin = 1};
	struct ipc *keys = keys_channel(client);

	if (++client->next_channel_id == 0)
		client->next_channel_id = 1;
	client->channel_id = open.id = client->next_channel_id;
	memcpy(open.pin, client->config.pin, PIN_BYTES);
	if (!keys || ipc_send(keys, KEYS_MESSAGE_CHANNEL_OPEN, &open, sizeof(open)) < 0) {
		fail(client, ERR_CLOSED, "the keys process is away");
		return;
	}
	client->state = SHAKING;
	channel_decoder_clear(&client->decoder);
	channel_decoder_init(&client->decoder, CHANNEL_MESSAGE_BYTES);
	ev_io_start(client->config.loop, &client->readable);
}

static void on_writable(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct control_client *client = watcher->data;
	int result;

	(void)events;
	if (client->state != CONNECTING) {
		flush_queue(client);
		return;
	}
	result = tcp_connect_result(client->descriptor);
	ev_io_stop(loop, watcher);
	if (result < 0)
		fail(client, result, err_text(result));
	else
		shake(client);
}

static void connect_to(struct control_client *client, const struct addr *address)
{
	int silent_ms = SILENT_MS;
	int result = tcp_connect(address, NULL, &client->descriptor);

	if (result < 0 && result != ERR_AGAIN) {
		client->descriptor = -1;
		fail(client, result, err_text(result));
		return;
	}
	tcp_allow_fin(client->descriptor);
	setsockopt(
	    client->descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &silent_ms, sizeof(silent_ms));
	client->state = CONNECTING;
	ev_io_set(&client->readable, client->descriptor, EV_READ);
	ev_io_set(&client->writable, client->descriptor, EV_WRITE);
	ev_io_start(client->config.loop, &client->writable);
}

static void on_resolved(
    void *context, int error, const struct addr *addresses, size_t count, uint32_t ttl_s)
{
	struct control_client *client = context;
	struct addr address;

	(void)ttl_s;
	client->query = NULL;
	if (error < 0 || count == 0) {
		fail(client, error < 0 ? error : ERR_NOT_FOUND, "its name has no address now");
		return;
	}
	/* Each round over control's names takes the next of their addresses. */
	address = addresses[client->attempt / client->config.address_count % count];
	address.port = client->port;
	client->attempt++;
	connect_to(client, &address);
}

static void connect_next(struct control_client *client)
{
	const char *text = client->addresses[client->attempt % client->config.address_count];
	char host[ADDR_HOST_BYTES];
	int result = host_port_split(text, host, sizeof(host), &client->port);

	ev_timer_stop(client->config.loop, &client->timer);
	ev_timer_set(&client->timer, OPEN_S, 0.);
	ev_timer_start(client->config.loop, &client->timer);
	client->state = RESOLVING;
	if (result == 0)
		result = resolve(client->resolver, host, on_resolved, client, &client->query);
	if (result < 0) {
		client->attempt++;
		fail(client, result, "its address cannot be resolved");
	}
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct control_client *client = timer->data;

	(void)loop;
	(void)events;
	if (client->state == WAITING) {
		connect_next(client);
		return;
	}
	if (client->state == RESOLVING)
		client->attempt++;
	fail(client, ERR_TIMEOUT, "no answer in time");
}

/* ---- what keys say ---- */

static int on_plaintext_message(void *context, const char *text, size_t length)
{
	struct control_client *client = context;
	struct message message;
	struct model_error error;
	int result = message_decode(text, length, &message, &error);

	if (result < 0)
		return result;
	client->config.callbacks->on_message(client->config.context, &message);
	message_clear(&message);
	return client->state == OPEN ? 0 : ERR_CLOSED;
}

static void on_established(struct control_client *client)
{
	ev_timer_stop(client->config.loop, &client->timer);
	client->state = OPEN;
	client->opened_s = ev_now(client->config.loop);
	client->config.callbacks->on_open(client->config.context);
}

static void on_plaintext(struct control_client *client, const uint8_t *data, size_t length)
{
	uint32_t id = client->channel_id;
	int result = channel_decode(&client->decoder, data, length, on_plaintext_message, client);

	/* A callback may have ended this connection. */
	if (result < 0 && client->channel_id == id && client->state == OPEN)
		fail(client, result, "control sent what is no message of this version");
}

static void on_channel_closed(struct control_client *client, const struct ipc_message *message)
{
	struct keys_channel_closed closed;

	memcpy(&closed, message->data, sizeof(closed));
	closed.text[sizeof(closed.text) - 1] = '\0';
	client->channel_id = 0;
	fail(client, closed.reason < 0 ? closed.reason : ERR_CLOSED,
	    closed.text[0] ? closed.text : err_text(closed.reason));
}

int control_client_take(struct control_client *client, struct ipc_message *message)
{
	uint32_t id;
	const uint8_t *bytes = message->data + sizeof(struct keys_channel);
	size_t length = message->length_bytes - sizeof(struct keys_channel);

	memcpy(&id, message->data, sizeof(id));
	if (!client || id == 0 || id != client->channel_id)
		return 0; /* of a connection that is over */
	switch (message->type) {
	case KEYS_MESSAGE_CHANNEL_ESTABLISHED:
		on_established(client);
		break;
	case KEYS_MESSAGE_CHANNEL_CIPHERTEXT:
		send_ciphertext(client, bytes, length);
		break;
	case KEYS_MESSAGE_CHANNEL_PLAINTEXT:
		on_plaintext(client, bytes, length);
		break;
	case KEYS_MESSAGE_CHANNEL_CLOSED:
		on_channel_closed(client, message);
		break;
	default:
		return ERR_MALFORMED;
	}
	return 0;
}

void control_client_keys_lost(struct control_client *client)
{
	if (client->state == SHAKING || client->state == OPEN) {
		client->channel_id = 0;
		fail(client, ERR_CLOSED, "the keys process ended");
	}
}

/* ---- the owner's calls ---- */

int control_client_send(struct control_client *client, const struct message *message)
{
	uint8_t header[CHANNEL_HEADER_BYTES];
	char *text;
	size_t length;
	int result;

	if (client->state != OPEN)
		return ERR_STATE;
	result = message_encode(message, &text, &length);
	if (result < 0)
		return result;
	for (size_t i = 0; i < sizeof(header); i++)
		header[i] = (uint8_t)(length >> (8 * (sizeof(header) - 1 - i)));
	result = tell_keys(client, KEYS_MESSAGE_CHANNEL_WRITE, header, sizeof(header));
	for (size_t at = 0; result == 0 && at < length; at += READ_BYTES) {
		size_t piece = length - at < READ_BYTES ? length - at : READ_BYTES;

		result = tell_keys(client, KEYS_MESSAGE_CHANNEL_WRITE, text + at, piece);
	}
	free(text);
	if (result < 0) /* half a message may be out */
		fail(client, result, "the keys process is away");
	return result;
}

int control_client_new(struct control_client **out, const struct control_client_config *config)
{
	struct control_client *client = calloc(1, sizeof(*client));
	int result;

	*out = NULL;
	if (!client)
		return ERR_NOMEM;
	client->config = *config;
	memcpy(client->addresses, config->addresses, config->address_count * NAME_BYTES);
	client->descriptor = -1;
	client->backoff_s = BACKOFF_FIRST_S;
	rng_seed(&client->rng, (uint64_t)randombytes_random() << 32 | randombytes_random());
	channel_decoder_init(&client->decoder, CHANNEL_MESSAGE_BYTES);
	ev_init(&client->readable, on_readable);
	ev_init(&client->writable, on_writable);
	ev_init(&client->timer, on_timer);
	client->readable.data = client->writable.data = client->timer.data = client;
	result = resolver_new(&client->resolver, config->loop);
	if (result < 0) {
		control_client_free(client);
		return result;
	}
	*out = client;
	return 0;
}

void control_client_free(struct control_client *client)
{
	if (!client)
		return;
	disconnect(client);
	resolver_free(client->resolver);
	channel_decoder_clear(&client->decoder);
	free(client->queue);
	free(client);
}

void control_client_start(struct control_client *client)
{
	if (client->state == IDLE || client->state == WAITING)
		connect_next(client);
}

void control_client_stop(struct control_client *client)
{
	disconnect(client);
}

bool control_client_is_open(const struct control_client *client)
{
	return client->state == OPEN;
}
