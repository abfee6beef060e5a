/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two lanes, a line, simple users: see rig.h. */
#include "config.h"

#include "tests/sim/rig.h"

#include "base/err.h"
#include "tests/unit/cmocka_all.h"

#include <string.h>

enum {
	PACKET_BYTES = 1452,
	TIMER_LATE_US = 100, /* how late timers are, at most */
	SEND_TRIES = 3,
	DATAGRAM_MAX = 1400,
	LISTENER_ID = 0x01000001,
	ENDPOINT_ID = 0x02000001,
};
#define START_US   UINT64_C(1000000)
#define AMPLE      (UINT64_C(256) << 20)
#define UP_WAIT_US UINT64_C(2000000)

static void set_timer(struct rig_side *side);

static void send_all(struct rig_side *side)
{
	static uint8_t buffer[65536];
	struct lane_batch batch = {.data = buffer, .size_bytes = sizeof(buffer)};

	while (lane_send(side->lane, &batch, side->rig->events.now_us) > 0)
		for (size_t at = 0; at < batch.length_bytes; at += batch.segment_bytes) {
			size_t left = batch.length_bytes - at;

			link_send(&side->link, NULL, batch.data + at,
			    left < batch.segment_bytes ? left : batch.segment_bytes, batch.ecn);
		}
}

static void pump(struct rig_side *side)
{
	for (int i = 0; i < SEND_TRIES; i++)
		if (i == 0 || lane_wants_send(side->lane, side->rig->events.now_us))
			send_all(side);
	set_timer(side);
}

static void on_timer(void *context, void *argument, bool free_it)
{
	struct rig_side *side = context;
	uint64_t now_us = side->rig->events.now_us;

	(void)argument;
	if (free_it || side->timer_us != now_us)
		return;
	side->timer_us = UINT64_MAX;
	if (lane_timer_us(side->lane) <= now_us)
		lane_on_timer(side->lane, now_us);
	pump(side);
}

static void set_timer(struct rig_side *side)
{
	uint64_t due_us = lane_timer_us(side->lane), now_us = side->rig->events.now_us;

	if (due_us == UINT64_MAX)
		return;
	due_us =
	    (due_us > now_us ? due_us : now_us) + 1 + rng_below(&side->rig->rng, TIMER_LATE_US);
	if (due_us >= side->timer_us)
		return;
	side->timer_us = due_us;
	events_add(&side->rig->events, due_us, on_timer, side, NULL);
}

static void deliver(void *context, struct sim_packet *packet)
{
	struct rig_side *side = context;
	uint64_t now_us = side->rig->events.now_us;

	lane_receive(side->lane, packet->data, packet->length,
	    &(struct lane_route){.remote = packet->way.from}, packet->ecn, now_us);
	lane_receive_done(side->lane, now_us);
	sim_packet_free(packet);
	pump(side);
}

/* Users. */

static void note_delay(struct source *source, uint64_t delay_us)
{
	if (delay_us > source->worst_us)
		source->worst_us = delay_us;
	source->sum_us += delay_us;
	source->delays++;
}

/* Writes at most so many bytes of zeros; returns how many are left. */
static uint64_t write_bytes(struct source *source, int from, uint64_t most)
{
	struct rig_side *side = &source->rig->sides[from];
	struct flow *flow = source->flows[from];

	for (bool is_good = true; is_good && flow && most > 0;) {
		uint64_t room = flow_write_room(flow);
		struct chunk *chunk = room ? chunk_get(side->pool) : NULL;
		struct slice slice = {.chunk = chunk};

		if (!chunk)
			break;
		slice.length = (uint32_t)(room < CHUNK_BYTES ? room : CHUNK_BYTES);
		if (slice.length > most)
			slice.length = (uint32_t)most;
		memset(chunk->data, 0, slice.length);
		chunk->used_bytes = slice.length;
		is_good = flow_write(flow, &slice) == 0;
		if (is_good) {
			source->sent += slice.length;
			most -= slice.length;
		}
		chunk_unref(chunk);
	}
	return most;
}

static void answer(struct source *source)
{
	source->owed_bytes = write_bytes(source, RIG_ENDPOINT, source->owed_bytes);
}

static void write_more(struct source *source)
{
	if (source->kind == SOURCE_QUESTIONS)
		answer(source);
	else if (!source->is_pausing)
		write_bytes(source, RIG_ENDPOINT, UINT64_MAX);
}

static void write_event(void *context, void *argument, bool free_it)
{
	struct source *source = context;

	(void)argument;
	if (free_it)
		return;
	write_more(source);
	pump(&source->rig->sides[RIG_ENDPOINT]);
}

static void send_datagram(struct source *source)
{
	uint8_t data[DATAGRAM_MAX] = {0};
	uint64_t now_us = source->rig->events.now_us;

	memcpy(data, &now_us, sizeof(now_us));
	flow_send_datagram(source->flows[RIG_ENDPOINT], data, source->bytes, now_us);
	source->sent++;
}

/* A question is asked when the last one was answered. */
static void ask(struct source *source)
{
	if (source->asked_us)
		return;
	source->asked_us = source->rig->events.now_us;
	write_bytes(source, RIG_LISTENER, source->bytes);
}

static void period_event(void *context, void *argument, bool free_it)
{
	struct source *source = context;
	struct rig *rig = source->rig;
	int from = source->kind == SOURCE_QUESTIONS ? RIG_LISTENER : RIG_ENDPOINT;

	(void)argument;
	if (free_it || !source->flows[from]
	    || (source->stop_us && rig->events.now_us >= source->stop_us))
		return;
	if (source->kind == SOURCE_QUESTIONS)
		ask(source);
	else
		send_datagram(source);
	events_add(&rig->events,
	    rig->events.now_us + source->period_us / 2 + rng_below(&rig->rng, source->period_us),
	    period_event, source, NULL);
	pump(&rig->sides[from]);
}

static void open_event(void *context, void *argument, bool free_it)
{
	struct source *source = context;
	struct rig *rig = source->rig;
	struct flow_open open = {
	    .kind = source->kind == SOURCE_DATAGRAMS ? FLOW_UDP : FLOW_TCP,
	    .accelerator = (uint32_t)(source - rig->sources),
	    .user = {.family = 4, .port = 1},
	    .local = {.family = 4, .port = 2},
	};
	struct flow **flow = &source->flows[RIG_LISTENER];

	(void)argument;
	if (free_it)
		return;
	if (flow_open(rig->sides[RIG_LISTENER].lane, &open, source, flow, rig->events.now_us)) {
		source->is_refused = true;
		return;
	}
	flow_set_policy(*flow, &source->policy);
	if (source->kind == SOURCE_QUESTIONS)
		period_event(source, NULL, false);
	pump(&rig->sides[RIG_LISTENER]);
}

/* Callbacks. */

static enum reason on_open(void *context, struct flow *flow, const struct flow_open *open)
{
	struct rig_side *side = context;
	struct source *source = &side->rig->sources[open->accelerator];

	source->flows[RIG_ENDPOINT] = flow;
	flow_set_user(flow, source);
	flow_set_policy(flow, &source->policy);
	if (source->kind != SOURCE_QUESTIONS)
		events_add(&side->rig->events, side->rig->events.now_us,
		    source->kind == SOURCE_DOWNLOAD ? write_event : period_event, source, NULL);
	return REASON_NONE;
}

static size_t total_bytes(const struct iovec *pieces, int count)
{
	size_t total = 0;

	for (int i = 0; i < count; i++)
		total += pieces[i].iov_len;
	return total;
}

static void on_answer(struct source *source, size_t bytes)
{
	source->answer_bytes += bytes;
	if (source->answer_bytes < source->bytes)
		return;
	note_delay(source, source->rig->events.now_us - source->asked_us);
	source->answer_bytes = 0;
	source->asked_us = 0;
}

static size_t on_data(void *context, struct flow *flow, const struct iovec *pieces, int count)
{
	struct rig_side *side = context;
	struct source *source = flow_user(flow);
	size_t total = total_bytes(pieces, count);

	if (side->side == RIG_ENDPOINT) {
		source->owed_bytes += total;
		answer(source);
		return total;
	}
	if (source->is_unread)
		return 0;
	source->received += total;
	if (source->kind == SOURCE_QUESTIONS)
		on_answer(source, total);
	return total;
}

static void on_datagram(void *context, struct flow *flow, const uint8_t *data, size_t length)
{
	struct source *source = flow_user(flow);
	uint64_t sent_us;

	(void)context;
	assert_int_equal(length, source->bytes);
	memcpy(&sent_us, data, sizeof(sent_us));
	note_delay(source, source->rig->events.now_us - sent_us);
	source->received++;
}

static void on_finish(void *context, struct flow *flow)
{
	(void)context;
	(void)flow;
}

static void on_reset(void *context, struct flow *flow, enum reason reason)
{
	struct rig_side *side = context;
	struct source *source = flow_user(flow);

	(void)reason;
	source->is_refused |= side->side == RIG_LISTENER;
}

static void on_writable(void *context, struct flow *flow)
{
	struct rig_side *side = context;
	struct source *source = flow_user(flow);

	if (side->side == RIG_ENDPOINT)
		events_add(&side->rig->events, side->rig->events.now_us, write_event, source, NULL);
}

static void on_closed(void *context, struct flow *flow, enum reason reason)
{
	struct rig_side *side = context;
	struct source *source = flow_user(flow);

	(void)reason;
	source->flows[side->side] = NULL;
}

static void on_state(
    void *context, struct lane *lane, enum lane_state state, enum reason reason, const char *text)
{
	(void)context;
	(void)lane;
	(void)state;
	(void)reason;
	(void)text;
}

static const struct lane_callbacks callbacks = {
    .on_open = on_open,
    .on_data = on_data,
    .on_finish = on_finish,
    .on_reset = on_reset,
    .on_stop_sending = on_reset,
    .on_writable = on_writable,
    .on_datagram = on_datagram,
    .on_closed = on_closed,
    .on_state = on_state,
};

/* Life. */

static void make_side(struct rig *rig, int index)
{
	struct rig_side *side = &rig->sides[index];
	const struct rig_config *config = &rig->config;
	struct link_config line = {
	    .delay_us = config->delay_us,
	    .rate_Bps = config->rate_Bps,
	    .queue_bytes = config->queue_bytes,
	    .loss = config->loss,
	};
	struct lane_config lane = {
	    .role = index == RIG_LISTENER ? LANE_LISTENER : LANE_ENDPOINT,
	    .local_id = index == RIG_LISTENER ? LISTENER_ID : ENDPOINT_ID,
	    .remote_id = index == RIG_LISTENER ? ENDPOINT_ID : LISTENER_ID,
	    .aead = AEAD_CHACHA20POLY1305,
	    .packet_bytes = PACKET_BYTES,
	    .congestion = config->fixed_Bps ? LANE_FIXED : LANE_BBR,
	    .fixed_rate_Bps = config->fixed_Bps,
	    .max_flows = RIG_SOURCES_MAX,
	    .memory = &side->memory,
	    .callbacks = &callbacks,
	    .context = side,
	};

	side->rig = rig;
	side->side = index;
	side->timer_us = UINT64_MAX;
	side->memory.limit_bytes = config->memory_bytes ? config->memory_bytes : AMPLE;
	side->pool = chunk_pool_new(side->memory.limit_bytes + (4 << 20));
	lane.pool = side->pool;
	lane.memory_bytes = side->memory.limit_bytes;
	memset(lane.send_secret, 1 + index, sizeof(lane.send_secret));
	memset(lane.receive_secret, 2 - index, sizeof(lane.receive_secret));
	link_init(&side->link, &line, &rig->events, &rig->rng, deliver, &rig->sides[!index]);
	assert_int_equal(lane_new(&side->lane, &lane, rig->events.now_us), 0);
}

void rig_init(struct rig *rig, const struct rig_config *config)
{
	memset(rig, 0, sizeof(*rig));
	rig->config = *config;
	events_init(&rig->events, START_US);
	rng_seed(&rig->rng, config->seed + 1);
	for (int i = 0; i < RIG_SIDES; i++)
		make_side(rig, i);
	for (int i = 0; i < RIG_SIDES; i++)
		pump(&rig->sides[i]);
	rig_run(rig, UP_WAIT_US);
	assert_int_equal(lane_state(rig->sides[RIG_LISTENER].lane), LANE_UP);
}

void rig_free(struct rig *rig)
{
	for (int i = 0; i < RIG_SIDES; i++)
		lane_free(rig->sides[i].lane);
	events_clear(&rig->events);
	for (int i = 0; i < RIG_SIDES; i++) {
		assert_int_equal(rig->sides[i].memory.used_bytes, 0);
		assert_int_equal(chunk_pool_used_bytes(rig->sides[i].pool), 0);
		chunk_pool_free(rig->sides[i].pool);
	}
}

struct source *rig_add(struct rig *rig, const struct source *source)
{
	struct source *made = &rig->sources[rig->source_count++];

	assert_in_range(rig->source_count, 1, RIG_SOURCES_MAX);
	*made = *source;
	made->rig = rig;
	if (made->stop_us)
		made->stop_us += rig->events.now_us;
	events_add(&rig->events, rig->events.now_us + made->start_us, open_event, made, NULL);
	return made;
}

static void note_queues(struct rig *rig)
{
	for (unsigned i = 0; i < rig->source_count; i++) {
		struct source *source = &rig->sources[i];
		uint64_t unacknowledged = source->flows[RIG_ENDPOINT] ? flow_unacknowledged_bytes(
		                              source->flows[RIG_ENDPOINT])
		                                                      : 0;

		if (unacknowledged > source->most_kept_bytes)
			source->most_kept_bytes = unacknowledged;
	}
}

void rig_run(struct rig *rig, uint64_t us)
{
	uint64_t until_us = rig->events.now_us + us;

	while (events_run_next(&rig->events, until_us))
		note_queues(rig);
}

void rig_mark(struct rig *rig)
{
	for (unsigned i = 0; i < rig->source_count; i++) {
		struct source *source = &rig->sources[i];

		source->mark = source->received;
		source->worst_us = source->sum_us = source->delays = 0;
	}
}

uint64_t source_since(const struct source *source)
{
	return source->received - source->mark;
}

void source_resume(struct source *source)
{
	source->is_pausing = false;
	write_event(source, NULL, false);
}
