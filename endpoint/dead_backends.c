/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See dead_backends.h. */
#include "endpoint/dead_backends.h"

#include "endpoint/endpoint.h"
#include "endpoint/tcp_flows.h"
#include "endpoint/udp_flows.h"

#include <stdlib.h>
#include <string.h>

enum { LOOK_US = 1000000 };

static bool seems_dead(const struct backend_health *health)
{
	return health->cause == HEALTH_CAUSE_SILENT || health->cause == HEALTH_CAUSE_REFUSED
	       || health->cause == HEALTH_CAUSE_UNREACHABLE;
}

static void leave(struct endpoint *endpoint, const struct backend_health *health)
{
	const struct config_accelerator *accelerator =
	    endpoint_accelerator(endpoint, health->backend.accelerator);
	struct backend backend = {.port = health->backend.port};

	if (!accelerator)
		return;
	memcpy(backend.host, health->backend.host, sizeof(backend.host));
	struct dead_backend dead = {
	    .health = health,
	    .backend_id = endpoint_backend_id(&backend),
	    .quiet_us = (uint64_t)accelerator->health.fall * accelerator->health.interval_ms * 1000,
	};
	if (seems_dead(health))
		tcp_flows_leave(endpoint, &dead);
	if (accelerator->failover.udp_failover == UDP_FAILOVER_ON)
		udp_flows_leave(endpoint, accelerator, &dead);
}

void dead_backends_look(struct dead_backends *dead)
{
	struct endpoint *endpoint = dead->endpoint;
	size_t count;
	struct backend_health *all = backend_states_all(endpoint->backends, &count);
	bool is_any = false;

	for (size_t i = 0; i < count; i++) {
		if (all[i].state != HEALTH_UNHEALTHY)
			continue;
		is_any = true;
		leave(endpoint, &all[i]);
	}
	free(all);
	if (is_any)
		worker_timer_set(
		    endpoint->worker, &dead->timer, worker_now_us(endpoint->worker) + LOOK_US);
}

static void on_timer(struct worker_timer *timer)
{
	dead_backends_look(LIST_ENTRY(timer, struct dead_backends, timer));
}

void dead_backends_init(struct dead_backends *dead, struct endpoint *endpoint)
{
	dead->endpoint = endpoint;
	worker_timer_init(&dead->timer, on_timer);
}

void dead_backends_stop(struct dead_backends *dead)
{
	worker_timer_stop(dead->endpoint->worker, &dead->timer);
}
