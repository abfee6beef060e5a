/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See worker_process.h. */
#include "config.h"

#include "tests/support/worker_process.h"

#include "base/err.h"
#include "base/keyed_hash.h"
#include "net/flow_handler.h"
#include "net/pacing_timer.h"
#include "net/udp.h"
#include "tests/support/loopback.h"
#include "tests/support/rounds.h"
#include "tests/unit/cmocka_all.h"

#include <sodium.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	POOL_BYTES = 16 * 1024 * 1024,
	PACKET_BYTES = 1200,
	MAX_FLOWS = 10,
	FAR_SLOT = 0,
	FAR_ID = 0x00000abc, /* the far node's connection id */
	ACCELERATOR = 7,
};

static const uint8_t tunnel_secret[TUNNEL_SECRET_BYTES] = {3, 1, 4};

/* ---- the role, in the worker's process ---- */

static struct role_told *told;

struct echo {
	const struct flow_handler *handler; /* first, see net/flow_handler.h */
	struct worker *worker;
	struct flow *flow;
};

static void on_datagram(void *object, const uint8_t *data, size_t length)
{
	struct echo *echo = object;

	told->datagrams++;
	if (!lane_context(flow_lane(echo->flow)))
		return;
	flow_send_datagram(echo->flow, data, length, worker_now_us(echo->worker));
	worker_touch(echo->worker, flow_lane(echo->flow));
}

static void on_datagram_of_ours(void *object, const uint8_t *data, size_t length)
{
	(void)object;
	(void)data;
	(void)length;
	told->datagrams++;
}

static void on_closed(void *object, enum reason reason)
{
	told->closed_flows++;
	told->closed_with = reason;
	free(object);
}

static void on_reset(void *object, enum reason reason)
{
	struct echo *echo = object;

	flow_reset(echo->flow, reason);
	worker_touch(echo->worker, flow_lane(echo->flow));
}

static const struct flow_handler echoes = {
    .on_datagram = on_datagram, .on_reset = on_reset, .on_closed = on_closed};
static const struct flow_handler listens = {
    .on_datagram = on_datagram_of_ours, .on_reset = on_reset, .on_closed = on_closed};

static struct echo *echo_new(struct worker *worker, const struct flow_handler *handler)
{
	struct echo *echo = calloc(1, sizeof *echo);

	echo->handler = handler;
	echo->worker = worker;
	told->flows++;
	return echo;
}

static enum reason role_on_open(
    struct worker_lane *lane, struct flow *flow, const struct flow_open *open)
{
	struct echo *echo = echo_new(lane->worker, &echoes);

	if (open->accelerator != ACCELERATOR)
		abort();
	echo->flow = flow;
	flow_set_user(flow, echo);
	return REASON_NONE;
}

static int role_start(struct worker *worker, void **state)
{
	told->starts++;
	*state = worker;
	return 0;
}

static int role_on_config(void *state, const struct node_config *old)
{
	told->configs++;
	told->has_old = old != NULL;
	told->revision = worker_config(state)->number.revision;
	return told->fails_config ? ERR_NOMEM : 0;
}

static void role_on_socket(void *state, const struct worker_socket *socket, int descriptor)
{
	struct worker_lane *lane = worker_lane_to(state, "far");
	struct flow_open open = {.kind = FLOW_UDP,
	    .accelerator = ACCELERATOR,
	    .user = socket->local,
	    .local = socket->local};

	told->sockets++;
	if (descriptor >= 0)
		close(descriptor);
	if (!lane)
		return;
	struct echo *echo = echo_new(state, &listens);
	if (flow_open(lane->lane, &open, echo, &echo->flow, worker_now_us(state)))
		abort();
	flow_send_datagram(echo->flow, (const uint8_t *)"hello", 5, worker_now_us(state));
	worker_touch(state, lane->lane);
}

static void role_on_drain(void *state)
{
	(void)state;
	told->drains++;
}

static size_t role_flow_count(void *state, enum flow_kind kind)
{
	(void)state;
	return kind == FLOW_UDP ? told->flow_count : 0;
}

static void role_stop(void *state)
{
	(void)state;
	told->stops++;
}

static void role_on_health(void *state, const struct backend_health *changes, size_t count)
{
	(void)state;
	(void)changes;
	told->healths += (unsigned)count;
}

static const struct worker_role roles[] = {
    [NODE_LISTENER] = {.role = NODE_LISTENER,
        .start = role_start,
        .on_config = role_on_config,
        .on_socket = role_on_socket,
        .on_drain = role_on_drain,
        .flow_count = role_flow_count,
        .stop = role_stop},
    [NODE_ENDPOINT] = {.role = NODE_ENDPOINT,
        .on_open = role_on_open,
        .start = role_start,
        .on_config = role_on_config,
        .on_health = role_on_health,
        .on_drain = role_on_drain,
        .flow_count = role_flow_count,
        .stop = role_stop},
};

/* ---- main and keys, in the test ---- */

static int take_ready(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct worker_process *process = context;

	(void)ipc;
	(void)message;
	process->is_ready = true;
	return 0;
}

static int take_drained(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct worker_process *process = context;

	(void)ipc;
	(void)message;
	process->has_drained = true;
	return 0;
}

static int take_request(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct worker_process *process = context;

	(void)ipc;
	memcpy(&process->request, message->data, sizeof process->request);
	process->requests++;
	return 0;
}

static int take_packet(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct worker_process *process = context;
	struct keys_packet head;

	(void)ipc;
	memcpy(&head, message->data, sizeof head);
	process->packet_from = head.address;
	process->packet_length = message->length_bytes - sizeof head;
	memcpy(process->packet, message->data + sizeof head, process->packet_length);
	process->forwarded++;
	return 0;
}

static int take_unknown(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct worker_process *process = context;

	(void)ipc;
	memcpy(&process->unknown, message->data, sizeof process->unknown);
	process->unknowns++;
	return 0;
}

static int take_serving(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct worker_process *process = context;

	(void)ipc;
	memcpy(&process->serving, message->data, sizeof process->serving);
	return 0;
}

static void on_main_closed(struct ipc *ipc, void *context, int reason)
{
	struct worker_process *process = context;

	(void)ipc;
	(void)reason;
	process->is_main_closed = true;
}

static void on_keys_closed(struct ipc *ipc, void *context, int reason)
{
	(void)ipc;
	(void)context;
	(void)reason;
}

static const struct ipc_rule main_rules[] = {
    {PROCESS_MESSAGE_READY, 0, 0, 0, 0, take_ready},
    {WORKER_MESSAGE_DRAINED, 0, 0, 0, 0, take_drained},
    {WORKER_MESSAGE_SERVING, sizeof(struct config_number), sizeof(struct config_number), 0, 0,
        take_serving},
};
static const struct ipc_rule keys_rules[] = {
    {KEYS_MESSAGE_REQUEST_LANE, sizeof(struct lane_request), sizeof(struct lane_request), 0, 0,
        take_request},
    {KEYS_MESSAGE_PACKET, sizeof(struct keys_packet),
        sizeof(struct keys_packet) + HANDSHAKE_PACKET_BYTES, 0, 0, take_packet},
    {KEYS_MESSAGE_TUNNEL_UNKNOWN, sizeof(struct keys_tunnel), sizeof(struct keys_tunnel), 0, 0,
        take_unknown},
};
static const struct ipc_callbacks main_callbacks = {.on_closed = on_main_closed};
static const struct ipc_callbacks keys_callbacks = {.on_closed = on_keys_closed};

int worker_process_init(void)
{
	return sodium_init() < 0 ? ERR_IO : keyed_hash_init();
}

static void run_child(int channel, enum node_role role)
{
	if (channel != PROCESS_CHANNEL_DESCRIPTOR)
		dup2(channel, PROCESS_CHANNEL_DESCRIPTOR);
	for (int i = PROCESS_CHANNEL_DESCRIPTOR + 1; i < 64; i++)
		close(i);
	_exit(worker_main(&roles[role]));
}

void worker_process_fork(struct worker_process *process, enum node_role role)
{
	int pair[2];

	memset(process, 0, sizeof *process);
	process->role = role;
	process->pin[0] = 1;
	process->far.pin[0] = 2;
	process->door_key[0] = 3;
	process->loop = ev_loop_new(0);
	process->told = told =
	    mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(told != MAP_FAILED);
	process->far.socket = loopback_udp("127.0.0.1", &process->far.address);
	process->far.pool = chunk_pool_new(POOL_BYTES);
	door_init(&process->far.door, process->door_key, process->pin);
	assert_int_equal(ipc_pair(pair), 0);
	process->child = fork();
	assert_true(process->child >= 0);
	if (process->child == 0)
		run_child(pair[1], role);
	close(pair[1]);
	assert_int_equal(ipc_new(&process->main, process->loop, pair[0], main_rules,
	                     sizeof main_rules / sizeof *main_rules, &main_callbacks, process),
	    0);
}

void worker_process_send_settings(struct worker_process *process)
{
	struct worker_settings settings = {
	    .index = 0, .count = 1, .packet_bytes = PACKET_BYTES, .memory_bytes = POOL_BYTES};
	int writer, reader;

	memcpy(settings.own_pin, process->pin, PIN_BYTES);
	assert_int_equal(page_create(&writer, &reader), 0);
	if (!process->page)
		assert_int_equal(page_map(reader, &process->page), 0);
	assert_int_equal(ipc_send_descriptors(process->main, WORKER_MESSAGE_SETTINGS, &settings,
	                     sizeof settings, &writer, 1),
	    0);
	close(writer);
	close(reader);
}

void worker_process_send_socket(struct worker_process *process)
{
	struct udp_options options = {.buffer_bytes = UDP_TUNNEL_BUFFER_BYTES};
	int descriptor;

	close(loopback_udp("127.0.0.1", &process->address)); /* a port that is free */
	options.local = process->address;
	assert_int_equal(udp_open(&options, &descriptor), 0);
	assert_int_equal(ipc_send_descriptors(
	                     process->main, WORKER_MESSAGE_TUNNEL_SOCKET, NULL, 0, &descriptor, 1),
	    0);
	close(descriptor);
}

void worker_process_connect_keys(struct worker_process *process)
{
	struct process_peer peer = {PROCESS_KEYS, 0};
	int pair[2];

	assert_int_equal(ipc_pair(pair), 0);
	assert_int_equal(ipc_send_descriptors(
	                     process->main, PROCESS_MESSAGE_PEER, &peer, sizeof peer, &pair[1], 1),
	    0);
	close(pair[1]);
	ipc_free(process->keys);
	assert_int_equal(ipc_new(&process->keys, process->loop, pair[0], keys_rules,
	                     sizeof keys_rules / sizeof *keys_rules, &keys_callbacks, process),
	    0);
}

void worker_process_send_config(struct worker_process *process, bool has_far, uint32_t drain_s)
{
	bool is_listener = process->role == NODE_LISTENER;
	struct name address;
	struct config_peer peer = {.name = "far",
	    .region = "there",
	    .slots = 1,
	    .congestion = CONGESTION_DEFAULT,
	    .is_traced = process->is_traced,
	    .addresses = is_listener ? &address : NULL,
	    .address_count = is_listener};
	struct node_config config = {.number = {1, ++process->revision},
	    .node_id = 1,
	    .node_name = "near",
	    .region = "here",
	    .role = process->role,
	    .drain_s = drain_s,
	    .peers = has_far ? &peer : NULL,
	    .peer_count = has_far};
	char *text;
	size_t length;

	addr_format(&process->far.address, address.text, sizeof address.text);
	memcpy(peer.pin, process->far.pin, PIN_BYTES);
	memcpy(peer.door_key, process->door_key, DOOR_KEY_BYTES);
	assert_int_equal(node_config_save(&config, &text, &length), 0);
	assert_int_equal(ipc_send(process->main, WORKER_MESSAGE_CONFIG, text, length), 0);
	free(text);
}

void worker_process_tell(struct worker_process *process, uint16_t type)
{
	assert_int_equal(ipc_send(process->main, type, NULL, 0), 0);
}

void worker_process_start(struct worker_process *process, enum node_role role)
{
	worker_process_fork(process, role);
	worker_process_send_settings(process);
	worker_process_send_socket(process);
	worker_process_connect_keys(process);
	worker_process_send_config(process, true, 0);
	WORKER_PROCESS_UNTIL(process, process->is_ready && process->told->configs == 1);
}

void worker_process_stop(struct worker_process *process)
{
	far_node_drop_lane(process);
	if (!process->is_over)
		worker_process_tell(process, WORKER_MESSAGE_STOP);
	WORKER_PROCESS_UNTIL(process, process->is_over);
	ipc_free(process->keys);
	ipc_free(process->main);
	page_unmap(process->page);
	munmap(process->told, sizeof *process->told);
	close(process->far.socket);
	chunk_pool_free(process->far.pool);
	ev_loop_destroy(process->loop);
}

uint64_t worker_process_counted(const struct worker_process *process, enum page_value value)
{
	return page_get(process->page, value);
}

/* ---- keys ---- */

static struct lane_grant grant_of(
    const struct worker_process *process, enum tunnel_role role, const struct lane_name *name)
{
	struct lane_grant grant = {.door_id = process->far.door.id,
	    .aead = AEAD_CHACHA20POLY1305,
	    .peer = {.version = TUNNEL_VERSION,
	        .aeads = AEAD_CHACHA20POLY1305,
	        .workers = 1,
	        .instance = 1,
	        .max_flows = MAX_FLOWS,
	        .packet_bytes = PACKET_BYTES}};

	lane_grant_derive(&grant, role, tunnel_secret, name, 0);
	return grant;
}

static enum tunnel_role own_role(const struct worker_process *process)
{
	return process->role == NODE_LISTENER ? TUNNEL_LISTENER : TUNNEL_ENDPOINT;
}

struct lane_grant worker_process_far_grant(
    const struct worker_process *process, const struct lane_name *name)
{
	enum tunnel_role role =
	    own_role(process) == TUNNEL_LISTENER ? TUNNEL_ENDPOINT : TUNNEL_LISTENER;
	struct lane_grant grant = grant_of(process, role, name);

	memcpy(grant.peer_pin, process->pin, PIN_BYTES);
	return grant;
}

void worker_process_grant(struct worker_process *process, const struct lane_name *name)
{
	struct lane_grant grant = grant_of(process, own_role(process), name);

	memcpy(grant.peer_pin, process->far.pin, PIN_BYTES);
	if (process->role == NODE_ENDPOINT) {
		assert_int_equal(start_read(&grant.start, process->packet, process->packet_length),
		    HANDSHAKE_FINE);
		assert_int_equal(
		    start_verify(grant.start_key, process->packet, process->packet_length),
		    HANDSHAKE_FINE);
		start_mac_copy(grant.start_mac, process->packet);
		grant.from = process->packet_from;
	}
	assert_int_equal(ipc_send(process->keys, KEYS_MESSAGE_LANE, &grant, sizeof grant), 0);
}

/* ---- the far node's lane ---- */

static enum reason far_on_open(void *context, struct flow *flow, const struct flow_open *open)
{
	struct far_node *far = context;

	assert_int_equal(open->accelerator, ACCELERATOR);
	far->flow = flow;
	far->opens++;
	return REASON_NONE;
}

static size_t far_on_data(void *context, struct flow *flow, const struct iovec *pieces, int count)
{
	(void)context;
	(void)flow;
	(void)pieces;
	(void)count;
	return 0;
}

static void far_on_flow(void *context, struct flow *flow)
{
	(void)context;
	(void)flow;
}

static void far_on_reset(void *context, struct flow *flow, enum reason reason)
{
	(void)context;
	(void)flow;
	(void)reason;
}

static void far_on_datagram(void *context, struct flow *flow, const uint8_t *data, size_t length)
{
	struct far_node *far = context;

	(void)flow;
	assert_int_equal(length, 5);
	assert_memory_equal(data, "hello", 5);
	far->datagrams++;
}

static void far_on_closed(void *context, struct flow *flow, enum reason reason)
{
	struct far_node *far = context;

	(void)reason;
	if (far->flow == flow)
		far->flow = NULL;
}

static void far_on_state(
    void *context, struct lane *lane, enum lane_state state, enum reason reason, const char *text)
{
	struct far_node *far = context;

	(void)lane;
	(void)text;
	far->state = state;
	far->over_with = reason;
}

static void far_on_rtt(void *context, struct lane *lane, uint64_t rtt_us)
{
	(void)context;
	(void)lane;
	(void)rtt_us;
}

static const struct lane_callbacks far_callbacks = {
    .on_open = far_on_open,
    .on_data = far_on_data,
    .on_finish = far_on_flow,
    .on_reset = far_on_reset,
    .on_stop_sending = far_on_reset,
    .on_writable = far_on_flow,
    .on_datagram = far_on_datagram,
    .on_closed = far_on_closed,
    .on_state = far_on_state,
    .on_rtt = far_on_rtt,
};

static void make_lane(
    struct worker_process *process, const struct lane_name *name, uint32_t remote_id)
{
	struct far_node *far = &process->far;
	struct lane_grant grant = worker_process_far_grant(process, name);
	struct lane_config config = {
	    .role = process->role == NODE_LISTENER ? LANE_ENDPOINT : LANE_LISTENER,
	    .local_id = FAR_ID,
	    .remote_id = remote_id,
	    .aead = AEAD_CHACHA20POLY1305,
	    .packet_bytes = PACKET_BYTES,
	    .max_flows = MAX_FLOWS,
	    .memory_bytes = POOL_BYTES / 2,
	    .route = {.remote = process->address},
	    .pool = far->pool,
	    .callbacks = &far_callbacks,
	    .context = far,
	};

	memcpy(config.send_secret, grant.send_secret, sizeof config.send_secret);
	memcpy(config.receive_secret, grant.receive_secret, sizeof config.receive_secret);
	far_node_drop_lane(process);
	assert_int_equal(lane_new(&far->lane, &config, pacing_timer_now_us()), 0);
	far->state = LANE_PENDING;
}

void far_node_drop_lane(struct worker_process *process)
{
	lane_free(process->far.lane);
	process->far.lane = NULL;
}

/* ---- the far node's packets ---- */

void far_node_move(struct worker_process *process)
{
	close(process->far.socket);
	process->far.socket = loopback_udp("127.0.0.1", &process->far.address);
}

void far_node_send(struct worker_process *process, const uint8_t *packet, size_t length)
{
	loopback_send(process->far.socket, &process->address, packet, length);
}

static void far_receive(struct worker_process *process)
{
	struct far_node *far = &process->far;
	static uint8_t packet[65536];
	struct addr from;
	ssize_t length;

	while ((length = loopback_receive(far->socket, packet, sizeof packet, &from)) >= 0) {
		if (far->is_deaf)
			continue;
		if (handshake_is(packet, (size_t)length)) {
			memcpy(far->packet, packet, (size_t)length);
			far->packet_length = (size_t)length;
			far->packet_from = from;
			far->packets++;
		} else if (far->lane) {
			far->sealed++;
			lane_receive(far->lane, packet, (size_t)length,
			    &(struct lane_route){.remote = from}, 0, pacing_timer_now_us());
			lane_receive_done(far->lane, pacing_timer_now_us());
		}
	}
}

static void far_serve(struct worker_process *process)
{
	static uint8_t buffer[65536];
	struct far_node *far = &process->far;
	uint64_t now_us = pacing_timer_now_us();
	struct lane_batch batch = {.data = buffer, .size_bytes = sizeof buffer};

	if (start_attempt_timer_us(&far->attempt) <= now_us
	    && start_attempt_poll(&far->attempt, now_us))
		far_node_send(process, far->attempt.packet, far->attempt.length);
	if (!far->lane || far->is_deaf)
		return;
	lane_on_timer(far->lane, now_us);
	while (lane_send(far->lane, &batch, now_us))
		for (size_t at = 0; at < batch.length_bytes; at += batch.segment_bytes) {
			size_t left = batch.length_bytes - at;

			far->sent_length = left < batch.segment_bytes ? left : batch.segment_bytes;
			memcpy(far->sent, buffer + at, far->sent_length);
			far_node_send(process, far->sent, far->sent_length);
		}
}

void worker_process_round(struct worker_process *process)
{
	rounds_one(process->loop);
	far_receive(process);
	far_serve(process);
	if (!process->is_over)
		process->is_over = waitpid(process->child, &process->status, WNOHANG) > 0;
}

void worker_process_run(struct worker_process *process, unsigned ms)
{
	uint64_t end_us = pacing_timer_now_us() + ms * UINT64_C(1000);

	while (pacing_timer_now_us() < end_us)
		worker_process_round(process);
}

/* ---- the far node's part of a lane's start ---- */

void far_node_answer_start(
    struct worker_process *process, const struct lane_name *name, enum started_status status)
{
	struct far_node *far = &process->far;
	struct lane_grant grant = worker_process_far_grant(process, name);
	uint8_t packet[HANDSHAKE_PACKET_BYTES];
	size_t length;

	assert_int_equal(start_read(&grant.start, far->packet, far->packet_length), HANDSHAKE_FINE);
	assert_int_equal(
	    start_verify(grant.start_key, far->packet, far->packet_length), HANDSHAKE_FINE);
	length = started_build(&far->door, &grant, status, FAR_ID, packet);
	far_node_send(process, packet, length);
	if (status == STARTED_NEW)
		make_lane(process, name, grant.start.connection_id);
}

void far_node_start(
    struct worker_process *process, const struct lane_name *name, const struct lane_name *old)
{
	struct lane_grant grant = worker_process_far_grant(process, name);

	start_attempt_begin(&process->far.attempt, &process->far.door, &grant, FAR_SLOT, FAR_ID,
	    old, pacing_timer_now_us());
}

enum started_status far_node_read_started(
    struct worker_process *process, const struct lane_name *name)
{
	struct far_node *far = &process->far;
	struct handshake_header header;
	struct started started;

	assert_int_equal(
	    handshake_form_check(&header, TUNNEL_LISTENER, far->packet, far->packet_length),
	    HANDSHAKE_FINE);
	assert_int_equal(door_check(&far->door, far->packet, far->packet_length), HANDSHAKE_FINE);
	assert_int_equal(header.type, HANDSHAKE_STARTED);
	assert_int_equal(start_attempt_receive(
	                     &far->attempt, &header, far->packet, far->packet_length, &started),
	    HANDSHAKE_FINE);
	if (started.status == STARTED_NEW)
		make_lane(process, name, started.connection_id);
	return started.status;
}

void far_node_open_flow(struct worker_process *process)
{
	struct flow_open open = {.kind = FLOW_UDP, .accelerator = ACCELERATOR};

	addr_parse("192.0.2.1:1000", 0, &open.user);
	addr_parse("192.0.2.2:80", 0, &open.local);
	assert_int_equal(
	    flow_open(process->far.lane, &open, NULL, &process->far.flow, pacing_timer_now_us()),
	    0);
}

void far_node_send_datagram(struct worker_process *process, const char *text)
{
	assert_int_equal(flow_send_datagram(process->far.flow, (const uint8_t *)text, strlen(text),
	                     pacing_timer_now_us()),
	    0);
}
