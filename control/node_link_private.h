/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between node_links.c (who connects, and the keys process) and node_link.c (one connection).
 * Nobody else includes this.
 */
#ifndef CONTROL_NODE_LINK_PRIVATE_H
#define CONTROL_NODE_LINK_PRIVATE_H

#include "control/node_link.h"
#include "net/channel.h"
#include "net/keys_messages.h"
#include "net/supervisor.h"
#include "net/tcp.h"

enum link_state {
	LINK_TLS,     /* the handshake runs */
	LINK_OPEN,    /* messages go both ways */
	LINK_BROKEN,  /* nothing goes any more, on_closed is due */
	LINK_CLOSING, /* what is queued goes out */
};

struct bytes_out {
	uint8_t *data;
	size_t start, end, allocated;
};

struct node_link {
	struct node_links *links;
	uint32_t id; /* of the keys process' channel */
	uint64_t age;
	enum link_state state;
	bool is_trusted;
	int descriptor;
	struct addr peer;
	uint8_t pin[PIN_BYTES];
	struct bytes_out out;
	struct channel_decoder decoder;
	ev_io readable, writable;
	ev_timer deadline;
	void *user;
};

/* Ids are index + n * KEYS_CHANNELS_MAX, so that a late message finds no later link. */
struct node_links {
	struct ev_loop *loop;
	const struct node_link_callbacks *callbacks;
	void *context;
	struct supervisor *supervisor;
	struct tcp_acceptor acceptor;
	struct tcp_reserve reserve;
	struct node_link *table[KEYS_CHANNELS_MAX];
	uint32_t generation;
	uint64_t accepted, dropped;
	size_t strangers;
	const char *arguments[3];
};

/* The channel to the keys process, NULL while it is down. */
struct ipc *links_keys_channel(const struct node_links *links);

/* Takes over the descriptor, and the place in the table; NULL without memory (then it does not). */
struct node_link *link_new(
    struct node_links *links, int place, int descriptor, const struct addr *peer);

/* Frees it, on_closed first unless it was closed by node_link_close(). */
void link_drop(struct node_link *link);

/* From the keys process: bytes for the socket, and bytes of messages.  May free the link. */
void link_take_ciphertext(struct node_link *link, const uint8_t *data, size_t length);
void link_take_plaintext(struct node_link *link, const uint8_t *data, size_t length);

#endif
