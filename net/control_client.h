/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A node's connection to control: TCP to one of control's addresses, TLS by the keys process
 * (net/keys_messages.h) with control's pin expected, frames of JSON (net/channel.h).  It comes
 * back by itself, after 100 ms doubled to 5 s with jitter, and tries the addresses in turn.
 * What is said over it is the caller's affair.
 */
#ifndef NET_CONTROL_CLIENT_H
#define NET_CONTROL_CLIENT_H

#include "base/pin.h"
#include "model/join_token.h"
#include "model/messages.h"
#include "net/ipc.h"

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct control_client;

struct control_client_callbacks {
	/* TLS is up and control has the right pin: say hello. */
	void (*on_open)(void *context);
	/* The message's parts may be taken out of it; what is left is cleared after.  It may stop. */
	void (*on_message)(void *context, struct message *message);
	/*
	 * It could not be opened, or was open and is not any more; it tries again by itself.
	 * ERR_AUTH: who answered has another key.  `why` is words for the log.  It may stop.
	 */
	void (*on_closed)(void *context, int reason, const char *why);
};

struct control_client_config {
	struct ev_loop *loop;
	const char (*addresses)[NAME_BYTES]; /* "ADDR:PORT" or "NAME:PORT", copied */
	size_t address_count;                /* 1 to JOIN_ADDRESSES_MAX */
	uint8_t pin[PIN_BYTES];              /* control's */
	/* The channel to the keys process now, NULL while it is down. */
	struct ipc *(*keys_channel)(void *context);
	const struct control_client_callbacks *callbacks;
	void *context;
};

/* 0, ERR_NOMEM or ERR_IO.  Nothing happens before control_client_start(). */
int control_client_new(struct control_client **client, const struct control_client_config *config);
/* Takes NULL. */
void control_client_free(struct control_client *client);

/* Connects at once; keys must be ready for channels. */
void control_client_start(struct control_client *client);
/* Ends the connection; no more callbacks. */
void control_client_stop(struct control_client *client);

bool control_client_is_open(const struct control_client *client);

/* 0, ERR_STATE while it is not open, or what message_encode() or the keys' channel gave. */
int control_client_send(struct control_client *client, const struct message *message);

/*
 * What the keys process says of channels; lines for main's table of rules.  The context of those
 * handlers is the supervisor's process, and process_context() of it the owner: the handler there
 * hands the message here.
 */
int control_client_take(struct control_client *client, struct ipc_message *message);
/* The keys process died: the connection is gone with it. */
void control_client_keys_lost(struct control_client *client);

#endif
