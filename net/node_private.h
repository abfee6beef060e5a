/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The main process's own struct, shared by node*.c alone. */
#ifndef NET_NODE_PRIVATE_H
#define NET_NODE_PRIVATE_H

#include "net/control_client.h"
#include "net/daemon.h"
#include "net/node.h"
#include "net/node_explain.h"
#include "net/node_report.h"
#include "net/node_store.h"
#include "net/page.h"
#include "net/supervisor.h"
#include "net/tunnel_sockets.h"
#include "net/worker_messages.h"
#include "tunnel/parameters.h"

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

/* What goes to control beside the workers' pages. */
enum node_counter {
	NODE_WORKER_RESTARTS,
	NODE_KEYS_RESTARTS,
	NODE_HEALTH_RESTARTS,
	NODE_CONFIGS_APPLIED,
	NODE_CONFIGS_REFUSED,
	NODE_CONTROL_CONNECTIONS,
	NODE_COUNTER_COUNT,
};

enum node_phase {
	NODE_SERVING,
	NODE_DRAINING, /* SIGTERM came: workers take nothing new */
	NODE_ENDING,   /* the children are being stopped */
};

struct node_admin;
struct tunnel_totals;

struct node_place {                   /* of one worker */
	int page_writer, page_reader; /* descriptors */
	const struct page *page;
	bool has_settings; /* this process of it got all that it needs */
	bool is_drained;
	struct config_number told, serving; /* of the config that it got, and that it serves by */
};

/* `config` is what is in force, with config_text its saved form, while has_config. */
struct node {
	const struct node_program *program;
	struct node_options options;
	struct ev_loop *loop;
	int lock;
	unsigned workers;
	char name[NAME_BYTES]; /* wanted, then control's answer */
	struct addr sources[WORKER_SOURCES_MAX];
	char user_congestion[USER_CONGESTION_BYTES];
	struct tunnel_parameters parameters;     /* ours; the instance is new at each start */
	uint8_t count_key[KEYED_HASH_KEY_BYTES]; /* of the workers' counts by source */

	struct tunnel_sockets tunnel;
	struct node_place places[NODE_WORKERS_MAX];
	void *role_state;
	struct supervisor *supervisor;
	uint8_t pin[PIN_BYTES]; /* our own, once keys told it */
	bool has_pin;

	struct control_client *control;
	struct enrolment enrolment;
	bool is_enrolled;
	bool was_open; /* the connection to control, as the log has it */
	bool was_denied;
	char last_why[REASON_BYTES];
	uint8_t secret[JOIN_SECRET_BYTES]; /* of the token; zero once it was used */

	struct node_config config;
	char *config_text;
	size_t config_length;
	bool has_config;
	bool is_config_waiting;      /* the saved one could not be opened yet */
	struct config_number newest; /* none lower is taken */
	struct config_number sent;   /* by control, the newest, whatever became of it */
	bool owes_answer; /* control is to be told when all workers serve by the config */

	struct backend_states *backends; /* NULL where there is no health process */

	struct node_report *report;
	struct tunnel_totals *totals;
	struct node_admin *admin; /* NULL without --admin */
	struct node_explain *explain;
	uint64_t counters[NODE_COUNTER_COUNT];
	enum node_phase phase;
	int exit_status;
	ev_timer second, drain;
	struct daemon_signals signals;
	struct daemon_watchdog watchdog;
	bool is_ready;
};

/* ---- node.c ---- */

/* Ends the daemon with that status; the children's lanes say goodbye. */
void node_end(struct node *node, int exit_status);

/* ---- node_children.c: what keys and workers are told ---- */

int node_children_start(struct node *node);
/* The config in force changed, with its sockets. */
void node_children_config(struct node *node);
void node_children_drain(struct node *node);
/* Control said who is gone. */
void node_children_gone(struct node *node, const struct message_gone *gone);
void node_children_stop(struct node *node);

/* ---- node_apply.c: from one config to the next ---- */

/* The saved config, at start. Negative when the file is there and cannot be used (logged). */
int node_apply_saved(struct node *node);
/* Each second: a saved config whose sockets could not be opened is tried again. */
void node_apply_retry(struct node *node);
/*
 * Makes it the one in force: opens its sockets, saves it, tells the children.  Takes what config
 * owns. On failure *reason says why and all is as before.
 */
int node_apply(struct node *node, struct node_config *config, char reason[REASON_BYTES]);
/* Is it the one in force? */
bool node_apply_is_known(const struct node *node, const struct node_config *config);
void node_apply_clear(struct node *node);

/* ---- node_control.c: what node and control say to each other ---- */

/* From the state directory or the token. Negative (logged) when there is neither. */
int node_control_open(struct node *node);
/* What cannot be sent is logged. */
void node_control_send(struct node *node, const struct message *message);
/* Each second. */
void node_control_report(struct node *node);
/* A worker serves by another config now. */
void node_control_serving(struct node *node);

#endif
