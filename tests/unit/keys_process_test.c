/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two keys processes, forked, of a listener and an endpoint: the test is main and workers of both,
 * and the network between.
 */
#include "config.h"

#include "base/err.h"
#include "base/keyed_hash.h"
#include "net/identity.h"
#include "net/keys_messages.h"
#include "net/keys_process.h"
#include "net/tls_wolfssl.h"
#include "tests/unit/cmocka_all.h"

#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct node {
	char directory[64];
	pid_t child;
	struct ipc *main, *worker;
	uint8_t pin[PIN_BYTES];
	bool has_identity, has_cookies;
	struct lane_grant grant;
	unsigned grants, refusals, events, closed;
	struct keys_channel_established established;
	struct keys_channel_closed channel_closed;
	bool is_ready, is_established, is_channel_closed, is_worker_closed;
	uint8_t plaintext[200000];
	size_t plaintext_length;
	struct node *other;
};

static struct node nodes[2]; /* by enum tunnel_role */
static struct ev_loop *loop;
static const uint8_t door_key[DOOR_SECRET_BYTES] = {7, 7, 7};
static struct addr addresses[2];

static int take_identity(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct node *node = context;

	(void)ipc;
	memcpy(node->pin, message->data, PIN_BYTES);
	node->has_identity = true;
	return 0;
}

static int take_ready(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct node *node = context;

	(void)ipc;
	(void)message;
	node->is_ready = true;
	return 0;
}

static int take_counters(struct ipc *ipc, void *context, struct ipc_message *message)
{
	(void)ipc;
	(void)context;
	(void)message;
	return 0;
}

static int take_event(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct node *node = context;

	(void)ipc;
	(void)message;
	node->events++;
	return 0;
}

static int take_established(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct node *node = context;

	(void)ipc;
	memcpy(&node->established, message->data, sizeof(node->established));
	node->is_established = true;
	return 0;
}

/* The network: what one side's TLS says is fed to the other. */
static int take_ciphertext(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct node *node = context;

	(void)ipc;
	return ipc_send(
	    node->other->main, KEYS_MESSAGE_CHANNEL_FEED, message->data, message->length_bytes);
}

static int take_plaintext(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct node *node = context;
	size_t n = message->length_bytes - sizeof(struct keys_channel);

	(void)ipc;
	if (node->plaintext_length + n <= sizeof(node->plaintext))
		memcpy(node->plaintext + node->plaintext_length,
		    message->data + sizeof(struct keys_channel), n);
	node->plaintext_length += n;
	return 0;
}

static int take_channel_closed(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct node *node = context;

	(void)ipc;
	memcpy(&node->channel_closed, message->data, sizeof(node->channel_closed));
	node->is_channel_closed = true;
	return 0;
}

static const struct ipc_rule main_rules[] = {
    {PROCESS_MESSAGE_READY, 0, 0, 0, 0, take_ready},
    {KEYS_MESSAGE_IDENTITY, sizeof(struct keys_identity), sizeof(struct keys_identity), 0, 0,
        take_identity},
    {KEYS_MESSAGE_EVENT, sizeof(struct keyring_event), sizeof(struct keyring_event), 0, 0,
        take_event},
    {KEYS_MESSAGE_COUNTERS, sizeof(struct handshake_counters), sizeof(struct handshake_counters), 0,
        0, take_counters},
    {KEYS_MESSAGE_CHANNEL_ESTABLISHED, sizeof(struct keys_channel_established),
        sizeof(struct keys_channel_established), 0, 0, take_established},
    {KEYS_MESSAGE_CHANNEL_CIPHERTEXT, sizeof(struct keys_channel), IPC_INLINE_BYTES, 0, 0,
        take_ciphertext},
    {KEYS_MESSAGE_CHANNEL_PLAINTEXT, sizeof(struct keys_channel), IPC_INLINE_BYTES, 0, 0,
        take_plaintext},
    {KEYS_MESSAGE_CHANNEL_CLOSED, sizeof(struct keys_channel_closed),
        sizeof(struct keys_channel_closed), 0, 0, take_channel_closed},
};

/* The network again: handshake packets go to the other node's worker, and from there to its keys. */
static int take_send(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct node *node = context;
	uint8_t bytes[sizeof(struct keys_packet) + HANDSHAKE_PACKET_BYTES];
	struct keys_packet head = {.address = addresses[node - nodes]};

	(void)ipc;
	memcpy(bytes, message->data, message->length_bytes);
	memcpy(bytes, &head, sizeof(head));
	return ipc_send(node->other->worker, KEYS_MESSAGE_PACKET, bytes, message->length_bytes);
}

static int take_lane(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct node *node = context;

	(void)ipc;
	memcpy(&node->grant, message->data, sizeof(node->grant));
	node->grants++;
	return 0;
}

static int take_refused(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct node *node = context;

	(void)ipc;
	(void)message;
	node->refusals++;
	return 0;
}

static int take_cookies(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct node *node = context;

	(void)ipc;
	(void)message;
	node->has_cookies = true;
	return 0;
}

static const struct ipc_rule worker_rules[] = {
    {KEYS_MESSAGE_SEND, sizeof(struct keys_packet) + 1,
        sizeof(struct keys_packet) + HANDSHAKE_PACKET_BYTES, 0, 0, take_send},
    {KEYS_MESSAGE_LANE, sizeof(struct lane_grant), sizeof(struct lane_grant), 0, 0, take_lane},
    {KEYS_MESSAGE_REFUSED, sizeof(struct keys_refused), sizeof(struct keys_refused), 0, 0,
        take_refused},
    {KEYS_MESSAGE_COOKIES, sizeof(struct keys_cookies), sizeof(struct keys_cookies), 0, 0,
        take_cookies},
    {KEYS_MESSAGE_TUNNEL, sizeof(struct keyring_event), sizeof(struct keyring_event), 0, 0,
        take_event},
};

static void on_main_closed(struct ipc *ipc, void *context, int reason)
{
	struct node *node = context;

	(void)ipc;
	(void)reason;
	node->closed++;
}

static void on_worker_closed(struct ipc *ipc, void *context, int reason)
{
	struct node *node = context;

	(void)ipc;
	(void)reason;
	node->is_worker_closed = true;
}

static const struct ipc_callbacks main_callbacks = {.on_closed = on_main_closed};
static const struct ipc_callbacks worker_callbacks = {.on_closed = on_worker_closed};

static void on_tick(struct ev_loop *l, ev_timer *timer, int events)
{
	(void)l;
	(void)timer;
	(void)events;
}

/* Runs the loop until the flag is set, or fails after 10 s. */
static void run_until(const bool *flag, const char *what)
{
	ev_timer tick;

	ev_timer_init(&tick, on_tick, 0.02, 0.02);
	ev_timer_start(loop, &tick);
	for (int i = 0; i < 500 && !*flag; i++)
		ev_run(loop, EVRUN_ONCE);
	ev_timer_stop(loop, &tick);
	if (!*flag)
		fail_msg("not seen in time: %s", what);
}

static void run_for(double seconds)
{
	ev_tstamp end = ev_time() + seconds;
	ev_timer tick;

	ev_timer_init(&tick, on_tick, 0.01, 0.01);
	ev_timer_start(loop, &tick);
	while (ev_time() < end)
		ev_run(loop, EVRUN_ONCE);
	ev_timer_stop(loop, &tick);
}

static void start_child(struct node *node)
{
	int pair[2];

	assert_int_equal(ipc_pair(pair), 0);
	node->child = fork();
	assert_true(node->child >= 0);
	if (node->child == 0) {
		if (pair[1] != PROCESS_CHANNEL_DESCRIPTOR) {
			dup2(pair[1], PROCESS_CHANNEL_DESCRIPTOR);
			close(pair[1]);
		}
		for (int i = PROCESS_CHANNEL_DESCRIPTOR + 1; i < 64; i++)
			close(i);
		_exit(keys_process_main(node->directory));
	}
	close(pair[1]);
	assert_int_equal(ipc_new(&node->main, loop, pair[0], main_rules,
	                     sizeof(main_rules) / sizeof(main_rules[0]), &main_callbacks, node),
	    0);
}

static void send_settings(struct node *node, uint32_t role)
{
	struct keys_settings settings = {.tunnel_role = role,
	    .parameters = {.version = TUNNEL_VERSION,
	        .aeads = AEAD_CHACHA20POLY1305,
	        .workers = 2,
	        .instance = 77 + role,
	        .max_flows = 1000,
	        .packet_bytes = 1200}};

	assert_int_equal(
	    ipc_send(node->main, KEYS_MESSAGE_SETTINGS, &settings, sizeof(settings)), 0);
	run_until(&node->has_identity, "identity");
}

static void send_peer(struct node *node)
{
	struct keyring_peer peer;

	memcpy(peer.pin, node->other->pin, PIN_BYTES);
	memcpy(peer.door_key, door_key, sizeof(door_key));
	assert_int_equal(ipc_send(node->main, KEYS_MESSAGE_PEERS, &peer, sizeof(peer)), 0);
}

static void connect_worker(struct node *node, uint32_t index)
{
	struct process_peer peer = {PROCESS_WORKER, index};
	int pair[2];

	assert_int_equal(ipc_pair(pair), 0);
	assert_int_equal(ipc_send_descriptors(
	                     node->main, PROCESS_MESSAGE_PEER, &peer, sizeof(peer), &pair[1], 1),
	    0);
	close(pair[1]);
	assert_int_equal(
	    ipc_new(&node->worker, loop, pair[0], worker_rules,
	        sizeof(worker_rules) / sizeof(worker_rules[0]), &worker_callbacks, node),
	    0);
	run_until(&node->has_cookies, "cookies");
}

static int start_nodes(void **state)
{
	(void)state;
	memset(nodes, 0, sizeof(nodes));
	loop = ev_loop_new(EVFLAG_AUTO);
	for (int i = 0; i < 2; i++) {
		snprintf(nodes[i].directory, sizeof(nodes[i].directory), "/tmp/keys-test-XXXXXX");
		if (!mkdtemp(nodes[i].directory))
			return -1;
		nodes[i].other = &nodes[1 - i];
		start_child(&nodes[i]);
	}
	for (int i = 0; i < 2; i++)
		run_until(&nodes[i].is_ready, "keys process ready");
	return 0;
}

static int stop_nodes(void **state)
{
	int result = 0;

	(void)state;
	for (int i = 0; i < 2; i++) {
		const char *directory = nodes[i].directory;
		char path[128];
		int status = 0;

		ipc_free(nodes[i].worker);
		ipc_free(nodes[i].main);
		waitpid(nodes[i].child, &status, 0);
		if (status != 0)
			result = -1;
		snprintf(path, sizeof(path), "%.60s/" IDENTITY_KEY_FILE, directory);
		unlink(path);
		snprintf(path, sizeof(path), "%.60s/" IDENTITY_CERTIFICATE_FILE, directory);
		unlink(path);
		rmdir(directory);
	}
	ev_loop_destroy(loop);
	return result;
}

static void request_lane(struct node *node, uint8_t lane)
{
	struct lane_request request = {
	    .lane = lane, .connection_id = 0x01000005, .to = addresses[TUNNEL_ENDPOINT]};
	struct door door;

	door_init(&door, door_key, node->other->pin);
	request.door_id = door.id;
	assert_int_equal(
	    ipc_send(node->worker, KEYS_MESSAGE_REQUEST_LANE, &request, sizeof(request)), 0);
}

static void a_worker_gets_its_lane(void **state)
{
	struct node *listener = &nodes[TUNNEL_LISTENER], *endpoint = &nodes[TUNNEL_ENDPOINT];
	struct start_attempt attempt;
	struct door door;
	uint8_t message[sizeof(struct keys_packet) + 80];
	struct keys_packet head = {.address = addresses[TUNNEL_LISTENER]};
	bool has_grants = false;

	(void)state;
	for (uint32_t i = 0; i < 2; i++) {
		send_settings(&nodes[i], i);
		connect_worker(&nodes[i], 1);
	}
	for (int i = 0; i < 2; i++)
		send_peer(&nodes[i]);
	/* It asks for lane 0 and gets the one of its own index. */
	request_lane(listener, 0);
	for (int i = 0; i < 200 && !has_grants; i++) {
		run_for(0.02);
		has_grants = listener->grants == 1;
		/* Workers' channels and main's have no common order: the peers may come later. */
		if (listener->refusals) {
			listener->refusals = 0;
			request_lane(listener, 0);
		}
	}
	assert_true(has_grants);
	assert_int_equal(listener->grant.lane, 1);
	assert_int_equal(listener->grant.aead, AEAD_CHACHA20POLY1305);
	assert_memory_equal(listener->grant.peer_pin, endpoint->pin, PIN_BYTES);
	door_init(&door, door_key, endpoint->pin);
	start_attempt_begin(&attempt, &door, &listener->grant, 1, 0x01000005, NULL, 0);
	memcpy(message, &head, sizeof(head));
	memcpy(message + sizeof(head), attempt.packet, attempt.length);
	for (int copies = 0; copies < 2; copies++)
		assert_int_equal(ipc_send(endpoint->worker, KEYS_MESSAGE_PACKET, message,
		                     sizeof(head) + attempt.length),
		    0);
	run_for(0.2);
	assert_int_equal(endpoint->grants, 1);
	assert_memory_equal(
	    listener->grant.send_secret, endpoint->grant.receive_secret, AEAD_SECRET_BYTES);
	assert_memory_equal(
	    listener->grant.receive_secret, endpoint->grant.send_secret, AEAD_SECRET_BYTES);
	assert_int_equal(endpoint->events, 2); /* one at main, one at the worker */
}

static void a_removed_peer_is_refused(void **state)
{
	struct node *listener = &nodes[TUNNEL_LISTENER];
	bool is_refused = false;

	(void)state;
	for (uint32_t i = 0; i < 2; i++) {
		send_settings(&nodes[i], i);
		connect_worker(&nodes[i], 0);
	}
	send_peer(listener);
	run_for(0.1);
	assert_int_equal(ipc_send(listener->main, KEYS_MESSAGE_PEERS, NULL, 0), 0);
	run_for(0.1);
	request_lane(listener, 0);
	for (int i = 0; i < 100 && !is_refused; i++) {
		run_for(0.02);
		is_refused = listener->refusals == 1;
	}
	assert_true(is_refused);
	assert_int_equal(listener->grants, 0);
}

static void open_channel(
    struct node *node, enum tls_role role, bool expects_pin, const uint8_t pin[PIN_BYTES])
{
	struct keys_channel_open open = {.id = 5, .tls_role = role, .expects_pin = expects_pin};

	if (pin)
		memcpy(open.pin, pin, PIN_BYTES);
	assert_int_equal(ipc_send(node->main, KEYS_MESSAGE_CHANNEL_OPEN, &open, sizeof(open)), 0);
}

static void channels_carry_bytes_and_show_pins(void **state)
{
	static uint8_t message[sizeof(struct keys_channel) + 60000];
	struct keys_channel head = {.id = 5};
	struct node *node = &nodes[0], *control = &nodes[1];

	(void)state;
	send_settings(node, TUNNEL_LISTENER);
	send_settings(control, KEYS_NO_TUNNELS);
	open_channel(control, TLS_SERVER, false, NULL);
	open_channel(node, TLS_CLIENT, true, control->pin);
	run_until(&node->is_established, "established");
	run_until(&control->is_established, "established at control");
	assert_memory_equal(control->established.peer_pin, node->pin, PIN_BYTES);
	for (size_t i = sizeof(head); i < sizeof(message); i++)
		message[i] = (uint8_t)(i * 11);
	memcpy(message, &head, sizeof(head));
	for (int i = 0; i < 3; i++)
		assert_int_equal(
		    ipc_send(node->main, KEYS_MESSAGE_CHANNEL_WRITE, message, sizeof(message)), 0);
	for (int i = 0; i < 200 && control->plaintext_length < 180000; i++)
		run_for(0.02);
	assert_int_equal(control->plaintext_length, 180000);
	for (size_t i = 0; i < 3; i++)
		assert_memory_equal(control->plaintext + i * 60000, message + sizeof(head), 60000);
	assert_int_equal(
	    ipc_send(node->main, KEYS_MESSAGE_CHANNEL_SHUTDOWN, &head, sizeof(head)), 0);
	run_until(&control->is_channel_closed, "close_notify");
	assert_int_equal(control->channel_closed.reason, ERR_CLOSED);
}

static void a_channel_to_a_wrong_pin_ends(void **state)
{
	uint8_t other[PIN_BYTES] = {3};

	(void)state;
	send_settings(&nodes[0], TUNNEL_LISTENER);
	send_settings(&nodes[1], KEYS_NO_TUNNELS);
	open_channel(&nodes[1], TLS_SERVER, false, NULL);
	open_channel(&nodes[0], TLS_CLIENT, true, other);
	run_until(&nodes[0].is_channel_closed, "closed");
	assert_int_equal(nodes[0].channel_closed.reason, ERR_AUTH);
	assert_false(nodes[0].is_established);
}

/* What a worker that was taken over may try. */
static void a_worker_that_breaks_the_rules_is_cut_off(void **state)
{
	struct node *listener = &nodes[TUNNEL_LISTENER];
	uint8_t byte = 0;

	(void)state;
	send_settings(listener, TUNNEL_LISTENER);
	connect_worker(listener, 0);
	assert_int_equal(ipc_send(listener->worker, KEYS_MESSAGE_PEERS, NULL, 0), 0);
	run_until(&listener->is_worker_closed, "worker cut off");
	assert_int_equal(listener->closed, 0);
	ipc_free(listener->worker);
	listener->worker = NULL;
	/* Its successor is served. */
	listener->has_cookies = false;
	connect_worker(listener, 0);
	assert_int_equal(ipc_send(listener->worker, KEYS_MESSAGE_PACKET, &byte, 1), 0);
	run_for(0.05);
	assert_int_equal(listener->closed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_worker_gets_its_lane, start_nodes, stop_nodes),
	    cmocka_unit_test_setup_teardown(a_removed_peer_is_refused, start_nodes, stop_nodes),
	    cmocka_unit_test_setup_teardown(
	        channels_carry_bytes_and_show_pins, start_nodes, stop_nodes),
	    cmocka_unit_test_setup_teardown(a_channel_to_a_wrong_pin_ends, start_nodes, stop_nodes),
	    cmocka_unit_test_setup_teardown(
	        a_worker_that_breaks_the_rules_is_cut_off, start_nodes, stop_nodes),
	};

	if (sodium_init() < 0 || keyed_hash_init() < 0)
		return 1;
	addr_parse("192.0.2.1:1000", 0, &addresses[TUNNEL_LISTENER]);
	addr_parse("192.0.2.2:7401", 0, &addresses[TUNNEL_ENDPOINT]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
