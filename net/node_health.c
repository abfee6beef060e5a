/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See node_health.h. */
#include "net/node_health.h"

#include "base/err.h"
#include "base/log.h"
#include "net/backend_states.h"
#include "net/node_private.h"
#include "net/pacing_timer.h"

#include <stdlib.h>
#include <string.h>

int node_health_open(struct node *node)
{
	if (!node->program->health_main)
		return 0;
	node->backends = backend_states_new();
	return node->backends ? 0 : ERR_NOMEM;
}

void node_health_close(struct node *node)
{
	backend_states_free(node->backends);
	node->backends = NULL;
}

static void tell(struct process *process, uint16_t type, const void *data, size_t length)
{
	struct ipc *channel = process_channel(process);

	if (channel && ipc_send(channel, type, data, length) < 0)
		process_kill(process);
}

static void tell_all(struct node *node, struct process *process, uint16_t type)
{
	size_t count;
	struct backend_health *all = backend_states_all(node->backends, &count);

	if (all)
		tell(process, type, all, count * sizeof(*all));
	free(all);
}

/* The config as far as checks need it: this process talks to strangers, and gets no key. */
static int save_stripped(const struct node_config *config, char **text, size_t *length)
{
	struct node_config stripped = *config;
	struct config_accelerator *accelerators =
	    calloc(config->accelerator_count + 1, sizeof(*accelerators));
	int result;

	if (!accelerators)
		return ERR_NOMEM;
	for (size_t i = 0; i < config->accelerator_count; i++) {
		accelerators[i] = config->accelerators[i];
		accelerators[i].listeners = NULL;
		accelerators[i].listener_count = 0;
	}
	stripped.accelerators = accelerators;
	stripped.peers = NULL;
	stripped.peer_count = 0;
	stripped.seed = 0;
	result = node_config_save(&stripped, text, length);
	free(accelerators);
	return result;
}

static void tell_config(struct node *node, struct process *health)
{
	char *text;
	size_t length;

	if (!node->has_config)
		return;
	if (save_stripped(&node->config, &text, &length) < 0) {
		process_kill(health);
		return;
	}
	tell(health, HEALTH_MESSAGE_CONFIG, text, length);
	free(text);
}

void node_health_started(struct node *node, struct process *health)
{
	struct health_settings settings = {.source_count = (uint32_t)node->options.source_count};

	memcpy(settings.sources, node->sources, node->options.source_count * sizeof(struct addr));
	tell(health, HEALTH_MESSAGE_SETTINGS, &settings, sizeof(settings));
	tell_all(node, health, HEALTH_MESSAGE_STATES);
	tell_config(node, health);
}

void node_health_config(struct node *node)
{
	struct process *health = supervisor_process(node->supervisor, PROCESS_HEALTH, 0);

	if (!health)
		return;
	backend_states_keep(node->backends, &node->config);
	tell_config(node, health);
}

void node_health_tell_worker(struct node *node, struct process *worker)
{
	if (node->backends)
		tell_all(node, worker, WORKER_MESSAGE_HEALTH);
}

/* ---- to control ---- */

static void fill_report(
    struct backend_report *to, const struct backend_health *from, uint64_t now_us, uint64_t now_ms)
{
	*to = (struct backend_report){
	    .accelerator = from->backend.accelerator,
	    .port = from->backend.port,
	    .state = (enum health_state)from->state,
	    .cause = (enum health_cause)from->cause,
	    .since_ms = now_ms - (now_us - from->since_us) / 1000,
	};
	memcpy(to->host, from->backend.host, sizeof(to->host) - 1);
	if (from->address.family)
		addr_format_ip(&from->address, to->address, sizeof(to->address));
}

void node_health_report(const struct node *node, struct message_report *report)
{
	size_t count = 0;
	struct backend_health *all =
	    node->backends ? backend_states_all(node->backends, &count) : NULL;
	uint64_t now_us = pacing_timer_now_us(), now_ms = (uint64_t)(ev_time() * 1000);

	if (count > BACKEND_REPORTS_MAX)
		count = BACKEND_REPORTS_MAX;
	report->backends = all ? calloc(count, sizeof(*report->backends)) : NULL;
	report->backend_count = report->backends ? count : 0;
	for (size_t i = 0; i < report->backend_count; i++)
		fill_report(&report->backends[i], &all[i], now_us, now_ms);
	free(all);
}

/* ---- from the health process ---- */

static void log_change(const struct node *node, const struct backend_health *change)
{
	const struct config_accelerator *accelerator =
	    node_config_accelerator(&node->config, change->backend.accelerator);
	char text[ADDR_TEXT_BYTES];

	if (change->is_gone || !accelerator
	    || !memchr(change->backend.host, '\0', sizeof(change->backend.host)))
		return;
	log_limited(change->state == HEALTH_UNHEALTHY ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, 20,
	    "backend_health", "accelerator=%s backend=%s port=%u address=%s state=%s cause=%s",
	    accelerator->name, change->backend.host, change->backend.port,
	    addr_format_ip(&change->address, text, sizeof(text)),
	    health_state_text((enum health_state)change->state),
	    health_cause_text((enum health_cause)change->cause));
}

static int on_states(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct node *node = process_context(context);
	const struct backend_health *changes = (const void *)message->data;
	size_t count = message->length_bytes / sizeof(*changes);

	(void)ipc;
	if (message->length_bytes % sizeof(*changes) || !node->has_config)
		return ERR_MALFORMED;
	for (size_t i = 0; i < count; i++)
		log_change(node, &changes[i]);
	if (backend_states_take(node->backends, &node->config, changes, count) < 0)
		log_limited(
		    LOG_LEVEL_ERROR, 1, "backend_health_lost", "error=\"%s\"", err_text(ERR_NOMEM));
	for (unsigned i = 0; i < node->workers; i++)
		if (node->places[i].has_settings)
			tell(supervisor_process(node->supervisor, PROCESS_WORKER, i),
			    WORKER_MESSAGE_HEALTH, message->data, message->length_bytes);
	return 0;
}

int node_health_on_flows(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct node *node = process_context(context);
	struct process *health = supervisor_process(node->supervisor, PROCESS_HEALTH, 0);
	struct ipc *channel = health ? process_channel(health) : NULL;

	(void)ipc;
	if (message->length_bytes % sizeof(struct flow_outcomes))
		return ERR_MALFORMED;
	/* What it cannot take now is lost: it is a sample. */
	if (channel)
		ipc_send(channel, HEALTH_MESSAGE_FLOWS, message->data, message->length_bytes);
	return 0;
}

const struct ipc_rule node_health_rules[] = {
    {HEALTH_MESSAGE_STATES, sizeof(struct backend_health), IPC_MESSAGE_BYTES, 0, 0, on_states},
};
const size_t node_health_rule_count = sizeof(node_health_rules) / sizeof(node_health_rules[0]);
