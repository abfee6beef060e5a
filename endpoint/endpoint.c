/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The endpoint's role of a worker: joins config, lanes, flows and backends. */
#include "endpoint/endpoint.h"

#include "base/err.h"
#include "base/keyed_hash.h"
#include "base/log.h"
#include "endpoint/explain.h"
#include "endpoint/role.h"
#include "endpoint/tcp_flows.h"
#include "endpoint/udp_flows.h"
#include "model/health_track.h"
#include "net/descriptors.h"
#include "net/flow_treatment.h"
#include "net/worker_accelerator.h"

#include <stdlib.h>
#include <string.h>

const struct config_accelerator *endpoint_accelerator(
    const struct endpoint *endpoint, uint32_t accelerator)
{
	const struct node_config *config = worker_config(endpoint->worker);

	return config ? node_config_accelerator(config, accelerator) : NULL;
}

uint64_t endpoint_backend_id(const struct backend *backend)
{
	return keyed_hash(backend->host, strlen(backend->host)) ^ backend->port;
}

static bool has_backend(const struct config_accelerator *config, uint64_t backend_id)
{
	for (size_t i = 0; i < config->backend_count; i++)
		if (endpoint_backend_id(&config->backends[i]) == backend_id)
			return true;
	return false;
}

bool endpoint_serves(const struct endpoint *endpoint, const char *peer_name, uint32_t accelerator,
    uint16_t user_port, uint64_t backend_id)
{
	const struct config_accelerator *config = endpoint_accelerator(endpoint, accelerator);

	return config && config_accelerator_allows(config, peer_name)
	       && backend_port(config->ports, config->port_count, 0, user_port) != 0
	       && (backend_id == 0 || has_backend(config, backend_id));
}

const struct addr *endpoint_source(struct endpoint *endpoint, uint8_t family)
{
	unsigned count;
	const struct addr *sources = worker_sources(endpoint->worker, &count);

	for (unsigned i = 0; i < count; i++) {
		const struct addr *source = &sources[endpoint->next_source++ % count];
		if (source->family == family)
			return source;
	}
	return NULL;
}

/* None of those with a weight is left. */
static bool is_all(const struct config_accelerator *accelerator, uint64_t unhealthy)
{
	for (size_t i = 0; i < accelerator->backend_count; i++)
		if (accelerator->backends[i].weight > 0 && !(unhealthy >> i & 1))
			return false;
	return true;
}

/* Users can make flows fail: that alone is no reason to have no backend at all. */
static uint64_t unhealthy_of(
    const struct endpoint *endpoint, const struct config_accelerator *accelerator)
{
	uint64_t unhealthy = backend_states_unhealthy(endpoint->backends, accelerator);
	uint64_t doubtful = 0;

	if (!is_all(accelerator, unhealthy))
		return unhealthy;
	for (size_t i = 0; i < accelerator->backend_count && i < GROUP_BACKENDS_MAX; i++) {
		struct backend_key key = backend_key(accelerator->id, &accelerator->backends[i]);

		if (backend_states_is_doubtful(endpoint->backends, &key))
			doubtful |= UINT64_C(1) << i;
	}
	return unhealthy & ~doubtful;
}

uint64_t endpoint_unusable(
    const struct endpoint *endpoint, const struct config_accelerator *accelerator)
{
	uint64_t unhealthy = unhealthy_of(endpoint, accelerator);
	bool fails_open = accelerator->failover.all_unhealthy == ALL_UNHEALTHY_FAIL_OPEN;

	return fails_open && is_all(accelerator, unhealthy) ? 0 : unhealthy;
}

/* Of the addresses of a backend the one that has the most of its share. */
static unsigned share_percent(const struct endpoint *endpoint, const struct backend_key *key)
{
	uint64_t now_us = worker_now_us(endpoint->worker);
	unsigned most = 0;
	size_t count;
	const struct backend_health *addresses = backend_states_of(endpoint->backends, key, &count);

	for (size_t i = 0; i < count; i++) {
		unsigned percent = 100;

		if (addresses[i].has_returned && now_us > addresses[i].since_us)
			percent = health_return_percent(now_us - addresses[i].since_us);
		if (addresses[i].state != HEALTH_UNHEALTHY && percent > most)
			most = percent;
	}
	return count ? most : 100;
}

uint64_t endpoint_excluded(const struct endpoint *endpoint,
    const struct config_accelerator *accelerator, uint64_t flow_hash)
{
	uint64_t unusable = endpoint_unusable(endpoint, accelerator), returning = 0;

	for (size_t i = 0; i < accelerator->backend_count && i < GROUP_BACKENDS_MAX; i++) {
		struct backend_key key = backend_key(accelerator->id, &accelerator->backends[i]);
		/* Bits of the hash that are each backend's own (Knuth's multiplicative hashing). */
		uint64_t own = (flow_hash ^ (i + 1)) * UINT64_C(0x9e3779b97f4a7c15);

		if ((own >> 32) % 100 >= share_percent(endpoint, &key))
			returning |= UINT64_C(1) << i;
	}
	return is_all(accelerator, unusable | returning) ? unusable : unusable | returning;
}

/* ---- what listeners are told ---- */

/* Those that get no flows anyway say nothing. */
static enum health_state health_of(
    const struct endpoint *endpoint, const struct config_accelerator *accelerator)
{
	if (is_all(accelerator, unhealthy_of(endpoint, accelerator)))
		return HEALTH_UNHEALTHY;
	for (size_t i = 0; i < accelerator->backend_count; i++) {
		struct backend_key key = backend_key(accelerator->id, &accelerator->backends[i]);

		if (accelerator->backends[i].weight > 0
		    && backend_states_sum(endpoint->backends, &key) == HEALTH_HEALTHY)
			return HEALTH_HEALTHY;
	}
	return HEALTH_UNKNOWN;
}

static void tell(const struct endpoint *endpoint, struct worker_lane *lane,
    const struct config_accelerator *accelerator, enum health_state state)
{
	int error;

	if (!config_accelerator_allows(accelerator, lane->peer_name))
		return;
	error = lane_tell_health(lane->lane, accelerator->id, (uint8_t)state);
	if (error == ERR_NOMEM || error == ERR_LIMIT)
		log_limited(LOG_LEVEL_ERROR, 1, "health_not_told",
		    "listener=%s accelerator=%s error=\"%s\"", lane->peer_name, accelerator->name,
		    err_text(error));
	worker_touch(endpoint->worker, lane->lane);
}

static void on_lane_up(struct worker_lane *lane)
{
	const struct endpoint *endpoint = worker_role_state(lane->worker);
	const struct node_config *config = worker_config(endpoint->worker);

	for (size_t i = 0; config && i < config->accelerator_count; i++)
		tell(endpoint, lane, &config->accelerators[i],
		    health_of(endpoint, &config->accelerators[i]));
}

struct news {
	const struct endpoint *endpoint;
	const struct config_accelerator *accelerator;
	enum health_state state;
};

static void tell_lane(void *context, struct worker_lane *lane)
{
	const struct news *news = context;

	tell(news->endpoint, lane, news->accelerator, news->state);
}

static void tell_lanes(struct endpoint *endpoint, const struct config_accelerator *accelerator)
{
	struct news news = {endpoint, accelerator, health_of(endpoint, accelerator)};

	worker_each_lane(endpoint->worker, tell_lane, &news);
}

static void forget_lane(void *context, struct worker_lane *lane)
{
	const struct config_accelerator *old = context;
	const struct worker *worker = lane->worker;
	const struct config_accelerator *now =
	    node_config_accelerator(worker_config(worker), old->id);

	if (!now || !config_accelerator_allows(now, lane->peer_name))
		lane_forget_health(lane->lane, old->id);
}

/* What listeners may ask for no more makes room: ids are never used again, and lanes live long. */
static void forget_told(struct endpoint *endpoint, const struct node_config *old)
{
	for (size_t i = 0; old && i < old->accelerator_count; i++)
		worker_each_lane(endpoint->worker, forget_lane, &old->accelerators[i]);
}

/* Those that no check found unhealthy, or that nothing did at all; the new count. */
static size_t keep_addresses(const struct endpoint *endpoint, const struct backend_key *key,
    bool with_doubtful, struct addr *addresses, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		const struct backend_health *health =
		    backend_states_find(endpoint->backends, key, &addresses[i]);

		if (!health || health->state != HEALTH_UNHEALTHY
		    || (with_doubtful && health->cause == HEALTH_CAUSE_FLOWS)) {
			struct addr wanted = addresses[i];

			addresses[i] = addresses[kept];
			addresses[kept++] = wanted;
		}
	}
	return kept;
}

size_t endpoint_healthy_addresses(const struct endpoint *endpoint, uint32_t accelerator,
    const struct backend *backend, struct addr *addresses, size_t count)
{
	struct backend_key key = backend_key(accelerator, backend);
	size_t kept = keep_addresses(endpoint, &key, false, addresses, count);

	if (!kept)
		kept = keep_addresses(endpoint, &key, true, addresses, count);
	return kept ? kept : count;
}

int endpoint_addresses(struct endpoint *endpoint, const struct config_accelerator *accelerator,
    const struct backend *backend, uint16_t user_port, uint64_t flow_hash, struct addr *addresses,
    size_t *count, struct names_waiter *waiter)
{
	uint16_t port =
	    backend_port(accelerator->ports, accelerator->port_count, backend->port, user_port);
	int error = names_get(endpoint->names, backend->host, addresses, count, waiter);

	if (!error && port == 0)
		error = ERR_NOT_FOUND;
	if (error)
		return error;
	*count = endpoint_healthy_addresses(endpoint, accelerator->id, backend, addresses, *count);
	backends_order_addresses(&endpoint->tables, flow_hash, addresses, *count);
	for (size_t i = 0; i < *count; i++)
		addresses[i].port = port;
	return 0;
}

/* ---- a flow comes ---- */

/* The first cap that counts: nothing is reached that control did not give to this listener. */
enum reason endpoint_refusal(const struct endpoint *endpoint, const char *listener,
    const struct flow_open *open, const struct config_accelerator *config)
{
	enum accelerator_protocol protocol = open->kind == FLOW_TCP ? PROTOCOL_TCP : PROTOCOL_UDP;

	if (!config || !config_accelerator_allows(config, listener)
	    || !(config->protocol & protocol))
		return REASON_UNKNOWN_SERVICE;
	if (backend_port(config->ports, config->port_count, 0, open->local.port) == 0)
		return REASON_UNKNOWN_SERVICE;
	if (worker_is_draining(endpoint->worker))
		return REASON_DRAINED;
	return REASON_NONE;
}

/* A place among the flows of its listener, NULL when that has its share. */
static struct share *take_share(struct endpoint *endpoint, const struct worker_lane *lane)
{
	bool is_alone = worker_config(endpoint->worker)->peer_count <= 1;
	struct share *share = shares_take(&endpoint->shares, lane->peer_pin, is_alone);

	if (!share) {
		page_count(worker_page(endpoint->worker), PAGE_flows_refused_share);
		log_limited(LOG_LEVEL_WARN, 1, "listener_has_its_share",
		    "listener=%s flows=%zu capacity=%zu", lane->peer_name, endpoint->shares.taken,
		    endpoint->shares.capacity);
	}
	return share;
}

static enum reason on_open(
    struct worker_lane *lane, struct flow *flow, const struct flow_open *open)
{
	struct endpoint *endpoint = worker_role_state(lane->worker);
	const struct config_accelerator *config = endpoint_accelerator(endpoint, open->accelerator);
	enum reason reason = endpoint_refusal(endpoint, lane->peer_name, open, config);

	if (reason == REASON_UNKNOWN_SERVICE)
		page_count(worker_page(lane->worker), PAGE_flows_unknown_accelerator);
	if (reason != REASON_NONE)
		return reason;
	flow_treatment_apply(flow, &config->flow_settings, open->kind);
	struct share *share = take_share(endpoint, lane);
	if (!share) {
		accelerator_count(worker_accelerator(endpoint->worker, open->accelerator),
		    open->kind == FLOW_TCP ? ACCELERATOR_tcp_limit : ACCELERATOR_udp_limit);
		return REASON_LIMIT;
	}
	if (open->kind == FLOW_TCP)
		return tcp_flow_begin(endpoint, share, flow, open, config);
	return udp_flow_begin(endpoint, share, flow, open, config);
}

/* ---- the worker's calls ---- */

static int start(struct worker *worker, void **state)
{
	struct endpoint *endpoint = calloc(1, sizeof *endpoint);
	int error = endpoint ? names_new(&endpoint->names, worker_loop(worker)) : ERR_NOMEM;

	if (!error && !(endpoint->backends = backend_states_new()))
		error = ERR_NOMEM;
	if (error) {
		if (endpoint)
			names_free(endpoint->names);
		free(endpoint);
		return error;
	}
	endpoint->worker = worker;
	endpoint->shares.capacity = descriptors_for_flows();
	dead_backends_init(&endpoint->dead, endpoint);
	outcomes_init(&endpoint->outcomes, worker);
	tcp_relays_init(&endpoint->relays, worker);
	list_init(&endpoint->tcp_flows);
	list_init(&endpoint->udp_flows);
	*state = endpoint;
	return 0;
}

static bool is_backend_host(void *context, const char *host)
{
	const struct node_config *config = context;

	for (size_t i = 0; i < config->accelerator_count; i++)
		for (size_t k = 0; k < config->accelerators[i].backend_count; k++)
			if (!strcmp(config->accelerators[i].backends[k].host, host))
				return true;
	return false;
}

/* Names are asked for before the first flow needs them. */
static void resolve_backends(struct endpoint *endpoint, const struct node_config *config)
{
	struct addr addresses[NAMES_ADDRESSES_MAX];
	size_t count;

	for (size_t i = 0; i < config->accelerator_count; i++)
		for (size_t k = 0; k < config->accelerators[i].backend_count; k++)
			names_get(endpoint->names, config->accelerators[i].backends[k].host,
			    addresses, &count, NULL);
}

static int on_config(void *state, const struct node_config *old)
{
	struct endpoint *endpoint = state;
	const struct node_config *config = worker_config(endpoint->worker);

	if (backends_set(&endpoint->tables, config, old))
		return ERR_NOMEM;
	backend_states_keep(endpoint->backends, config);
	tcp_flows_on_config(endpoint);
	udp_flows_on_config(endpoint);
	names_keep(endpoint->names, is_backend_host, (void *)(uintptr_t)config);
	resolve_backends(endpoint, config);
	forget_told(endpoint, old);
	for (size_t i = 0; i < config->accelerator_count; i++)
		tell_lanes(endpoint, &config->accelerators[i]);
	return 0;
}

static void on_health(void *state, const struct backend_health *changes, size_t count)
{
	struct endpoint *endpoint = state;

	if (backend_states_take(endpoint->backends, worker_config(endpoint->worker), changes, count)
	    < 0)
		log_limited(
		    LOG_LEVEL_ERROR, 1, "backend_health_lost", "error=\"%s\"", err_text(ERR_NOMEM));
	for (size_t i = 0; i < count; i++) {
		uint32_t id = changes[i].backend.accelerator;
		const struct config_accelerator *accelerator = endpoint_accelerator(endpoint, id);

		if (accelerator && (i == 0 || changes[i - 1].backend.accelerator != id))
			tell_lanes(endpoint, accelerator);
	}
	dead_backends_changed(&endpoint->dead);
}

static size_t flow_count(void *state, enum flow_kind kind)
{
	const struct endpoint *endpoint = state;

	return kind == FLOW_TCP ? endpoint->tcp_flow_count : endpoint->udp_flow_count;
}

static void stop(void *state)
{
	struct endpoint *endpoint = state;

	dead_backends_stop(&endpoint->dead);
	outcomes_stop(&endpoint->outcomes);
	udp_flows_clear(endpoint);
	tcp_relays_clear(&endpoint->relays);
	names_free(endpoint->names);
	backend_states_free(endpoint->backends);
	backends_clear(&endpoint->tables);
	free(endpoint);
}

const struct worker_role endpoint_role = {
    .role = NODE_ENDPOINT,
    .on_open = on_open,
    .start = start,
    .on_config = on_config,
    .on_health = on_health,
    .on_lane_up = on_lane_up,
    .explain = endpoint_explain,
    .flow_count = flow_count,
    .stop = stop,
};
