/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The nodes' connections to control: TLS, joining with a token, then a config down and a report up
 * each second.  Who a node is says its pin; a stranger gets one sentence.
 */
#ifndef CONTROL_NODE_SERVER_H
#define CONTROL_NODE_SERVER_H

#include "base/addr.h"
#include "control/control.h"
#include "model/messages.h"

struct node_server;

enum {
	NODE_SILENT_MS = 3000, /* without a report for so long, three of them, a node is down */
};

/* What is known of a node since control started; all zero when it has not been here. */
struct node_live {
	bool is_up;
	uint64_t last_seen_ms;     /* UNIX time */
	uint64_t state_since_ms;   /* of is_up */
	uint64_t wanted_revision;  /* of the newest config for it */
	uint64_t wanted_steady_ms; /* since when, by the clock that nobody sets */
	bool has_applied;          /* it told which config it serves by */
	uint64_t applied_revision; /* 0: none */
	uint64_t applied_since_ms;
	uint64_t applied_steady_ms; /* the same by the clock that nobody sets */
	uint64_t
	    refused_revision; /* 0: none; the newest that it refused, unless it applied a later */
	uint64_t refused_since_ms;
	char refused_reason[REASON_BYTES];
	bool is_asked; /* the wanted config was sent, and neither applied nor refused yet */
	struct config_number has; /* that it said it has, or applied; zero when it has none */
	uint64_t reported_ms;     /* UNIX time when its last report came, 0 before the first */
	uint64_t reported_steady_ms;
	struct backend_report *backends; /* of its last report; backend_count of them */
	size_t backend_count;
	struct counter *counters; /* of its last report; counter_count of them */
	size_t counter_count;
	struct machine machine; /* of its last report */
	int64_t
	    clock_ahead_ms; /* its clock less control's when the report came, with the way that it took */
};

typedef void node_server_ready_fn(struct control *control);

/*
 * Starts the keys process with that state directory, and listens for nodes; control->nodes is the
 * server from then on, also on failure (ERR_IO with errno, ERR_NOMEM).  on_ready is called once,
 * when control->pin is known.
 */
int node_server_new(struct control *control, const struct addr *local, const char *state_directory,
    node_server_ready_fn *on_ready);

/* Ends all connections.  Takes NULL. */
void node_server_free(struct node_server *server);

/* Compiles and pushes what changed, to each node that it concerns, and closes those removed. */
void node_server_push(struct node_server *server, uint32_t drain_s);

struct node_server_figures {
	pid_t keys_pid; /* 0 while that process is down */
	unsigned keys_restarts;
	uint64_t connections_dropped; /* before they were trusted */
	uint64_t denied;              /* nodes and tokens that were turned away */
};

/* All zero for a server that is NULL. */
struct node_server_figures node_server_figures(const struct node_server *server);

/*
 * The newest config that a node of this control said it has; zero without any.  One that is newer
 * than control's own was made by a later state of its database.
 */
struct config_number node_server_newest(const struct node_server *server);

/* Control's number has become another: all nodes connect anew, and get their configs by it. */
void node_server_renumber(struct node_server *server);

/* To one node; what cannot be sent, as it is not connected, is lost. */
void node_server_send(
    const struct node_server *server, uint32_t node_id, const struct message *message);

/* By node id; never NULL. */
const struct node_live *node_server_live(const struct node_server *server, uint32_t node_id);

#endif
