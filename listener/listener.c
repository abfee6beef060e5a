/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The listener's role of a worker: joins config, sockets, lanes and flows. */
#include "listener/listener.h"

#include "base/err.h"
#include "base/log.h"
#include "listener/explain.h"
#include "listener/role.h"
#include "listener/tcp_users.h"
#include "net/worker_accelerator.h"

#include <stdlib.h>

/* ---- where a new flow goes ---- */

static uint64_t endpoint_rtt_us(void *context, const char *endpoint)
{
	struct listener *listener = context;
	struct worker_lane *lane = worker_lane_to(listener->worker, endpoint);
	struct lane_stats stats;

	if (!lane)
		return 0;
	lane_get_stats(lane->lane, &stats);
	return stats.rtt_smoothed_us ? stats.rtt_smoothed_us : 1;
}

static bool endpoint_is_healthy(void *context, uint32_t accelerator, const char *endpoint)
{
	struct listener *listener = context;

	if (!worker_lane_to(listener->worker, endpoint))
		return false;
	return listener->is_failing_open
	       || health_view_of(listener->health, endpoint, accelerator) != HEALTH_UNHEALTHY;
}

/* As if all that have a lane were healthy. */
static const char *choose_open(struct listener *listener, uint32_t accelerator,
    enum accelerator_protocol protocol, const struct addr *user, uint16_t local_port,
    struct choice_story *story)
{
	const char *name;

	listener->is_failing_open = true;
	name = choice_explain(listener->choice, accelerator, protocol, user, local_port,
	    worker_now_us(listener->worker), story);
	listener->is_failing_open = false;
	return name;
}

/* A flow is lost for want of health, not of lanes: the operator chose so, and is told. */
static void refuse_unhealthy(
    struct listener *listener, uint32_t accelerator, enum accelerator_protocol protocol)
{
	const struct config_accelerator *config = choice_accelerator(listener->choice, accelerator);

	page_count(worker_page(listener->worker),
	    protocol == PROTOCOL_TCP ? PAGE_tcp_refused_unhealthy : PAGE_udp_refused_unhealthy);
	accelerator_count(worker_accelerator(listener->worker, accelerator),
	    protocol == PROTOCOL_TCP ? ACCELERATOR_tcp_unhealthy : ACCELERATOR_udp_unhealthy);
	log_limited(LOG_LEVEL_WARN, 1, "no_healthy_backend", "accelerator=%s fix=\"%s\"",
	    config ? config->name : "?",
	    "see trunkctl accelerator show; --all-unhealthy fail-open sends flows all the same");
}

static void refuse_without_lane(
    struct listener *listener, uint32_t accelerator, enum accelerator_protocol protocol)
{
	page_count(worker_page(listener->worker),
	    protocol == PROTOCOL_TCP ? PAGE_tcp_refused_no_lane : PAGE_udp_refused_no_lane);
	accelerator_count(worker_accelerator(listener->worker, accelerator),
	    protocol == PROTOCOL_TCP ? ACCELERATOR_tcp_no_lane : ACCELERATOR_udp_no_lane);
}

bool listener_has_another(struct listener *listener, uint32_t accelerator,
    enum accelerator_protocol protocol, const struct addr *user, uint16_t local_port)
{
	return choice_endpoint(listener->choice, accelerator, protocol, user, local_port,
	           worker_now_us(listener->worker))
	       != NULL;
}

struct worker_lane *listener_decide(struct listener *listener, uint32_t accelerator,
    enum accelerator_protocol protocol, const struct addr *user, uint16_t local_port,
    struct choice_story *story, enum explain_verdict *verdict)
{
	const struct config_accelerator *config = choice_accelerator(listener->choice, accelerator);
	bool fails_open = config && config->failover.all_unhealthy == ALL_UNHEALTHY_FAIL_OPEN;
	const char *name = choice_explain(listener->choice, accelerator, protocol, user, local_port,
	    worker_now_us(listener->worker), story);

	*verdict = EXPLAIN_TAKEN;
	if (name)
		return worker_lane_to(listener->worker, name);
	name = choose_open(
	    listener, accelerator, protocol, user, local_port, fails_open ? story : NULL);
	*verdict = !name ? EXPLAIN_NO_LANE : fails_open ? EXPLAIN_FAILED_OPEN : EXPLAIN_UNHEALTHY;
	return *verdict == EXPLAIN_FAILED_OPEN ? worker_lane_to(listener->worker, name) : NULL;
}

struct worker_lane *listener_choose(struct listener *listener, uint32_t accelerator,
    enum accelerator_protocol protocol, const struct addr *user, uint16_t local_port,
    bool *fails_open)
{
	enum explain_verdict verdict;
	struct worker_lane *lane =
	    listener_decide(listener, accelerator, protocol, user, local_port, NULL, &verdict);

	*fails_open = verdict == EXPLAIN_FAILED_OPEN;
	if (verdict == EXPLAIN_UNHEALTHY)
		refuse_unhealthy(listener, accelerator, protocol);
	else if (verdict == EXPLAIN_NO_LANE)
		refuse_without_lane(listener, accelerator, protocol);
	return lane;
}

void listener_count_opened(struct listener *listener, enum flow_kind kind, bool fails_open)
{
	struct page *page = worker_page(listener->worker);

	page_count(page, kind == FLOW_TCP ? PAGE_tcp_flows_opened : PAGE_udp_flows_opened);
	if (fails_open)
		page_count(page, PAGE_flows_failed_open);
}

bool listener_serves(const struct listener *listener, uint32_t accelerator,
    enum accelerator_protocol protocol, uint16_t port)
{
	const struct config_accelerator *config = choice_accelerator(listener->choice, accelerator);

	return config && (config->protocol & protocol)
	       && backend_port(config->ports, config->port_count, 0, port) != 0;
}

/* ---- the worker's calls ---- */

static int start(struct worker *worker, void **state)
{
	static const struct node_config nothing;
	struct listener *listener = calloc(1, sizeof *listener);

	if (!listener)
		return ERR_NOMEM;
	/* Lanes tell of health once, perhaps before the first config. */
	if (health_view_new(&listener->health, &nothing, NULL)) {
		free(listener);
		return ERR_NOMEM;
	}
	listener->worker = worker;
	tcp_relays_init(&listener->relays, worker);
	udp_users_init(&listener->udp, listener);
	list_init(&listener->acceptors);
	list_init(&listener->tcp_users);
	if (tcp_reserve_init(&listener->reserve)) {
		health_view_free(listener->health);
		free(listener);
		return ERR_IO;
	}
	*state = listener;
	return 0;
}

static int on_config(void *state, const struct node_config *old)
{
	struct listener *listener = state;
	const struct choice_view view = {endpoint_rtt_us, endpoint_is_healthy, listener};
	struct health_view *health;
	struct choice *choice;
	struct access *access;

	(void)old;
	if (choice_new(&choice, worker_config(listener->worker), &view, listener->choice))
		return ERR_NOMEM;
	if (health_view_new(&health, worker_config(listener->worker), listener->health)) {
		choice_free(choice);
		return ERR_NOMEM;
	}
	if (access_new(&access, worker_config(listener->worker))) {
		choice_free(choice);
		health_view_free(health);
		return ERR_NOMEM;
	}
	choice_free(listener->choice);
	health_view_free(listener->health);
	access_free(listener->access);
	listener->choice = choice;
	listener->health = health;
	listener->access = access;
	tcp_users_on_config(listener);
	udp_users_on_config(&listener->udp);
	return 0;
}

static int add_socket(struct listener *listener, const struct worker_socket *socket, int descriptor)
{
	if (socket->kind == WORKER_SOCKET_TCP_LISTEN)
		return tcp_users_add_socket(listener, socket, descriptor);
	return udp_users_add_socket(&listener->udp, socket, descriptor);
}

static void on_socket(void *state, const struct worker_socket *socket, int descriptor)
{
	struct listener *listener = state;
	int error = 0;

	if (descriptor >= 0)
		error = add_socket(listener, socket, descriptor);
	else if (socket->kind == WORKER_SOCKET_TCP_LISTEN)
		tcp_users_remove_socket(listener, socket);
	else
		udp_users_remove_socket(&listener->udp, socket);
	if (error)
		log_error("socket_not_used", "reason=\"%s\"", err_text(error));
}

static void on_peer_health(
    struct worker_lane *lane, uint32_t accelerator, uint64_t sequence, uint8_t state)
{
	struct listener *listener = worker_role_state(lane->worker);

	if (health_view_take(listener->health, lane->peer_name, accelerator, lane->serial, sequence,
	        (enum health_state)state))
		log_limited(LOG_LEVEL_INFO, 20, "endpoint_health",
		    "endpoint=%s accelerator=%u state=%s", lane->peer_name, accelerator,
		    health_state_text((enum health_state)state));
}

static void on_lane_down(struct worker_lane *lane)
{
	struct listener *listener = worker_role_state(lane->worker);

	udp_users_leave(&listener->udp, lane->lane);
}

static void on_drain(void *state)
{
	tcp_users_stop(state);
}

static size_t flow_count(void *state, enum flow_kind kind)
{
	const struct listener *listener = state;

	return kind == FLOW_TCP ? listener->tcp_user_count : listener->udp.count;
}

static void stop(void *state)
{
	struct listener *listener = state;

	tcp_users_stop(listener);
	udp_users_clear(&listener->udp);
	tcp_relays_clear(&listener->relays);
	tcp_reserve_close(&listener->reserve);
	choice_free(listener->choice);
	health_view_free(listener->health);
	access_free(listener->access);
	free(listener);
}

const struct worker_role listener_role = {
    .role = NODE_LISTENER,
    .start = start,
    .on_config = on_config,
    .on_socket = on_socket,
    .on_peer_health = on_peer_health,
    .on_lane_down = on_lane_down,
    .on_drain = on_drain,
    .explain = listener_explain,
    .flow_count = flow_count,
    .stop = stop,
};
