/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What main and an endpoint's health process say to each other (net/ipc.h), in this order: SETTINGS,
 * STATES that are known from a predecessor, CONFIG; then CONFIG at each change, STATES of backends
 * whenever some changed, and FLOWS as workers counted them.
 */
#ifndef NET_HEALTH_MESSAGES_H
#define NET_HEALTH_MESSAGES_H

#include "base/addr.h"
#include "net/process.h"
#include "net/worker_messages.h"

#include <stdint.h>

enum health_message {
	HEALTH_MESSAGE_SETTINGS = PROCESS_MESSAGE_OWN, /* struct health_settings */
	HEALTH_MESSAGE_CONFIG, /* node_config_save()'s text, without peers and what is secret */
	HEALTH_MESSAGE_FLOWS,  /* struct flow_outcomes, any number of them, as a worker told them */
	HEALTH_MESSAGE_STATES, /* either way: struct backend_health, any number of them */
};

struct health_settings {
	uint32_t source_count;
	struct addr sources[WORKER_SOURCES_MAX]; /* --source, port 0 */
};

/* A backend of an accelerator, as the config names it.  All bytes behind host's end are zero: it is a key. */
struct backend_key {
	uint32_t accelerator;
	uint16_t port; /* as configured, 0 for the user's */
	uint16_t zero;
	char host[ADDR_HOST_BYTES];
};

/* What is known of one address of a backend. */
struct backend_health {
	struct backend_key backend;
	struct addr address; /* port 0; family 0: the name has no address */
	uint32_t state;      /* enum health_state */
	uint32_t cause;      /* enum health_cause */
	uint32_t is_gone;    /* 1: forget this address */
	uint32_t has_returned;
	uint64_t since_us; /* of the state, monotonic */
};

/* What became of flows to one address of a backend since the last time. */
struct flow_outcomes {
	struct backend_key backend;
	struct addr address; /* its port does not count */
	uint32_t served, failed, unanswered;
};

#endif
