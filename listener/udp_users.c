/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See udp_users.h. */
#include "listener/udp_users.h"

#include "base/err.h"
#include "base/table.h"
#include "listener/listener.h"
#include "net/flow_handler.h"
#include "net/flow_life.h"
#include "net/flow_limits.h"
#include "net/flow_treatment.h"
#include "net/udp_outbox.h"
#include "net/worker_accelerator.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RECEIVE_ROUNDS = 4 }; /* batches read from one socket in one round of the loop */

/* What makes two datagrams one flow; a hash key without padding. */
struct conversation {
	struct addr user, local;
};

struct user_socket {
	struct list_node node;
	struct udp_users *users;
	struct worker_socket socket;
	struct udp udp;
	ev_io reader;
};

/* An address, or IPv6 /64, with flows: it may have only so many. */
struct udp_source {
	struct addr ip; /* by addr_source() */
	uint64_t place; /* in the counts of all workers */
	struct list_node by_age;
	size_t count;
	bool is_held; /* stays, though an eviction may empty it */
	UT_hash_handle hh;
};

/* Invariant: in the table, in by_age and in its source's by_age, or about to be freed. */
struct udp_user {
	const struct flow_handler *handler; /* first, see net/flow_handler.h */
	struct conversation key;
	struct udp_users *users;
	struct user_socket *socket; /* NULL once main took it back: answers go nowhere */
	struct udp_source *source;
	struct flow *flow;
	uint32_t accelerator;
	struct page_accelerator *counts; /* NULL before the flow began */
	struct flow_life life;
	struct flow_limits limits;
	struct list_node by_age, in_source;
	struct udp_queued in_accelerator;
	UT_hash_handle hh;
};

static const struct flow_handler handler;

static struct page *page_of(const struct udp_users *users)
{
	return worker_page(users->listener->worker);
}

static struct flow_counts *counts_of(const struct udp_users *users)
{
	return worker_udp_sources(users->listener->worker);
}

/* ---- sources ---- */

static struct udp_source *find_source(const struct udp_users *users, const struct addr *ip)
{
	struct udp_source *source;

	HASH_FIND(hh, users->sources, ip, sizeof *ip, source);
	return source;
}

static struct udp_source *source_of(struct udp_users *users, const struct addr *user)
{
	struct addr ip = addr_source(user);
	struct udp_source *source;

	source = find_source(users, &ip);
	if (source)
		return source;
	source = calloc(1, sizeof *source);
	if (!source)
		return NULL;
	source->ip = ip;
	source->place = flow_counts_place(counts_of(users), &ip, sizeof ip);
	list_init(&source->by_age);
	HASH_ADD(hh, users->sources, ip, sizeof source->ip, source);
	if (!TABLE_HAS(source)) {
		free(source);
		return NULL;
	}
	return source;
}

static void source_drop_if_empty(struct udp_users *users, struct udp_source *source)
{
	if (source->count > 0 || source->is_held)
		return;
	HASH_DEL(users->sources, source);
	free(source);
}

static void uncount(struct udp_users *users, struct udp_source *source)
{
	flow_counts_drop(counts_of(users), source->place);
	source_drop_if_empty(users, source);
}

/* ---- flows ---- */

/* Forgets the user; the flow, if any is left, ends by itself and has no user then. */
static void user_free(struct udp_user *user)
{
	struct udp_users *users = user->users;

	if (user->flow)
		flow_set_user(user->flow, NULL);
	if (user->counts)
		accelerator_drop(user->counts, ACCELERATOR_udp_flows);
	flow_life_stop(&user->life);
	flow_limits_leave(worker_limits(users->listener->worker), &user->limits);
	HASH_DEL(users->table, user);
	if (users->recent == user)
		users->recent = NULL;
	list_del(&user->by_age);
	list_del(&user->in_source);
	udp_queues_leave(&users->queues, &user->in_accelerator);
	user->source->count--;
	uncount(users, user->source);
	users->count--;
	free(user);
}

static void user_end(struct udp_user *user, enum reason reason)
{
	struct worker *worker = user->users->listener->worker;

	flow_reset(user->flow, reason);
	worker_touch(worker, flow_lane(user->flow));
	user_free(user);
}

static void on_expired(struct flow_life *life, enum reason reason)
{
	struct udp_user *user = LIST_ENTRY(life, struct udp_user, life);

	if (reason == REASON_IDLE)
		page_count(page_of(user->users), PAGE_udp_flows_idle);
	user_end(user, reason);
}

static void is_active(struct udp_user *user)
{
	list_move_tail(&user->users->by_age, &user->by_age);
	list_move_tail(&user->source->by_age, &user->in_source);
	flow_life_active(&user->life);
}

static void evict(struct udp_user *user)
{
	page_count(page_of(user->users), PAGE_udp_flows_evicted);
	user_end(user, REASON_EVICTED);
}

/* The cap that one more flow of a source with `count` at this worker would exceed; others' may have been counted already. */
static enum explain_limit cap_met(
    const struct udp_users *users, uint64_t place, size_t count, size_t source_max)
{
	const struct flow_counts *counts = counts_of(users);

	if (!flow_counts_fit(counts, count + 1, flow_counts_others(counts, place), source_max))
		return EXPLAIN_LIMIT_UDP_SOURCE;
	if (!flow_counts_fit(
	        counts, users->count + 1, flow_counts_others_total(counts), UDP_USERS_MAX))
		return EXPLAIN_LIMIT_UDP_NODE;
	return EXPLAIN_LIMIT_NONE;
}

/*
 * Makes room under both caps of the node for the flow that was counted just now, the source's
 * first.  The oldest that gives way is one of this worker: false when it has none, and the others
 * have all that may be.
 */
static bool make_room(struct udp_users *users, struct udp_source *source, size_t source_max)
{
	switch (cap_met(users, source->place, source->count, source_max)) {
	case EXPLAIN_LIMIT_UDP_SOURCE:
		if (source->count == 0)
			return false;
		evict(LIST_ENTRY(list_first(&source->by_age), struct udp_user, in_source));
		return true;
	case EXPLAIN_LIMIT_UDP_NODE:
		if (users->count == 0)
			return false;
		evict(LIST_ENTRY(list_first(&users->by_age), struct udp_user, by_age));
		return true;
	default:
		return true;
	}
}

enum explain_limit udp_users_foretell(const struct udp_users *users,
    const struct config_accelerator *config, const struct addr *user, bool *makes_room)
{
	struct addr ip = addr_source(user);
	const struct udp_source *source = find_source(users, &ip);
	size_t count = source ? source->count : 0;
	enum explain_limit cap = cap_met(users, flow_counts_place(counts_of(users), &ip, sizeof ip),
	    count, config->udp_flows_per_source);

	*makes_room = cap == EXPLAIN_LIMIT_UDP_SOURCE ? count > 0 : users->count > 0;
	return cap;
}

/* Is nothing but the accelerator's limit of flows against a new one, and would one flow less be enough? */
static bool is_one_too_many(const struct udp_users *users, const struct config_accelerator *config,
    enum flow_kind kind, const struct addr *user)
{
	struct worker *worker = users->listener->worker;
	const struct node_limits *limits = worker_limits(worker);
	bool makes_room;

	return config->limits.accelerator.flows > 0
	       && flow_limits_foretell(limits, config, kind, user, worker_now_us(worker))
	              == EXPLAIN_LIMIT_ACCELERATOR_FLOWS
	       && (kind == FLOW_TCP || !udp_users_foretell(users, config, user, &makes_room))
	       && flow_limits_may_replace(limits, config);
}

static struct udp_queued *find_idle(
    const struct udp_users *users, const struct config_accelerator *config)
{
	uint64_t now_us = worker_now_us(users->listener->worker);

	return now_us < UDP_USERS_GIVE_WAY_US
	           ? NULL
	           : udp_queues_idle(&users->queues, config->id, now_us - UDP_USERS_GIVE_WAY_US);
}

bool udp_users_may_give_way(const struct udp_users *users, const struct config_accelerator *config,
    enum flow_kind kind, const struct addr *user)
{
	return is_one_too_many(users, config, kind, user) && find_idle(users, config);
}

void udp_users_give_way(struct udp_users *users, const struct config_accelerator *config,
    enum flow_kind kind, const struct addr *user)
{
	struct udp_queued *idle;

	if (!is_one_too_many(users, config, kind, user))
		return;
	idle = find_idle(users, config);
	udp_queues_turn(&users->queues, config->id);
	if (idle)
		evict(LIST_ENTRY(idle, struct udp_user, in_accelerator));
}

static void refuse(struct udp_users *users, uint32_t accelerator, enum page_value value,
    enum accelerator_value of_accelerator)
{
	page_count(page_of(users), value);
	accelerator_count(worker_accelerator(users->listener->worker, accelerator), of_accelerator);
}

/* A source with one more flow counted; NULL, and told, when it may not have it. */
static struct udp_source *count_one(
    struct udp_users *users, const struct addr *user, const struct config_accelerator *config)
{
	struct udp_source *source = source_of(users, user);

	if (!source) {
		page_count(page_of(users), PAGE_udp_datagrams_dropped);
		return NULL;
	}
	flow_counts_add(counts_of(users), source->place);
	source->is_held = true;
	bool has_room = make_room(users, source, config->udp_flows_per_source);
	source->is_held = false;
	if (has_room)
		return source;
	refuse(users, config->id, PAGE_udp_refused_limit, ACCELERATOR_udp_limit);
	uncount(users, source);
	return NULL;
}

static bool user_enter(struct udp_user *user, struct udp_source *source)
{
	struct udp_users *users = user->users;

	if (udp_queues_enter(&users->queues, user->accelerator, &user->in_accelerator, &user->life))
		return false;
	HASH_ADD(hh, users->table, key, sizeof user->key, user);
	if (!TABLE_HAS(user)) {
		udp_queues_leave(&users->queues, &user->in_accelerator);
		return false;
	}
	user->source = source;
	source->count++;
	users->count++;
	list_add_tail(&users->by_age, &user->by_age);
	list_add_tail(&source->by_age, &user->in_source);
	return true;
}

static struct udp_user *user_make(struct user_socket *socket, struct udp_source *source,
    const struct conversation *key, const struct config_accelerator *config)
{
	struct udp_users *users = socket->users;
	struct udp_user *user = calloc(1, sizeof *user);

	if (!user)
		return NULL;
	user->handler = &handler;
	user->key = *key;
	user->users = users;
	user->socket = socket;
	user->accelerator = config->id;
	flow_life_init(&user->life, users->listener->worker,
	    (uint64_t)config->udp_idle_timeout_s * 1000000, on_expired);
	list_init(&user->by_age);
	list_init(&user->in_source);
	if (user_enter(user, source))
		return user;
	free(user);
	return NULL;
}

/* Within the limits of its accelerator and the caps on UDP; NULL, and counted, when it may not begin. */
static struct udp_user *user_admit(struct user_socket *socket, const struct conversation *key,
    const struct config_accelerator *config)
{
	struct udp_users *users = socket->users;
	struct node_limits *node = worker_limits(users->listener->worker);
	struct flow_limits limits = {0};
	struct udp_source *source;
	struct udp_user *user;

	udp_users_give_way(users, config, FLOW_UDP, &key->user);
	if (!flow_limits_enter(node, &limits, config, FLOW_UDP, &key->user,
	        worker_now_us(users->listener->worker))) {
		refuse(users, config->id, PAGE_udp_refused_limit, ACCELERATOR_udp_limit);
		return NULL;
	}
	source = count_one(users, &key->user, config);
	user = source ? user_make(socket, source, key, config) : NULL;
	if (user) {
		user->limits = limits;
		return user;
	}
	flow_limits_leave(node, &limits);
	if (source) {
		page_count(page_of(users), PAGE_udp_datagrams_dropped);
		uncount(users, source);
	}
	return NULL;
}

/* A new conversation: NULL, and counted, when it can't be carried. */
static struct udp_user *user_begin(struct user_socket *socket, const struct conversation *key)
{
	struct udp_users *users = socket->users;
	struct listener *listener = users->listener;
	uint32_t accelerator = socket->socket.accelerator;
	const struct config_accelerator *config = choice_accelerator(listener->choice, accelerator);
	struct flow_open open = {
	    .kind = FLOW_UDP, .accelerator = accelerator, .user = key->user, .local = key->local};
	struct worker_lane *lane;
	bool fails_open;

	if (worker_config(listener->worker)->is_draining) {
		refuse(users, accelerator, PAGE_udp_refused_draining, ACCELERATOR_udp_draining);
		return NULL;
	}
	if (!config || worker_is_draining(listener->worker)) {
		refuse(users, accelerator, PAGE_udp_refused_no_lane, ACCELERATOR_udp_no_lane);
		return NULL;
	}
	if (!access_allows(listener->access, accelerator, &key->user)) {
		refuse(users, accelerator, PAGE_udp_refused_denied, ACCELERATOR_udp_denied);
		return NULL;
	}
	lane = listener_choose(
	    listener, accelerator, PROTOCOL_UDP, &key->user, key->local.port, &fails_open);
	if (!lane)
		return NULL;
	struct udp_user *user = user_admit(socket, key, config);
	if (!user)
		return NULL;
	if (flow_open(lane->lane, &open, user, &user->flow, worker_now_us(listener->worker))) {
		page_count(page_of(users), PAGE_udp_datagrams_dropped);
		user_free(user);
		return NULL;
	}
	flow_limits_begun(worker_limits(listener->worker), &user->limits, config,
	    worker_now_us(listener->worker));
	flow_treatment_apply(user->flow, &config->flow_settings, FLOW_UDP);
	listener_count_opened(listener, FLOW_UDP, fails_open);
	user->counts = worker_accelerator(listener->worker, accelerator);
	accelerator_count(user->counts, ACCELERATOR_udp_flows);
	accelerator_count(user->counts, ACCELERATOR_udp_opened);
	return user;
}

/* Main took back the socket that the flow began at, and this one has its address now. */
static struct udp_user *user_adopt(struct udp_user *user, struct user_socket *socket)
{
	if (user->accelerator == socket->socket.accelerator) {
		user->socket = socket;
		return user;
	}
	user_end(user, REASON_REMOVED);
	return NULL;
}

/* ---- from users ---- */

/* Datagrams of one user come in runs, and only the first of a run is looked up. */
static struct udp_user *find_user(struct udp_users *users, const struct conversation *key)
{
	struct udp_user *user = users->recent;

	if (user && memcmp(&user->key, key, sizeof *key) == 0)
		return user;
	HASH_FIND(hh, users->table, key, sizeof *key, user);
	users->recent = user;
	return user;
}

static void on_user_datagram(void *context, struct udp_datagram *datagram)
{
	struct user_socket *socket = context;
	struct udp_users *users = socket->users;
	struct worker *worker = users->listener->worker;
	struct conversation key = {datagram->from, datagram->local};
	struct udp_user *user;

	user = find_user(users, &key);
	if (user && user->socket != socket)
		user = user_adopt(user, socket);
	if (!user && !(user = user_begin(socket, &key)))
		return;
	is_active(user);
	page_count(page_of(users), PAGE_udp_datagrams_received);
	accelerator_add(user->counts, ACCELERATOR_udp_received, datagram->length_bytes);
	if (!flow_limits_pass(worker_limits(worker), &user->limits, FLOW_WAY_READ,
	        datagram->length_bytes, worker_now_us(worker)))
		return;
	if (flow_send_datagram(
	        user->flow, datagram->data, datagram->length_bytes, worker_now_us(worker)))
		page_count(page_of(users), PAGE_udp_datagrams_dropped);
	worker_touch(worker, flow_lane(user->flow));
}

static void on_readable(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct user_socket *socket = watcher->data;
	struct udp_receiver *receiver = worker_udp_receiver(socket->users->listener->worker);

	(void)loop;
	(void)events;
	for (int i = 0; i < RECEIVE_ROUNDS; i++)
		if (udp_receive(&socket->udp, receiver, on_user_datagram, socket) <= 0
		    || socket->udp.is_drained)
			break;
}

/* ---- from the lane ---- */

static void on_datagram(void *object, const uint8_t *data, size_t length)
{
	struct udp_user *user = object;
	struct worker *worker = user->users->listener->worker;

	is_active(user);
	if (!user->socket) {
		page_count(page_of(user->users), PAGE_udp_datagrams_dropped);
		return;
	}
	if (!flow_limits_pass(worker_limits(worker), &user->limits, FLOW_WAY_WRITTEN, length,
	        worker_now_us(worker)))
		return;
	accelerator_add(user->counts, ACCELERATOR_udp_sent, length);
	udp_outbox_add(worker_udp_outbox(worker), &user->socket->udp, data, length, &user->key.user,
	    &user->key.local);
}

static void on_reset(void *object, enum reason reason)
{
	struct udp_user *user = object;

	(void)reason;
	page_count(page_of(user->users), PAGE_udp_flows_reset);
	user_end(user, REASON_NONE);
}

static void on_closed(void *object, enum reason reason)
{
	struct udp_user *user = object;

	(void)reason;
	user->flow = NULL;
	user_free(user);
}

static const struct flow_handler handler = {
    .on_reset = on_reset,
    .on_datagram = on_datagram,
    .on_closed = on_closed,
};

/* ---- sockets ---- */

static void socket_free(struct user_socket *socket)
{
	struct udp_users *users = socket->users;

	LIST_FOREACH (user, &users->by_age, struct udp_user, by_age) {
		if (user->socket == socket)
			user->socket = NULL;
	}
	ev_io_stop(worker_loop(users->listener->worker), &socket->reader);
	udp_outbox_flush(worker_udp_outbox(users->listener->worker));
	close(socket->udp.descriptor);
	list_del(&socket->node);
	free(socket);
}

int udp_users_add_socket(
    struct udp_users *users, const struct worker_socket *socket, int descriptor)
{
	struct user_socket *made = calloc(1, sizeof *made);
	int error = made ? udp_init(&made->udp, descriptor, false) : ERR_NOMEM;

	if (error) {
		free(made);
		close(descriptor);
		return error;
	}
	made->users = users;
	made->socket = *socket;
	list_add_tail(&users->sockets, &made->node);
	ev_io_init(&made->reader, on_readable, descriptor, EV_READ);
	made->reader.data = made;
	ev_io_start(worker_loop(users->listener->worker), &made->reader);
	return 0;
}

void udp_users_remove_socket(struct udp_users *users, const struct worker_socket *socket)
{
	LIST_FOREACH_SAFE (made, next, &users->sockets, struct user_socket, node) {
		if (made->socket.accelerator == socket->accelerator
		    && addr_equal(&made->socket.local, &socket->local))
			socket_free(made);
	}
}

bool udp_users_find(const struct udp_users *users, const struct addr *from, uint32_t accelerator,
    uint16_t port, struct live_flow *found)
{
	struct addr ip = addr_source(from);
	const struct udp_source *source = find_source(users, &ip);

	if (!source)
		return false;
	LIST_FOREACH (user, &source->by_age, struct udp_user, in_source) {
		if (!user->flow || !addr_equal(&user->key.user, from)
		    || (accelerator && user->accelerator != accelerator)
		    || (port && user->key.local.port != port))
			continue;
		*found = (struct live_flow){user->flow, user->accelerator, user->key.local.port};
		return true;
	}
	return false;
}

/* It keeps the flows that it has, and takes no other. */
static bool is_draining(const struct listener *listener)
{
	return worker_config(listener->worker)->is_draining || worker_is_draining(listener->worker);
}

static bool is_to_leave(const struct udp_user *user, const struct lane *lane)
{
	struct listener *listener = user->users->listener;
	const struct config_accelerator *config =
	    choice_accelerator(listener->choice, user->accelerator);

	return user->flow && flow_lane(user->flow) == lane && config && !is_draining(listener)
	       && config->failover.udp_failover == UDP_FAILOVER_ON
	       && listener_has_another(listener, user->accelerator, PROTOCOL_UDP, &user->key.user,
	           user->key.local.port);
}

void udp_users_leave(struct udp_users *users, const struct lane *lane)
{
	LIST_FOREACH_SAFE (user, next, &users->by_age, struct udp_user, by_age) {
		if (!is_to_leave(user, lane))
			continue;
		page_count(page_of(users), PAGE_udp_flows_moved);
		user_end(user, REASON_LANE_LOST);
	}
}

/* What the config in force says of its accelerator; nothing when that is gone. */
static void renew(struct udp_user *user)
{
	const struct config_accelerator *config =
	    choice_accelerator(user->users->listener->choice, user->accelerator);

	if (!config)
		return;
	flow_treatment_apply(user->flow, &config->flow_settings, FLOW_UDP);
	flow_life_set_idle_timeout(&user->life, (uint64_t)config->udp_idle_timeout_s * 1000000);
	flow_limits_renew(&user->limits, config);
}

void udp_users_on_config(struct udp_users *users)
{
	struct listener *listener = users->listener;
	const struct node_config *config = worker_config(listener->worker);

	LIST_FOREACH_SAFE (user, next, &users->by_age, struct udp_user, by_age) {
		if (!access_allows(listener->access, user->accelerator, &user->key.user)) {
			page_count(page_of(users), PAGE_udp_flows_denied);
			user_end(user, REASON_DENIED);
			continue;
		}
		renew(user);
		flow_life_set_wanted(&user->life,
		    listener_serves(
		        listener, user->accelerator, PROTOCOL_UDP, user->key.local.port),
		    config->drain_s);
	}
}

void udp_users_init(struct udp_users *users, struct listener *listener)
{
	*users = (struct udp_users){.listener = listener};
	list_init(&users->by_age);
	list_init(&users->sockets);
}

void udp_users_clear(struct udp_users *users)
{
	LIST_FOREACH_SAFE (user, next, &users->by_age, struct udp_user, by_age)
		user_free(user);
	LIST_FOREACH_SAFE (socket, following, &users->sockets, struct user_socket, node)
		socket_free(socket);
}
