/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A real worker in a process of its own, in real time.  The test is its main and keys process, and the
 * node at the other end of its tunnel: a UDP socket on loopback with the door key and, once keys were
 * granted, the lane.
 *
 * The worker's role is a small one: an endpoint echoes the datagrams of its flows; a listener opens a
 * UDP flow to the far node at each WORKER_MESSAGE_SOCKET and sends one datagram.
 */
#ifndef TESTS_SUPPORT_WORKER_PROCESS_H
#define TESTS_SUPPORT_WORKER_PROCESS_H

#include "model/node_config.h"
#include "net/ipc.h"
#include "net/keys_messages.h"
#include "net/page.h"
#include "net/worker.h"
#include "net/worker_messages.h"
#include "tunnel/lane.h"
#include "tunnel/limits.h"
#include "tunnel/start.h"

#include <sys/types.h>

/* What the role was told, in memory that both processes have. */
struct role_told {
	unsigned starts, configs, sockets, drains, flows, closed_flows, datagrams, stops, healths;
	uint64_t revision;   /* of the last config */
	bool has_old;        /* on_config() had one before */
	bool fails_config;   /* the test's to set: on_config() is an error */
	uint32_t flow_count; /* the test's to set: what flow_count() adds */
	enum reason closed_with;
};

struct far_node {
	int socket;
	struct addr address;
	uint8_t pin[PIN_BYTES];
	struct door door;
	struct lane *lane; /* NULL before keys were granted */
	struct chunk_pool *pool;
	struct flow *flow; /* of the worker's flow, or ours to it */
	enum lane_state state;
	enum reason over_with;
	uint8_t packet[HANDSHAKE_PACKET_BYTES]; /* the last handshake packet that came */
	size_t packet_length;
	struct addr packet_from;
	uint8_t sent[PACKET_MAX_BYTES]; /* the last sealed packet that went */
	size_t sent_length;
	unsigned packets, sealed, datagrams, opens;
	struct start_attempt attempt; /* as a listener */
	bool is_deaf;                 /* what comes is read and forgotten, nothing is sent */
};

struct worker_process {
	struct ev_loop *loop;
	enum node_role role;
	pid_t child;
	bool is_over;
	int status; /* as of waitpid() */
	struct ipc *main, *keys;
	const struct page *page;
	struct role_told *told;
	struct addr address; /* of the tunnel socket */
	uint8_t pin[PIN_BYTES];
	uint8_t door_key[DOOR_KEY_BYTES];
	struct far_node far;
	uint64_t revision;
	bool is_traced; /* the test's to set: what configs say of the tunnel */
	bool is_ready, has_drained, is_main_closed;
	struct config_number serving; /* what it said last */
	/* What it asked of keys. */
	struct lane_request request;
	struct keys_tunnel unknown;
	unsigned requests, forwarded, unknowns;
	uint8_t packet[HANDSHAKE_PACKET_BYTES]; /* the last one forwarded */
	size_t packet_length;
	struct addr packet_from;
};

/* Once in a program. 0. */
int worker_process_init(void);
/* The process, with settings, tunnel socket, a channel to keys and a config with the far node. */
void worker_process_start(struct worker_process *process, enum node_role role);
/* Only the process and its channel to main. */
void worker_process_fork(struct worker_process *process, enum node_role role);
void worker_process_stop(struct worker_process *process);

/* The single steps of start(). */
void worker_process_send_settings(struct worker_process *process);
void worker_process_send_socket(struct worker_process *process);
/* A new channel to keys, in place of one before. */
void worker_process_connect_keys(struct worker_process *process);
/* With the far node as peer, or without; flows of a removed one may go on for drain_s. */
void worker_process_send_config(struct worker_process *process, bool has_far, uint32_t drain_s);
/* The far node is at another port from now on; configs say so. */
void far_node_move(struct worker_process *process);
void worker_process_tell(struct worker_process *process, uint16_t type);

/* Runs all sides until it is true, or fails the test after 10 s; at once when the process ended. */
#define WORKER_PROCESS_UNTIL(process, condition)                                                   \
	for (int rounds_ = 5000; !(condition); rounds_--) {                                        \
		if (rounds_ <= 0)                                                                  \
			fail_msg("not seen in time: %s", #condition);                              \
		if ((process)->is_over && rounds_ > 100)                                           \
			rounds_ = 100;                                                             \
		worker_process_round(process);                                                     \
	}
/* Up to 2 ms. */
void worker_process_round(struct worker_process *process);
void worker_process_run(struct worker_process *process, unsigned ms);
uint64_t worker_process_counted(const struct worker_process *process, enum page_value value);

/* ---- the lane's keys, as the keys processes of both nodes derive them ---- */

/* The far node's, for one start of the lane. */
struct lane_grant worker_process_far_grant(
    const struct worker_process *process, const struct lane_name *name);
/* Gives the worker its own: a listener what it asked for, an endpoint what the START said. */
void worker_process_grant(struct worker_process *process, const struct lane_name *name);

/* ---- the far node ---- */

void far_node_send(struct worker_process *process, const uint8_t *packet, size_t length);
/* To a listener's START that came: the answer, and with STARTED_NEW the lane. */
void far_node_answer_start(
    struct worker_process *process, const struct lane_name *name, enum started_status status);
/* As a listener: starts the lane, which is new or `old`; it goes on until STARTED came. */
void far_node_start(
    struct worker_process *process, const struct lane_name *name, const struct lane_name *old);
/* Reads the STARTED that came; with STARTED_NEW the lane is there. */
enum started_status far_node_read_started(
    struct worker_process *process, const struct lane_name *name);
void far_node_drop_lane(struct worker_process *process);
/* As a listener: opens a UDP flow. */
void far_node_open_flow(struct worker_process *process);
void far_node_send_datagram(struct worker_process *process, const char *text);

#endif
