/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What becomes of flows whose backend turned unhealthy.  A TCP flow to one that seems dead (silent, refused,
 * unreachable) and from which nothing came while that was found out is reset, never left hanging; a UDP flow that it does
 * not answer goes on at another backend, where the accelerator says so.  Flows that it still serves
 * stay.  Looked at once a second while there are such backends.
 */
#ifndef ENDPOINT_DEAD_BACKENDS_H
#define ENDPOINT_DEAD_BACKENDS_H

#include "net/health_messages.h"
#include "net/worker.h"

struct endpoint;

/* A backend's address that has failed, and how long it must have been silent to its flows to be left. */
struct dead_backend {
	const struct backend_health *health;
	uint64_t backend_id;
	uint64_t quiet_us;
};

struct dead_backends {
	struct endpoint *endpoint;
	struct worker_timer timer;
};

void dead_backends_init(struct dead_backends *dead, struct endpoint *endpoint);
void dead_backends_stop(struct dead_backends *dead);
/* Their health changed: looks at all flows of those that are unhealthy, now and each second. */
void dead_backends_look(struct dead_backends *dead);

#endif
