/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See worker_dial.h. */
#include "net/worker_dial.h"

#include "base/err.h"
#include "base/log.h"
#include "net/worker_private.h"

#include <stdlib.h>
#include <string.h>

enum dial_state {
	DIAL_WAITING,   /* for try_us, if a lane is needed then */
	DIAL_REQUESTED, /* keys is to grant a lane, after a handshake perhaps, until try_us */
	DIAL_STARTING,  /* START is under way */
};

struct dial_peer {
	struct list_node node;
	struct config_peer config; /* addresses is a copy */
	struct door door;
	struct carried *carried; /* NULL while there is none */
	struct lane_name name;   /* of the lane carried */
	enum dial_state state;
	uint64_t try_us, backoff_us;
	size_t next_address;
	struct addr to;
	struct lane_grant grant; /* of the START under way */
	struct start_attempt attempt;
	uint32_t local_id; /* that START named */
};

static void arm(struct dial *dial);

/* ---- what is tried when ---- */

static void wait_before_retry(struct dial *dial, struct dial_peer *peer)
{
	uint64_t jittered =
	    peer->backoff_us / 2 + rng_below(&dial->worker->rng, peer->backoff_us / 2 + 1);

	peer->state = DIAL_WAITING;
	peer->try_us = dial->worker->now_us + jittered;
	peer->backoff_us *= 2;
	if (peer->backoff_us > DIAL_BACKOFF_MAX_US)
		peer->backoff_us = DIAL_BACKOFF_MAX_US;
}

static bool needs_lane(const struct dial_peer *peer)
{
	enum lane_state state;

	if (!peer->carried)
		return true;
	state = lane_state(peer->carried->shown.lane);
	return state == LANE_DOWN || state == LANE_OVER || state == LANE_PENDING;
}

/* The peer's addresses in turn. ERR_MALFORMED cannot come from a config that was checked. */
static int next_address(struct dial_peer *peer)
{
	if (peer->config.address_count == 0)
		return ERR_NOT_FOUND;
	const char *text =
	    peer->config.addresses[peer->next_address++ % peer->config.address_count].text;
	return addr_parse(text, 0, &peer->to);
}

static void request(struct dial *dial, struct dial_peer *peer)
{
	struct worker *worker = dial->worker;
	struct lane_request wanted = {
	    .door_id = peer->door.id,
	    .lane = (uint8_t)worker->settings.index,
	    .connection_id = worker->settings.index << 24,
	};

	if (!worker->keys_channel || !worker->lanes.has_socket || next_address(peer)) {
		wait_before_retry(dial, peer);
		return;
	}
	wanted.to = peer->to;
	peer->state = DIAL_REQUESTED;
	peer->try_us = worker->now_us + DIAL_REQUEST_US;
	worker_door_request_lane(worker, &wanted);
}

/* Sends START when it is due, or gives it up. */
static void poll_start(struct dial *dial, struct dial_peer *peer)
{
	struct worker *worker = dial->worker;
	struct addr from = {0};

	if (start_attempt_poll(&peer->attempt, worker->now_us))
		lanes_send_packet(
		    &worker->lanes, peer->attempt.packet, peer->attempt.length, &peer->to, &from);
	if (peer->attempt.is_active)
		return;
	lane_grant_clear(&peer->grant);
	handshake_count(&worker->gate.counters, HANDSHAKE_TIMED_OUT);
	wait_before_retry(dial, peer);
}

static void step(struct dial *dial, struct dial_peer *peer)
{
	uint64_t now_us = dial->worker->now_us;

	if (peer->state == DIAL_STARTING && start_attempt_timer_us(&peer->attempt) <= now_us)
		poll_start(dial, peer);
	else if (peer->state == DIAL_REQUESTED && peer->try_us <= now_us)
		wait_before_retry(dial, peer);
	else if (peer->state == DIAL_WAITING && peer->try_us <= now_us && needs_lane(peer))
		request(dial, peer);
}

static uint64_t due_us(const struct dial_peer *peer)
{
	if (peer->state == DIAL_STARTING)
		return start_attempt_timer_us(&peer->attempt);
	if (peer->state == DIAL_REQUESTED || needs_lane(peer))
		return peer->try_us;
	return UINT64_MAX;
}

static void arm(struct dial *dial)
{
	uint64_t soonest = UINT64_MAX, now_us = dial->worker->now_us;

	LIST_FOREACH (peer, &dial->peers, struct dial_peer, node)
		soonest = due_us(peer) < soonest ? due_us(peer) : soonest;
	ev_timer_stop(dial->worker->loop, &dial->timer);
	if (soonest == UINT64_MAX)
		return;
	ev_timer_set(&dial->timer, soonest > now_us ? (double)(soonest - now_us) * 1e-6 : 0., 0.);
	ev_timer_start(dial->worker->loop, &dial->timer);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct dial *dial = timer->data;

	(void)loop;
	(void)events;
	dial->worker->now_us = pacing_timer_now_us();
	LIST_FOREACH (peer, &dial->peers, struct dial_peer, node)
		step(dial, peer);
	arm(dial);
}

/* ---- answers ---- */

static struct dial_peer *peer_of_door(struct dial *dial, uint64_t door_id)
{
	LIST_FOREACH (peer, &dial->peers, struct dial_peer, node) {
		if (peer->door.id == door_id)
			return peer;
	}
	return NULL;
}

void dial_on_grant(struct dial *dial, const struct lane_grant *grant)
{
	struct dial_peer *peer = peer_of_door(dial, grant->door_id);
	struct worker *worker = dial->worker;

	if (!peer || peer->state != DIAL_REQUESTED)
		return;
	peer->local_id = lanes_new_id(&worker->lanes);
	if (peer->local_id == 0) {
		wait_before_retry(dial, peer);
		arm(dial);
		return;
	}
	peer->grant = *grant;
	peer->state = DIAL_STARTING;
	start_attempt_begin(&peer->attempt, &peer->door, grant,
	    lane_slot(worker->settings.index, worker->settings.own_pin, grant->peer_pin,
	        peer->config.slots),
	    peer->local_id, peer->carried ? &peer->name : NULL, worker->now_us);
	poll_start(dial, peer);
	arm(dial);
}

void dial_on_refused(struct dial *dial, uint64_t door_id)
{
	struct dial_peer *peer = peer_of_door(dial, door_id);

	if (!peer || peer->state != DIAL_REQUESTED)
		return;
	wait_before_retry(dial, peer);
	arm(dial);
}

void dial_on_keys(struct dial *dial)
{
	LIST_FOREACH (peer, &dial->peers, struct dial_peer, node) {
		if (peer->state == DIAL_REQUESTED)
			wait_before_retry(dial, peer);
	}
	arm(dial);
}

static struct carried *make_lane(
    struct dial *dial, struct dial_peer *peer, const struct started *started)
{
	struct worker *worker = dial->worker;
	struct lane_config config = {
	    .role = LANE_LISTENER,
	    .local_id = peer->local_id,
	    .remote_id = started->connection_id,
	    .aead = peer->grant.aead,
	    .packet_bytes = worker_packet_bytes(worker, &peer->grant.peer),
	    .max_flows = peer->grant.peer.max_flows < WORKER_LANE_FLOWS ? peer->grant.peer.max_flows
	                                                                : WORKER_LANE_FLOWS,
	    .route = {.remote = peer->to},
	};
	struct carried *carried;

	memcpy(config.send_secret, peer->grant.send_secret, sizeof config.send_secret);
	memcpy(config.receive_secret, peer->grant.receive_secret, sizeof config.receive_secret);
	carried = lanes_add(&worker->lanes, &config, peer->config.name, peer->grant.peer_pin);
	explicit_bzero(config.send_secret, sizeof config.send_secret);
	explicit_bzero(config.receive_secret, sizeof config.receive_secret);
	return carried;
}

/* The endpoint's worker has a new lane for us: what it had of an old one is gone. */
static void replace(struct dial *dial, struct dial_peer *peer, const struct started *started)
{
	struct carried *old = peer->carried;

	peer->carried = NULL;
	if (old) {
		lane_close(old->shown.lane, REASON_PEER_RESTARTED, "the endpoint lost it",
		    dial->worker->now_us);
		lanes_remove(&dial->worker->lanes, old);
	}
	peer->carried = make_lane(dial, peer, started);
	peer->name = peer->grant.name;
}

static void on_started(struct dial *dial, struct dial_peer *peer, const struct started *started)
{
	if (started->status == STARTED_ALIVE && peer->carried) {
		struct lane_route route = {.remote = peer->to};

		lane_set_route(peer->carried->shown.lane, &route, dial->worker->now_us);
		lanes_touch(&dial->worker->lanes, peer->carried->shown.lane);
	} else if (started->status == STARTED_NEW) {
		replace(dial, peer, started);
	}
	wait_before_retry(dial, peer);
	if (peer->try_us < dial->worker->now_us + DIAL_REVIVE_US)
		peer->try_us = dial->worker->now_us + DIAL_REVIVE_US;
}

enum handshake_cause dial_receive(
    struct dial *dial, const struct handshake_header *header, const struct udp_datagram *datagram)
{
	struct dial_peer *peer = peer_of_door(dial, header->door_id);
	struct started started;
	enum handshake_cause cause;

	if (!peer || peer->state != DIAL_STARTING)
		return HANDSHAKE_ANSWER_UNWANTED;
	cause = start_attempt_receive(
	    &peer->attempt, header, datagram->data, datagram->length_bytes, &started);
	if (cause != HANDSHAKE_FINE)
		return cause;
	if (header->type == HANDSHAKE_STARTED) {
		on_started(dial, peer, &started);
	} else {
		bool is_first = peer->backoff_us == DIAL_BACKOFF_MIN_US;
		worker_door_tunnel_unknown(dial->worker, header);
		wait_before_retry(dial, peer);
		if (is_first) /* a new handshake at once, but not one after the other */
			peer->try_us = dial->worker->now_us;
	}
	lane_grant_clear(&peer->grant);
	arm(dial);
	return cause;
}

/* ---- lanes come and go ---- */

void dial_on_state(struct dial *dial, struct carried *carried, enum lane_state state)
{
	LIST_FOREACH (peer, &dial->peers, struct dial_peer, node) {
		if (peer->carried != carried)
			continue;
		if (state == LANE_UP)
			peer->backoff_us = DIAL_BACKOFF_MIN_US;
		else if (state == LANE_DOWN && peer->state == DIAL_WAITING)
			peer->try_us = dial->worker->now_us;
		arm(dial);
		return;
	}
}

void dial_forget(struct dial *dial, struct carried *carried)
{
	LIST_FOREACH (peer, &dial->peers, struct dial_peer, node) {
		if (peer->carried == carried) {
			peer->carried = NULL;
			arm(dial);
		}
	}
}

struct carried *dial_lane_to(struct dial *dial, const char *peer_name)
{
	LIST_FOREACH (peer, &dial->peers, struct dial_peer, node) {
		if (strcmp(peer->config.name, peer_name))
			continue;
		if (!peer->carried)
			return NULL;
		enum lane_state state = lane_state(peer->carried->shown.lane);
		return state == LANE_UP || state == LANE_SUSPECT ? peer->carried : NULL;
	}
	return NULL;
}

/* ---- the config ---- */

static void peer_free(struct dial_peer *peer)
{
	start_attempt_end(&peer->attempt);
	lane_grant_clear(&peer->grant);
	explicit_bzero(&peer->door, sizeof peer->door);
	free(peer->config.addresses);
	list_del(&peer->node);
	free(peer);
}

static int copy_config(struct dial_peer *peer, const struct config_peer *config)
{
	struct name *addresses = calloc(config->address_count + 1, sizeof *addresses);

	if (!addresses)
		return ERR_NOMEM;
	free(peer->config.addresses);
	peer->config = *config;
	memcpy(addresses, config->addresses, config->address_count * sizeof *addresses);
	peer->config.addresses = addresses;
	return 0;
}

static int peer_add(struct dial *dial, const struct config_peer *config, const struct door *door)
{
	struct dial_peer *peer = calloc(1, sizeof *peer);

	if (!peer)
		return ERR_NOMEM;
	list_init(&peer->node);
	if (copy_config(peer, config)) {
		peer_free(peer);
		return ERR_NOMEM;
	}
	peer->door = *door;
	peer->state = DIAL_WAITING;
	peer->try_us = dial->worker->now_us;
	peer->backoff_us = DIAL_BACKOFF_MIN_US;
	list_add_tail(&dial->peers, &peer->node);
	return 0;
}

static void drop_missing(struct dial *dial)
{
	struct worker *worker = dial->worker;

	LIST_FOREACH_SAFE (peer, next, &dial->peers, struct dial_peer, node) {
		const struct config_peer *still =
		    node_config_peer(worker->config, peer->config.name);

		if (still && !memcmp(still->pin, peer->config.pin, PIN_BYTES)
		    && !memcmp(still->door_key, peer->config.door_key, DOOR_KEY_BYTES))
			continue;
		if (peer->carried)
			lanes_leave(&worker->lanes, peer->carried, worker->config->drain_s);
		peer_free(peer);
	}
}

/* The endpoint has other addresses than the one in use: the lane goes on at the first, if that answers. */
static void follow_config(struct dial *dial, struct dial_peer *peer)
{
	struct lane *lane = peer->carried ? peer->carried->shown.lane : NULL;
	struct lane_route wanted = {0};
	struct addr address;

	if (!lane || peer->config.address_count == 0)
		return;
	for (size_t i = 0; i < peer->config.address_count; i++)
		if (addr_parse(peer->config.addresses[i].text, 0, &address) == 0
		    && addr_equal(&address, &lane_route(lane)->remote))
			return;
	if (addr_parse(peer->config.addresses[0].text, 0, &wanted.remote))
		return;
	lane_move(lane, &wanted, dial->worker->now_us);
	lanes_touch(&dial->worker->lanes, lane);
}

int dial_on_config(struct dial *dial)
{
	const struct node_config *config = dial->worker->config;
	struct door door;
	int error = 0;

	drop_missing(dial);
	for (size_t i = 0; !error && i < config->peer_count; i++) {
		door_init(&door, config->peers[i].door_key, config->peers[i].pin);
		struct dial_peer *known = peer_of_door(dial, door.id);
		error = known ? copy_config(known, &config->peers[i])
		              : peer_add(dial, &config->peers[i], &door);
		if (!error && known)
			follow_config(dial, known);
	}
	explicit_bzero(&door, sizeof door);
	arm(dial);
	return error;
}

void dial_init(struct dial *dial, struct worker *worker)
{
	*dial = (struct dial){.worker = worker};
	list_init(&dial->peers);
	ev_init(&dial->timer, on_timer);
	dial->timer.data = dial;
}

void dial_clear(struct dial *dial)
{
	ev_timer_stop(dial->worker->loop, &dial->timer);
	LIST_FOREACH_SAFE (peer, next, &dial->peers, struct dial_peer, node)
		peer_free(peer);
}
