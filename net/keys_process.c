/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages to and from keyring and keys_channels, and their timer.  Main is believed, for it starts
 * this process; a worker may have been taken over: it gets only keys of lanes, and its packets are
 * checked as if they came from the network.
 */
#include "config.h"

#include "net/keys_process.h"

#include "base/err.h"
#include "base/keyed_hash.h"
#include "base/log.h"
#include "net/identity.h"
#include "net/keys_channels.h"
#include "net/keys_messages.h"
#include "net/privileges.h"
#include "net/sandbox.h"
#include "net/tls_wolfssl.h"

#include <ev.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

_Static_assert(DOORS_MAX * sizeof(struct keyring_peer) < IPC_MESSAGE_BYTES, "peers fit a message");

struct keys;

struct keys_worker {
	struct keys *keys;
	unsigned index;
	struct ipc *ipc; /* NULL while it is down */
};

struct keys {
	struct ev_loop *loop;
	struct ipc *main;
	struct tls_identity *identity;
	struct keys_channels *channels;
	struct keyring *keyring; /* NULL before SETTINGS, and at control */
	bool has_settings, are_cookies_demanded;
	struct keys_worker workers[TUNNEL_LANES_MAX];
	ev_timer timer, report;
	struct handshake_counters reported;
	uint64_t undelivered; /* messages that a worker's channel did not take */
};

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void random_bytes(void *context, void *out, size_t n)
{
	(void)context;
	randombytes_buf(out, n);
}

/* Without main nothing here has a sense: an error ends the process by its return. */
static int send_main(struct keys *keys, enum keys_message type, const void *data, size_t length)
{
	int result = ipc_send(keys->main, (uint16_t)type, data, length);

	if (result < 0 && result != ERR_CLOSED) {
		log_error("keys_stuck", "error=\"%s\"", err_text(result));
		ev_break(keys->loop, EVBREAK_ALL);
	}
	return result;
}

static int send_parts(void *context, enum keys_message type, const void *head, size_t head_bytes,
    const uint8_t *bytes, size_t length)
{
	uint8_t message[sizeof(struct keys_channel_closed) + KEYS_CHANNEL_BYTES_MAX];

	if (head_bytes + length > sizeof(message))
		return ERR_TOO_LARGE;
	memcpy(message, head, head_bytes);
	if (length)
		memcpy(message + head_bytes, bytes, length);
	return send_main(context, type, message, head_bytes + length);
}

static void send_worker(
    struct keys *keys, unsigned worker, enum keys_message type, const void *data, size_t length)
{
	struct ipc *ipc = worker < TUNNEL_LANES_MAX ? keys->workers[worker].ipc : NULL;

	if (!ipc || ipc_send(ipc, (uint16_t)type, data, length) < 0)
		keys->undelivered++;
}

/* ---- what the keyring calls ---- */

static void give_packet(
    void *context, unsigned worker, const struct addr *to, const uint8_t *packet, size_t length)
{
	uint8_t message[sizeof(struct keys_packet) + HANDSHAKE_PACKET_BYTES];
	struct keys_packet head = {.address = *to};

	memcpy(message, &head, sizeof(head));
	memcpy(message + sizeof(head), packet, length);
	send_worker(context, worker, KEYS_MESSAGE_SEND, message, sizeof(head) + length);
}

static void give_lane(void *context, unsigned worker, const struct lane_grant *grant)
{
	send_worker(context, worker, KEYS_MESSAGE_LANE, grant, sizeof(*grant));
}

static void give_refusal(
    void *context, unsigned worker, uint64_t door_id, enum handshake_cause cause)
{
	struct keys_refused refused = {.door_id = door_id, .cause = cause};

	send_worker(context, worker, KEYS_MESSAGE_REFUSED, &refused, sizeof(refused));
}

static void give_event(void *context, const struct keyring_event *event)
{
	struct keys *keys = context;

	send_main(keys, KEYS_MESSAGE_EVENT, event, sizeof(*event));
	if (event->cause != HANDSHAKE_FINE)
		return;
	for (unsigned i = 0; i < TUNNEL_LANES_MAX; i++)
		if (keys->workers[i].ipc)
			send_worker(keys, i, KEYS_MESSAGE_TUNNEL, event, sizeof(*event));
}

static void give_cookies(void *context, bool are_demanded)
{
	struct keys *keys = context;
	struct keys_cookies cookies = {.are_demanded = are_demanded};

	keys->are_cookies_demanded = are_demanded;
	for (unsigned i = 0; i < TUNNEL_LANES_MAX; i++)
		if (keys->workers[i].ipc)
			send_worker(keys, i, KEYS_MESSAGE_COOKIES, &cookies, sizeof(cookies));
}

static const struct keyring_callbacks keyring_callbacks = {
    .on_packet = give_packet,
    .on_lane = give_lane,
    .on_refused = give_refusal,
    .on_event = give_event,
    .on_cookies = give_cookies,
};

/* ---- timers ---- */

static void timer_arm(struct keys *keys)
{
	uint64_t due_us = keys->keyring ? keyring_timer_us(keys->keyring) : UINT64_MAX;
	uint64_t now = now_us();

	ev_timer_stop(keys->loop, &keys->timer);
	if (due_us == UINT64_MAX)
		return;
	ev_timer_set(&keys->timer, due_us > now ? (double)(due_us - now) / 1e6 : 0., 0.);
	ev_timer_start(keys->loop, &keys->timer);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct keys *keys = timer->data;

	(void)loop;
	(void)events;
	keyring_on_timer(keys->keyring, now_us());
	timer_arm(keys);
}

static void on_report(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct keys *keys = timer->data;
	struct handshake_counters counters;

	(void)loop;
	(void)events;
	if (!keys->keyring)
		return;
	counters = *keyring_counters(keys->keyring);
	counters.count[HANDSHAKE_OVERLOADED] += keys->undelivered;
	if (memcmp(&counters, &keys->reported, sizeof(counters)) == 0)
		return;
	if (send_main(keys, KEYS_MESSAGE_COUNTERS, &counters, sizeof(counters)) == 0)
		keys->reported = counters;
}

/* ---- from workers ---- */

static int worker_packet(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct keys_worker *worker = context;
	struct keys_packet head;

	(void)ipc;
	memcpy(&head, message->data, sizeof(head));
	keyring_receive(worker->keys->keyring, worker->index, &head.address,
	    message->data + sizeof(head), message->length_bytes - sizeof(head), now_us());
	timer_arm(worker->keys);
	return 0;
}

static int worker_request(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct keys_worker *worker = context;
	struct lane_request request;

	(void)ipc;
	memcpy(&request, message->data, sizeof(request));
	/* A worker gets its own lane's keys, whatever it asks for. */
	request.lane = (uint8_t)worker->index;
	keyring_request_lane(worker->keys->keyring, worker->index, &request, now_us());
	timer_arm(worker->keys);
	return 0;
}

static int worker_unknown(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct keys_worker *worker = context;
	struct keys_tunnel tunnel;

	(void)ipc;
	memcpy(&tunnel, message->data, sizeof(tunnel));
	keyring_tunnel_unknown(worker->keys->keyring, tunnel.door_id, tunnel.tunnel_id);
	return 0;
}

static const struct ipc_rule worker_rules[] = {
    {KEYS_MESSAGE_PACKET, sizeof(struct keys_packet) + 1,
        sizeof(struct keys_packet) + HANDSHAKE_PACKET_BYTES, 0, 0, worker_packet},
    {KEYS_MESSAGE_REQUEST_LANE, sizeof(struct lane_request), sizeof(struct lane_request), 0, 0,
        worker_request},
    {KEYS_MESSAGE_TUNNEL_UNKNOWN, sizeof(struct keys_tunnel), sizeof(struct keys_tunnel), 0, 0,
        worker_unknown},
};

static void worker_drop(struct keys_worker *worker)
{
	if (!worker->ipc)
		return;
	ipc_free(worker->ipc);
	worker->ipc = NULL;
	keyring_worker_gone(worker->keys->keyring, worker->index);
	timer_arm(worker->keys);
}

static void on_worker_closed(struct ipc *ipc, void *context, int reason)
{
	(void)ipc;
	if (reason != ERR_CLOSED)
		log_warn("worker_refused", "error=\"%s\"", err_text(reason));
	worker_drop(context);
}

static const struct ipc_callbacks worker_callbacks = {.on_closed = on_worker_closed};

/* ---- from main ---- */

/* A new channel of a worker means that the worker is new. */
static int main_peer(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct keys *keys = context;
	struct keys_cookies cookies = {.are_demanded = keys->are_cookies_demanded};
	struct process_peer peer;
	struct keys_worker *worker;
	int descriptor;
	int result = process_peer_take(message, &peer, &descriptor);

	(void)ipc;
	if (result < 0)
		return result;
	if (!keys->keyring || peer.role != PROCESS_WORKER || peer.index >= TUNNEL_LANES_MAX) {
		log_error("keys_order", "role=%u index=%u", peer.role, peer.index);
		return ERR_STATE;
	}
	worker = &keys->workers[peer.index];
	worker_drop(worker);
	result = ipc_new(&worker->ipc, keys->loop, descriptor, worker_rules,
	    sizeof(worker_rules) / sizeof(worker_rules[0]), &worker_callbacks, worker);
	if (result == 0)
		send_worker(keys, peer.index, KEYS_MESSAGE_COOKIES, &cookies, sizeof(cookies));
	return result;
}

static int main_settings(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct keys *keys = context;
	struct keys_settings settings;
	struct keys_identity identity;
	struct keyring_config config;
	int result = 0;

	(void)ipc;
	if (keys->has_settings)
		return ERR_STATE;
	keys->has_settings = true;
	memcpy(&settings, message->data, sizeof(settings));
	config = (struct keyring_config){
	    .role = (enum tunnel_role)settings.tunnel_role,
	    .tls = &tls_wolfssl_ops,
	    .identity = keys->identity,
	    .parameters = settings.parameters,
	    .random = random_bytes,
	    .callbacks = &keyring_callbacks,
	    .context = keys,
	};
	memcpy(config.pin, tls_identity_pin(keys->identity), PIN_BYTES);
	if (settings.tunnel_role != KEYS_NO_TUNNELS)
		result = keyring_new(&keys->keyring, &config);
	memcpy(identity.pin, tls_identity_pin(keys->identity), PIN_BYTES);
	return result < 0 ? result
	                  : send_main(keys, KEYS_MESSAGE_IDENTITY, &identity, sizeof(identity));
}

static int main_peers(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct keys *keys = context;
	size_t count = message->length_bytes / sizeof(struct keyring_peer);
	int result;

	(void)ipc;
	if (!keys->keyring || message->length_bytes % sizeof(struct keyring_peer))
		return ERR_MALFORMED;
	result = keyring_set_peers(
	    keys->keyring, (const struct keyring_peer *)(const void *)message->data, count);
	timer_arm(keys);
	return result;
}

static int main_channel(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct keys *keys = context;

	(void)ipc;
	return keys_channels_receive(
	    keys->channels, (enum keys_message)message->type, message->data, message->length_bytes);
}

#define CHANNEL_HEAD  sizeof(struct keys_channel)
#define CHANNEL_BYTES sizeof(struct keys_channel) + 1, CHANNEL_HEAD + KEYS_CHANNEL_BYTES_MAX
static const struct ipc_rule main_rules[] = {
    {PROCESS_MESSAGE_PEER, PROCESS_PEER_RULE, main_peer},
    {KEYS_MESSAGE_SETTINGS, sizeof(struct keys_settings), sizeof(struct keys_settings), 0, 0,
        main_settings},
    {KEYS_MESSAGE_PEERS, 0, DOORS_MAX * sizeof(struct keyring_peer), 0, 0, main_peers},
    {KEYS_MESSAGE_CHANNEL_OPEN, sizeof(struct keys_channel_open), sizeof(struct keys_channel_open),
        0, 0, main_channel},
    {KEYS_MESSAGE_CHANNEL_FEED, CHANNEL_BYTES, 0, 0, main_channel},
    {KEYS_MESSAGE_CHANNEL_WRITE, CHANNEL_BYTES, 0, 0, main_channel},
    {KEYS_MESSAGE_CHANNEL_SHUTDOWN, CHANNEL_HEAD, CHANNEL_HEAD, 0, 0, main_channel},
    {KEYS_MESSAGE_CHANNEL_CLOSE, CHANNEL_HEAD, CHANNEL_HEAD, 0, 0, main_channel},
};

static void on_main_closed(struct ipc *ipc, void *context, int reason)
{
	struct keys *keys = context;

	(void)ipc;
	if (reason != ERR_CLOSED)
		log_error("keys_main_refused", "error=\"%s\"", err_text(reason));
	ev_break(keys->loop, EVBREAK_ALL);
}

static const struct ipc_callbacks main_callbacks = {.on_closed = on_main_closed};

/* ---- the process ---- */

static void keys_clear(struct keys *keys)
{
	for (unsigned i = 0; i < TUNNEL_LANES_MAX; i++)
		ipc_free(keys->workers[i].ipc);
	keyring_free(keys->keyring);
	keys_channels_free(keys->channels);
	ipc_free(keys->main);
	tls_identity_free(keys->identity);
}

static int keys_start(struct keys *keys, const char *state_directory)
{
	int result;

	if (sodium_init() < 0 || keyed_hash_init() < 0)
		return ERR_IO;
	result = identity_open(&keys->identity, state_directory);
	if (result < 0) {
		log_error(
		    "identity", "directory=%s error=\"%s\"", state_directory, err_text(result));
		return result;
	}
	keys->loop = ev_default_loop(EVFLAG_AUTO);
	if (!keys->loop)
		return ERR_NOMEM;
	for (unsigned i = 0; i < TUNNEL_LANES_MAX; i++)
		keys->workers[i] = (struct keys_worker){.keys = keys, .index = i};
	ev_timer_init(&keys->timer, on_timer, 0., 0.);
	keys->timer.data = keys;
	ev_timer_init(&keys->report, on_report, 1., 1.);
	keys->report.data = keys;
	ev_timer_start(keys->loop, &keys->report);
	result = keys_channels_new(&keys->channels, keys->identity, send_parts, keys);
	if (result == 0)
		result = ipc_new(&keys->main, keys->loop, PROCESS_CHANNEL_DESCRIPTOR, main_rules,
		    sizeof(main_rules) / sizeof(main_rules[0]), &main_callbacks, keys);
	/* Every file was read by now.  Where there is no seccomp it goes on, and the log says so. */
	if (result == 0 && sandbox_enter(SANDBOX_KEYS) == ERR_IO)
		result = ERR_IO;
	return result;
}

int keys_process_main(const char *state_directory)
{
	static struct keys keys;
	int result = privileges_drop_child();

	if (result == 0)
		result = keys_start(&keys, state_directory);
	if (result == 0)
		result = ipc_send(keys.main, PROCESS_MESSAGE_READY, NULL, 0);
	if (result == 0)
		ev_run(keys.loop, 0);
	else
		log_error("keys_start", "error=\"%s\"", err_text(result));
	keys_clear(&keys);
	return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
