/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See udp_flows.h. A datagram that comes while the backend's name is resolved is dropped, and counted. */
#include "endpoint/udp_flows.h"

#include "base/err.h"
#include "base/log.h"
#include "net/flow_handler.h"
#include "net/flow_life.h"
#include "net/flow_limits.h"
#include "net/flow_treatment.h"
#include "net/udp.h"
#include "net/udp_outbox.h"
#include "net/worker_accelerator.h"

#include <stdlib.h>
#include <unistd.h>

enum {
	IDLE_SLACK_S = 5,   /* the listener's timeout is first, and tells us */
	RECEIVE_ROUNDS = 2, /* batches read from one socket in one round of the loop */
};

static uint64_t idle_timeout_us(const struct config_accelerator *config)
{
	return ((uint64_t)config->udp_idle_timeout_s + IDLE_SLACK_S) * 1000000;
}

struct udp_flow {
	const struct flow_handler *handler; /* first, see net/flow_handler.h */
	struct flow *flow;
	struct list_node node;
	struct endpoint *endpoint;
	struct share *share;
	uint32_t accelerator;
	struct page_accelerator *counts;
	struct addr user;
	uint16_t user_port;
	uint64_t hash, tried; /* tried: bit i for backend i of the config */
	bool has_socket;
	struct flow_limits limits; /* of the backend that has the socket */
	struct udp udp;
	ev_io reader;
	struct flow_life life;
	uint64_t backend_id;     /* of the one that has the socket */
	struct addr address;     /* of it */
	size_t backend;          /* its index then */
	bool is_told, was_asked; /* what came of it; a datagram went to it */
	uint64_t last_heard_us;  /* that it answered, or was taken */
	struct names_waiter waiter;
};

static struct worker *worker_of(const struct udp_flow *flow)
{
	return flow->endpoint->worker;
}

/* Tells once of each backend that the flow had. */
static void note(struct udp_flow *flow, enum outcome outcome)
{
	const struct config_accelerator *config =
	    endpoint_accelerator(flow->endpoint, flow->accelerator);

	if (flow->is_told || !flow->has_socket || !config || flow->backend >= config->backend_count
	    || endpoint_backend_id(&config->backends[flow->backend]) != flow->backend_id)
		return;
	flow->is_told = true;
	outcomes_add(&flow->endpoint->outcomes, flow->accelerator, &config->backends[flow->backend],
	    &flow->address, outcome);
}

static void close_socket(struct udp_flow *flow)
{
	ev_io_stop(worker_loop(worker_of(flow)), &flow->reader);
	udp_outbox_flush(worker_udp_outbox(worker_of(flow)));
	close(flow->udp.descriptor);
	flow_limits_leave(worker_limits(worker_of(flow)), &flow->limits);
	flow->has_socket = false;
}

static void udp_flow_free(struct udp_flow *flow)
{
	if (flow->flow)
		flow_set_user(flow->flow, NULL);
	flow_life_stop(&flow->life);
	names_waiter_stop(&flow->waiter);
	if (flow->was_asked)
		note(flow, OUTCOME_UNANSWERED);
	if (flow->has_socket)
		close_socket(flow);
	accelerator_drop(flow->counts, ACCELERATOR_udp_flows);
	list_del(&flow->node);
	flow->endpoint->udp_flow_count--;
	shares_give_back(&flow->endpoint->shares, flow->share);
	free(flow);
}

static void udp_flow_end(struct udp_flow *flow, enum reason reason)
{
	flow_reset(flow->flow, reason);
	worker_touch(worker_of(flow), flow_lane(flow->flow));
	udp_flow_free(flow);
}

static void on_expired(struct flow_life *life, enum reason reason)
{
	struct udp_flow *flow = LIST_ENTRY(life, struct udp_flow, life);

	if (reason == REASON_IDLE)
		page_count(worker_page(worker_of(flow)), PAGE_udp_flows_idle);
	udp_flow_end(flow, reason);
}

/* ---- from the backend ---- */

static void on_backend_datagram(void *context, struct udp_datagram *datagram)
{
	struct udp_flow *flow = context;
	struct page *page = worker_page(worker_of(flow));

	flow_life_active(&flow->life);
	flow->last_heard_us = worker_now_us(worker_of(flow));
	note(flow, OUTCOME_SERVED);
	page_count(page, PAGE_udp_datagrams_received);
	accelerator_add(flow->counts, ACCELERATOR_udp_received, datagram->length_bytes);
	if (!flow_limits_pass(worker_limits(worker_of(flow)), &flow->limits, FLOW_WAY_READ,
	        datagram->length_bytes, flow->last_heard_us))
		return;
	if (flow_send_datagram(
	        flow->flow, datagram->data, datagram->length_bytes, flow->last_heard_us))
		page_count(page, PAGE_udp_datagrams_dropped);
}

static void on_readable(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct udp_flow *flow = watcher->data;
	struct udp_receiver *receiver = worker_udp_receiver(worker_of(flow));

	(void)loop;
	(void)events;
	for (int i = 0; i < RECEIVE_ROUNDS; i++) {
		int count = udp_receive(&flow->udp, receiver, on_backend_datagram, flow);

		if (count == ERR_REFUSED || count == ERR_UNREACHABLE) {
			page_count(worker_page(worker_of(flow)), PAGE_backend_refused);
			note(flow, OUTCOME_FAILED);
		}
		if (count <= 0 || flow->udp.is_drained)
			break;
	}
	worker_touch(worker_of(flow), flow_lane(flow->flow));
}

/* ---- the socket ---- */

static int open_socket(struct udp_flow *flow, const struct addr *backend)
{
	const struct addr *source = endpoint_source(flow->endpoint, backend->family);
	struct udp_options options = {
	    .local = source ? *source : addr_any(backend->family, 0),
	    .remote = *backend,
	};
	int descriptor, error = udp_open(&options, &descriptor);

	if (!error && (error = udp_init(&flow->udp, descriptor, false)))
		close(descriptor);
	if (error) {
		page_count(worker_page(worker_of(flow)),
		    error == ERR_LIMIT ? PAGE_backend_no_socket : PAGE_backend_unreachable);
		return error;
	}
	flow->has_socket = true;
	ev_io_set(&flow->reader, descriptor, EV_READ);
	ev_io_start(worker_loop(worker_of(flow)), &flow->reader);
	return 0;
}

/* One backend: 0, ERR_AGAIN while its name is resolved, or another error. */
static int use_backend(struct udp_flow *flow, const struct config_accelerator *config, size_t index)
{
	const struct backend *backend = &config->backends[index];
	struct addr addresses[NAMES_ADDRESSES_MAX];
	size_t count;
	int error = endpoint_addresses(flow->endpoint, config, backend, flow->user_port, flow->hash,
	    addresses, &count, &flow->waiter);

	if (error)
		return error;
	if (!flow_limits_enter_backend(
	        worker_limits(worker_of(flow)), &flow->limits, config, backend))
		return ERR_LIMIT;
	for (size_t i = 0; i < count; i++) {
		if ((error = open_socket(flow, &addresses[i])) == 0) {
			flow->backend_id = endpoint_backend_id(backend);
			flow->address = addresses[i];
			flow->backend = index;
			flow->is_told = flow->was_asked = false;
			flow->last_heard_us = worker_now_us(worker_of(flow));
			return 0;
		}
	}
	flow_limits_leave(worker_limits(worker_of(flow)), &flow->limits);
	return error;
}

/* REASON_NONE when there is a socket, or a name is being resolved. */
static enum reason find_backend(struct udp_flow *flow)
{
	const struct config_accelerator *config =
	    endpoint_accelerator(flow->endpoint, flow->accelerator);
	bool meets_limit = false;
	int chosen;

	if (!config)
		return REASON_REMOVED;
	uint64_t excluded = endpoint_excluded(flow->endpoint, config, flow->hash);
	while ((chosen = backends_choose(
	            &flow->endpoint->tables, config, flow->hash, flow->tried | excluded))
	       >= 0) {
		int error = use_backend(flow, config, (size_t)chosen);

		if (!error || error == ERR_AGAIN)
			return REASON_NONE;
		flow->tried |= UINT64_C(1) << chosen;
		meets_limit = error == ERR_LIMIT;
	}
	if (meets_limit)
		return REASON_LIMIT;
	return flow->tried ? REASON_BACKEND_REFUSED : REASON_NO_BACKEND;
}

static void refused(struct udp_flow *flow, enum reason reason)
{
	log_limited(LOG_LEVEL_WARN, 5, "flow_refused", "reason=%s accelerator=%u",
	    reason_name(reason), flow->accelerator);
	accelerator_count(
	    flow->counts, reason == REASON_LIMIT ? ACCELERATOR_udp_limit : ACCELERATOR_udp_backend);
}

static void on_name(struct names_waiter *waiter)
{
	struct udp_flow *flow = LIST_ENTRY(waiter, struct udp_flow, waiter);
	enum reason reason = find_backend(flow);

	if (reason == REASON_NONE)
		return;
	refused(flow, reason);
	udp_flow_end(flow, reason);
}

/* ---- from the lane ---- */

static void on_datagram(void *object, const uint8_t *data, size_t length)
{
	static const struct addr connected; /* family 0: the socket's own addresses */
	struct udp_flow *flow = object;
	struct worker *worker = worker_of(flow);

	flow_life_active(&flow->life);
	flow->was_asked = flow->has_socket;
	if (!flow->has_socket) {
		page_count(worker_page(worker), PAGE_udp_datagrams_dropped);
		return;
	}
	if (!flow_limits_pass(worker_limits(worker), &flow->limits, FLOW_WAY_WRITTEN, length,
	        worker_now_us(worker)))
		return;
	accelerator_add(flow->counts, ACCELERATOR_udp_sent, length);
	udp_outbox_add(worker_udp_outbox(worker), &flow->udp, data, length, &connected, &connected);
}

static void on_reset(void *object, enum reason reason)
{
	struct udp_flow *flow = object;

	(void)reason;
	udp_flow_end(flow, REASON_NONE);
}

static void on_closed(void *object, enum reason reason)
{
	struct udp_flow *flow = object;

	(void)reason;
	flow->flow = NULL;
	udp_flow_free(flow);
}

static const struct flow_handler handler = {
    .on_reset = on_reset,
    .on_datagram = on_datagram,
    .on_closed = on_closed,
};

/* ---- life ---- */

enum reason udp_flow_begin(struct endpoint *endpoint, struct share *share, struct flow *flow,
    const struct flow_open *open, const struct config_accelerator *config)
{
	struct udp_flow *made = calloc(1, sizeof *made);

	if (!made) {
		shares_give_back(&endpoint->shares, share);
		return REASON_INTERNAL;
	}
	made->share = share;
	made->handler = &handler;
	made->endpoint = endpoint;
	made->flow = flow;
	made->accelerator = open->accelerator;
	made->counts = worker_accelerator(endpoint->worker, open->accelerator);
	accelerator_count(made->counts, ACCELERATOR_udp_flows);
	made->user = open->user;
	made->user_port = open->local.port;
	made->hash = backends_flow_hash(&endpoint->tables, config, open);
	names_waiter_init(&made->waiter, on_name);
	ev_init(&made->reader, on_readable);
	made->reader.data = made;
	flow_life_init(&made->life, endpoint->worker, idle_timeout_us(config), on_expired);
	list_add_tail(&endpoint->udp_flows, &made->node);
	endpoint->udp_flow_count++;
	flow_set_user(flow, made);
	flow_life_active(&made->life);
	enum reason reason = find_backend(made);
	if (reason != REASON_NONE) {
		refused(made, reason);
		udp_flow_free(made);
		return reason;
	}
	page_count(worker_page(endpoint->worker), PAGE_udp_flows_opened);
	accelerator_count(made->counts, ACCELERATOR_udp_opened);
	return REASON_NONE;
}

/* What the config in force says of its accelerator; nothing when that is gone. */
static void renew(struct udp_flow *flow)
{
	const struct config_accelerator *config =
	    endpoint_accelerator(flow->endpoint, flow->accelerator);

	if (!config)
		return;
	flow_treatment_apply(flow->flow, &config->flow_settings, FLOW_UDP);
	flow_life_set_idle_timeout(&flow->life, idle_timeout_us(config));
	flow_limits_renew(&flow->limits, config);
}

bool udp_flows_find(const struct endpoint *endpoint, const struct addr *user, uint32_t accelerator,
    uint16_t port, struct served_flow *found)
{
	LIST_FOREACH (flow, &endpoint->udp_flows, struct udp_flow, node) {
		if (!flow->flow || flow->accelerator != accelerator || flow->user_port != port
		    || !addr_equal(&flow->user, user))
			continue;
		*found = (struct served_flow){0};
		if (flow->has_socket) {
			found->backend_id = flow->backend_id;
			found->address = flow->address;
		}
		return true;
	}
	return false;
}

void udp_flows_on_config(struct endpoint *endpoint)
{
	const struct node_config *config = worker_config(endpoint->worker);

	LIST_FOREACH (flow, &endpoint->udp_flows, struct udp_flow, node) {
		const struct worker_lane *lane = lane_context(flow_lane(flow->flow));

		renew(flow);
		if (!flow->has_socket) /* it waits for a name, and may try all of the new list */
			flow->tried = 0;
		flow_life_set_wanted(&flow->life,
		    endpoint_serves(endpoint, lane->peer_name, flow->accelerator, flow->user_port,
		        flow->has_socket ? flow->backend_id : 0),
		    config->drain_s);
	}
}

void udp_flows_clear(struct endpoint *endpoint)
{
	LIST_FOREACH_SAFE (flow, next, &endpoint->udp_flows, struct udp_flow, node)
		udp_flow_free(flow);
}

/* ---- a backend that fails ---- */

/* With nobody left here the flow ends, and the listener may find another group for its next datagram. */
static void move(struct udp_flow *flow)
{
	enum reason reason;

	close_socket(flow);
	page_count(worker_page(worker_of(flow)), PAGE_udp_flows_moved);
	flow->tried = 0;
	reason = find_backend(flow);
	if (reason != REASON_NONE)
		udp_flow_end(flow, reason);
}

void udp_flows_leave(struct endpoint *endpoint, const struct dead_backend *table)
{
	uint64_t now_us = worker_now_us(endpoint->worker);

	LIST_FOREACH_SAFE (flow, next, &endpoint->udp_flows, struct udp_flow, node) {
		const struct dead_backend *dead = flow->has_socket
		                                      ? dead_backends_find(table, flow->accelerator,
		                                          flow->backend_id, &flow->address)
		                                      : NULL;

		if (dead && dead->moves_udp && now_us - flow->last_heard_us >= dead->quiet_us)
			move(flow);
	}
}
