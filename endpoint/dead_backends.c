/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See dead_backends.h. */
#include "endpoint/dead_backends.h"

#include "endpoint/endpoint.h"
#include "endpoint/tcp_flows.h"
#include "endpoint/udp_flows.h"

#include <stdlib.h>
#include <string.h>

enum { LOOK_US = 1000000, SOON_US = 100000 };

static bool seems_dead(const struct backend_health *health)
{
	return health->cause == HEALTH_CAUSE_SILENT || health->cause == HEALTH_CAUSE_REFUSED
	       || health->cause == HEALTH_CAUSE_UNREACHABLE;
}

static struct dead_key key_of(uint32_t accelerator, uint64_t backend_id, const struct addr *address)
{
	struct dead_key key;

	memset(&key, 0, sizeof(key));
	key.backend_id = backend_id;
	key.accelerator = accelerator;
	key.address.family = address->family;
	memcpy(key.address.ip, address->ip, address->family == 4 ? 4 : sizeof(address->ip));
	return key;
}

const struct dead_backend *dead_backends_find(const struct dead_backend *table,
    uint32_t accelerator, uint64_t backend_id, const struct addr *address)
{
	struct dead_key key = key_of(accelerator, backend_id, address);
	const struct dead_backend *dead;

	HASH_FIND(hh, table, &key, sizeof(key), dead);
	return dead;
}

/* Another address of the same backend serves, or new flows would not get it. */
static bool has_another(const struct endpoint *endpoint,
    const struct config_accelerator *accelerator, const struct backend_health *health,
    uint64_t backend_id)
{
	uint64_t unusable = endpoint_unusable(endpoint, accelerator);

	if (backend_states_sum(endpoint->backends, &health->backend) != HEALTH_UNHEALTHY)
		return true;
	for (size_t i = 0; i < accelerator->backend_count; i++)
		if (endpoint_backend_id(&accelerator->backends[i]) == backend_id)
			return unusable >> i & 1;
	return true;
}

/* Without memory it waits for the next look. */
static void add(const struct endpoint *endpoint, struct dead_backend **table,
    const struct backend_health *health)
{
	const struct config_accelerator *accelerator =
	    endpoint_accelerator(endpoint, health->backend.accelerator);
	struct backend backend = {.port = health->backend.port};
	struct dead_backend *dead;

	if (!accelerator || !(dead = calloc(1, sizeof(*dead))))
		return;
	memcpy(backend.host, health->backend.host, sizeof(backend.host));
	dead->key = key_of(accelerator->id, endpoint_backend_id(&backend), &health->address);
	dead->quiet_us =
	    (uint64_t)accelerator->health.fall * accelerator->health.interval_ms * 1000;
	dead->leaves_tcp = seems_dead(health);
	dead->moves_udp = accelerator->failover.udp_failover == UDP_FAILOVER_ON
	                  && has_another(endpoint, accelerator, health, dead->key.backend_id);
	HASH_ADD(hh, *table, key, sizeof(dead->key), dead);
	if (!TABLE_HAS(dead))
		free(dead);
}

static void clear(struct dead_backend *table)
{
	struct dead_backend *dead, *next;

	HASH_ITER (hh, table, dead, next) {
		HASH_DEL(table, dead);
		free(dead);
	}
}

static void look(struct dead_backends *dead)
{
	struct endpoint *endpoint = dead->endpoint;
	struct dead_backend *table = NULL;
	size_t count;
	struct backend_health *all = backend_states_all(endpoint->backends, &count);
	bool is_any = false;

	for (size_t i = 0; i < count; i++) {
		if (all[i].state != HEALTH_UNHEALTHY)
			continue;
		is_any = true;
		add(endpoint, &table, &all[i]);
	}
	free(all);
	if (table) {
		tcp_flows_leave(endpoint, table);
		udp_flows_leave(endpoint, table);
	}
	clear(table);
	if (is_any)
		worker_timer_set(
		    endpoint->worker, &dead->timer, worker_now_us(endpoint->worker) + LOOK_US);
}

static void on_timer(struct worker_timer *timer)
{
	struct dead_backends *dead = LIST_ENTRY(timer, struct dead_backends, timer);

	dead->is_soon = false;
	look(dead);
}

void dead_backends_changed(struct dead_backends *dead)
{
	struct worker *worker = dead->endpoint->worker;

	if (dead->is_soon)
		return;
	dead->is_soon = true;
	worker_timer_set(worker, &dead->timer, worker_now_us(worker) + SOON_US);
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
