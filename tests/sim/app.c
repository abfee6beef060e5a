/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Users and backends of a run, see app.h. */
#include "tests/sim/app.h"

#include "base/err.h"
#include "tests/sim/dial.h"
#include "tests/sim/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	RETRY_US = 20000,        /* no memory, or the lane is not up */
	UDP_LINGER_US = 2000000, /* from a side's last datagram to its finish */
	WRITE_BYTES_MAX = 16384,
	DATAGRAM_BYTES_MAX = 65507,
};

static struct world *world_of(const struct app_end *end)
{
	return end->app->world;
}

static uint64_t now_of(const struct app_end *end)
{
	return world_of(end)->events.now_us;
}

static struct lane_end *lane_of(const struct app_end *end)
{
	return &world_of(end)->nodes[end->side].lanes[end->app->plan.lane];
}

static void note(struct app_end *end, unsigned what, uint64_t value)
{
	struct world *world = world_of(end);

	digest_number(&world->digest, now_of(end) << 8 | what);
	digest_number(&world->digest, (uint64_t)end->app->plan.index << 1 | end->side);
	digest_number(&world->digest, value);
	if (world->is_verbose)
		fprintf(stderr, "%10llu %s flow %u: %c %llu\n", (unsigned long long)now_of(end),
		    end->side ? "endpoint" : "listener", end->app->plan.index, (int)what,
		    (unsigned long long)value);
}

#define FAIL(end, ...)                                                                             \
	do {                                                                                       \
		char text_[200];                                                                   \
		snprintf(text_, sizeof(text_), __VA_ARGS__);                                       \
		world_fail(world_of(end), "flow %u, %s: %s", (end)->app->plan.index,               \
		    (end)->side ? "endpoint" : "listener", text_);                                 \
	} while (0)

/* Writing. */

static void write_event(void *context, void *argument, bool free_it);

static void write_later(struct app_end *end, uint64_t pause_us)
{
	if (end->is_writing_later)
		return;
	end->is_writing_later = true;
	events_add(&world_of(end)->events, now_of(end) + pause_us, write_event, end, NULL);
}

/* How far this side may write now. */
static uint64_t write_target(const struct app_end *end)
{
	const struct plan *plan = &end->app->plan;

	return plan->is_echo && end->side == SIDE_ENDPOINT ? end->received : plan->bytes[end->side];
}

static void reset_if_planned(struct app_end *end)
{
	const struct plan *plan = &end->app->plan;

	if (plan->end != PLAN_RESET || plan->resetter != end->side || !end->flow || end->has_reset
	    || end->sent + end->received < plan->reset_after_bytes)
		return;
	end->has_reset = true;
	note(end, 'R', plan->reason);
	flow_reset(end->flow, plan->reason);
}

static void finish_if_done(struct app_end *end)
{
	const struct plan *plan = &end->app->plan;

	if (end->has_finished || end->has_reset || end->got_stop || !end->flow
	    || end->sent < plan->bytes[end->side])
		return;
	/* Who resets at the very end must not have finished before. */
	if (plan->end == PLAN_RESET && plan->resetter == end->side)
		return;
	end->has_finished = true;
	note(end, 'F', end->sent);
	flow_finish(end->flow);
}

/* Writes one piece; false when no more goes for now. */
static bool write_piece(struct app_end *end, uint64_t most)
{
	struct world *world = world_of(end);
	struct chunk *chunk;
	struct slice slice;
	uint64_t length = flow_write_room(end->flow);
	int error;

	if (length == 0)
		return false;
	if (length > most)
		length = most;
	length =
	    1 + rng_below(&world->app_rng, length > WRITE_BYTES_MAX ? WRITE_BYTES_MAX : length);
	chunk = chunk_get(world->nodes[end->side].pool);
	if (!chunk) {
		write_later(end, RETRY_US);
		return false;
	}
	plan_content(&end->app->plan, end->side, end->sent, chunk->data, length);
	chunk->used_bytes = (uint32_t)length;
	slice = (struct slice){chunk, 0, (uint32_t)length};
	error = flow_write(end->flow, &slice);
	chunk_unref(chunk);
	if (error) {
		if (error != ERR_NOMEM && error != ERR_STATE)
			FAIL(end, "flow_write of %llu bytes within the room: %s",
			    (unsigned long long)length, err_text(error));
		write_later(end, RETRY_US);
		return false;
	}
	end->sent += length;
	return true;
}

static void write_some(struct app_end *end)
{
	const struct plan *plan = &end->app->plan;
	uint64_t target = write_target(end);

	while (end->flow && !end->has_reset && !end->got_stop && end->sent < target) {
		uint64_t most = target - end->sent;

		if (plan->is_talk && most > plan->write_bytes)
			most = plan->write_bytes;
		if (!write_piece(end, most))
			break;
		reset_if_planned(end);
		if (plan->is_talk) {
			write_later(
			    end, 1 + rng_below(&world_of(end)->app_rng, plan->write_pause_us));
			break;
		}
	}
	reset_if_planned(end);
	if (end->flow && end->sent == plan->bytes[end->side])
		finish_if_done(end);
}

static void send_datagram(struct app_end *end)
{
	static uint8_t data[DATAGRAM_BYTES_MAX];
	const struct plan *plan = &end->app->plan;
	unsigned index = end->datagrams_sent++;
	size_t length = plan_datagram_bytes(plan, end->side, index);
	int error;

	plan_datagram(plan, end->side, index, data);
	error = flow_send_datagram(end->flow, data, length, now_of(end));
	if (error == ERR_LIMIT)
		end->datagrams_dropped++;
	else if (error && error != ERR_STATE)
		FAIL(end, "datagram of %zu bytes: %s", length, err_text(error));
	if (length < 4)
		end->short_sent++;
}

static void write_event(void *context, void *argument, bool free_it)
{
	struct app_end *end = context;
	const struct plan *plan = &end->app->plan;

	(void)argument;
	end->is_writing_later = false;
	if (free_it || !end->flow)
		return;
	if (plan->open.kind == FLOW_TCP) {
		write_some(end);
	} else if (end->datagrams_sent < plan->datagrams[end->side]) {
		send_datagram(end);
		write_later(
		    end, end->datagrams_sent < plan->datagrams[end->side]
		             ? 1 + rng_below(&world_of(end)->app_rng, plan->datagram_pause_us)
		             : UDP_LINGER_US);
	} else if (!end->has_finished) {
		end->has_finished = true;
		note(end, 'F', end->datagrams_sent);
		flow_finish(end->flow);
	}
	world_pump(lane_of(end));
}

/* Reading. */

static void read_event(void *context, void *argument, bool free_it)
{
	struct app_end *end = context;

	(void)argument;
	end->is_reading_later = false;
	if (free_it || !end->flow)
		return;
	end->read_credit = end->app->plan.read_bytes;
	flow_resume(end->flow);
	world_pump(lane_of(end));
}

static void check_content(struct app_end *end, const uint8_t *data, size_t length)
{
	enum side sender = end->side == SIDE_LISTENER ? SIDE_ENDPOINT : SIDE_LISTENER;
	const struct app_end *peer = &end->app->ends[sender];

	if (!plan_content_is(&end->app->plan, sender, end->received, data, length))
		FAIL(end, "bytes at offset %llu are not those sent",
		    (unsigned long long)end->received);
	end->received += length;
	if (end->received > peer->sent)
		FAIL(end, "%llu bytes arrived of %llu sent", (unsigned long long)end->received,
		    (unsigned long long)peer->sent);
}

static void check_open(struct app_end *end, const char *what)
{
	if (end->is_closed)
		FAIL(end, "%s after on_closed", what);
}

static size_t on_data(void *context, struct flow *flow, const struct iovec *pieces, int count)
{
	struct app_end *end = flow_user(flow);
	bool is_slow = end->app->plan.is_slow[end->side];
	size_t taken = 0, offered = 0;

	(void)context;
	check_open(end, "data");
	if (end->got_finish || end->got_reset || end->has_reset)
		FAIL(end, "data after the direction's end");
	for (int i = 0; i < count; i++) {
		size_t part = pieces[i].iov_len;

		offered += part;
		if (is_slow && part > end->read_credit - taken)
			part = end->read_credit - taken;
		check_content(end, pieces[i].iov_base, part);
		taken += part;
	}
	note(end, 'd', taken);
	if (is_slow) {
		end->read_credit -= taken;
		if (taken < offered && !end->is_reading_later) {
			end->is_reading_later = true;
			events_add(&world_of(end)->events,
			    now_of(end) + end->app->plan.read_pause_us, read_event, end, NULL);
		}
	}
	reset_if_planned(end);
	if (end->app->plan.is_echo && end->side == SIDE_ENDPOINT)
		write_later(end, 0);
	return taken;
}

static void on_finish(void *context, struct flow *flow)
{
	struct app_end *end = flow_user(flow);
	const struct app_end *peer = &end->app->ends[!end->side];

	(void)context;
	check_open(end, "finish");
	note(end, 'f', end->received);
	if (end->got_finish || end->got_reset)
		FAIL(end, "a second end of the direction");
	if (!peer->has_finished || end->received != peer->sent)
		FAIL(end, "finish after %llu bytes of %llu", (unsigned long long)end->received,
		    (unsigned long long)peer->sent);
	end->got_finish = true;
}

static void on_reset(void *context, struct flow *flow, enum reason reason)
{
	struct app_end *end = flow_user(flow);

	(void)context;
	check_open(end, "reset");
	note(end, 'r', reason);
	if (end->got_finish || end->got_reset)
		FAIL(end, "a second end of the direction");
	end->got_reset = true;
	end->reset_reason = reason;
}

static void on_stop_sending(void *context, struct flow *flow, enum reason reason)
{
	struct app_end *end = flow_user(flow);

	(void)context;
	check_open(end, "stop-sending");
	note(end, 's', reason);
	end->got_stop = true;
}

static void on_writable(void *context, struct flow *flow)
{
	struct app_end *end = flow_user(flow);

	(void)context;
	check_open(end, "writable");
	write_later(end, 0);
}

static void on_datagram(void *context, struct flow *flow, const uint8_t *data, size_t length)
{
	struct app_end *end = flow_user(flow);
	enum side sender = end->side == SIDE_LISTENER ? SIDE_ENDPOINT : SIDE_LISTENER;
	bool is_sure;
	int index = plan_datagram_find(&end->app->plan, sender, data, length, &is_sure);

	(void)context;
	check_open(end, "datagram");
	note(end, 'u', (uint64_t)index);
	end->datagrams_received++;
	if (index < 0 || (unsigned)index >= end->app->ends[sender].datagrams_sent)
		FAIL(end, "a datagram of %zu bytes that was not sent", length);
	else if (is_sure && end->datagram_seen[index])
		FAIL(end, "datagram %d came twice", index);
	else if (!is_sure && ++end->short_received > end->app->ends[sender].short_sent)
		FAIL(end, "more short datagrams than were sent");
	else
		end->datagram_seen[index] = 1;
}

static void note_over(struct app_end *end)
{
	struct app *app = end->app;

	/* A refused flow's endpoint hears nothing; so does that of a flow whose OPEN never arrived. */
	if (app->is_over || !app->ends[SIDE_LISTENER].is_closed
	    || (app->ends[SIDE_ENDPOINT].flow != NULL))
		return;
	app->is_over = true;
	app->world->apps_over++;
}

static void on_closed(void *context, struct flow *flow, enum reason reason)
{
	struct app_end *end = flow_user(flow);

	(void)context;
	check_open(end, "closed");
	note(end, 'c', reason);
	end->is_closed = true;
	end->closed_reason = reason;
	end->flow = NULL;
	note_over(end);
}

/* The n-th state that a lane tells is n % 3, of accelerator n % 4. */
enum { HEALTH_ACCELERATORS = 4, HEALTH_STATES = 3 };

static void tell_health(struct lane_end *end)
{
	uint64_t n = ++end->health_told;

	if (lane_tell_health(
	        end->lane, (uint32_t)(n % HEALTH_ACCELERATORS), (uint8_t)(n % HEALTH_STATES)))
		world_fail(end->node->world, "lane %u takes no health", end->index);
}

static enum reason on_open(void *context, struct flow *flow, const struct flow_open *open)
{
	struct lane_end *lane_end = context;
	struct world *world = lane_end->node->world;
	const struct plan *plan;
	struct app_end *end;

	if (open->accelerator >= world->app_count) {
		world_fail(world, "an unknown flow was opened");
		return REASON_UNKNOWN_SERVICE;
	}
	end = &world->apps[open->accelerator].ends[SIDE_ENDPOINT];
	plan = &end->app->plan;
	note(end, 'o', plan->lane);
	if (end->was_told)
		FAIL(end, "opened twice");
	end->was_told = true;
	if (lane_end->index != plan->lane || open->kind != plan->open.kind
	    || !addr_equal(&open->user, &plan->open.user)
	    || !addr_equal(&open->local, &plan->open.local))
		FAIL(end, "opened as another");
	tell_health(lane_end);
	if (plan->end == PLAN_REFUSED)
		return plan->reason;
	end->flow = flow;
	end->was_opened = true;
	flow_set_user(flow, end);
	if (!plan->is_echo || plan->open.kind == FLOW_UDP)
		write_later(end, rng_below(&world->app_rng, 5000));
	else if (plan->bytes[SIDE_LISTENER] == 0)
		write_later(end, 0);
	return REASON_NONE;
}

static void on_health(
    void *context, struct lane *lane, uint32_t accelerator, uint64_t sequence, uint8_t state)
{
	struct lane_end *end = context;
	struct world *world = end->node->world;

	(void)lane;
	digest_number(&world->digest, sequence);
	end->health_heard++;
	if (accelerator != sequence % HEALTH_ACCELERATORS || state != sequence % HEALTH_STATES)
		world_fail(world, "lane %u: health %llu came as another", end->index,
		    (unsigned long long)sequence);
}

static void on_state(
    void *context, struct lane *lane, enum lane_state state, enum reason reason, const char *text)
{
	struct lane_end *end = context;
	struct world *world = end->node->world;

	(void)lane;
	digest_number(&world->digest, (uint64_t)state << 8 | reason);
	if (world->is_verbose)
		fprintf(stderr, "%10llu %s lane %u: state %d, %s %s\n",
		    (unsigned long long)world->events.now_us,
		    end->node->side ? "endpoint" : "listener", end->index, (int)state,
		    reason_name(reason), text ? text : "");
	if (end->is_over)
		world_fail(world, "lane %u changed its state after its end", end->index);
	if (end->node->side == SIDE_LISTENER && (state == LANE_DOWN || state == LANE_OVER))
		dial_later(end);
	if (end->node->side == SIDE_ENDPOINT && state == LANE_UP)
		tell_health(end);
	if (state != LANE_OVER)
		return;
	end->is_over = true;
	end->over_reason = reason;
	if (reason == REASON_PROTOCOL || reason == REASON_INTERNAL)
		world_fail(world, "lane %u broke: %s %s", end->index, reason_name(reason), text);
}

static void on_rtt(void *context, struct lane *lane, uint64_t rtt_us)
{
	struct lane_end *end = context;

	(void)lane;
	digest_number(&end->node->world->digest, rtt_us);
}

#define COMMON_CALLBACKS                                                                           \
	.on_data = on_data, .on_finish = on_finish, .on_reset = on_reset,                          \
	.on_stop_sending = on_stop_sending, .on_writable = on_writable,                            \
	.on_datagram = on_datagram, .on_closed = on_closed, .on_state = on_state, .on_rtt = on_rtt

const struct lane_callbacks app_callbacks[SIDES] = {
    [SIDE_LISTENER] = {COMMON_CALLBACKS, .on_health = on_health},
    [SIDE_ENDPOINT] = {COMMON_CALLBACKS, .on_open = on_open},
};

/* Starts. */

static void start_event(void *context, void *argument, bool free_it)
{
	struct app *app = context;
	struct app_end *end = &app->ends[SIDE_LISTENER];
	struct lane_end *lane_end = lane_of(end);
	int error;

	(void)argument;
	if (free_it)
		return;
	error = ERR_STATE;
	if (lane_end->lane)
		error = flow_open(lane_end->lane, &app->plan.open, end, &end->flow, now_of(end));
	if (error) {
		end->flow = NULL;
		if (error != ERR_STATE && error != ERR_LIMIT && error != ERR_NOMEM)
			FAIL(end, "flow_open: %s", err_text(error));
		events_add(&app->world->events, now_of(end) + RETRY_US, start_event, app, NULL);
		return;
	}
	note(end, 'O', flow_id(end->flow));
	if (rng_below(&app->world->app_rng, 2))
		write_some(end);
	else
		write_later(end, rng_below(&app->world->app_rng, 3000));
	world_pump(lane_end);
}

void apps_init(struct world *world)
{
	const struct flow_mix *mix = &world->scenario->mix;

	world->app_count = mix->tcp + mix->udp;
	world->apps = calloc(world->app_count, sizeof(*world->apps));
	for (unsigned i = 0; i < world->app_count; i++) {
		struct app *app = &world->apps[i];

		app->world = world;
		plan_draw(&app->plan, i, i >= mix->tcp, world->scenario, &world->app_rng);
		for (int side = 0; side < SIDES; side++) {
			unsigned incoming = app->plan.datagrams[!side];

			app->ends[side] = (struct app_end){.app = app, .side = (enum side)side};
			app->ends[side].datagram_seen = calloc(incoming + 1, 1);
		}
		events_add(&world->events, world->events.now_us + app->plan.start_us, start_event,
		    app, NULL);
	}
}

void apps_clear(struct world *world)
{
	for (unsigned i = 0; i < world->app_count; i++)
		for (int side = 0; side < SIDES; side++)
			free(world->apps[i].ends[side].datagram_seen);
	free(world->apps);
}

/* Checks at the end. */

static void check_finished(struct app_end *end)
{
	const struct plan *plan = &end->app->plan;

	if (end->closed_reason != REASON_NONE)
		FAIL(end, "ended by %s instead of in order", reason_name(end->closed_reason));
	else if (!end->got_finish || !end->has_finished)
		FAIL(end, "closed without both finishes");
	else if (end->received != plan->bytes[!end->side] || end->sent != plan->bytes[end->side])
		FAIL(end, "closed before all bytes were carried");
}

static void check_reset(struct app_end *end)
{
	const struct plan *plan = &end->app->plan;

	if (end->closed_reason != plan->reason)
		FAIL(end, "ended by %s instead of %s", reason_name(end->closed_reason),
		    reason_name(plan->reason));
	if (end->side != plan->resetter && !end->got_reset && !end->got_finish)
		FAIL(end, "was not told of the reset");
}

static void check_refused(struct app_end *end)
{
	const struct plan *plan = &end->app->plan;

	if (end->side == SIDE_ENDPOINT)
		return;
	if (end->closed_reason != plan->reason || !end->got_reset
	    || end->reset_reason != plan->reason)
		FAIL(end, "ended by %s instead of the refusal by %s",
		    reason_name(end->closed_reason), reason_name(plan->reason));
}

static void check_end(struct app_end *end)
{
	bool is_lost =
	    end->closed_reason == REASON_LANE_LOST || end->closed_reason == REASON_PEER_RESTARTED;

	if (end->app->world->scenario->lanes_die && (is_lost || !end->is_closed))
		return;
	if (end->app->world->scenario->may_refuse && !end->app->ends[SIDE_ENDPOINT].was_told
	    && end->app->ends[SIDE_LISTENER].closed_reason == REASON_LIMIT)
		return;
	/* Its OPEN was overtaken by a reset, or refused. */
	if (end->side == SIDE_ENDPOINT && !end->was_opened && end->app->plan.end != PLAN_FINISH)
		return;
	if (!end->is_closed)
		FAIL(end, "never ended: sent %llu, received %llu, finish %d%d, reset %d%d%d",
		    (unsigned long long)end->sent, (unsigned long long)end->received,
		    end->has_finished, end->got_finish, end->has_reset, end->got_reset,
		    end->got_stop);
	else if (end->app->plan.end == PLAN_REFUSED)
		check_refused(end);
	else if (end->app->plan.open.kind == FLOW_UDP)
		return;
	else if (end->app->plan.end == PLAN_RESET)
		check_reset(end);
	else
		check_finished(end);
}

unsigned apps_count_untold(const struct world *world, unsigned lane)
{
	unsigned count = 0;

	for (unsigned i = 0; i < world->app_count; i++)
		count += world->apps[i].plan.lane == lane
		         && !world->apps[i].ends[SIDE_ENDPOINT].was_told;
	return count;
}

/* A lane with flows has told something before the last of them ended. */
static void check_health(struct world *world)
{
	for (unsigned i = 0; i < WORLD_LANES_MAX; i++) {
		const struct lane_end *told = &world->nodes[SIDE_ENDPOINT].lanes[i];
		const struct lane_end *heard = &world->nodes[SIDE_LISTENER].lanes[i];

		if (told->health_told > 1 && heard->lane && heard->health_heard == 0)
			world_fail(world, "lane %u heard of no health", i);
	}
}

void apps_check(struct world *world)
{
	unsigned sent = 0, received = 0;

	check_health(world);

	for (unsigned i = 0; i < world->app_count; i++) {
		for (int side = 0; side < SIDES; side++) {
			struct app_end *end = &world->apps[i].ends[side];

			check_end(end);
			sent += end->datagrams_sent;
			received += end->datagrams_received;
		}
	}
	if (received * 100 < sent * world->scenario->datagram_share_percent)
		world_fail(world, "%u of %u datagrams arrived", received, sent);
}
