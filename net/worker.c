/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See worker.h: the life of the process, its channels, its clock. */
#include "net/worker.h"

#include "base/err.h"
#include "base/keyed_hash.h"
#include "base/log.h"
#include "model/explain.h"
#include "net/health_messages.h"
#include "net/peers_gone.h"
#include "net/privileges.h"
#include "net/sandbox.h"
#include "net/worker_explain.h"
#include "net/worker_private.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { WHEEL_BATCH = 4096 }; /* timers looked at in one round of the loop */

/* ---- what roles ask for ---- */

struct ev_loop *worker_loop(const struct worker *worker)
{
	return worker->loop;
}

struct chunk_pool *worker_pool(const struct worker *worker)
{
	return worker->pool;
}

struct udp_receiver *worker_udp_receiver(const struct worker *worker)
{
	return worker->receiver;
}

struct udp_outbox *worker_udp_outbox(const struct worker *worker)
{
	return worker->outbox;
}

const struct node_config *worker_config(const struct worker *worker)
{
	return worker->config;
}

uint64_t worker_now_us(const struct worker *worker)
{
	return worker->now_us;
}

void *worker_role_state(const struct worker *worker)
{
	return worker->state;
}

unsigned worker_index(const struct worker *worker)
{
	return worker->settings.index;
}

unsigned worker_count(const struct worker *worker)
{
	return worker->settings.count;
}

const struct addr *worker_sources(const struct worker *worker, unsigned *count)
{
	*count = worker->settings.source_count;
	return worker->settings.sources;
}

const char *worker_user_congestion(const struct worker *worker)
{
	return worker->settings.user_congestion;
}

struct page *worker_page(const struct worker *worker)
{
	return worker->page;
}

struct flow_counts *worker_udp_sources(struct worker *worker)
{
	return &worker->udp_sources;
}

struct node_limits *worker_limits(struct worker *worker)
{
	return &worker->limits;
}

uint64_t worker_random(struct worker *worker)
{
	return rng_next(&worker->rng);
}

bool worker_is_draining(const struct worker *worker)
{
	return worker->is_draining;
}

void worker_timer_init(struct worker_timer *timer, void (*expired)(struct worker_timer *timer))
{
	wheel_timer_init(&timer->timer);
	timer->expired = expired;
}

void worker_timer_set(struct worker *worker, struct worker_timer *timer, uint64_t deadline_us)
{
	wheel_rearm(&worker->wheel, &timer->timer, deadline_us);
}

void worker_timer_stop(struct worker *worker, struct worker_timer *timer)
{
	wheel_del(&worker->wheel, &timer->timer);
}

struct worker_lane *worker_lane_to(struct worker *worker, const char *peer_name)
{
	struct carried *carried = dial_lane_to(&worker->dial, peer_name);

	return carried ? &carried->shown : NULL;
}

/* What main does not take now is lost with it. */
void worker_tell_main(struct worker *worker, uint16_t type, const void *data, size_t length)
{
	ipc_send(worker->main_channel, type, data, length);
}

void worker_each_lane(
    struct worker *worker, void (*visit)(void *context, struct worker_lane *lane), void *context)
{
	LIST_FOREACH (carried, &worker->lanes.all, struct carried, node)
		visit(context, &carried->shown);
}

void worker_touch(struct worker *worker, struct lane *lane)
{
	lanes_touch(&worker->lanes, lane);
}

/* ---- the loop ---- */

static void on_expired(void *context, struct wheel_timer *timer)
{
	struct worker_timer *expired = LIST_ENTRY(timer, struct worker_timer, timer);

	(void)context;
	expired->expired(expired);
}

static void say_drained(struct worker *worker)
{
	if (!worker->is_draining || worker->has_said_drained)
		return;
	if (page_get(worker->page, PAGE_tcp_flows) + page_get(worker->page, PAGE_udp_flows) > 0)
		return;
	worker->has_said_drained = true;
	ipc_send(worker->main_channel, WORKER_MESSAGE_DRAINED, NULL, 0);
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct worker *worker = timer->data;

	(void)loop;
	(void)events;
	wheel_advance(&worker->wheel, worker->now_us, WHEEL_BATCH, on_expired, worker);
	lanes_report(&worker->lanes);
	worker_traces_flush(&worker->traces);
	page_set(worker->page, PAGE_memory_bytes, chunk_pool_used_bytes(worker->pool));
	page_set(worker->page, PAGE_tcp_flows, worker->role->flow_count(worker->state, FLOW_TCP));
	page_set(worker->page, PAGE_udp_flows, worker->role->flow_count(worker->state, FLOW_UDP));
	say_drained(worker);
}

/* Runs first after the wait: everything in this round sees the same time. */
static void on_check(struct ev_loop *loop, ev_check *check, int events)
{
	struct worker *worker = check->data;

	(void)loop;
	(void)events;
	worker->now_us = pacing_timer_now_us();
}

/* Runs last before the wait. */
static void on_prepare(struct ev_loop *loop, ev_prepare *prepare, int events)
{
	struct worker *worker = prepare->data;

	(void)loop;
	(void)events;
	worker->now_us = pacing_timer_now_us();
	lanes_serve(&worker->lanes);
}

/* ---- messages from main ---- */

/* In columns of its own, which others are added to (on_sibling()). */
static void count_flows(struct worker *worker)
{
	struct flow_counts *sources = &worker->udp_sources;

	memcpy(sources->key, worker->settings.count_key, sizeof sources->key);
	sources->own = &worker->page->udp_sources;
	node_limits_init(&worker->limits, worker->page, worker->settings.count_key);
}

static int on_settings(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct worker *worker = context;
	int error;

	(void)ipc;
	if (worker->page)
		return ERR_STATE;
	memcpy(&worker->settings, message->data, sizeof worker->settings);
	worker->settings.user_congestion[USER_CONGESTION_BYTES - 1] = '\0';
	if (worker->settings.source_count > WORKER_SOURCES_MAX || worker->settings.count == 0)
		return ERR_MALFORMED;
	error = page_open(message->descriptors[0], &worker->page);
	if (!error && !(worker->pool = chunk_pool_new(worker->settings.memory_bytes)))
		error = ERR_NOMEM;
	if (!error && !(worker->outbox = udp_outbox_new(worker->page)))
		error = ERR_NOMEM;
	if (error)
		return error;
	worker->memory.limit_bytes = worker->settings.memory_bytes / WORKER_MEMORY_RESERVE_PART
	                             * (WORKER_MEMORY_RESERVE_PART - 1);
	count_flows(worker);
	error = worker->role->start(worker, &worker->state);
	/* Every file was read by now.  Where there is no seccomp it goes on, and the log says so. */
	if (!error && sandbox_enter(SANDBOX_WORKER) == ERR_IO)
		error = ERR_IO;
	if (error)
		return error;
	ev_timer_start(worker->loop, &worker->tick);
	return ipc_send(worker->main_channel, PROCESS_MESSAGE_READY, NULL, 0);
}

static int on_sibling(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct worker *worker = context;
	struct flow_counts *sources = &worker->udp_sources;
	const struct page *page;
	int error;

	(void)ipc;
	if (!worker->page || worker->sibling_count + 1 >= worker->settings.count
	    || worker->sibling_count >= SLOTS_MAX)
		return ERR_STATE;
	error = page_map(message->descriptors[0], &page);
	if (error)
		return error;
	worker->siblings[worker->sibling_count++] = page;
	sources->others[sources->other_count++] = &page->udp_sources;
	node_limits_add(&worker->limits, page);
	return 0;
}

static int on_tunnel_socket(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct worker *worker = context;
	int descriptor = message->descriptors[0];

	(void)ipc;
	if (!worker->page || worker->lanes.has_socket)
		return ERR_STATE;
	message->descriptors[0] = -1;
	return lanes_set_socket(&worker->lanes, descriptor);
}

static int use_config(struct worker *worker)
{
	int error = worker_door_on_config(worker);

	lanes_on_config(&worker->lanes, worker->config);
	worker_traces_on_config(&worker->traces);
	if (!error && worker->role->role == NODE_LISTENER)
		error = dial_on_config(&worker->dial);
	else if (!error)
		accept_on_config(&worker->accept);
	return error;
}

static int on_config(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct worker *worker = context;
	struct node_config *old = worker->config, *config = calloc(1, sizeof *config);
	struct model_error why;
	int error = ERR_NOMEM;

	(void)ipc;
	if (!worker->page) {
		free(config);
		return ERR_STATE;
	}
	if (config)
		error = node_config_load(
		    (const char *)message->data, message->length_bytes, config, &why);
	if (error) {
		free(config);
		return error;
	}
	worker->config = config;
	error = use_config(worker);
	if (!error)
		error = worker->role->on_config(worker->state, old);
	if (old)
		node_config_clear(old);
	free(old);
	return error;
}

/* Messages come in order, so that all that belongs to this config was taken by now. */
static int on_serve(struct ipc *ipc, void *context, struct ipc_message *message)
{
	(void)context;
	return ipc_send(ipc, WORKER_MESSAGE_SERVING, message->data, message->length_bytes);
}

static int on_socket(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct worker *worker = context;
	const struct worker_socket *socket = (const void *)message->data;
	int descriptor = -1;

	(void)ipc;
	if (!worker->page || !worker->role->on_socket)
		return ERR_STATE;
	if (message->descriptor_count == 1) {
		descriptor = message->descriptors[0];
		message->descriptors[0] = -1;
	}
	worker->role->on_socket(worker->state, socket, descriptor);
	return 0;
}

static int on_health(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct worker *worker = context;
	const struct backend_health *changes = (const void *)message->data;

	(void)ipc;
	if (!worker->role->on_health || message->length_bytes % sizeof(*changes))
		return ERR_STATE;
	if (!worker->config) /* it started into a drain, and gets none */
		return 0;
	worker->role->on_health(worker->state, changes, message->length_bytes / sizeof(*changes));
	return 0;
}

static int on_trace(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct worker *worker = context;
	int descriptor = message->descriptors[0];

	(void)ipc;
	if (!worker->config)
		return ERR_STATE;
	message->descriptors[0] = -1;
	worker_traces_add(&worker->traces, message->data, descriptor);
	return 0;
}

static int on_drain(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct worker *worker = context;

	(void)ipc;
	(void)message;
	worker->is_draining = true;
	if (worker->state && worker->role->on_drain)
		worker->role->on_drain(worker->state);
	return 0;
}

/* Each lane says goodbye with its reason; then the process ends. */
static void say_goodbye(struct worker *worker)
{
	LIST_FOREACH (carried, &worker->lanes.all, struct carried, node)
		lanes_close(&worker->lanes, carried, REASON_DRAINED, "the daemon ends");
	worker->now_us = pacing_timer_now_us();
	lanes_serve(&worker->lanes);
	ev_break(worker->loop, EVBREAK_ALL);
}

static int on_stop(struct ipc *ipc, void *context, struct ipc_message *message)
{
	(void)ipc;
	(void)message;
	say_goodbye(context);
	return 0;
}

/* ---- channels ---- */

static void on_keys_closed(struct ipc *ipc, void *context, int reason)
{
	struct worker *worker = context;

	(void)reason;
	if (worker->keys_channel == ipc)
		worker->keys_channel = NULL;
	ipc_free(ipc);
	dial_on_keys(&worker->dial);
}

static const struct ipc_callbacks keys_callbacks = {.on_closed = on_keys_closed};

static int on_peer(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct worker *worker = context;
	struct process_peer peer;
	int descriptor, error = process_peer_take(message, &peer, &descriptor);

	(void)ipc;
	if (error)
		return error;
	ipc_free(worker->keys_channel);
	worker->keys_channel = NULL;
	error = ipc_new(&worker->keys_channel, worker->loop, descriptor, worker_door_rules,
	    worker_door_rule_count, &keys_callbacks, worker);
	dial_on_keys(&worker->dial);
	return error;
}

static void on_main_closed(struct ipc *ipc, void *context, int reason)
{
	struct worker *worker = context;

	(void)ipc;
	if (reason != ERR_CLOSED) {
		log_error("worker_ends", "reason=\"%s\"", err_text(reason));
		worker->exit_status = 1;
	}
	say_goodbye(worker);
}

static const struct ipc_rule main_rules[] = {
    {PROCESS_MESSAGE_PEER, PROCESS_PEER_RULE, on_peer},
    {WORKER_MESSAGE_SETTINGS, sizeof(struct worker_settings), sizeof(struct worker_settings), 1, 1,
        on_settings},
    {WORKER_MESSAGE_SIBLING, 0, 0, 1, 1, on_sibling},
    {WORKER_MESSAGE_TUNNEL_SOCKET, 0, 0, 1, 1, on_tunnel_socket},
    {WORKER_MESSAGE_CONFIG, 1, IPC_MESSAGE_BYTES, 0, 0, on_config},
    {WORKER_MESSAGE_SOCKET, sizeof(struct worker_socket), sizeof(struct worker_socket), 0, 1,
        on_socket},
    {WORKER_MESSAGE_TRACE, PIN_BYTES, PIN_BYTES, 1, 1, on_trace},
    {WORKER_MESSAGE_HEALTH, sizeof(struct backend_health), IPC_MESSAGE_BYTES, 0, 0, on_health},
    {WORKER_MESSAGE_DRAIN, 0, 0, 0, 0, on_drain},
    {WORKER_MESSAGE_SERVE, sizeof(struct config_number), sizeof(struct config_number), 0, 0,
        on_serve},
    {WORKER_MESSAGE_EXPLAIN, sizeof(struct explain_question), sizeof(struct explain_question), 0, 0,
        worker_explain},
    {WORKER_MESSAGE_GONE, sizeof(struct peer_gone), IPC_MESSAGE_BYTES, 0, 0, peers_gone_on_message},
    {WORKER_MESSAGE_STOP, 0, 0, 0, 0, on_stop},
};
static const struct ipc_callbacks main_callbacks = {.on_closed = on_main_closed};

/* ---- life ---- */

static int worker_init(struct worker *worker, const struct worker_role *role)
{
	worker->role = role;
	worker->traces.worker = worker;
	worker->loop = ev_default_loop(EVFLAG_NOENV);
	worker->receiver = udp_receiver_new();
	worker->now_us = pacing_timer_now_us();
	if (!worker->loop || !worker->receiver)
		return ERR_NOMEM;
	rng_seed(&worker->rng, randombytes_random() | (uint64_t)randombytes_random() << 32);
	wheel_init(&worker->wheel, worker->now_us, WORKER_TICK_US);
	worker_door_init(worker);
	dial_init(&worker->dial, worker);
	accept_init(&worker->accept, worker);
	ev_timer_init(&worker->tick, on_tick, WORKER_TICK_US * 1e-6, WORKER_TICK_US * 1e-6);
	ev_check_init(&worker->check, on_check);
	ev_set_priority(&worker->check, EV_MAXPRI);
	ev_prepare_init(&worker->prepare, on_prepare);
	worker->tick.data = worker->check.data = worker->prepare.data = worker;
	ev_check_start(worker->loop, &worker->check);
	ev_prepare_start(worker->loop, &worker->prepare);
	return lanes_init(&worker->lanes, worker);
}

/* Lanes first, as their flows' last callbacks reach into the role; then the role; then pools. */
static void worker_clear(struct worker *worker)
{
	lanes_clear(&worker->lanes);
	worker_traces_clear(&worker->traces);
	if (worker->state)
		worker->role->stop(worker->state);
	accept_clear(&worker->accept);
	dial_clear(&worker->dial);
	gate_clear(&worker->gate);
	if (worker->config)
		node_config_clear(worker->config);
	free(worker->config);
	udp_receiver_free(worker->receiver);
	udp_outbox_free(worker->outbox);
	if (worker->pool)
		chunk_pool_free(worker->pool);
	for (size_t i = 0; i < worker->sibling_count; i++)
		page_unmap(worker->siblings[i]);
	page_unmap(worker->page);
	ipc_free(worker->keys_channel);
	ipc_free(worker->main_channel);
}

int worker_main(const struct worker_role *role)
{
	struct worker *worker = calloc(1, sizeof *worker);
	int error = worker ? 0 : ERR_NOMEM, status;

	if (aead_init())
		return 1;
	keyed_hash_init();
	if (!error)
		error = privileges_drop_child();
	if (!error)
		error = worker_init(worker, role);
	if (!error)
		error = ipc_new(&worker->main_channel, worker->loop, PROCESS_CHANNEL_DESCRIPTOR,
		    main_rules, sizeof main_rules / sizeof *main_rules, &main_callbacks, worker);
	if (error) {
		log_error("worker_not_started", "reason=\"%s\"", err_text(error));
		return 1;
	}
	ev_run(worker->loop, 0);
	status = worker->exit_status;
	worker_clear(worker);
	free(worker);
	return status;
}
