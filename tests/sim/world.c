/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A run of one scenario by one seed, see world.h. */
#include "tests/sim/world.h"

#include "base/err.h"
#include "tests/sim/app.h"
#include "tests/sim/dial.h"
#include "tests/sim/digest.h"
#include "tunnel/handshake.h"
#include "tunnel/limits.h"
#include "tunnel/packet.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START_US       UINT64_C(1000000)
#define SETTLE_US      UINT64_C(4000000) /* after the last flow's end: acknowledgements drain */
#define LANES_UP_US    UINT64_C(60000000)
#define LANES_END_US   UINT64_C(32000000) /* a lane that did not hear the CLOSE is over by then */
#define POLL_DELAY_US  30                 /* how late a worker sees a packet, at most */
#define TIMER_LATE_US  100                /* how late its timers are */
#define SEND_TRIES     3
#define SPINS_MAX      100
#define BATCH_MAX_PKTS 65536

void world_fail(struct world *world, const char *format, ...)
{
	char text[400];
	va_list arguments;

	if (world->has_failed)
		return;
	world->has_failed = true;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	snprintf(world->failure, sizeof(world->failure), "at %llu us: %s",
	    (unsigned long long)world->events.now_us, text);
}

/* Sending. */

static unsigned send_batches(struct lane_end *end)
{
	static uint8_t buffer[LANE_BATCH_MAX_BYTES];
	struct world *world = end->node->world;
	struct lane_batch batch = {.data = buffer, .size_bytes = sizeof(buffer)};
	unsigned packets = 0;

	while (lane_send(end->lane, &batch, world->events.now_us) > 0) {
		struct link_way way = {world->addresses[end->node->side], batch.route->remote};

		for (size_t at = 0; at < batch.length_bytes; at += batch.segment_bytes) {
			size_t length = batch.length_bytes - at;

			if (length > batch.segment_bytes)
				length = batch.segment_bytes;
			digest_bytes(&world->digest, batch.data + at, length);
			link_send(end->node->out, &way, batch.data + at, length, batch.ecn);
			packets++;
		}
		if (packets > BATCH_MAX_PKTS) {
			world_fail(world, "lane %u sends without end", end->index);
			break;
		}
	}
	return packets;
}

static void timer_event(void *context, void *argument, bool free_it);

static void set_timer(struct lane_end *end)
{
	struct world *world = end->node->world;
	uint64_t due_us = lane_timer_us(end->lane);

	if (due_us == UINT64_MAX)
		return;
	if (due_us < world->events.now_us)
		due_us = world->events.now_us;
	due_us += 1 + rng_below(&world->node_rng, TIMER_LATE_US);
	if (due_us >= end->timer_us)
		return;
	end->timer_us = due_us;
	events_add(&world->events, due_us, timer_event, end, NULL);
}

/* A worker goes by the timer alone. */
static bool wants_send(const struct lane_end *end)
{
	struct world *world = end->node->world;
	uint64_t now_us = world->events.now_us;

	if (!lane_wants_send(end->lane, now_us))
		return false;
	if (lane_timer_us(end->lane) > now_us)
		world_fail(world, "lane %u wants to send and its timer is not due", end->index);
	return true;
}

void world_pump(struct lane_end *end)
{
	struct world *world = end->node->world;
	uint64_t now_us = world->events.now_us;
	unsigned packets = 0;

	/* The end of one call may give the next something to send, as a window that grew. */
	for (int tries = 0; tries < SEND_TRIES && (wants_send(end) || tries == 0); tries++)
		packets += send_batches(end);
	if (wants_send(end))
		world_fail(world, "lane %u wants to send and does not", end->index);
	end->spins = packets == 0 && lane_timer_us(end->lane) <= now_us ? end->spins + 1 : 0;
	if (end->spins > SPINS_MAX)
		world_fail(
		    world, "lane %u spins: its timer is due and it does nothing", end->index);
	set_timer(end);
}

static void timer_event(void *context, void *argument, bool free_it)
{
	struct lane_end *end = context;
	uint64_t now_us;

	(void)argument;
	if (free_it)
		return;
	now_us = end->node->world->events.now_us;
	/* An earlier timer took this one's place. */
	if (end->timer_us != now_us)
		return;
	end->timer_us = UINT64_MAX;
	if (!end->lane)
		return;
	if (lane_timer_us(end->lane) <= now_us)
		lane_on_timer(end->lane, now_us);
	world_pump(end);
}

void world_drop_lane(struct lane_end *end)
{
	lane_free(end->lane);
	end->lane = NULL;
	end->local_id = 0;
}

/* Receiving. */

static struct lane_end *find_lane(struct node *node, const struct sim_packet *packet)
{
	struct packet_header header;

	if (packet_header_read(packet->data, packet->length, &header) != 0)
		return NULL;
	for (unsigned i = 0; i < node->world->scenario->lanes; i++)
		if (node->lanes[i].lane && node->lanes[i].local_id == header.connection_id)
			return &node->lanes[i];
	return NULL;
}

static bool *seen_of(struct node *node, uint64_t id)
{
	static bool nowhere;

	if (id == UINT64_MAX)
		return &nowhere;
	if (id >= node->seen_capacity) {
		uint64_t capacity = (id + 1024) * 2;

		node->seen = realloc(node->seen, capacity * sizeof(*node->seen));
		memset(node->seen + node->seen_capacity, 0,
		    (capacity - node->seen_capacity) * sizeof(*node->seen));
		node->seen_capacity = capacity;
	}
	return &node->seen[id];
}

/* No packet counts twice, none that was tampered with counts at all, and all others do. */
static void check_verdict(struct lane_end *end, const struct sim_packet *packet, int verdict)
{
	struct world *world = end->node->world;
	bool *seen = seen_of(end->node, packet->id);

	if (verdict == 0 && packet->is_tampered)
		world_fail(world, "lane %u took a packet that was tampered with", end->index);
	else if (verdict == 0 && *seen)
		world_fail(world, "lane %u took a packet twice", end->index);
	else if (verdict != 0 && !packet->is_tampered && !*seen && !packet->is_copy && !end->is_over
	         && verdict != ERR_STATE)
		world_fail(
		    world, "lane %u refused a good packet: %s", end->index, err_text(verdict));
	if (verdict == 0)
		*seen = true;
}

static void receive_packet(struct node *node, struct sim_packet *packet)
{
	struct world *world = node->world;
	struct lane_end *end;
	int verdict;

	if (handshake_is(packet->data, packet->length)) {
		dial_receive(node, packet);
		return;
	}
	end = find_lane(node, packet);
	if (!end)
		return;
	verdict = lane_receive(end->lane, packet->data, packet->length,
	    &(struct lane_route){.remote = packet->way.from}, packet->ecn, world->events.now_us);
	digest_number(&world->digest, (uint64_t)(unsigned)verdict << 32 | packet->length);
	check_verdict(end, packet, verdict);
	end->is_touched = true;
}

static void poll_event(void *context, void *argument, bool free_it)
{
	struct node *node = context;
	struct world *world = node->world;

	(void)argument;
	if (free_it)
		return;
	node->poll_is_set = false;
	for (unsigned i = 0; i < node->inbox_count; i++)
		receive_packet(node, node->inbox[i]);
	for (unsigned i = 0; i < world->scenario->lanes; i++)
		if (node->lanes[i].is_touched && node->lanes[i].lane)
			lane_receive_done(node->lanes[i].lane, world->events.now_us);
	while (node->inbox_count > 0)
		sim_packet_free(node->inbox[--node->inbox_count]);
	for (unsigned i = 0; i < world->scenario->lanes; i++) {
		if (node->lanes[i].is_touched && node->lanes[i].lane)
			world_pump(&node->lanes[i]);
		node->lanes[i].is_touched = false;
	}
}

static void deliver(void *context, struct sim_packet *packet)
{
	struct node *node = context;
	struct world *world = node->world;

	if (addr_equal(&packet->way.to, &link_thief))
		packet->way = (struct link_way){link_thief, world->addresses[node->side]};
	if (!addr_equal(&packet->way.to, &world->addresses[node->side])) {
		world->links[!node->side].faults[FAULT_ASTRAY]++;
		sim_packet_free(packet);
		return;
	}
	if (node->inbox_count == WORLD_INBOX_MAX)
		poll_event(node, NULL, false);
	node->inbox[node->inbox_count++] = packet;
	if (node->poll_is_set)
		return;
	node->poll_is_set = true;
	events_add(&world->events,
	    world->events.now_us + rng_below(&world->node_rng, POLL_DELAY_US), poll_event, node,
	    NULL);
}

/* Beginning. */

static void move_event(void *context, void *argument, bool free_it)
{
	struct world *world = context;
	const struct move *move = argument;
	struct addr *address = &world->addresses[move->is_endpoint ? SIDE_ENDPOINT : SIDE_LISTENER];

	if (free_it)
		return;
	address->port++;
	address->ip[3] = (uint8_t)(address->ip[3] + !move->is_port_only);
}

static void begin(struct world *world, const struct scenario *scenario, uint64_t seed)
{
	const struct link_config *configs[SIDES] = {&scenario->up, &scenario->down};

	memset(world, 0, sizeof(*world));
	world->scenario = scenario;
	events_init(&world->events, START_US);
	rng_seed(&world->link_rng, seed * 3);
	rng_seed(&world->node_rng, seed * 3 + 1);
	rng_seed(&world->app_rng, seed * 3 + 2);
	for (int side = 0; side < SIDES; side++) {
		struct node *node = &world->nodes[side];

		node->world = world;
		node->side = (enum side)side;
		node->out = &world->links[side];
		/* More than the bound, so that passing it is seen. */
		node->pool = chunk_pool_new(2 * scenario->pool_bytes);
		link_init(&world->links[side], configs[side], &world->events, &world->link_rng,
		    deliver, &world->nodes[!side]);
	}
	for (int side = 0; side < SIDES; side++)
		for (unsigned i = 0; i < scenario->lanes; i++)
			world->nodes[side].lanes[i] = (struct lane_end){
			    .node = &world->nodes[side], .index = i, .timer_us = UINT64_MAX};
	world->addresses[SIDE_LISTENER] =
	    (struct addr){.family = 4, .port = 5000, .ip = {192, 0, 2, 1}};
	world->addresses[SIDE_ENDPOINT] =
	    (struct addr){.family = 4, .port = 7401, .ip = {198, 51, 100, 1}};
	for (int i = 0; i < MOVES_MAX && scenario->moves[i].at_us; i++)
		events_add(&world->events, scenario->moves[i].at_us, move_event, world,
		    (void *)(uintptr_t)&scenario->moves[i]);
	apps_init(world);
	dial_init(world, seed);
}

/* Checks. */

/* Both sides of a lane that lived through the run agree on what it carried. */
static void check_agreement(
    struct world *world, unsigned index, const struct lane_stats stats[SIDES])
{
	const struct lane_stats *listener = &stats[SIDE_LISTENER];
	const struct lane_stats *endpoint = &stats[SIDE_ENDPOINT];

	if (listener->flows_opened
	    != endpoint->flows_opened + endpoint->flows_refused - endpoint->flows_refused_memory
	           + apps_count_untold(world, index))
		world_fail(world, "lane %u: %llu flows opened, %llu taken and %llu refused", index,
		    (unsigned long long)listener->flows_opened,
		    (unsigned long long)endpoint->flows_opened,
		    (unsigned long long)endpoint->flows_refused);
	for (int side = 0; side < SIDES; side++)
		if (stats[side].datagrams_received > stats[!side].datagrams_sent)
			world_fail(world, "lane %u: %llu datagrams arrived of %llu", index,
			    (unsigned long long)stats[side].datagrams_received,
			    (unsigned long long)stats[!side].datagrams_sent);
}

/* It found its peer wherever that went, and nobody else. */
static void check_route(
    struct world *world, unsigned index, enum side side, const struct lane_stats *stats)
{
	const struct lane *lane = world->nodes[side].lanes[index].lane;

	if (!addr_equal(&lane_route(lane)->remote, &world->addresses[!side]))
		world_fail(world, "lane %u, %s: sends to where its peer is not", index,
		    side ? "endpoint" : "listener");
	if (world->links[!side].faults[FAULT_STEAL] > 0 && stats->address_changes > 0)
		world_fail(world, "lane %u, %s: was taken over %llu times", index,
		    side ? "endpoint" : "listener", (unsigned long long)stats->address_changes);
}

/* The path MTU search found what passes, and fell when and only when that shrank. */
static void check_packet_bytes(
    struct world *world, unsigned index, enum side side, const struct lane_stats *stats)
{
	const struct scenario *scenario = world->scenario;

	if (scenario->found_bytes == 0)
		return;
	if (stats->packet_bytes < scenario->found_bytes)
		world_fail(world, "lane %u, %s: packets of %u bytes, not %u", index,
		    side ? "endpoint" : "listener", stats->packet_bytes, scenario->found_bytes);
	if (stats->mtu_black_holes < scenario->black_holes
	    || (stats->mtu_black_holes > 0 && scenario->black_holes == 0))
		world_fail(world, "lane %u, %s: saw %llu black holes, not %u", index,
		    side ? "endpoint" : "listener", (unsigned long long)stats->mtu_black_holes,
		    scenario->black_holes);
}

static void check_lane(struct world *world, unsigned index)
{
	struct lane_stats stats[SIDES];

	for (int side = 0; side < SIDES; side++) {
		lane_get_stats(world->nodes[side].lanes[index].lane, &stats[side]);
		if (world->is_verbose)
			fprintf(stderr,
			    "%s lane %u: sent %llu lost %llu spurious %llu pto %llu rtt %llu "
			    "window %llu keys %llu memory peak %llu packet bytes %u\n",
			    side ? "endpoint" : "listener", index,
			    (unsigned long long)stats[side].packets_sent,
			    (unsigned long long)stats[side].packets_lost,
			    (unsigned long long)stats[side].packets_spurious,
			    (unsigned long long)stats[side].probe_timeouts,
			    (unsigned long long)stats[side].rtt_smoothed_us,
			    (unsigned long long)stats[side].congestion_window_bytes,
			    (unsigned long long)stats[side].key_changes,
			    (unsigned long long)stats[side].memory_peak_bytes,
			    stats[side].packet_bytes);
		if (stats[side].flows_now != 0)
			world_fail(world, "lane %u, %s: %llu flows left", index,
			    side ? "endpoint" : "listener",
			    (unsigned long long)stats[side].flows_now);
		if (stats[side].memory_bytes != stats[side].repair_memory_bytes)
			world_fail(world, "lane %u, %s: %llu bytes held without flows", index,
			    side ? "endpoint" : "listener",
			    (unsigned long long)stats[side].memory_bytes);
		if (stats[side].memory_peak_bytes > world->scenario->lane_memory_bytes)
			world_fail(world, "lane %u, %s: held %llu bytes of %llu", index,
			    side ? "endpoint" : "listener",
			    (unsigned long long)stats[side].memory_peak_bytes,
			    (unsigned long long)world->scenario->lane_memory_bytes);
		check_route(world, index, (enum side)side, &stats[side]);
		check_packet_bytes(world, index, (enum side)side, &stats[side]);
		if (stats[side].key_changes < world->scenario->least_key_changes)
			world_fail(world, "lane %u: keys changed %llu times only", index,
			    (unsigned long long)stats[side].key_changes);
		/* A run whose flows happen to start early may end before keys are due. */
		if (world->scenario->keys_change && stats[side].key_changes == 0
		    && world->events.now_us > stats[side].up_since_us + EPOCH_MAX_US + 10000000)
			world_fail(world, "lane %u: keys never changed", index);
	}
	if (!world->scenario->lanes_die)
		check_agreement(world, index, stats);
}

static void check_pools(struct world *world)
{
	for (int side = 0; side < SIDES; side++) {
		const struct chunk_pool *pool = world->nodes[side].pool;

		if (chunk_pool_peak_bytes(pool) > world->scenario->pool_bytes)
			world_fail(world, "%s: %zu bytes of chunks, more than its %llu",
			    side ? "endpoint" : "listener", chunk_pool_peak_bytes(pool),
			    (unsigned long long)world->scenario->pool_bytes);
	}
}

static void check_faults(struct world *world)
{
	if (world->scenario->restart != RESTART_NONE && world->restarts == 0)
		world_fail(world, "nothing was restarted");
	for (unsigned fault = 0; fault < FAULT_COUNT; fault++)
		if ((world->scenario->must_fire & FAULT_BIT(fault))
		    && world->links[SIDE_LISTENER].faults[fault]
		               + world->links[SIDE_ENDPOINT].faults[fault]
		           == 0)
			world_fail(world, "fault %s never struck", fault_name(fault));
}

static bool all_lanes_over(const struct world *world)
{
	for (unsigned i = 0; i < world->scenario->lanes; i++)
		for (int side = 0; side < SIDES; side++)
			if (world->nodes[side].lanes[i].lane
			    && !world->nodes[side].lanes[i].is_over)
				return false;
	return true;
}

/* The listener closes, as one that drains does; the other side hears of it or notices the silence. */
static void close_lanes(struct world *world)
{
	uint64_t until_us = world->events.now_us + LANES_END_US;

	world->is_ending = true;
	for (unsigned i = 0; i < world->scenario->lanes; i++) {
		struct lane_end *end = &world->nodes[SIDE_LISTENER].lanes[i];

		if (!end->lane || end->is_over)
			continue;
		lane_close(end->lane, REASON_DRAINED, "the run is over", world->events.now_us);
		world_pump(end);
	}
	while (!world->has_failed && !all_lanes_over(world)
	       && events_run_next(&world->events, until_us))
		;
	if (!all_lanes_over(world))
		world_fail(world, "a lane is not over though its peer closed it");
}

static void end_world(struct world *world)
{
	/* On the way are packets only; the apps' events free nothing. */
	for (int side = 0; side < SIDES; side++)
		for (unsigned i = 0; i < world->scenario->lanes; i++)
			world_drop_lane(&world->nodes[side].lanes[i]);
	events_clear(&world->events);
	dial_clear(world);
	for (int side = 0; side < SIDES; side++) {
		struct node *node = &world->nodes[side];

		while (node->inbox_count > 0)
			sim_packet_free(node->inbox[--node->inbox_count]);
		if (chunk_pool_used_bytes(node->pool) != 0)
			world_fail(
			    world, "%zu bytes of chunks leaked", chunk_pool_used_bytes(node->pool));
		else
			chunk_pool_free(node->pool);
		free(node->seen);
	}
	apps_clear(world);
}

static bool is_lane_up(const struct world *world, unsigned index)
{
	for (int side = 0; side < SIDES; side++) {
		const struct lane *lane = world->nodes[side].lanes[index].lane;

		if (!lane || lane_state(lane) != LANE_UP)
			return false;
	}
	return true;
}

/* In the end each lane is up on both sides, whatever happened; losses may make that last a while. */
static void await_lanes(struct world *world)
{
	uint64_t until_us = world->events.now_us + LANES_UP_US;

	for (unsigned i = 0; i < world->scenario->lanes; i++) {
		while (!world->has_failed && !is_lane_up(world, i)
		       && events_run_next(&world->events, until_us))
			;
		if (!is_lane_up(world, i))
			world_fail(world, "lane %u is not up on both sides in the end", i);
	}
}

static void run(struct world *world)
{
	uint64_t until_us = START_US + world->scenario->duration_us;

	while (!world->has_failed && world->apps_over < world->app_count
	       && events_run_next(&world->events, until_us))
		;
	until_us = world->events.now_us + SETTLE_US;
	while (!world->has_failed && events_run_next(&world->events, until_us))
		;
	if (world->has_failed)
		return;
	await_lanes(world);
	apps_check(world);
	for (unsigned i = 0; i < world->scenario->lanes && !world->has_failed; i++)
		check_lane(world, i);
	check_pools(world);
	check_faults(world);
	if (!world->has_failed)
		close_lanes(world);
}

int world_run(const struct scenario *scenario, uint64_t seed, const struct world_options *options,
    struct world_result *result)
{
	static struct world world;

	begin(&world, scenario, seed);
	world.is_verbose = options->is_verbose;
	world.capture = options->capture;
	run(&world);
	*result = (struct world_result){
	    .events = world.events.ran,
	    .virtual_us = world.events.now_us - START_US,
	    .packets = world.links[SIDE_LISTENER].sent + world.links[SIDE_ENDPOINT].sent,
	};
	for (int side = 0; side < SIDES; side++)
		for (unsigned fault = 0; fault < FAULT_COUNT; fault++)
			result->faults[fault] += world.links[side].faults[fault];
	result->restarts = world.restarts;
	for (int side = 0; side < SIDES; side++)
		if (chunk_pool_peak_bytes(world.nodes[side].pool) > result->memory_bytes)
			result->memory_bytes = chunk_pool_peak_bytes(world.nodes[side].pool);
	end_world(&world);
	result->digest = world.digest;
	if (!world.has_failed)
		return 0;
	fprintf(
	    stderr, "%s, seed %llu: %s\n", scenario->name, (unsigned long long)seed, world.failure);
	return -1;
}
