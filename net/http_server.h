/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An HTTP server in libev: libmicrohttpd's connections on one listening socket, each request under a
 * clock of ours.  libmicrohttpd's own measures silence alone: who sends a byte now and then would stay.
 * What is asked and answered is the owner's affair.
 */
#ifndef NET_HTTP_SERVER_H
#define NET_HTTP_SERVER_H

#include "base/list.h"

#include <ev.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A connection, from when it was accepted; may be the first member of a larger struct. */
struct http_peer {
	struct list_node node;
	struct MHD_Connection *connection;
	int descriptor;
	uint64_t due_ms;   /* by http_server_now_ms(); when its request must be over */
	bool is_answering; /* its request is whole: set by the owner */
};

struct http_server_callbacks {
	/* As libmicrohttpd has them; their context is the owner's.  completed may be NULL. */
	MHD_AccessHandlerCallback request;
	MHD_RequestCompletedCallback completed;
	/* A new connection: may it stay?  May be NULL. */
	bool (*admit)(void *context, struct http_peer *peer);
	/* Its request was not whole in time, and it will be closed.  May be NULL. */
	void (*too_slow)(void *context, struct http_peer *peer);
};

struct http_server_config {
	struct ev_loop *loop;
	int descriptor; /* that listens; it is the server's once that was started */
	unsigned flags; /* of libmicrohttpd, beside those that the loop needs */
	unsigned connections_max;
	unsigned idle_s;         /* of silence */
	uint64_t request_ms;     /* from the connection, or the last answer, to the answer's end */
	size_t header_bytes_max; /* and the buffers of a connection */
	size_t peer_bytes;       /* of the struct that begins with struct http_peer */
	struct MHD_OptionItem *options; /* more of them, ended by MHD_OPTION_END; or NULL */
	const struct http_server_callbacks *callbacks;
	void *context;
};

struct http_server {
	struct MHD_Daemon *daemon; /* NULL: not started */
	struct ev_loop *loop;
	ev_io readable;
	ev_timer due, check;
	struct list_node peers; /* of struct http_peer */
	uint64_t request_ms;
	size_t peer_bytes;
	const struct http_server_callbacks *callbacks;
	void *context;
};

/* 0; or ERR_IO, and the descriptor is still the caller's. */
int http_server_start(struct http_server *server, const struct http_server_config *config);

/* Ends all connections; none of them may be suspended.  For one that was not started, too. */
void http_server_stop(struct http_server *server);

/* Lets libmicrohttpd do, at the loop's next turn, what is to be done: after MHD_resume_connection(). */
void http_server_wake(struct http_server *server);

/* NULL when there was no memory for it. */
struct http_peer *http_peer_of(struct MHD_Connection *connection);

/* Milliseconds of a clock that does not go back. */
uint64_t http_server_now_ms(void);

#endif
