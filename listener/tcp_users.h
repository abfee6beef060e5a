/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Users' TCP connections: accepted from the sockets that main lent, given a flow on the lane of the
 * chosen endpoint, and relayed.  While no lane is up, or when its
 * source is denied, a connection is reset at once and counted.
 */
#ifndef LISTENER_TCP_USERS_H
#define LISTENER_TCP_USERS_H

#include "listener/listener.h"

/* Accepts from a listening socket until main takes it back, or stops accepting from it. */
int tcp_users_add_socket(
    struct listener *listener, const struct worker_socket *socket, int descriptor);
void tcp_users_remove_socket(struct listener *listener, const struct worker_socket *socket);
/* No new connections at all. */
void tcp_users_stop(struct listener *listener);
/* The user's flow, of that accelerator and port unless they are 0; false when there is none.  It looks at each. */
bool tcp_users_find(const struct listener *listener, const struct addr *from, uint32_t accelerator,
    uint16_t port, struct live_flow *found);
/*
 * Flows whose accelerator or port is gone end when the config's drain time is over; those of a source
 * that is denied now are reset at once.
 */
void tcp_users_on_config(struct listener *listener);

#endif
