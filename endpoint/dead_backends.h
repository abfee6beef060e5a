/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What becomes of flows whose backend turned unhealthy.  A TCP flow to one that seems dead (silent, refused,
 * unreachable) and from which nothing came while that was found out is reset, never left hanging; a UDP flow that it does
 * not answer goes on at another backend, where the accelerator says so.  Flows that it still serves
 * stay.  All flows are looked at together, soon after news and then once a second while there are such backends.
 */
#ifndef ENDPOINT_DEAD_BACKENDS_H
#define ENDPOINT_DEAD_BACKENDS_H

#include "base/table.h"
#include "net/health_messages.h"
#include "net/worker.h"

struct endpoint;

/* Zeroed before it is filled; the address without port and scope. */
struct dead_key {
	uint64_t backend_id, accelerator;
	struct addr address;
};

/* A backend's address that has failed, and how long it must have been silent to its flows to be left. */
struct dead_backend {
	struct dead_key key;
	uint64_t quiet_us;
	bool leaves_tcp, moves_udp;
	UT_hash_handle hh;
};

struct dead_backends {
	struct endpoint *endpoint;
	struct worker_timer timer;
	bool is_soon; /* the timer is set for news */
};

void dead_backends_init(struct dead_backends *dead, struct endpoint *endpoint);
void dead_backends_stop(struct dead_backends *dead);
/* Their health changed: looks soon, once for all that changes until then. */
void dead_backends_changed(struct dead_backends *dead);

/* Is that address of the backend in the table? NULL when it is not. */
const struct dead_backend *dead_backends_find(const struct dead_backend *table,
    uint32_t accelerator, uint64_t backend_id, const struct addr *address);

#endif
