/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCP sockets: listening, accepting in bounded batches, connecting without blocking.  A flow's
 * socket resets on close (SO_LINGER {1, 0}, socket(7)) until tcp_allow_fin(), so that a killed
 * worker resets its flows and no user takes a cut download for a whole one.
 * It reads and writes nothing.
 */
#ifndef NET_TCP_H
#define NET_TCP_H

#include "base/addr.h"

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

enum { TCP_ACCEPT_BATCH = 64, TCP_UNSENT_BYTES = 128 * 1024 };

/*
 * A listening socket, non-blocking and close-on-exec; IPv6 takes no IPv4.  What it accepts is set
 * up as by tcp_prepare().  0 or ERR_IO with errno (EADDRINUSE, EACCES, EADDRNOTAVAIL, ...).
 */
int tcp_listen(const struct addr *local, bool reuse_port, int *descriptor);

/* TCP_NODELAY, keepalive, reset on close. */
void tcp_prepare(int descriptor);

/*
 * For a leg outside of the tunnel, or a listening socket whose accepted ones inherit it: what is not
 * sent yet stays at TCP_UNSENT_BYTES, so that the rest waits in the lane, whose window tells the
 * far side; and the kernel's congestion control of that name ("": the system's), if it has it.
 */
void tcp_tune_user(int descriptor, const char *congestion);

/* How long ago anything came on it, data or an acknowledgement; 0 when the kernel does not say. */
uint64_t tcp_silent_us(int descriptor);

/* From now on close() sends a FIN: both directions' FINs were carried, or it is no flow. */
void tcp_allow_fin(int descriptor);

/*
 * Begins to connect, from `source` unless that is NULL or has family 0 (its port 0 is any).
 * 0 when connected at once; ERR_AGAIN when tcp_connect_result() is to be asked once it is
 * writable; else *descriptor is -1 and it is ERR_REFUSED, ERR_UNREACHABLE, ERR_LIMIT (no port or
 * descriptor left) or ERR_IO.  The socket is set up as by tcp_prepare().
 */
int tcp_connect(const struct addr *remote, const struct addr *source, int *descriptor);

/* 0; or ERR_REFUSED, ERR_UNREACHABLE, ERR_TIMEOUT or ERR_IO. */
int tcp_connect_result(int descriptor);

/*
 * What a process's acceptors share: how many descriptors may be connections', and one that is given
 * up to be able to accept, and so reset, when the system has no other.
 */
struct tcp_reserve {
	int descriptor;
	size_t limit; /* of net/descriptors.h */
};

/* ERR_IO when there is none already. */
int tcp_reserve_init(struct tcp_reserve *reserve);
void tcp_reserve_close(struct tcp_reserve *reserve);

struct tcp_acceptor;

struct tcp_acceptor_callbacks {
	/* A new connection, the callee's to close.  local is the address that the user asked for. */
	void (*on_accept)(struct tcp_acceptor *acceptor, int descriptor, const struct addr *user,
	    const struct addr *local);
	/* A connection was reset, or waits, for want of descriptors or memory. */
	void (*on_shortage)(struct tcp_acceptor *acceptor);
};

/* Part of its owner's struct.  on_accept may close it. */
struct tcp_acceptor {
	struct ev_loop *loop; /* NULL when closed */
	int descriptor;
	struct addr local;
	const struct tcp_acceptor_callbacks *callbacks;
	void *context;
	struct tcp_reserve *reserve;
	ev_io readable;
	ev_timer pause;
};

/*
 * Takes over a listening socket.  reserve is shared by a process's acceptors and outlives them.
 * 0 or ERR_IO (then the descriptor was not taken).
 */
int tcp_acceptor_init(struct tcp_acceptor *acceptor, struct ev_loop *loop, int descriptor,
    struct tcp_reserve *reserve, const struct tcp_acceptor_callbacks *callbacks, void *context);

/* Stops and closes its descriptor; connections in the backlog are lost if it is the last one. */
void tcp_acceptor_close(struct tcp_acceptor *acceptor);

#endif
