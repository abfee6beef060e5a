/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whoever connects to control's port for nodes: a real TCP socket, real TLS with a key of its own,
 * frames of text.  It says what the test wants, in order or out of it.
 */
#ifndef TESTS_SUPPORT_CONTROL_PEER_H
#define TESTS_SUPPORT_CONTROL_PEER_H

#include "base/addr.h"
#include "model/messages.h"
#include "net/channel.h"
#include "net/tls_wolfssl.h"

#include <stdbool.h>

struct control_peer {
	int socket;
	struct tls_identity *identity;
	struct tls_connection *tls;
	struct channel_decoder decoder;
	unsigned frames; /* that came */
	char text[65536];
	bool is_closed; /* by control */
};

/* A key of its own, and a connection whose TLS goes on in control_peer_round(). */
void control_peer_connect(struct control_peer *peer, const struct addr *to);
/* Another connection with the same key; the one before stays with `old`. */
void control_peer_connect_again(
    struct control_peer *peer, const struct control_peer *old, const struct addr *to);
void control_peer_close(struct control_peer *peer);
/* Frees the key too, after all its connections. */
void control_peer_end(struct control_peer *peer);
/* Moves what waits in either direction. */
void control_peer_round(struct control_peer *peer);
bool control_peer_is_open(const struct control_peer *peer);
/* A frame of that text, and bytes that need be none. */
void control_peer_say(struct control_peer *peer, const char *text, size_t length);
void control_peer_write(struct control_peer *peer, const void *bytes, size_t length);
void control_peer_send(struct control_peer *peer, const struct message *message);
/* The last frame, decoded; message_clear() is the caller's. */
struct message control_peer_heard(const struct control_peer *peer);

#endif
