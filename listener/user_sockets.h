/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Main's side of the sockets that users reach: what a config asks for is each bind address with
 * each port and protocol, once for every worker (SO_REUSEPORT); in ranges above
 * USER_SOCKETS_SHARED_PORTS each port belongs to one worker, port mod n.  Main keeps them open and
 * lends them; while the config says that the node drains there are none for TCP.  A worker that starts again so loses no port.  A new config opens and closes only
 * what differs.
 */
#ifndef LISTENER_USER_SOCKETS_H
#define LISTENER_USER_SOCKETS_H

#include "base/addr.h"
#include "model/node_config.h"
#include "net/ipc.h"

enum {
	USER_SOCKETS_SHARED_PORTS = 64,
	USER_SOCKETS_BUFFER_BYTES = 4 * 1024 * 1024, /* of one for UDP; what the system grants */
};

struct user_sockets;

/* The binds, whose ports do not count, are copied. NULL without memory. */
struct user_sockets *user_sockets_new(
    const struct addr *binds, size_t bind_count, unsigned workers);
/* Closes main's descriptors. Takes NULL. */
void user_sockets_free(struct user_sockets *sockets);

/*
 * Opens what the config has and the one before had not.  When a socket cannot be opened: a
 * negative error, *reason says which and why, and everything is as before.  After 0 either
 * commit or abandon follows.
 */
int user_sockets_prepare(
    struct user_sockets *sockets, const struct node_config *config, char reason[REASON_BYTES]);
/* Closes what the config no longer has; user_sockets_lend() then tells the workers. */
void user_sockets_commit(struct user_sockets *sockets);
void user_sockets_abandon(struct user_sockets *sockets);

/*
 * Sends a worker what it does not know yet (WORKER_MESSAGE_SOCKET).  ERR_AGAIN when the channel is
 * full: call again when it has drained.
 */
int user_sockets_lend(struct user_sockets *sockets, unsigned worker, struct ipc *channel);
/* A new process has the worker's place: it knows nothing. */
void user_sockets_worker_started(struct user_sockets *sockets, unsigned worker);

/* Closes main's descriptors, so that nobody waits in a backlog that nobody serves. */
void user_sockets_close(struct user_sockets *sockets);

/* Sockets that are open. */
size_t user_sockets_count(const struct user_sockets *sockets);

#endif
