/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A node's tunnel port: one UDP socket a worker, all of one SO_REUSEPORT group that is steered by
 * the slot in the connection id (net/steer.h).  Main opens them in the order of the slots, keeps
 * them for its life and lends each to its worker, so that a worker that starts again finds what
 * waits in it.
 */
#ifndef NET_TUNNEL_SOCKETS_H
#define NET_TUNNEL_SOCKETS_H

#include "base/addr.h"
#include "model/limits.h"

struct tunnel_sockets {
	struct addr local; /* with the port that was given */
	unsigned count;
	int descriptors[SLOTS_MAX];
};

/*
 * `wanted` may have port 0; [::] takes IPv4 too.  Family 0 stands for any address of both families
 * with that port, IPv4 alone where there is no IPv6.  0, or ERR_IO with errno.
 */
int tunnel_sockets_open(struct tunnel_sockets *sockets, const struct addr *wanted, unsigned count);

void tunnel_sockets_close(struct tunnel_sockets *sockets);

#endif
