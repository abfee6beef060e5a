/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See health_process.h. */
#include "config.h"

#include "endpoint/health_process.h"

#include "base/err.h"
#include "base/log.h"
#include "endpoint/health_targets.h"
#include "net/health_messages.h"
#include "net/privileges.h"
#include "net/sandbox.h"

#include <stdlib.h>
#include <string.h>

struct health {
	struct ev_loop *loop;
	struct ipc *main;
	struct health_targets *targets;
	int exit_status;
};

static void on_told(void *context, const struct backend_health *changes, size_t count)
{
	struct health *health = context;

	if (ipc_send(health->main, HEALTH_MESSAGE_STATES, changes, count * sizeof(*changes)) < 0)
		ev_break(health->loop, EVBREAK_ALL); /* main starts another, which tells all anew */
}

static int on_settings(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct health *health = context;
	const struct health_settings *settings = (const void *)message->data;

	(void)ipc;
	health_targets_sources(health->targets, settings->sources, settings->source_count);
	return 0;
}

static int on_states(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct health *health = context;
	const struct backend_health *known = (const void *)message->data;

	(void)ipc;
	if (message->length_bytes % sizeof(*known))
		return ERR_MALFORMED;
	health_targets_remember(health->targets, known, message->length_bytes / sizeof(*known));
	return 0;
}

static int on_flows(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct health *health = context;
	const struct flow_outcomes *outcomes = (const void *)message->data;

	(void)ipc;
	if (message->length_bytes % sizeof(*outcomes))
		return ERR_MALFORMED;
	health_targets_flows(health->targets, outcomes, message->length_bytes / sizeof(*outcomes));
	return 0;
}

static int on_config(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct health *health = context;
	struct node_config config;
	struct model_error why;
	int error =
	    node_config_load((const char *)message->data, message->length_bytes, &config, &why);

	(void)ipc;
	if (!error)
		health_targets_config(health->targets, &config);
	return error;
}

static void on_closed(struct ipc *ipc, void *context, int reason)
{
	struct health *health = context;

	(void)ipc;
	if (reason != ERR_CLOSED) {
		log_error("health_ends", "reason=\"%s\"", err_text(reason));
		health->exit_status = EXIT_FAILURE;
	}
	ev_break(health->loop, EVBREAK_ALL);
}

static const struct ipc_rule rules[] = {
    {HEALTH_MESSAGE_SETTINGS, sizeof(struct health_settings), sizeof(struct health_settings), 0, 0,
        on_settings},
    {HEALTH_MESSAGE_STATES, sizeof(struct backend_health), IPC_MESSAGE_BYTES, 0, 0, on_states},
    {HEALTH_MESSAGE_FLOWS, sizeof(struct flow_outcomes), IPC_INLINE_BYTES, 0, 0, on_flows},
    {HEALTH_MESSAGE_CONFIG, 1, IPC_MESSAGE_BYTES, 0, 0, on_config},
};
static const struct ipc_callbacks callbacks = {.on_closed = on_closed};

static int start(struct health *health)
{
	int error = privileges_drop_child();

	health->loop = ev_default_loop(EVFLAG_NOENV);
	if (!error && !health->loop)
		error = ERR_NOMEM;
	if (!error)
		error = health_targets_new(&health->targets, health->loop, on_told, health);
	if (!error)
		error = ipc_new(&health->main, health->loop, PROCESS_CHANNEL_DESCRIPTOR, rules,
		    sizeof(rules) / sizeof(rules[0]), &callbacks, health);
	if (!error && sandbox_enter(SANDBOX_HEALTH) == ERR_IO)
		error = ERR_IO;
	return error ? error : ipc_send(health->main, PROCESS_MESSAGE_READY, NULL, 0);
}

int health_process_main(void)
{
	static struct health health;
	int error = start(&health);

	if (error) {
		log_error("health_not_started", "reason=\"%s\"", err_text(error));
		health.exit_status = EXIT_FAILURE;
	} else {
		ev_run(health.loop, 0);
	}
	health_targets_free(health.targets);
	ipc_free(health.main);
	return health.exit_status;
}
