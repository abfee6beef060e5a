/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See tcp_users.h. */
#include "listener/tcp_users.h"

#include "base/err.h"
#include "net/flow_limits.h"
#include "net/flow_treatment.h"
#include "net/tcp.h"
#include "net/worker_accelerator.h"

#include <stdlib.h>
#include <unistd.h>

struct acceptor {
	struct list_node node;
	struct listener *listener;
	struct worker_socket socket;
	struct tcp_acceptor tcp;
};

struct tcp_user {
	struct tcp_relay relay;
	struct list_node node;
	struct listener *listener;
	struct flow_limits limits;
	uint32_t accelerator;
	uint16_t port; /* that the user asked for */
	struct addr from;
};

static struct node_limits *limits_of(const struct listener *listener)
{
	return worker_limits(listener->worker);
}

static void on_end(struct tcp_relay *relay, enum reason reason)
{
	struct tcp_user *user = LIST_ENTRY(relay, struct tcp_user, relay);

	(void)reason;
	flow_limits_leave(limits_of(user->listener), &user->limits);
	accelerator_drop(relay->counts, ACCELERATOR_tcp_flows);
	list_del(&user->node);
	user->listener->tcp_user_count--;
	free(user);
}

/* Opens the flow and starts to relay; false when the connection must be reset. */
static bool begin(struct listener *listener, struct worker_lane *lane,
    const struct worker_socket *socket, const struct addr *from, const struct addr *local,
    int descriptor)
{
	const struct config_accelerator *config =
	    choice_accelerator(listener->choice, socket->accelerator);
	struct flow_open open = {
	    .kind = FLOW_TCP, .accelerator = socket->accelerator, .user = *from, .local = *local};
	struct tcp_user *user = config ? calloc(1, sizeof *user) : NULL;
	struct flow *flow;

	if (!user)
		return false;
	open.is_compressed = config->flow_settings.compression == COMPRESSION_LZ4;
	udp_users_give_way(&listener->udp, config, FLOW_TCP, from);
	if (!flow_limits_enter(limits_of(listener), &user->limits, config, FLOW_TCP, from,
	        worker_now_us(listener->worker))
	    || flow_open(lane->lane, &open, NULL, &flow, worker_now_us(listener->worker))) {
		flow_limits_leave(limits_of(listener), &user->limits);
		free(user);
		return false;
	}
	flow_limits_begun(
	    limits_of(listener), &user->limits, config, worker_now_us(listener->worker));
	flow_treatment_apply(flow, &config->flow_settings, FLOW_TCP);
	user->listener = listener;
	user->accelerator = socket->accelerator;
	user->port = local->port;
	user->from = *from;
	list_add_tail(&listener->tcp_users, &user->node);
	listener->tcp_user_count++;
	tcp_relay_init(&user->relay, &tcp_relay_handler, &listener->relays, flow,
	    (uint64_t)config->tcp_idle_timeout_s * 1000000, on_end);
	user->relay.counts = worker_accelerator(listener->worker, socket->accelerator);
	accelerator_count(user->relay.counts, ACCELERATOR_tcp_flows);
	accelerator_count(user->relay.counts, ACCELERATOR_tcp_opened);
	tcp_relay_limit(&user->relay, &user->limits);
	if (open.is_compressed)
		tcp_relay_compress(&user->relay);
	worker_touch(listener->worker, lane->lane);
	tcp_relay_start(&user->relay, descriptor);
	return true;
}

static void on_accept(
    struct tcp_acceptor *tcp, int descriptor, const struct addr *from, const struct addr *local)
{
	struct acceptor *acceptor = tcp->context;
	struct listener *listener = acceptor->listener;
	struct page *page = worker_page(listener->worker);
	uint32_t accelerator = acceptor->socket.accelerator;
	struct worker_lane *lane;
	bool fails_open;

	if (!access_allows(listener->access, accelerator, from)) {
		page_count(page, PAGE_tcp_refused_denied);
		accelerator_count(
		    worker_accelerator(listener->worker, accelerator), ACCELERATOR_tcp_denied);
		close(descriptor);
		return;
	}
	lane = listener_choose(listener, accelerator, PROTOCOL_TCP, from, local->port, &fails_open);
	if (!lane) {
		close(descriptor); /* SO_LINGER {1, 0}: a reset */
	} else if (!begin(listener, lane, &acceptor->socket, from, local, descriptor)) {
		page_count(page, PAGE_tcp_refused_limit);
		accelerator_count(
		    worker_accelerator(listener->worker, accelerator), ACCELERATOR_tcp_limit);
		close(descriptor);
	} else {
		listener_count_opened(listener, FLOW_TCP, fails_open);
	}
}

static void on_shortage(struct tcp_acceptor *tcp)
{
	const struct acceptor *acceptor = tcp->context;

	page_count(worker_page(acceptor->listener->worker), PAGE_tcp_accept_failed);
}

static const struct tcp_acceptor_callbacks acceptor_callbacks = {
    .on_accept = on_accept,
    .on_shortage = on_shortage,
};

static void acceptor_free(struct acceptor *acceptor)
{
	tcp_acceptor_close(&acceptor->tcp);
	list_del(&acceptor->node);
	free(acceptor);
}

int tcp_users_add_socket(
    struct listener *listener, const struct worker_socket *socket, int descriptor)
{
	struct acceptor *acceptor = calloc(1, sizeof *acceptor);
	int error = ERR_NOMEM;

	tcp_tune_user(descriptor, worker_user_congestion(listener->worker));
	if (acceptor)
		error = tcp_acceptor_init(&acceptor->tcp, worker_loop(listener->worker), descriptor,
		    &listener->reserve, &acceptor_callbacks, acceptor);
	if (error) {
		free(acceptor);
		close(descriptor);
		return error;
	}
	acceptor->listener = listener;
	acceptor->socket = *socket;
	list_add_tail(&listener->acceptors, &acceptor->node);
	return 0;
}

void tcp_users_remove_socket(struct listener *listener, const struct worker_socket *socket)
{
	LIST_FOREACH_SAFE (acceptor, next, &listener->acceptors, struct acceptor, node) {
		if (acceptor->socket.accelerator == socket->accelerator
		    && addr_equal(&acceptor->socket.local, &socket->local))
			acceptor_free(acceptor);
	}
}

void tcp_users_stop(struct listener *listener)
{
	LIST_FOREACH_SAFE (acceptor, next, &listener->acceptors, struct acceptor, node)
		acceptor_free(acceptor);
}

/* What the config in force says of its accelerator; nothing when that is gone. */
static void renew(struct tcp_user *user)
{
	const struct config_accelerator *config =
	    choice_accelerator(user->listener->choice, user->accelerator);

	if (!config)
		return;
	flow_treatment_apply(user->relay.flow, &config->flow_settings, FLOW_TCP);
	flow_life_set_idle_timeout(
	    &user->relay.life, (uint64_t)config->tcp_idle_timeout_s * 1000000);
	flow_limits_renew(&user->limits, config);
}

bool tcp_users_find(const struct listener *listener, const struct addr *from, uint32_t accelerator,
    uint16_t port, struct live_flow *found)
{
	LIST_FOREACH (user, &listener->tcp_users, struct tcp_user, node) {
		if (!user->relay.flow || !addr_equal(&user->from, from)
		    || (accelerator && user->accelerator != accelerator)
		    || (port && user->port != port))
			continue;
		*found = (struct live_flow){user->relay.flow, user->accelerator, user->port};
		return true;
	}
	return false;
}

void tcp_users_on_config(struct listener *listener)
{
	const struct node_config *config = worker_config(listener->worker);

	LIST_FOREACH_SAFE (user, next, &listener->tcp_users, struct tcp_user, node) {
		if (user->relay.descriptor >= 0
		    && !access_allows(listener->access, user->accelerator, &user->from)) {
			page_count(worker_page(listener->worker), PAGE_tcp_flows_denied);
			tcp_relay_abort(&user->relay, REASON_DENIED);
			continue;
		}
		renew(user);
		flow_life_set_wanted(&user->relay.life,
		    listener_serves(listener, user->accelerator, PROTOCOL_TCP, user->port),
		    config->drain_s);
	}
}
