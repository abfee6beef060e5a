/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The child's side of being one process of a daemon: who it is, its channel to main, and the two
 * messages that every child knows.  Children are made by net/supervisor.h as fork and exec of the
 * same binary with hidden arguments, so that no secret of main is in their memory:
 *
 *     trunkline-listener: worker 0 --role worker --index 0 -- ARGUMENTS OF THE DAEMON'S OWN
 *
 * A child ends when its channel to main does (on_closed), and is killed when main dies.
 */
#ifndef NET_PROCESS_H
#define NET_PROCESS_H

#include "net/ipc.h"

#include <stdbool.h>
#include <stdint.h>

enum process_role { PROCESS_MAIN, PROCESS_KEYS, PROCESS_WORKER, PROCESS_HEALTH };

enum { PROCESS_CHANNEL_DESCRIPTOR = 3 };

/* Types of messages between main and its children; a daemon's own begin at PROCESS_MESSAGE_OWN. */
enum {
	PROCESS_MESSAGE_READY = 1, /* child to main: set up, in its sandbox; no payload */
	PROCESS_MESSAGE_PEER =
	    2, /* main to child: struct process_peer and a channel's descriptor */
	PROCESS_MESSAGE_OWN = 16,
};

/* The payload of PROCESS_MESSAGE_PEER: who is at the other end of the descriptor. */
struct process_peer {
	uint32_t role; /* enum process_role */
	uint32_t index;
};

/* For the child's table: {PROCESS_MESSAGE_PEER, PROCESS_PEER_RULE, on_peer} */
#define PROCESS_PEER_RULE sizeof(struct process_peer), sizeof(struct process_peer), 1, 1

struct process_start {
	enum process_role role;
	unsigned index;     /* of the worker, else 0 */
	char name[32];      /* "worker-0", "keys", "health" */
	int argument_count; /* what follows "--" */
	char **arguments;
};

/* "main", "keys", "worker", "health" */
const char *process_role_name(enum process_role role);

/*
 * True when the command line is a child's; fills *start, names the process in ps and starts its log,
 * ignores SIGINT, SIGTERM, SIGHUP and SIGPIPE (main decides when to end).  Call it first in main().
 * When the hidden arguments are there but not from a supervisor, *start has PROCESS_MAIN: usage.
 */
bool process_is_child(int argc, char **argv, struct process_start *start);

/*
 * Decodes PROCESS_MESSAGE_PEER and takes its descriptor, which the caller hands to ipc_new().
 * A new channel to the same peer replaces the old one: the peer was started again.
 * 0 or ERR_MALFORMED.
 */
int process_peer_take(struct ipc_message *message, struct process_peer *peer, int *descriptor);

#endif
