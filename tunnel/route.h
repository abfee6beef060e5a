/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between which addresses a lane's packets go. The tunnel compares them and hands them back, nothing else. */
#ifndef TUNNEL_ROUTE_H
#define TUNNEL_ROUTE_H

#include "base/addr.h"

struct lane_route {
	struct addr remote; /* the peer's address and port */
	struct addr local;  /* ours, or family 0 where the system is to choose */
};

static inline bool route_equal(const struct lane_route *a, const struct lane_route *b)
{
	return addr_equal(&a->remote, &b->remote) && addr_equal(&a->local, &b->local);
}

/* But for ports, and for what the system chooses: the same path as far as round trips and rate go. */
static inline bool route_equal_ip(const struct lane_route *a, const struct lane_route *b)
{
	return addr_equal_ip(&a->remote, &b->remote)
	       && (!a->local.family || !b->local.family || addr_equal_ip(&a->local, &b->local));
}

#endif
