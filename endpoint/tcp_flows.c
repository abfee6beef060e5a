/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See tcp_flows.h. */
#include "endpoint/tcp_flows.h"

#include "base/err.h"
#include "base/log.h"
#include "net/flow_limits.h"
#include "net/flow_treatment.h"
#include "net/tcp.h"
#include "net/worker_accelerator.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Invariant: at most one of these is on: waiter (a name is resolved), connecting, the relay. */
struct tcp_flow {
	struct tcp_relay relay;
	struct list_node node;
	struct endpoint *endpoint;
	struct share *share;
	uint32_t accelerator;
	struct addr user;
	uint16_t user_port;
	struct flow_limits limits;   /* of the backend that is tried or connected */
	bool had_refusal, met_limit; /* of descriptors or ports, or of the backend */
	uint64_t tried;              /* bit i: backend i of the config was tried */
	uint64_t hash;               /* that backend and address are chosen by */
	size_t backend;              /* index of the one that is tried now */
	uint64_t backend_id;
	bool was_connected;
	bool is_left; /* the user's side ended it */
	struct addr addresses[NAMES_ADDRESSES_MAX];
	size_t address_count, next_address;
	struct names_waiter waiter;
	int descriptor; /* being connected, else -1 */
	ev_io connecting;
	struct worker_timer timeout;
};

static void try_backends(struct tcp_flow *flow);

static struct worker *worker_of(const struct tcp_flow *flow)
{
	return flow->endpoint->worker;
}

static const char *peer_name(const struct tcp_flow *flow)
{
	const struct worker_lane *lane = lane_context(flow_lane(flow->relay.flow));

	return lane->peer_name;
}

/* Tells of the address that is connected, or tried last. */
static void note(struct tcp_flow *flow, enum outcome outcome)
{
	const struct config_accelerator *config =
	    endpoint_accelerator(flow->endpoint, flow->accelerator);

	if (config && flow->next_address > 0 && flow->backend < config->backend_count
	    && endpoint_backend_id(&config->backends[flow->backend]) == flow->backend_id)
		outcomes_add(&flow->endpoint->outcomes, flow->accelerator,
		    &config->backends[flow->backend], &flow->addresses[flow->next_address - 1],
		    outcome);
}

static void stop_connecting(struct tcp_flow *flow)
{
	ev_io_stop(worker_loop(worker_of(flow)), &flow->connecting);
	names_waiter_stop(&flow->waiter);
	if (flow->descriptor >= 0)
		close(flow->descriptor);
	flow->descriptor = -1;
}

static void on_first_byte(struct tcp_relay *relay)
{
	note(LIST_ENTRY(relay, struct tcp_flow, relay), OUTCOME_SERVED);
}

static void on_end(struct tcp_relay *relay, enum reason reason)
{
	struct tcp_flow *flow = LIST_ENTRY(relay, struct tcp_flow, relay);

	if (flow->was_connected && relay->bytes_in == 0 && reason == REASON_TCP_RESET
	    && !flow->is_left)
		note(flow, OUTCOME_FAILED);
	stop_connecting(flow);
	worker_timer_stop(worker_of(flow), &flow->timeout);
	flow_limits_leave(worker_limits(worker_of(flow)), &flow->limits);
	accelerator_drop(relay->counts, ACCELERATOR_tcp_flows);
	list_del(&flow->node);
	flow->endpoint->tcp_flow_count--;
	shares_give_back(&flow->endpoint->shares, flow->share);
	free(flow);
}

/* ---- giving up ---- */

static void end_flow(struct tcp_flow *flow, enum reason reason)
{
	stop_connecting(flow);
	worker_timer_stop(worker_of(flow), &flow->timeout);
	tcp_relay_abort(&flow->relay, reason);
}

static void give_up(struct tcp_flow *flow, enum reason reason)
{
	struct page *page = worker_page(worker_of(flow));

	if (reason == REASON_BACKEND_TIMEOUT)
		page_count(page, PAGE_backend_timeouts);
	page_count(page, PAGE_tcp_flows_refused);
	accelerator_count(flow->relay.counts,
	    reason == REASON_LIMIT ? ACCELERATOR_tcp_limit : ACCELERATOR_tcp_backend);
	log_limited(LOG_LEVEL_WARN, 5, "flow_refused", "reason=%s accelerator=%u",
	    reason_name(reason), flow->accelerator);
	end_flow(flow, reason);
}

static void on_timeout(struct worker_timer *timer)
{
	struct tcp_flow *flow = LIST_ENTRY(timer, struct tcp_flow, timeout);

	if (flow->descriptor >= 0)
		note(flow, OUTCOME_FAILED);
	give_up(flow, REASON_BACKEND_TIMEOUT);
}

/* ---- connecting ---- */

/* The config may have lost the backend while it was being connected. */
static void connected(struct tcp_flow *flow)
{
	int descriptor = flow->descriptor;

	if (!endpoint_serves(flow->endpoint, peer_name(flow), flow->accelerator, flow->user_port,
	        flow->backend_id)) {
		stop_connecting(flow);
		try_backends(flow);
		return;
	}
	flow->descriptor = -1;
	stop_connecting(flow);
	worker_timer_stop(worker_of(flow), &flow->timeout);
	page_count(worker_page(worker_of(flow)), PAGE_backend_connects);
	flow->was_connected = true;
	tcp_relay_start(&flow->relay, descriptor);
}

static enum page_value refusal_counter(int error)
{
	switch (error) {
	case ERR_REFUSED:
		return PAGE_backend_refused;
	case ERR_LIMIT:
		return PAGE_backend_no_socket;
	default:
		return PAGE_backend_unreachable;
	}
}

static void refused(struct tcp_flow *flow, int error)
{
	char text[ADDR_TEXT_BYTES];

	flow->had_refusal = true;
	flow->met_limit = error == ERR_LIMIT;
	if (error != ERR_LIMIT)
		note(flow, OUTCOME_FAILED);
	page_count(worker_page(worker_of(flow)), refusal_counter(error));
	log_limited(LOG_LEVEL_INFO, 5, "backend_refused", "backend=%s accelerator=%u reason=\"%s\"",
	    addr_format(&flow->addresses[flow->next_address - 1], text, sizeof text),
	    flow->accelerator, err_text(error));
}

/* Starts on the next address of the backend; false when none is left. */
static bool try_address(struct tcp_flow *flow)
{
	while (flow->next_address < flow->address_count) {
		const struct addr *to = &flow->addresses[flow->next_address++];
		int error =
		    tcp_connect(to, endpoint_source(flow->endpoint, to->family), &flow->descriptor);

		if (flow->descriptor >= 0)
			tcp_tune_user(flow->descriptor, worker_user_congestion(worker_of(flow)));
		if (!error || error == ERR_AGAIN) { /* writable at once, or when it is connected */
			ev_io_set(&flow->connecting, flow->descriptor, EV_WRITE);
			ev_io_start(worker_loop(worker_of(flow)), &flow->connecting);
			return true;
		}
		refused(flow, error);
	}
	return false;
}

static void on_connecting(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct tcp_flow *flow = watcher->data;
	int error = tcp_connect_result(flow->descriptor);

	(void)loop;
	(void)events;
	if (!error) {
		connected(flow);
		return;
	}
	stop_connecting(flow);
	refused(flow, error);
	if (!try_address(flow))
		try_backends(flow);
}

/* The backend's addresses; an error when it can't be tried, or not yet (ERR_AGAIN). */
static int find_addresses(struct tcp_flow *flow, const struct config_accelerator *config)
{
	const struct backend *backend = &config->backends[flow->backend];

	flow->backend_id = endpoint_backend_id(backend);
	flow->next_address = 0;
	return endpoint_addresses(flow->endpoint, config, backend, flow->user_port, flow->hash,
	    flow->addresses, &flow->address_count, &flow->waiter);
}

/* The flow is to be one of that backend's alone; false when it has as many as it may. */
static bool enter_backend(struct tcp_flow *flow, const struct config_accelerator *config)
{
	flow->met_limit = !flow_limits_enter_backend(worker_limits(worker_of(flow)), &flow->limits,
	    config, &config->backends[flow->backend]);
	return !flow->met_limit;
}

/* Goes on with the backends not yet tried, until one is being connected or none is left. */
static void try_backends(struct tcp_flow *flow)
{
	const struct config_accelerator *config =
	    endpoint_accelerator(flow->endpoint, flow->accelerator);
	int chosen, error;

	if (!config) {
		give_up(flow, REASON_REMOVED);
		return;
	}
	uint64_t excluded = endpoint_excluded(flow->endpoint, config, flow->hash);
	while ((chosen = backends_choose(
	            &flow->endpoint->tables, config, flow->hash, flow->tried | excluded))
	       >= 0) {
		flow->backend = (size_t)chosen;
		flow_limits_leave(worker_limits(worker_of(flow)), &flow->limits); /* the last one */
		error = find_addresses(flow, config);
		if (error == ERR_AGAIN)
			return;
		flow->tried |= UINT64_C(1) << chosen;
		if (!error && enter_backend(flow, config) && try_address(flow))
			return;
		flow->had_refusal = true;
	}
	if (flow->met_limit)
		give_up(flow, REASON_LIMIT);
	else
		give_up(flow, flow->had_refusal ? REASON_BACKEND_REFUSED : REASON_NO_BACKEND);
}

static void on_name(struct names_waiter *waiter)
{
	try_backends(LIST_ENTRY(waiter, struct tcp_flow, waiter));
}

/* ---- life ---- */

/* The user's side ended the flow, perhaps before a backend was connected. */
static void on_reset(void *relay, enum reason reason)
{
	struct tcp_flow *flow = LIST_ENTRY(relay, struct tcp_flow, relay);

	flow->is_left = true;
	end_flow(flow, reason);
}

static const struct flow_handler handler = {
    .on_data = tcp_relay_on_data,
    .on_finish = tcp_relay_on_finish,
    .on_reset = on_reset,
    .on_writable = tcp_relay_on_writable,
    .on_closed = tcp_relay_on_closed,
};

enum reason tcp_flow_begin(struct endpoint *endpoint, struct share *share, struct flow *flow,
    const struct flow_open *open, const struct config_accelerator *config)
{
	struct tcp_flow *made = calloc(1, sizeof *made);

	if (!made) {
		shares_give_back(&endpoint->shares, share);
		return REASON_INTERNAL;
	}
	made->share = share;
	made->endpoint = endpoint;
	made->accelerator = open->accelerator;
	made->user = open->user;
	made->user_port = open->local.port;
	made->hash = backends_flow_hash(&endpoint->tables, config, open);
	made->descriptor = -1;
	names_waiter_init(&made->waiter, on_name);
	ev_init(&made->connecting, on_connecting);
	made->connecting.data = made;
	worker_timer_init(&made->timeout, on_timeout);
	worker_timer_set(endpoint->worker, &made->timeout,
	    worker_now_us(endpoint->worker) + (uint64_t)config->connect_timeout_ms * 1000);
	list_add_tail(&endpoint->tcp_flows, &made->node);
	endpoint->tcp_flow_count++;
	page_count(worker_page(endpoint->worker), PAGE_tcp_flows_opened);
	tcp_relay_init(&made->relay, &handler, &endpoint->relays, flow,
	    (uint64_t)config->tcp_idle_timeout_s * 1000000, on_end);
	made->relay.on_first_byte = on_first_byte;
	made->relay.counts = worker_accelerator(endpoint->worker, open->accelerator);
	accelerator_count(made->relay.counts, ACCELERATOR_tcp_flows);
	accelerator_count(made->relay.counts, ACCELERATOR_tcp_opened);
	tcp_relay_limit(&made->relay, &made->limits);
	if (open->is_compressed)
		tcp_relay_compress(&made->relay);
	try_backends(made);
	return REASON_NONE;
}

/* What the config in force says of its accelerator; nothing when that is gone. */
static void renew(struct tcp_flow *flow)
{
	const struct config_accelerator *config =
	    endpoint_accelerator(flow->endpoint, flow->accelerator);

	if (!config)
		return;
	flow_treatment_apply(flow->relay.flow, &config->flow_settings, FLOW_TCP);
	flow_life_set_idle_timeout(
	    &flow->relay.life, (uint64_t)config->tcp_idle_timeout_s * 1000000);
	flow_limits_renew(&flow->limits, config);
}

static void on_config(struct tcp_flow *flow, uint32_t drain_s)
{
	bool is_connected = flow->relay.is_connected;
	bool is_wanted = endpoint_serves(flow->endpoint, peer_name(flow), flow->accelerator,
	    flow->user_port, is_connected ? flow->backend_id : 0);

	renew(flow);
	flow->tried = is_connected ? flow->tried : 0;
	if (is_connected)
		flow_life_set_wanted(&flow->relay.life, is_wanted, drain_s);
	else if (!is_wanted)
		end_flow(flow, REASON_REMOVED);
}

void tcp_flows_on_config(struct endpoint *endpoint)
{
	uint32_t drain_s = worker_config(endpoint->worker)->drain_s;

	LIST_FOREACH_SAFE (flow, next, &endpoint->tcp_flows, struct tcp_flow, node)
		on_config(flow, drain_s);
}

bool tcp_flows_find(const struct endpoint *endpoint, const struct addr *user, uint32_t accelerator,
    uint16_t port, struct served_flow *found)
{
	LIST_FOREACH (flow, &endpoint->tcp_flows, struct tcp_flow, node) {
		if (!flow->relay.flow || flow->accelerator != accelerator || flow->user_port != port
		    || !addr_equal(&flow->user, user))
			continue;
		*found = (struct served_flow){.backend_id = flow->backend_id};
		if (flow->next_address > 0)
			found->address = flow->addresses[flow->next_address - 1];
		return true;
	}
	return false;
}

/* ---- a backend that fails ---- */

static const struct dead_backend *find_dead(
    const struct tcp_flow *flow, const struct dead_backend *table)
{
	if (!flow->relay.is_connected || flow->relay.descriptor < 0 || flow->next_address == 0)
		return NULL;
	return dead_backends_find(
	    table, flow->accelerator, flow->backend_id, &flow->addresses[flow->next_address - 1]);
}

void tcp_flows_leave(struct endpoint *endpoint, const struct dead_backend *table)
{
	LIST_FOREACH_SAFE (flow, next, &endpoint->tcp_flows, struct tcp_flow, node) {
		const struct dead_backend *dead = find_dead(flow, table);

		if (!dead || !dead->leaves_tcp
		    || tcp_silent_us(flow->relay.descriptor) < dead->quiet_us)
			continue;
		page_count(worker_page(endpoint->worker), PAGE_tcp_flows_dead_backend);
		end_flow(flow, REASON_BACKEND_TIMEOUT);
	}
}
