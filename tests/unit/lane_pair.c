/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two lanes in memory; see lane_pair.h.
 */
#include "config.h"

#include "tests/unit/lane_pair.h"

#include "tests/unit/cmocka_all.h"
#include "tunnel/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_BYTES = 65536 };

/* Each flow and direction has its own bytes. */
static uint8_t pattern(uint64_t id, bool from_listener, uint64_t offset)
{
	return (uint8_t)((offset * 131) ^ (offset >> 8) ^ (id * 17) ^ (from_listener ? 0x55 : 0));
}

static struct app_flow *app_new(struct app_side *side, struct flow *flow, enum flow_kind kind)
{
	struct app_flow *app = calloc(1, sizeof(*app));

	assert_non_null(app);
	app->flow = flow;
	app->side = side;
	app->kind = kind;
	app->id = flow ? flow_id(flow) : 0;
	app->take_limit = side->take_limit;
	app->next = side->flows;
	side->flows = app;
	side->opened++;
	return app;
}

static enum reason app_on_open(void *context, struct flow *flow, const struct flow_open *open)
{
	struct app_side *side = context;

	assert_int_equal(open->accelerator, 7);
	assert_int_equal(open->user.port, 1234);
	if (side->refuse_with != REASON_NONE)
		return side->refuse_with;
	flow_set_user(flow, app_new(side, flow, open->kind));
	return REASON_NONE;
}

static size_t app_on_data(void *context, struct flow *flow, const struct iovec *pieces, int count)
{
	struct app_side *side = context;
	struct app_flow *app = flow_user(flow);
	bool from_listener = side == &side->pair->endpoint;
	size_t taken = 0;

	assert_in_range(count, 1, LANE_PIECES_MAX);
	assert_false(app->is_closed || app->got_finish || app->got_reset);
	if (app->last_us && side->pair->now_us - app->last_us > app->longest_gap_us)
		app->longest_gap_us = side->pair->now_us - app->last_us;
	app->last_us = side->pair->now_us;
	for (int i = 0; i < count; i++) {
		const uint8_t *data = pieces[i].iov_base;

		for (size_t j = 0; j < pieces[i].iov_len; j++) {
			if (app->received == app->take_limit)
				return taken;
			if (data[j] != pattern(app->id, from_listener, app->received))
				fail_msg("flow %llu: wrong byte at %llu (seed %llu)",
				    (unsigned long long)app->id, (unsigned long long)app->received,
				    (unsigned long long)side->pair->seed);
			app->received++;
			taken++;
		}
	}
	if (side->echo)
		app_write(app, taken, false);
	return taken;
}

static void app_on_finish(void *context, struct flow *flow)
{
	struct app_side *side = context;
	struct app_flow *app = flow_user(flow);

	assert_false(app->got_finish);
	app->got_finish = true;
	if (side->echo)
		app_write(app, 0, true);
}

static void app_on_reset(void *context, struct flow *flow, enum reason reason)
{
	struct app_flow *app = flow_user(flow);

	(void)context;
	assert_false(app->got_reset);
	app->got_reset = true;
	app->reset_reason = reason;
}

static void app_on_stop_sending(void *context, struct flow *flow, enum reason reason)
{
	struct app_flow *app = flow_user(flow);

	(void)context;
	app->got_stop = true;
	app->stop_reason = reason;
	app->to_write = app->written;
}

static void pump(struct app_flow *app)
{
	struct app_side *side = app->side;
	bool from_listener = side == &side->pair->listener;

	while (app->flow && app->written < app->to_write) {
		size_t room = flow_write_room(app->flow);
		uint64_t left = app->to_write - app->written;
		struct slice slice = {.length = CHUNK_BYTES};

		if (room == 0)
			return;
		if (slice.length > room)
			slice.length = (uint32_t)room;
		if (slice.length > left)
			slice.length = (uint32_t)left;
		slice.chunk = chunk_get(side->pool);
		assert_non_null(slice.chunk);
		for (uint32_t i = 0; i < slice.length; i++)
			slice.chunk->data[i] = pattern(app->id, from_listener, app->written + i);
		slice.chunk->used_bytes = slice.length;
		assert_int_equal(flow_write(app->flow, &slice), 0);
		chunk_unref(slice.chunk);
		app->written += slice.length;
	}
	if (app->flow && app->finish_when_written && app->written == app->to_write)
		flow_finish(app->flow);
}

static void app_on_writable(void *context, struct flow *flow)
{
	(void)context;
	pump(flow_user(flow));
}

static void app_on_datagram(void *context, struct flow *flow, const uint8_t *data, size_t length)
{
	struct app_flow *app = flow_user(flow);

	(void)context;
	for (size_t i = 0; i < length; i++)
		if (data[i] != pattern(length, true, i))
			fail_msg("datagram of %zu bytes: wrong byte at %zu", length, i);
	app->datagrams++;
	app->datagram_bytes += length;
}

static void app_on_closed(void *context, struct flow *flow, enum reason reason)
{
	struct app_side *side = context;
	struct app_flow *app = flow_user(flow);

	assert_false(app->is_closed);
	app->is_closed = true;
	app->closed_reason = reason;
	app->flow = NULL;
	side->closed++;
}

static void app_on_state(
    void *context, struct lane *lane, enum lane_state state, enum reason reason, const char *text)
{
	struct app_side *side = context;

	(void)lane;
	side->state = state;
	if (state == LANE_OVER) {
		side->over_reason = reason;
		snprintf(side->over_text, sizeof(side->over_text), "%s", text);
	}
}

static void app_on_rtt(void *context, struct lane *lane, uint64_t rtt_us)
{
	struct app_side *side = context;

	(void)lane;
	(void)rtt_us;
	side->rtt_samples++;
}

static void app_on_health(
    void *context, struct lane *lane, uint32_t accelerator, uint64_t sequence, uint8_t state)
{
	struct app_side *side = context;

	(void)lane;
	side->healths++;
	if (sequence <= side->health_sequence[accelerator])
		return;
	side->health_sequence[accelerator] = sequence;
	side->health[accelerator] = state;
}

static void app_on_moved(void *context, struct lane *lane, const struct lane_route *route)
{
	struct app_side *side = context;

	assert_ptr_equal(route, lane_route(lane));
	side->moves++;
}

static const struct lane_callbacks callbacks = {
    .on_open = app_on_open,
    .on_data = app_on_data,
    .on_finish = app_on_finish,
    .on_reset = app_on_reset,
    .on_stop_sending = app_on_stop_sending,
    .on_writable = app_on_writable,
    .on_datagram = app_on_datagram,
    .on_closed = app_on_closed,
    .on_state = app_on_state,
    .on_rtt = app_on_rtt,
    .on_moved = app_on_moved,
    .on_health = app_on_health,
};

static void side_init(struct pair *pair, struct app_side *side, enum lane_role role,
    const struct pair_options *options)
{
	bool is_listener = role == LANE_LISTENER;
	struct lane_config config = {
	    .role = role,
	    .local_id = is_listener ? 0x01000001 : 0x02000002,
	    .remote_id = is_listener ? 0x02000002 : 0x01000001,
	    .aead = options->aead ? options->aead : AEAD_CHACHA20POLY1305,
	    .packet_bytes = options->packet_bytes ? options->packet_bytes : PACKET_MIN_BYTES,
	    .route = {is_listener ? pair->endpoint.address : pair->listener.address, {0}},
	    .epoch_pkts = options->epoch_pkts,
	    .challenge_key = {1, is_listener},
	    .max_flows = options->max_flows ? options->max_flows : 20000,
	    .memory_bytes = options->memory_bytes ? options->memory_bytes : 64 << 20,
	    .callbacks = &callbacks,
	    .context = side,
	};

	if (is_listener)
		config.siblings = options->siblings;
	memset(is_listener ? config.send_secret : config.receive_secret, 1, AEAD_SECRET_BYTES);
	memset(is_listener ? config.receive_secret : config.send_secret, 2, AEAD_SECRET_BYTES);
	side->pair = pair;
	side->take_limit = UINT64_MAX;
	side->pool = chunk_pool_new(256 << 20);
	assert_non_null(side->pool);
	config.pool = side->pool;
	assert_int_equal(lane_new(&side->lane, &config, pair->now_us), 0);
}

void pair_init(struct pair *pair, const struct pair_options *options)
{
	memset(pair, 0, sizeof(*pair));
	pair->now_us = 1000000;
	pair->delay_us = options->delay_us ? options->delay_us : 10000;
	pair->seed = options->seed ? options->seed : 1;
	rng_seed(&pair->rng, pair->seed);
	pair->batch = malloc(BATCH_BYTES);
	assert_non_null(pair->batch);
	addr_parse("192.0.2.1:1000", 0, &pair->listener.address);
	addr_parse("192.0.2.2:1000", 0, &pair->endpoint.address);
	side_init(pair, &pair->listener, LANE_LISTENER, options);
	side_init(pair, &pair->endpoint, LANE_ENDPOINT, options);
	if (options->is_idle)
		return;
	pair_run(pair, 200000);
	assert_int_equal(lane_state(pair->listener.lane), LANE_UP);
	assert_int_equal(lane_state(pair->endpoint.lane), LANE_UP);
}

static void side_free(struct app_side *side)
{
	lane_free(side->lane);
	assert_int_equal(side->opened, side->closed);
	assert_int_equal(chunk_pool_used_bytes(side->pool), 0);
	chunk_pool_free(side->pool);
	while (side->flows) {
		struct app_flow *next = side->flows->next;

		free(side->flows);
		side->flows = next;
	}
}

void pair_free(struct pair *pair)
{
	side_free(&pair->listener);
	side_free(&pair->endpoint);
	while (pair->wire) {
		struct wire_packet *next = pair->wire->next;

		free(pair->wire);
		pair->wire = next;
	}
	free(pair->batch);
}

static struct app_side *other_side(struct app_side *side)
{
	return side == &side->pair->listener ? &side->pair->endpoint : &side->pair->listener;
}

static void wire_add(struct pair *pair, struct app_side *to, const uint8_t *data, size_t length)
{
	struct wire_packet *packet = malloc(sizeof(*packet) + length);
	struct wire_packet **place = &pair->wire;

	assert_non_null(packet);
	packet->to = to;
	packet->from = other_side(to)->address;
	packet->length = length;
	packet->at_us = pair->now_us + pair->delay_us;
	if (rng_uniform(&pair->rng) < to->reordering)
		packet->at_us += rng_below(&pair->rng, pair->delay_us);
	memcpy(packet->data, data, length);
	while (*place && (*place)->at_us <= packet->at_us)
		place = &(*place)->next;
	packet->next = *place;
	*place = packet;
}

static void wire_send(struct pair *pair, struct app_side *to, const uint8_t *data, size_t length)
{
	to->packets++;
	if (to->drop_next) {
		to->drop_next--;
		return;
	}
	if (to->is_cut || rng_uniform(&pair->rng) < to->loss)
		return;
	wire_add(pair, to, data, length);
	if (rng_uniform(&pair->rng) < to->duplication)
		wire_add(pair, to, data, length);
}

static void side_send(struct app_side *side, struct app_side *to)
{
	struct pair *pair = side->pair;
	struct lane_batch batch = {.data = pair->batch, .size_bytes = BATCH_BYTES};

	while (lane_send(side->lane, &batch, pair->now_us)) {
		size_t at = 0;

		assert_int_equal(
		    (batch.length_bytes + batch.segment_bytes - 1) / batch.segment_bytes,
		    batch.count);
		while (at < batch.length_bytes) {
			size_t length = batch.length_bytes - at;

			if (length > batch.segment_bytes)
				length = batch.segment_bytes;
			if (addr_equal(&batch.route->remote, &to->address))
				wire_send(pair, to, batch.data + at, length);
			at += length;
		}
	}
}

static void wire_deliver(struct pair *pair)
{
	struct wire_packet *done = NULL;
	bool listener_got = false, endpoint_got = false;

	while (pair->wire && pair->wire->at_us <= pair->now_us) {
		struct wire_packet *packet = pair->wire;

		pair->wire = packet->next;
		lane_receive(packet->to->lane, packet->data, packet->length,
		    &(struct lane_route){packet->from, {0}}, 0, pair->now_us);
		listener_got |= packet->to == &pair->listener;
		endpoint_got |= packet->to == &pair->endpoint;
		packet->next = done;
		done = packet;
	}
	if (listener_got)
		lane_receive_done(pair->listener.lane, pair->now_us);
	if (endpoint_got)
		lane_receive_done(pair->endpoint.lane, pair->now_us);
	while (done) {
		struct wire_packet *next = done->next;

		free(done);
		done = next;
	}
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* To the next event, at most to `end_us`. */
static void pair_step(struct pair *pair, uint64_t end_us)
{
	uint64_t next_us = earlier(lane_timer_us(pair->listener.lane), end_us);

	next_us = earlier(next_us, lane_timer_us(pair->endpoint.lane));
	if (pair->wire)
		next_us = earlier(next_us, pair->wire->at_us);
	if (next_us > pair->now_us)
		pair->now_us = next_us;
	wire_deliver(pair);
	if (lane_timer_us(pair->listener.lane) <= pair->now_us)
		lane_on_timer(pair->listener.lane, pair->now_us);
	if (lane_timer_us(pair->endpoint.lane) <= pair->now_us)
		lane_on_timer(pair->endpoint.lane, pair->now_us);
	side_send(&pair->listener, &pair->endpoint);
	side_send(&pair->endpoint, &pair->listener);
}

/* A lane that asks for a timer without letting time pass would stall for ever: that fails. */
static void pair_step_checked(struct pair *pair, uint64_t end_us, unsigned *idle_steps)
{
	uint64_t before_us = pair->now_us;

	pair_step(pair, end_us);
	*idle_steps = pair->now_us == before_us ? *idle_steps + 1 : 0;
	if (*idle_steps > 10000)
		fail_msg("time stands still (seed %llu)", (unsigned long long)pair->seed);
}

void pair_run(struct pair *pair, uint64_t us)
{
	uint64_t end_us = pair->now_us + us;
	unsigned idle_steps = 0;

	while (pair->now_us < end_us)
		pair_step_checked(pair, end_us, &idle_steps);
}

bool pair_run_until_closed(struct pair *pair, uint64_t us)
{
	uint64_t end_us = pair->now_us + us;
	unsigned idle_steps = 0;

	while (pair->now_us < end_us) {
		if (pair->listener.opened == pair->listener.closed
		    && pair->endpoint.opened == pair->endpoint.closed)
			return true;
		pair_step_checked(pair, end_us, &idle_steps);
	}
	return false;
}

struct app_flow *pair_open(struct pair *pair, enum flow_kind kind)
{
	struct flow_open open = {.kind = kind, .accelerator = 7};
	struct app_side *side = &pair->listener;
	struct app_flow *app = app_new(side, NULL, kind);

	assert_int_equal(addr_parse("192.0.2.1:1234", 0, &open.user), 0);
	assert_int_equal(addr_parse("[2001:db8::1]:443", 0, &open.local), 0);
	assert_int_equal(flow_open(side->lane, &open, app, &app->flow, pair->now_us), 0);
	app->id = flow_id(app->flow);
	return app;
}

struct app_flow *side_find(struct app_side *side, uint64_t id)
{
	struct app_flow *app;

	for (app = side->flows; app && app->id != id; app = app->next)
		;
	return app;
}

void app_write(struct app_flow *app, uint64_t bytes, bool finish)
{
	app->to_write += bytes;
	app->finish_when_written |= finish;
	pump(app);
}

int app_send_datagram(struct app_flow *app, size_t length)
{
	static uint8_t data[DATAGRAM_MAX_BYTES + 1];

	for (size_t i = 0; i < length; i++)
		data[i] = pattern(length, true, i);
	return flow_send_datagram(app->flow, data, length, app->side->pair->now_us);
}
