/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A node's TCP connection, as messages of text: main moves the bytes, the keys process runs TLS and
 * tells who is at the other end, and the frames are net/channel.h's.  Strangers (who have not been
 * trusted yet) are few, slow and short: the oldest one gives way to a new one.
 */
#ifndef CONTROL_NODE_LINK_H
#define CONTROL_NODE_LINK_H

#include "base/addr.h"
#include "base/pin.h"

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	LINK_STRANGERS_MAX = 64,
	LINK_STRANGER_S = 10,                  /* for TLS and hello together */
	LINK_LINGER_S = 1,                     /* for the last words of a closed one */
	LINK_OUT_BYTES_MAX = 16 * 1024 * 1024, /* ciphertext that waits for a slow node */
};

struct node_link;
struct node_links;

struct node_link_callbacks {
	/* The keys process runs, and this is control's own pin. */
	void (*on_identity)(void *context, const uint8_t pin[PIN_BYTES]);
	/* A message, NUL-terminated, valid until it returns. */
	void (*on_message)(struct node_link *link, const char *text, size_t length);
	/* The connection is gone, not by node_link_close(); link is freed after it. */
	void (*on_closed)(struct node_link *link);
};

/*
 * Starts the keys process (with the state directory, where the identity is) and listens.
 * ERR_IO with errno, ERR_NOMEM.
 */
int node_links_new(struct node_links **links, struct ev_loop *loop, const struct addr *local,
    const char *state_directory, const struct node_link_callbacks *callbacks, void *context);

/* Ends all connections, without callbacks, and the keys process.  Takes NULL. */
void node_links_free(struct node_links *links);

/* The keys process, whether it runs or not. */
struct process *node_links_keys(const struct node_links *links);

/* Connections that were dropped before they were trusted: too slow, too many, broken. */
uint64_t node_links_dropped(const struct node_links *links);

/* No more time limit, and messages up to CONTROL_MESSAGE_BYTES_MAX. */
void node_link_trust(struct node_link *link);

/* Queues a message; what cannot be queued closes the connection, and on_closed comes later. */
void node_link_send(struct node_link *link, const char *text, size_t length);

/* Sends what is queued and closes; no callback follows, and link is not to be used again. */
void node_link_close(struct node_link *link);

const uint8_t *node_link_pin(const struct node_link *link);
const struct addr *node_link_peer(const struct node_link *link);
void *node_link_context(const struct node_link *link); /* of node_links_new() */

/* The owner's own, NULL at first. */
void *node_link_user(const struct node_link *link);
void node_link_set_user(struct node_link *link, void *user);

#endif
