/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * net/control_client: between a real TCP peer and a keys process that the test plays without TLS:
 * what passes each way, and how it ends and comes back.
 */
#include "config.h"

#include "net/control_client.h"

#include "base/addr.h"
#include "base/err.h"
#include "net/keys_messages.h"
#include "net/tcp.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { ROUNDS = 500, ROUND_US = 5000, WRITTEN_BYTES = 1 << 16 };

/* What the keys process was asked, and what the client told its owner. */
static struct {
	unsigned opens, closes;
	uint32_t id;
	uint8_t pin[PIN_BYTES];
	uint8_t fed[256], written[WRITTEN_BYTES];
	size_t fed_bytes, written_bytes;
	unsigned opened, closed, messages;
	int reason;
	enum message_type type;
	bool stops;
} seen;

static struct ev_loop *loop;
static struct ipc *main_side, *keys_side;
static struct control_client *client;
static int listening, peer;
static bool are_keys_away;
static char addresses[2][NAME_BYTES];

/* ---- the keys process ---- */

static int on_keys(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct keys_channel_open open;
	size_t length = message->length_bytes - sizeof(struct keys_channel);
	const uint8_t *bytes = message->data + sizeof(struct keys_channel);

	(void)ipc;
	(void)context;
	if (message->type == KEYS_MESSAGE_CHANNEL_OPEN) {
		memcpy(&open, message->data, sizeof(open));
		seen.opens++;
		seen.id = open.id;
		memcpy(seen.pin, open.pin, PIN_BYTES);
		assert_true(open.expects_pin && open.tls_role == TLS_CLIENT);
	} else if (message->type == KEYS_MESSAGE_CHANNEL_FEED) {
		assert_true(seen.fed_bytes + length <= sizeof(seen.fed));
		memcpy(seen.fed + seen.fed_bytes, bytes, length);
		seen.fed_bytes += length;
	} else if (message->type == KEYS_MESSAGE_CHANNEL_WRITE) {
		assert_true(seen.written_bytes + length <= sizeof(seen.written));
		memcpy(seen.written + seen.written_bytes, bytes, length);
		seen.written_bytes += length;
	} else {
		seen.closes++;
	}
	return 0;
}

static int on_main(struct ipc *ipc, void *context, struct ipc_message *message)
{
	(void)ipc;
	(void)context;
	return control_client_take(client, message);
}

static void on_ipc_closed(struct ipc *ipc, void *context, int reason)
{
	(void)ipc;
	(void)context;
	fail_msg("ipc: %s", err_text(reason));
}

#define RULE(type, body, handler)                                                                  \
	{                                                                                          \
		type, sizeof(body), 128 * 1024, 0, 0, handler                                      \
	}
static const struct ipc_rule keys_rules[] = {
    RULE(KEYS_MESSAGE_CHANNEL_OPEN, struct keys_channel_open, on_keys),
    RULE(KEYS_MESSAGE_CHANNEL_FEED, struct keys_channel, on_keys),
    RULE(KEYS_MESSAGE_CHANNEL_WRITE, struct keys_channel, on_keys),
    RULE(KEYS_MESSAGE_CHANNEL_CLOSE, struct keys_channel, on_keys),
};
static const struct ipc_rule main_rules[] = {
    RULE(KEYS_MESSAGE_CHANNEL_ESTABLISHED, struct keys_channel_established, on_main),
    RULE(KEYS_MESSAGE_CHANNEL_CIPHERTEXT, struct keys_channel, on_main),
    RULE(KEYS_MESSAGE_CHANNEL_PLAINTEXT, struct keys_channel, on_main),
    RULE(KEYS_MESSAGE_CHANNEL_CLOSED, struct keys_channel_closed, on_main),
};
static const struct ipc_callbacks ipc_callbacks = {on_ipc_closed, NULL};

static void keys_say(uint16_t type, const void *bytes, size_t length)
{
	uint8_t message[1024] = {0};
	struct keys_channel channel = {.id = seen.id};

	memcpy(message, &channel, sizeof(channel));
	memcpy(message + sizeof(channel), bytes, length);
	assert_int_equal(ipc_send(keys_side, type, message, sizeof(channel) + length), 0);
}

static void keys_establish(void)
{
	struct keys_channel_established established = {.id = seen.id};

	assert_int_equal(ipc_send(keys_side, KEYS_MESSAGE_CHANNEL_ESTABLISHED, &established,
	                     sizeof(established)),
	    0);
}

/* ---- the owner ---- */

static void on_open(void *context)
{
	(void)context;
	seen.opened++;
}

static void on_message(void *context, struct message *message)
{
	(void)context;
	seen.messages++;
	seen.type = message->type;
	if (seen.stops)
		control_client_stop(client);
}

static void on_closed(void *context, int reason, const char *why)
{
	(void)context;
	assert_non_null(why);
	seen.closed++;
	seen.reason = reason;
}

static struct ipc *channel(void *context)
{
	(void)context;
	return are_keys_away ? NULL : main_side;
}

static const struct control_client_callbacks callbacks = {on_open, on_message, on_closed};

/* ---- time ---- */

static void run_until(const unsigned *counter, unsigned value, const char *what)
{
	for (int i = 0; i < ROUNDS && *counter < value; i++) {
		ev_run(loop, EVRUN_NOWAIT);
		usleep(ROUND_US);
	}
	if (*counter < value)
		fail_msg("%s: %u of %u", what, *counter, value);
}

static void run_some(void)
{
	for (int i = 0; i < 10; i++) {
		ev_run(loop, EVRUN_NOWAIT);
		usleep(1000);
	}
}

static void open_listener(char address[NAME_BYTES])
{
	struct addr local = addr_any(4, 0);
	struct sockaddr_storage storage;
	socklen_t length = sizeof(storage);
	char text[ADDR_TEXT_BYTES];

	assert_int_equal(addr_parse("127.0.0.1", 0, &local), 0);
	assert_int_equal(tcp_listen(&local, false, &listening), 0);
	assert_int_equal(getsockname(listening, (struct sockaddr *)&storage, &length), 0);
	assert_int_equal(addr_from_sockaddr(&local, (struct sockaddr *)&storage, length), 0);
	snprintf(address, NAME_BYTES, "%s", addr_format(&local, text, sizeof(text)));
}

static int setup(void **state)
{
	struct control_client_config config = {.addresses = (const char(*)[NAME_BYTES])addresses,
	    .address_count = 1,
	    .keys_channel = channel,
	    .callbacks = &callbacks};
	int pair[2];

	(void)state;
	assert_true(sodium_init() >= 0);
	memset(&seen, 0, sizeof(seen));
	are_keys_away = false;
	peer = -1;
	loop = config.loop = ev_loop_new(0);
	assert_int_equal(ipc_pair(pair), 0);
	assert_int_equal(
	    ipc_new(&main_side, loop, pair[0], main_rules, 4, &ipc_callbacks, NULL), 0);
	assert_int_equal(
	    ipc_new(&keys_side, loop, pair[1], keys_rules, 4, &ipc_callbacks, NULL), 0);
	open_listener(addresses[0]);
	memset(config.pin, 0x5a, PIN_BYTES);
	assert_int_equal(control_client_new(&client, &config), 0);
	control_client_start(client);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	control_client_free(client);
	ipc_free(main_side);
	ipc_free(keys_side);
	if (peer >= 0)
		close(peer);
	close(listening);
	ev_loop_destroy(loop);
	return 0;
}

static void accept_peer(void)
{
	if (peer >= 0)
		close(peer);
	for (int i = 0; i < ROUNDS; i++) {
		peer = accept(listening, NULL, NULL);
		if (peer >= 0)
			return;
		ev_run(loop, EVRUN_NOWAIT);
		usleep(ROUND_US);
	}
	fail_msg("it did not connect");
}

static void establish(void)
{
	unsigned opens = seen.opens, opened = seen.opened;

	accept_peer();
	run_until(&seen.opens, opens + 1, "channel opened");
	keys_establish();
	run_until(&seen.opened, opened + 1, "on_open");
}

/* ---- the tests ---- */

static void what_is_said_passes_both_ways(void **state)
{
	static const char welcome[] = "{\"type\":\"welcome\",\"node_id\":1,\"name\":\"a\","
	                              "\"region\":\"r\"}";
	struct message report = {.type = MESSAGE_REPORT};
	struct message decoded;
	struct model_error error;
	uint8_t frame[sizeof(welcome) + 3] = {0}, expected[PIN_BYTES];
	char got[16];

	(void)state;
	assert_int_equal(control_client_send(client, &report), ERR_STATE);
	establish();
	memset(expected, 0x5a, PIN_BYTES);
	assert_memory_equal(seen.pin, expected, PIN_BYTES);
	assert_true(control_client_is_open(client));
	/* Ciphertext both ways. */
	keys_say(KEYS_MESSAGE_CHANNEL_CIPHERTEXT, "outward", 7);
	run_some();
	assert_int_equal(recv(peer, got, sizeof(got), MSG_DONTWAIT), 7);
	assert_memory_equal(got, "outward", 7);
	assert_int_equal(send(peer, "inward", 6, 0), 6);
	run_some();
	assert_int_equal(seen.fed_bytes, 6);
	assert_memory_equal(seen.fed, "inward", 6);
	/* A frame in two pieces. */
	frame[3] = sizeof(welcome) - 1;
	memcpy(frame + 4, welcome, sizeof(welcome) - 1);
	keys_say(KEYS_MESSAGE_CHANNEL_PLAINTEXT, frame, 10);
	run_some();
	assert_int_equal(seen.messages, 0);
	keys_say(KEYS_MESSAGE_CHANNEL_PLAINTEXT, frame + 10, sizeof(frame) - 10);
	run_until(&seen.messages, 1, "on_message");
	assert_int_equal(seen.type, MESSAGE_WELCOME);
	/* And one to control. */
	assert_int_equal(control_client_send(client, &report), 0);
	run_some();
	assert_int_equal(seen.written[2] << 8 | seen.written[3], seen.written_bytes - 4);
	assert_int_equal(message_decode((const char *)seen.written + 4, seen.written_bytes - 4,
	                     &decoded, &error),
	    0);
	assert_int_equal(decoded.type, MESSAGE_REPORT);
	message_clear(&decoded);
}

static void it_comes_back_and_takes_nothing_for_the_old_channel(void **state)
{
	uint32_t old;

	(void)state;
	establish();
	old = seen.id;
	close(peer);
	peer = -1;
	run_until(&seen.closed, 1, "on_closed");
	assert_int_equal(seen.reason, ERR_CLOSED);
	assert_false(control_client_is_open(client));
	establish();
	assert_int_not_equal(seen.id, old);
	seen.id = old;
	keys_say(KEYS_MESSAGE_CHANNEL_CIPHERTEXT, "late", 4);
	run_some();
	assert_int_equal(recv(peer, &old, sizeof(old), MSG_DONTWAIT), -1);
	assert_int_equal(seen.closed, 1);
}

static void another_key_is_told(void **state)
{
	struct keys_channel_closed closed = {.reason = ERR_AUTH, .text = "another key"};

	(void)state;
	accept_peer();
	run_until(&seen.opens, 1, "channel opened");
	closed.id = seen.id;
	assert_int_equal(
	    ipc_send(keys_side, KEYS_MESSAGE_CHANNEL_CLOSED, &closed, sizeof(closed)), 0);
	run_until(&seen.closed, 1, "on_closed");
	assert_int_equal(seen.reason, ERR_AUTH);
	assert_int_equal(seen.opened, 0);
}

static void what_is_no_message_ends_it(void **state)
{
	static const uint8_t frames[][8] = {
	    {0, 0, 0, 2, '{', '}'},   /* no type */
	    {0, 0, 0, 0},             /* empty */
	    {0x7f, 0xff, 0xff, 0xff}, /* above the cap */
	};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		establish();
		keys_say(KEYS_MESSAGE_CHANNEL_PLAINTEXT, frames[i], sizeof(frames[i]));
		run_until(&seen.closed, i + 1, "on_closed");
		assert_true(seen.reason < 0 && seen.reason != ERR_CLOSED);
		run_until(&seen.closes, i + 1, "channel closed");
	}
	assert_int_equal(seen.messages, 0);
}

static void it_may_stop_from_within_a_message(void **state)
{
	static const char removed[] = "{\"type\":\"removed\",\"reason\":\"gone\"}";
	uint8_t frame[sizeof(removed) + 3] = {0};

	(void)state;
	establish();
	seen.stops = true;
	frame[3] = sizeof(removed) - 1;
	memcpy(frame + 4, removed, sizeof(removed) - 1);
	keys_say(KEYS_MESSAGE_CHANNEL_PLAINTEXT, frame, sizeof(frame));
	run_until(&seen.messages, 1, "on_message");
	run_until(&seen.closes, 1, "channel closed");
	assert_int_equal(recv(peer, frame, sizeof(frame), 0), 0);
	assert_int_equal(seen.closed, 0);
}

static void the_keys_process_may_die(void **state)
{
	(void)state;
	establish();
	are_keys_away = true;
	control_client_keys_lost(client);
	assert_int_equal(seen.closed, 1);
	accept_peer(); /* and cannot open a channel */
	run_until(&seen.closed, 2, "on_closed");
	are_keys_away = false;
	establish();
}

static void addresses_are_tried_in_turn(void **state)
{
	struct control_client_config config = {.loop = loop,
	    .addresses = (const char(*)[NAME_BYTES])addresses,
	    .address_count = 2,
	    .keys_channel = channel,
	    .callbacks = &callbacks};

	(void)state;
	control_client_free(client);
	memcpy(addresses[1], addresses[0], NAME_BYTES);
	snprintf(addresses[0], NAME_BYTES, "127.0.0.1:1");
	assert_int_equal(control_client_new(&client, &config), 0);
	control_client_start(client);
	run_until(&seen.closed, 1, "on_closed");
	assert_int_equal(seen.reason, ERR_REFUSED);
	establish();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(what_is_said_passes_both_ways),
	    TEST(it_comes_back_and_takes_nothing_for_the_old_channel),
	    TEST(another_key_is_told),
	    TEST(what_is_no_message_ends_it),
	    TEST(it_may_stop_from_within_a_message),
	    TEST(the_keys_process_may_die),
	    TEST(addresses_are_tried_in_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
