/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What main tells its children, and they it: the keys process its parameters and the peers, each
 * worker its settings, page, tunnel socket, config and user sockets, in that order and all of it
 * again whenever one was started again.
 */
#include "config.h"

#include "base/err.h"
#include "base/log.h"
#include "base/size_text.h"
#include "net/health_messages.h"
#include "net/keys_messages.h"
#include "net/node_explain.h"
#include "net/node_health.h"
#include "net/node_private.h"
#include "net/node_traces.h"
#include "net/pacing_timer.h"
#include "net/peers_gone.h"
#include "tunnel/limits.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	/* Buffers of all workers: an eighth of the machine's memory, and of one between these. */
	MEMORY_SHARE = 8,
	MEMORY_MIN_BYTES = 64 << 20,
	MEMORY_MAX_BYTES = 1 << 30,
};

/* A child that cannot be told is started again, and then is told all. */
static void tell(struct process *process, uint16_t type, const void *data, size_t length)
{
	struct ipc *channel = process_channel(process);

	if (channel && ipc_send(channel, type, data, length) < 0)
		process_kill(process);
}

static void tell_descriptor(
    struct process *process, uint16_t type, const void *data, size_t length, int descriptor)
{
	struct ipc *channel = process_channel(process);

	if (channel && ipc_send_descriptors(channel, type, data, length, &descriptor, 1) < 0)
		process_kill(process);
}

/* ---- keys ---- */

static void tell_peers(struct node *node, struct process *keys)
{
	size_t count = node->has_config ? node->config.peer_count : 0;
	struct keyring_peer *peers = calloc(count ? count : 1, sizeof(*peers));

	if (!peers) {
		process_kill(keys);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		memcpy(peers[i].pin, node->config.peers[i].pin, PIN_BYTES);
		memcpy(peers[i].door_key, node->config.peers[i].door_key, DOOR_KEY_BYTES);
	}
	tell(keys, KEYS_MESSAGE_PEERS, peers, count * sizeof(*peers));
	sodium_memzero(peers, count * sizeof(*peers));
	free(peers);
}

static void start_keys(struct node *node, struct process *keys)
{
	struct keys_settings settings = {
	    .tunnel_role = node->program->role == NODE_LISTENER ? TUNNEL_LISTENER : TUNNEL_ENDPOINT,
	    .parameters = node->parameters,
	};

	tell(keys, KEYS_MESSAGE_SETTINGS, &settings, sizeof(settings));
	tell_peers(node, keys);
}

/* ---- a worker ---- */

static uint64_t default_memory_bytes(const struct node *node)
{
	long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
	uint64_t bytes = (uint64_t)pages * (uint64_t)page_bytes / MEMORY_SHARE / node->workers;

	if (pages <= 0 || page_bytes <= 0 || bytes < MEMORY_MIN_BYTES)
		return MEMORY_MIN_BYTES;
	return bytes < MEMORY_MAX_BYTES ? bytes : MEMORY_MAX_BYTES;
}

/* The size was judged with the options. */
static uint64_t worker_memory_bytes(const struct node *node)
{
	uint64_t bytes;

	if (node->options.memory && size_parse(node->options.memory, &bytes) == 0)
		return bytes / node->workers;
	return default_memory_bytes(node);
}

static void tell_settings(struct node *node, struct process *worker)
{
	unsigned index = process_index(worker);
	struct worker_settings settings = {
	    .index = index,
	    .count = node->workers,
	    .packet_bytes = node->parameters.packet_bytes,
	    .source_count = (uint16_t)node->options.source_count,
	    .memory_bytes = worker_memory_bytes(node),
	};

	memcpy(settings.own_pin, node->pin, PIN_BYTES);
	memcpy(settings.user_congestion, node->user_congestion, sizeof(settings.user_congestion));
	memcpy(settings.count_key, node->count_key, sizeof(settings.count_key));
	memcpy(settings.sources, node->sources, node->options.source_count * sizeof(struct addr));
	tell_descriptor(worker, WORKER_MESSAGE_SETTINGS, &settings, sizeof(settings),
	    node->places[index].page_writer);
	for (unsigned i = 0; i < node->workers; i++)
		if (i != index)
			tell_descriptor(
			    worker, WORKER_MESSAGE_SIBLING, NULL, 0, node->places[i].page_reader);
	tell_descriptor(
	    worker, WORKER_MESSAGE_TUNNEL_SOCKET, NULL, 0, node->tunnel.descriptors[index]);
}

/* Behind all that belongs to the config, once. */
static void tell_serve(struct node *node, struct process *worker)
{
	struct node_place *place = &node->places[process_index(worker)];

	if (!node->has_config || config_number_compare(&place->told, &node->config.number) == 0)
		return;
	place->told = node->config.number;
	tell(worker, WORKER_MESSAGE_SERVE, &place->told, sizeof(place->told));
}

static void lend(struct node *node, struct process *worker)
{
	struct ipc *channel = process_channel(worker);
	unsigned index = process_index(worker);
	int result;

	if (!channel || !node->places[index].has_settings)
		return;
	if (node->program->main.lend) {
		result = node->program->main.lend(node->role_state, index, channel);
		if (result < 0 && result != ERR_AGAIN) /* ERR_AGAIN: on_drained goes on */
			process_kill(worker);
		if (result < 0)
			return;
	}
	tell_serve(node, worker);
}

/* The worker closes those that it has already. */
static void tell_traces(struct node *node, struct process *worker)
{
	for (size_t i = 0; i < node->config.peer_count; i++) {
		const struct config_peer *peer = &node->config.peers[i];
		int descriptor = peer->is_traced ? node_traces_open(
		                     node->options.state, peer->name, process_index(worker))
		                                 : -1;

		if (descriptor < 0)
			continue;
		tell_descriptor(worker, WORKER_MESSAGE_TRACE, peer->pin, PIN_BYTES, descriptor);
		close(descriptor);
	}
}

static void tell_config(struct node *node, struct process *worker)
{
	if (!node->has_config)
		return;
	tell(worker, WORKER_MESSAGE_CONFIG, node->config_text, node->config_length);
	node_health_tell_worker(node, worker);
	tell_traces(node, worker);
	lend(node, worker);
}

/* While draining a worker that comes back has no flows and is to get none. */
static void start_worker(struct node *node, struct process *worker)
{
	struct node_place *place = &node->places[process_index(worker)];

	if (!node->has_pin || place->has_settings || !process_channel(worker))
		return;
	place->has_settings = true;
	tell_settings(node, worker);
	if (node->phase == NODE_SERVING)
		tell_config(node, worker);
	else
		tell(worker, WORKER_MESSAGE_DRAIN, NULL, 0);
}

/* ---- the supervisor's calls ---- */

static void on_started(void *context, struct process *process)
{
	struct node *node = context;
	unsigned index = process_index(process);

	if (process_role(process) == PROCESS_KEYS) {
		start_keys(node, process);
		return;
	}
	if (process_role(process) == PROCESS_HEALTH) {
		node_health_started(node, process);
		return;
	}
	node->places[index].has_settings = false;
	node->places[index].told = node->places[index].serving = (struct config_number){0};
	if (node->program->main.worker_started)
		node->program->main.worker_started(node->role_state, index);
	start_worker(node, process);
}

static void on_ready(void *context, struct process *process)
{
	struct node *node = context;

	(void)process;
	if (node->is_ready || !supervisor_is_ready(node->supervisor))
		return;
	node->is_ready = true;
	log_info("ready", "workers=%u", node->workers);
	daemon_notify_ready(&node->watchdog, node->loop);
}

static void on_died(void *context, struct process *process, int status)
{
	struct node *node = context;

	if (node->phase == NODE_ENDING)
		return;
	if (process_role(process) == PROCESS_WORKER) {
		node->counters[NODE_WORKER_RESTARTS]++;
		return;
	}
	if (process_role(process) == PROCESS_HEALTH) {
		node->counters[NODE_HEALTH_RESTARTS]++;
		return;
	}
	node->counters[NODE_KEYS_RESTARTS]++;
	if (node->control)
		control_client_keys_lost(node->control);
	if (!node->has_pin && WIFEXITED(status)) {
		log_error("identity_unusable", "state=%s fix=\"see the line before\"",
		    node->options.state);
		node_end(node, EXIT_FAILED);
	}
}

static void on_drained(void *context, struct process *process)
{
	if (process_role(process) == PROCESS_WORKER)
		lend(context, process);
}

static void on_stopped(void *context)
{
	struct node *node = context;

	ev_break(node->loop, EVBREAK_ALL);
}

static const struct supervisor_callbacks supervisor_callbacks = {
    on_started, on_ready, on_died, on_drained, on_stopped};

/* ---- what they say ---- */

static struct node *node_of(void *context)
{
	return process_context(context);
}

static int on_identity(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct node *node = node_of(context);
	char text[PIN_TEXT_BYTES];

	(void)ipc;
	if (node->has_pin)
		return 0; /* keys was started again */
	memcpy(node->pin, message->data, PIN_BYTES);
	node->has_pin = true;
	log_info("identity", "pin=%s", pin_format(node->pin, text));
	for (unsigned i = 0; i < node->workers; i++)
		start_worker(node, supervisor_process(node->supervisor, PROCESS_WORKER, i));
	control_client_start(node->control);
	return 0;
}

static int on_channel(struct ipc *ipc, void *context, struct ipc_message *message)
{
	(void)ipc;
	return control_client_take(node_of(context)->control, message);
}

static int on_event(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct keyring_event event;
	char pin[PIN_TEXT_BYTES];

	(void)ipc;
	(void)context;
	memcpy(&event, message->data, sizeof(event));
	pin_format(event.peer_pin, pin);
	if (event.cause == HANDSHAKE_FINE)
		log_limited(LOG_LEVEL_INFO, 5, "tunnel_established", "peer_pin=%s restart=%d", pin,
		    event.is_restart);
	else
		log_limited(LOG_LEVEL_WARN, 5, "handshake_failed", "peer_pin=%s cause=%s", pin,
		    handshake_cause_name(event.cause));
	return 0;
}

static int on_counters(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct node *node = node_of(context);
	struct handshake_counters counters;

	(void)ipc;
	memcpy(&counters, message->data, sizeof(counters));
	node_report_handshakes(node->report, &counters);
	return 0;
}

static void end_when_drained(struct node *node)
{
	for (unsigned i = 0; i < node->workers; i++)
		if (!node->places[i].is_drained)
			return;
	if (node->phase == NODE_DRAINING)
		node_end(node, EXIT_DONE);
}

static int on_worker_drained(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct node *node = node_of(context);

	(void)ipc;
	(void)message;
	node->places[process_index(context)].is_drained = true;
	end_when_drained(node);
	return 0;
}

static int on_worker_serving(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct node *node = node_of(context);

	(void)ipc;
	memcpy(&node->places[process_index(context)].serving, message->data,
	    sizeof(struct config_number));
	node_control_serving(node);
	return 0;
}

#define CHANNEL_RULE(type, body)                                                                   \
	{                                                                                          \
		type, sizeof(body), sizeof(struct keys_channel) + KEYS_CHANNEL_BYTES_MAX, 0, 0,    \
		    on_channel                                                                     \
	}

static const struct ipc_rule keys_rules[] = {
    {KEYS_MESSAGE_IDENTITY, sizeof(struct keys_identity), sizeof(struct keys_identity), 0, 0,
        on_identity},
    {KEYS_MESSAGE_EVENT, sizeof(struct keyring_event), sizeof(struct keyring_event), 0, 0,
        on_event},
    {KEYS_MESSAGE_COUNTERS, sizeof(struct handshake_counters), sizeof(struct handshake_counters), 0,
        0, on_counters},
    CHANNEL_RULE(KEYS_MESSAGE_CHANNEL_ESTABLISHED, struct keys_channel_established),
    CHANNEL_RULE(KEYS_MESSAGE_CHANNEL_CIPHERTEXT, struct keys_channel),
    CHANNEL_RULE(KEYS_MESSAGE_CHANNEL_PLAINTEXT, struct keys_channel),
    CHANNEL_RULE(KEYS_MESSAGE_CHANNEL_CLOSED, struct keys_channel_closed),
};

static const struct ipc_rule worker_rules[] = {
    {WORKER_MESSAGE_DRAINED, 0, 0, 0, 0, on_worker_drained},
    {WORKER_MESSAGE_FLOWS, sizeof(struct flow_outcomes), IPC_INLINE_BYTES, 0, 0,
        node_health_on_flows},
    {WORKER_MESSAGE_EXPLAINED, 1, EXPLAIN_BYTES_MAX, 0, 0, node_explain_on_told},
    {WORKER_MESSAGE_SERVING, sizeof(struct config_number), sizeof(struct config_number), 0, 0,
        on_worker_serving},
};

/* ---- main's calls ---- */

int node_children_start(struct node *node)
{
	/* Keys alone needs to know where the identity is, before its sandbox closes. */
	const char *arguments[] = {node->options.state, NULL};
	struct supervisor_config config = {
	    .loop = node->loop,
	    .program = node->program->usage.program,
	    .workers = node->workers,
	    .arguments = arguments,
	    .keys_rules = keys_rules,
	    .keys_rule_count = sizeof(keys_rules) / sizeof(keys_rules[0]),
	    .worker_rules = worker_rules,
	    .worker_rule_count = sizeof(worker_rules) / sizeof(worker_rules[0]),
	    .has_health = node->program->health_main != NULL,
	    .health_rules = node_health_rules,
	    .health_rule_count = node_health_rule_count,
	    .callbacks = &supervisor_callbacks,
	    .context = node,
	};

	return supervisor_new(&node->supervisor, &config);
}

void node_children_config(struct node *node)
{
	if (!node->supervisor)
		return;
	tell_peers(node, supervisor_process(node->supervisor, PROCESS_KEYS, 0));
	node_health_config(node);
	for (unsigned i = 0; i < node->workers; i++)
		if (node->places[i].has_settings)
			tell_config(node, supervisor_process(node->supervisor, PROCESS_WORKER, i));
}

void node_children_gone(struct node *node, const struct message_gone *gone)
{
	struct peer_gone *peers = peers_gone_take(gone, pacing_timer_now_us());

	for (unsigned i = 0; peers && i < node->workers; i++) {
		if (node->places[i].has_settings)
			tell(supervisor_process(node->supervisor, PROCESS_WORKER, i),
			    WORKER_MESSAGE_GONE, peers, gone->node_count * sizeof(*peers));
	}
	free(peers);
}

void node_children_drain(struct node *node)
{
	for (unsigned i = 0; i < node->workers; i++) {
		struct process *worker = supervisor_process(node->supervisor, PROCESS_WORKER, i);

		if (node->places[i].has_settings && process_channel(worker))
			tell(worker, WORKER_MESSAGE_DRAIN, NULL, 0);
		else /* it has no flows, and gets none */
			node->places[i].is_drained = true;
	}
	end_when_drained(node);
}

void node_children_stop(struct node *node)
{
	for (unsigned i = 0; i < node->workers; i++)
		tell(supervisor_process(node->supervisor, PROCESS_WORKER, i), WORKER_MESSAGE_STOP,
		    NULL, 0);
	supervisor_stop(node->supervisor);
}
