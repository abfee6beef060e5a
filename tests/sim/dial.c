/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How lanes come and come back, see dial.h. */
#include "config.h"

#include "tests/sim/dial.h"

#include "tests/sim/app.h"
#include "tests/sim/digest.h"
#include "tests/support/handshake_node.h"
#include "tests/support/tls_seeded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ENDPOINT_WORKERS = 4,
	REDIAL_US = 250000,
	FLOWS_MAX = 4096,
};

static void set_timer(struct node *node);
static void dial_lane(struct lane_end *end);

/* Dialling. */

static bool is_dial_needed(const struct lane_end *end)
{
	enum lane_state state = end->lane ? lane_state(end->lane) : LANE_OVER;

	return !end->node->world->is_ending && (state == LANE_DOWN || state == LANE_OVER);
}

static void redial_event(void *context, void *argument, bool free_it)
{
	struct lane_end *end = context;

	(void)argument;
	end->is_redial_set = false;
	if (!free_it && is_dial_needed(end))
		dial_lane(end);
}

void dial_later(struct lane_end *end)
{
	struct world *world = end->node->world;

	if (end->is_redial_set)
		return;
	end->is_redial_set = true;
	events_add(&world->events, world->events.now_us + REDIAL_US, redial_event, end, NULL);
}

static void dial_lane(struct lane_end *end)
{
	struct node *node = end->node;
	uint64_t now_us = node->world->events.now_us;

	if (end->is_dialling)
		return;
	end->is_dialling = true;
	end->dialled_id = ++node->last_id;
	end->dialled = node->world->addresses[SIDE_ENDPOINT];
	handshake_node_dial(node->handshake, (uint8_t)end->index, end->dialled_id,
	    end->lane && !end->is_over ? &end->name : NULL, &end->dialled, now_us);
	set_timer(node);
}

/* What the handshake calls back. */

static void on_packet(void *context, const struct addr *to, const uint8_t *packet, size_t length)
{
	struct node *node = context;

	struct link_way way = {node->world->addresses[node->side], *to};

	digest_bytes(&node->world->digest, packet, length);
	link_send(node->out, &way, packet, length, 0);
}

/* The old lane, if any, is forgotten as by a worker that lost it; its flows are told. */
static void make_lane(struct lane_end *end, const struct lane_grant *grant,
    const struct addr *remote, uint32_t local_id, uint32_t remote_id)
{
	struct node *node = end->node;
	const struct scenario *scenario = node->world->scenario;
	struct lane_config config = {
	    .role = node->side == SIDE_LISTENER ? LANE_LISTENER : LANE_ENDPOINT,
	    .local_id = local_id,
	    .remote_id = remote_id,
	    .aead = grant->aead,
	    .packet_bytes = scenario->packet_bytes,
	    .route = {.remote = *remote},
	    .epoch_pkts = scenario->epoch_pkts,
	    .challenge_key = {(uint8_t)node->side, 7},
	    .max_flows = FLOWS_MAX,
	    .memory_bytes = scenario->lane_memory_bytes,
	    .pool = node->pool,
	    .callbacks = &app_callbacks[node->side],
	    .context = end,
	};

	memcpy(config.send_secret, grant->send_secret, AEAD_SECRET_BYTES);
	memcpy(config.receive_secret, grant->receive_secret, AEAD_SECRET_BYTES);
	world_drop_lane(end);
	end->name = grant->name;
	end->local_id = local_id;
	end->is_over = false;
	end->over_reason = REASON_NONE;
	end->health_told = end->health_heard = 0;
	if (lane_new(&end->lane, &config, node->world->events.now_us) != 0) {
		fprintf(stderr, "lane_new failed\n");
		exit(1);
	}
	lane_set_tracer(end->lane,
	    capture_tracer(&end->capture, node->world->capture, remote_id, (uint8_t)node->side));
	digest_bytes(&node->world->digest, config.send_secret, AEAD_SECRET_BYTES);
}

static bool is_same_lane(const struct lane_name *a, const struct lane_name *b)
{
	return a->tunnel_id == b->tunnel_id && a->incarnation == b->incarnation;
}

static void pump_event(void *context, void *argument, bool free_it)
{
	struct lane_end *end = context;

	(void)argument;
	if (!free_it && end->lane)
		world_pump(end);
}

static uint32_t on_start(
    void *context, unsigned slot, const struct lane_grant *grant, enum started_status *status)
{
	struct node *node = context;
	struct lane_end *end = &node->lanes[grant->lane];

	if (end->lane && !end->is_over && is_same_lane(&grant->start.old, &end->name)) {
		*status = STARTED_ALIVE;
		return end->local_id;
	}
	make_lane(
	    end, grant, &grant->from, slot << 24 | ++node->last_id, grant->start.connection_id);
	/* After STARTED, which goes out when this returns. */
	events_add(&node->world->events, node->world->events.now_us, pump_event, end, NULL);
	return end->local_id;
}

static void on_started(void *context, const struct lane_grant *grant, const struct started *started)
{
	struct node *node = context;
	struct lane_end *end = &node->lanes[grant->lane];

	end->is_dialling = false;
	if (started->status == STARTED_NEW) {
		if (end->lane && !end->is_over)
			lane_close(end->lane, REASON_PEER_RESTARTED, "the endpoint lost it",
			    node->world->events.now_us);
		make_lane(end, grant, &end->dialled, end->dialled_id, started->connection_id);
		world_pump(end);
	} else if (!end->lane || end->is_over) {
		world_fail(node->world, "lane %u is alive at the endpoint only", end->index);
	} else {
		struct lane_route route = {.remote = end->dialled};

		lane_set_route(end->lane, &route, node->world->events.now_us);
		world_pump(end);
	}
	/* It may be down yet, or not come up at all. */
	dial_later(end);
}

static void on_refused(void *context, uint8_t lane, enum handshake_cause cause)
{
	struct node *node = context;
	struct lane_end *end = &node->lanes[lane];

	digest_number(&node->world->digest, cause);
	if (node->world->is_verbose)
		fprintf(stderr, "%10llu lane %u refused: %s\n",
		    (unsigned long long)node->world->events.now_us, lane,
		    handshake_cause_name(cause));
	end->is_dialling = false;
	dial_later(end);
}

static const struct handshake_node_callbacks callbacks = {
    .on_packet = on_packet,
    .on_start = on_start,
    .on_started = on_started,
    .on_refused = on_refused,
};

/* Packets and timers. */

static uint64_t count_all(const struct node *node, uint64_t *fine)
{
	struct handshake_counters counters;
	uint64_t sum = 0;

	handshake_node_counters(node->handshake, &counters);
	/* Not the count of a packet. */
	counters.count[HANDSHAKE_TIMED_OUT] = 0;
	for (int i = 0; i < HANDSHAKE_CAUSE_COUNT; i++)
		sum += counters.count[i];
	*fine = counters.count[HANDSHAKE_FINE];
	return sum;
}

void dial_receive(struct node *node, const struct sim_packet *packet)
{
	uint64_t fine_before, fine_after;
	uint64_t before = count_all(node, &fine_before), after;

	handshake_node_receive(node->handshake, &packet->way.from, packet->data, packet->length,
	    node->world->events.now_us);
	after = count_all(node, &fine_after);
	if (after != before + 1)
		world_fail(node->world, "a handshake packet raised counters by %llu",
		    (unsigned long long)(after - before));
	if (packet->is_tampered && fine_after != fine_before)
		world_fail(node->world, "a handshake packet passed that was tampered with");
	set_timer(node);
}

static void timer_event(void *context, void *argument, bool free_it)
{
	struct node *node = context;
	uint64_t now_us;

	(void)argument;
	if (free_it)
		return;
	now_us = node->world->events.now_us;
	if (node->handshake_timer_us != now_us)
		return;
	node->handshake_timer_us = UINT64_MAX;
	handshake_node_on_timer(node->handshake, now_us);
	set_timer(node);
}

static void set_timer(struct node *node)
{
	struct world *world = node->world;
	uint64_t due_us = handshake_node_timer_us(node->handshake);

	if (due_us == UINT64_MAX)
		return;
	if (due_us <= world->events.now_us)
		due_us = world->events.now_us + 1;
	if (due_us >= node->handshake_timer_us)
		return;
	node->handshake_timer_us = due_us;
	events_add(&world->events, due_us, timer_event, node, NULL);
}

/* Beginning, restarts, end. */

/* The daemon is killed and started: no CLOSE, no state but its identity. */
static void restart_node(struct node *node)
{
	struct world *world = node->world;

	if (handshake_node_restart(node->handshake, world->events.now_us) != 0)
		world_fail(world, "restart failed");
	for (unsigned i = 0; i < world->scenario->lanes; i++) {
		struct lane_end *end = &node->lanes[i];

		world_drop_lane(end);
		end->is_dialling = false;
		if (node->side == SIDE_LISTENER)
			dial_lane(end);
	}
}

static void restart_event(void *context, void *argument, bool free_it)
{
	struct world *world = context;

	(void)argument;
	if (free_it)
		return;
	world->restarts++;
	switch (world->scenario->restart) {
	case RESTART_LISTENER:
		restart_node(&world->nodes[SIDE_LISTENER]);
		break;
	case RESTART_ENDPOINT:
		restart_node(&world->nodes[SIDE_ENDPOINT]);
		break;
	case RESTART_WORKER:
		world_drop_lane(&world->nodes[SIDE_ENDPOINT].lanes[0]);
		break;
	case RESTART_NONE:
		break;
	}
}

static void make_nodes(struct world *world, uint64_t seed)
{
	uint8_t door_key[DOOR_SECRET_BYTES];
	int device = tls_seeded_start(seed);
	int result = 0;

	rng_bytes(&world->node_rng, door_key, sizeof(door_key));
	for (int side = 0; side < SIDES; side++) {
		struct handshake_node_config config = {
		    .role = side == SIDE_LISTENER ? TUNNEL_LISTENER : TUNNEL_ENDPOINT,
		    .workers = ENDPOINT_WORKERS,
		    .seed = rng_next(&world->node_rng),
		    .device = device,
		    .callbacks = &callbacks,
		    .context = &world->nodes[side],
		};

		world->nodes[side].handshake_timer_us = UINT64_MAX;
		result |= handshake_node_new(
		    &world->nodes[side].handshake, &config, world->events.now_us);
	}
	for (int side = 0; side < SIDES && result == 0; side++)
		result |= handshake_node_set_peer(world->nodes[side].handshake,
		    handshake_node_pin(world->nodes[!side].handshake), door_key);
	if (result != 0) {
		fprintf(stderr, "no handshake nodes\n");
		exit(1);
	}
}

void dial_init(struct world *world, uint64_t seed)
{
	make_nodes(world, seed);
	if (world->scenario->restart != RESTART_NONE)
		events_add(&world->events, world->events.now_us + world->scenario->restart_us,
		    restart_event, world, NULL);
	for (unsigned i = 0; i < world->scenario->lanes; i++)
		dial_lane(&world->nodes[SIDE_LISTENER].lanes[i]);
}

void dial_clear(struct world *world)
{
	for (int side = 0; side < SIDES; side++)
		handshake_node_free(world->nodes[side].handshake);
}
