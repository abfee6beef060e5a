/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See worker_lanes.h.  Sending is in one place, lanes_serve(), just before the loop waits: what all
 * events of a round wrote goes out in full batches, and acknowledgements answer whole received batches.
 */
#include "net/worker_lanes.h"

#include "base/err.h"
#include "base/log.h"
#include "net/flow_handler.h"
#include "net/worker_private.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	RECEIVE_ROUNDS = 4, /* batches read in one round of the loop */
	SEND_ROUNDS = 16,   /* batches of one lane in one round of the loop */
	INDEX_MASK = LANES_MAX - 1,
	RANDOM_BITS = 12,
	SLOT_SHIFT = LANE_INDEX_BITS + RANDOM_BITS,
	LEAVE_SLACK_US = 2000000, /* for flows to end by themselves after the drain time */
	BLOCKED_LOOK_US = 1000,   /* at lanes' timers while the socket is full */
};

static struct page *page_of(const struct lanes *lanes)
{
	return lanes->worker->page;
}

/* ---- receiving ---- */

static struct carried *find(const struct lanes *lanes, uint32_t id)
{
	struct carried *carried = lanes->places[id & INDEX_MASK];

	return carried && carried->local_id == id ? carried : NULL;
}

static void count_failure(struct lanes *lanes, int error)
{
	if (error == ERR_AUTH)
		page_count(page_of(lanes), PAGE_packets_forged);
	else if (error == ERR_REPLAY)
		page_count(page_of(lanes), PAGE_packets_replayed);
	else if (error == ERR_MALFORMED)
		page_count(page_of(lanes), PAGE_packets_malformed);
}

static void receive_sealed(struct lanes *lanes, struct udp_datagram *datagram)
{
	const uint8_t *id = datagram->data + 1;
	struct carried *carried = NULL;
	struct lane_route route;

	if (datagram->length_bytes >= 5)
		carried = find(lanes,
		    (uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | id[3]);
	if (!carried) {
		page_count(page_of(lanes), PAGE_packets_unknown);
		return;
	}
	route = (struct lane_route){.remote = datagram->from};
	/* A listener leaves its own address to the system, so that it may change. */
	if (lanes->worker->role->role == NODE_ENDPOINT)
		route.local = datagram->local;
	count_failure(
	    lanes, lane_receive(carried->shown.lane, datagram->data, datagram->length_bytes, &route,
	               datagram->ecn, lanes->worker->now_us));
	if (!list_is_linked(&carried->received))
		list_add_tail(&lanes->received, &carried->received);
}

static void on_datagram(void *context, struct udp_datagram *datagram)
{
	struct lanes *lanes = context;

	page_count(page_of(lanes), PAGE_tunnel_packets_received);
	page_add(page_of(lanes), PAGE_tunnel_received_bytes, datagram->length_bytes);
	if (handshake_is(datagram->data, datagram->length_bytes))
		worker_door_receive(lanes->worker, datagram);
	else
		receive_sealed(lanes, datagram);
}

/* Ends the batch for the lanes that had part in it, while its memory still holds. */
static void end_batch(struct lanes *lanes)
{
	struct list_node *node;

	while ((node = list_pop(&lanes->received))) {
		struct carried *carried = LIST_ENTRY(node, struct carried, received);

		lane_receive_done(carried->shown.lane, lanes->worker->now_us);
		list_move_tail(&lanes->busy, &carried->busy);
	}
	udp_outbox_flush(lanes->worker->outbox);
}

static void on_readable(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct lanes *lanes = watcher->data;

	(void)loop;
	(void)events;
	for (int i = 0; i < RECEIVE_ROUNDS; i++) {
		int count = udp_receive(&lanes->udp, lanes->worker->receiver, on_datagram, lanes);

		end_batch(lanes);
		if (count <= 0 || lanes->udp.is_drained)
			break;
	}
}

/* ---- sending ---- */

/* What the device does not take is no size for the lane's packets. */
static void tell_refused(struct lanes *lanes)
{
	struct carried *carried = find(lanes, lanes->waiting_id);

	if (lanes->udp.refused_bytes && carried)
		lane_on_refused(
		    carried->shown.lane, (uint16_t)lanes->udp.refused_bytes, lanes->worker->now_us);
	lanes->udp.refused_bytes = 0;
}

/* False when the socket is full: it watches for room then. */
static bool send_waiting(struct lanes *lanes)
{
	size_t done;
	uint64_t before = lanes->udp.stats.datagrams_sent;

	if (lanes->waiting.length_bytes == 0)
		return true;
	int error = udp_send(&lanes->udp, &lanes->waiting, 1, &done);
	page_add(
	    page_of(lanes), PAGE_tunnel_packets_sent, lanes->udp.stats.datagrams_sent - before);
	tell_refused(lanes);
	if (error == ERR_AGAIN) {
		page_count(page_of(lanes), PAGE_tunnel_send_full);
		lanes->is_blocked = true;
		ev_io_start(lanes->worker->loop, &lanes->writer);
		return false;
	}
	lanes->waiting.length_bytes = 0;
	return true;
}

/* One batch of one lane; false when the lane has nothing to send now or the socket is full. */
static bool send_batch(struct lanes *lanes, struct carried *carried)
{
	struct lane_batch batch = {.data = lanes->buffer, .size_bytes = UDP_BATCH_BYTES};

	if (lane_send(carried->shown.lane, &batch, lanes->worker->now_us) == 0)
		return false;
	page_add(page_of(lanes), PAGE_tunnel_sent_bytes, batch.length_bytes);
	lanes->waiting_id = carried->local_id;
	lanes->waiting = (struct udp_batch){
	    .data = batch.data,
	    .length_bytes = batch.length_bytes,
	    .segment_bytes = batch.segment_bytes,
	    .to = batch.route->remote,
	    .from = batch.route->local,
	    .ecn = batch.ecn,
	};
	return send_waiting(lanes);
}

static void serve_lane(struct lanes *lanes, struct carried *carried)
{
	bool has_sent;
	int rounds = 0;

	do {
		has_sent = send_batch(lanes, carried);
		rounds += has_sent;
		carried->due_us = lane_timer_us(carried->shown.lane);
	} while (has_sent && rounds < SEND_ROUNDS && carried->due_us <= lanes->worker->now_us);
	carried->is_served = true;
	if (rounds == SEND_ROUNDS || lanes->is_blocked)
		list_move_tail(&lanes->busy, &carried->busy); /* it may have more */
}

static bool has_left(const struct carried *carried)
{
	struct lane_stats stats;

	lane_get_stats(carried->shown.lane, &stats);
	return stats.flows_now == 0 || carried->leaves_us <= carried->shown.worker->now_us;
}

/* The flows end by themselves when their own drain time is over: this is for those that can't. */
static void close_those_that_left(struct lanes *lanes)
{
	LIST_FOREACH_SAFE (carried, next, &lanes->all, struct carried, node) {
		if (carried->leaves_us && lane_state(carried->shown.lane) != LANE_OVER
		    && has_left(carried))
			lanes_close(lanes, carried, REASON_REMOVED,
			    "this peer is not in the config any more");
	}
}

/* What became due by this round's events is found by arm_timer(). */
static void run_timers(struct lanes *lanes)
{
	LIST_FOREACH_SAFE (carried, next, &lanes->all, struct carried, node) {
		if (carried->due_us > lanes->worker->now_us)
			continue;
		lane_on_timer(carried->shown.lane, lanes->worker->now_us);
		list_move_tail(&lanes->busy, &carried->busy);
	}
}

/* What is over leaves here, where no caller holds it. */
static void sweep(struct lanes *lanes)
{
	LIST_FOREACH_SAFE (carried, next, &lanes->all, struct carried, node) {
		if (lane_state(carried->shown.lane) == LANE_OVER && !list_is_linked(&carried->busy))
			lanes_remove(lanes, carried);
	}
}

static void arm_timer(struct lanes *lanes)
{
	uint64_t soonest = UINT64_MAX;

	if (!list_is_empty(&lanes->busy))
		soonest = lanes->worker->now_us;
	LIST_FOREACH (carried, &lanes->all, struct carried, node) {
		if (!carried->is_served)
			carried->due_us = lane_timer_us(carried->shown.lane);
		carried->is_served = false;
		if (carried->due_us < soonest)
			soonest = carried->due_us;
	}
	/* What is due can't go out of a full socket: looking again and again would only burn CPU. */
	if (lanes->is_blocked && soonest < lanes->worker->now_us + BLOCKED_LOOK_US)
		soonest = lanes->worker->now_us + BLOCKED_LOOK_US;
	pacing_timer_set(&lanes->timer, soonest);
}

void lanes_serve(struct lanes *lanes)
{
	struct list_node turns, *node;

	if (!lanes->has_socket)
		return;
	close_those_that_left(lanes);
	run_timers(lanes);
	list_init(&turns);
	list_splice_tail(&turns, &lanes->busy);
	while (!lanes->is_blocked && (node = list_pop(&turns)))
		serve_lane(lanes, LIST_ENTRY(node, struct carried, busy));
	list_splice_tail(&lanes->busy, &turns);
	sweep(lanes);
	arm_timer(lanes);
}

static void on_writable(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct lanes *lanes = watcher->data;

	(void)events;
	ev_io_stop(loop, watcher);
	lanes->is_blocked = false;
	send_waiting(lanes);
}

/* The work is done by lanes_serve() when this round ends. */
static void on_timer(void *context)
{
	(void)context;
}

struct carried *lanes_carried(struct lane *lane)
{
	return lane ? LIST_ENTRY(lane_context(lane), struct carried, shown) : NULL;
}

void lanes_touch(struct lanes *lanes, struct lane *lane)
{
	list_move_tail(&lanes->busy, &lanes_carried(lane)->busy);
}

void lanes_send_packet(struct lanes *lanes, const uint8_t *data, size_t length,
    const struct addr *to, const struct addr *from)
{
	struct udp_batch batch = {
	    .data = data,
	    .length_bytes = length,
	    .segment_bytes = (uint16_t)length,
	    .to = *to,
	    .from = *from,
	};
	size_t done;

	if (!lanes->has_socket || udp_send(&lanes->udp, &batch, 1, &done))
		return;
	lanes->udp.refused_bytes = 0;
	page_count(page_of(lanes), PAGE_tunnel_packets_sent);
	page_add(page_of(lanes), PAGE_tunnel_sent_bytes, length);
}

/* ---- what a lane says ---- */

static uint64_t unix_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static bool is_up(const struct carried *carried)
{
	enum lane_state state = lane_state(carried->shown.lane);

	return state == LANE_UP || state == LANE_SUSPECT;
}

static const char *state_name(enum lane_state state)
{
	static const char *const names[] = {"pending", "up", "suspect", "down", "over"};

	return names[state];
}

/* A lane that is suspected for a moment was up all the time. */
static void note_change(struct carried *carried, bool up)
{
	if (up == carried->was_up)
		return;
	carried->was_up = up;
	carried->up_since_ms = unix_ms();
	if (up)
		page_count(page_of(&carried->shown.worker->lanes), PAGE_lanes_opened);
}

static void on_state(
    void *context, struct lane *lane, enum lane_state state, enum reason reason, const char *text)
{
	struct carried *carried = LIST_ENTRY(context, struct carried, shown);
	struct worker *worker = carried->shown.worker;

	(void)lane;
	if (is_up(carried) != carried->was_up || state == LANE_OVER) {
		char quoted[256];
		log_info("lane", "peer=%s state=%s reason=%s text=%s", carried->shown.peer_name,
		    state_name(state), reason_name(reason),
		    log_quote(quoted, sizeof quoted, text ? text : ""));
	}
	note_change(carried, is_up(carried));
	if (state == LANE_OVER)
		page_count(worker->page, PAGE_lanes_lost);
	if (state == LANE_UP && worker->role->on_lane_up)
		worker->role->on_lane_up(&carried->shown);
	dial_on_state(&worker->dial, carried, state);
	if (state == LANE_DOWN && worker->role->on_lane_down)
		worker->role->on_lane_down(&carried->shown);
}

static enum reason on_open(void *context, struct flow *flow, const struct flow_open *open)
{
	struct worker_lane *lane = context;

	return lane->worker->role->on_open(lane, flow, open);
}

static void on_rtt(void *context, struct lane *lane, uint64_t rtt_us)
{
	struct carried *carried = LIST_ENTRY(context, struct carried, shown);

	(void)lane;
	if (carried->page)
		page_lane_add_rtt(carried->page, carried->shown.worker->now_us, rtt_us);
}

static void on_health(
    void *context, struct lane *lane, uint32_t accelerator, uint64_t sequence, uint8_t state)
{
	struct worker_lane *shown = context;

	(void)lane;
	if (shown->worker->role->on_peer_health)
		shown->worker->role->on_peer_health(shown, accelerator, sequence, state);
}

static void on_moved(void *context, struct lane *lane, const struct lane_route *route)
{
	struct carried *carried = LIST_ENTRY(context, struct carried, shown);
	char remote[ADDR_TEXT_BYTES];

	(void)lane;
	log_info("lane_moved", "peer=%s address=%s", carried->shown.peer_name,
	    addr_format(&route->remote, remote, sizeof remote));
}

static void report_lane(struct carried *carried)
{
	struct lane_stats stats;
	struct page_lane_state state = {.slot = carried->local_id >> SLOT_SHIFT};

	lane_get_stats(carried->shown.lane, &stats);
	snprintf(state.peer_name, sizeof state.peer_name, "%s", carried->shown.peer_name);
	state.lane = carried->shown.worker->settings.index;
	state.is_up = is_up(carried);
	state.since_ms = carried->up_since_ms;
	state.rtt_latest_us = stats.rtt_latest_us;
	state.rtt_smoothed_us = stats.rtt_smoothed_us;
	state.rtt_min_us = stats.rtt_min_us;
	state.jitter_us = stats.jitter_us;
	state.packets_received = stats.packets_received;
	state.bytes_sent = stats.bytes_sent;
	state.bytes_received = stats.bytes_received;
	state.flows = stats.flows_now;
	state.packet_bytes = stats.packet_bytes;
	congestion_format(&carried->congestion.set, state.congestion);
	state.is_sending = carried->congestion.is_sending;
#define X(name) state.figures.name = stats.name;
	LANE_FIGURES(X)
#undef X
	page_lane_write(carried->page, &state);
}

/* Adds to the page's counters what the lane has counted since. */
static void count_lane(struct carried *carried)
{
	struct page *page = carried->shown.worker->page;
	struct lane_stats stats;

	lane_get_stats(carried->shown.lane, &stats);
	page_add(page, PAGE_path_mtu_probes, stats.mtu_probes - carried->mtu_probes);
	page_add(page, PAGE_path_mtu_black_holes, stats.mtu_black_holes - carried->mtu_black_holes);
	worker_congestion_tick(carried, stats.bytes_sent);
	worker_siblings_tick(carried);
	carried->mtu_probes = stats.mtu_probes;
	carried->mtu_black_holes = stats.mtu_black_holes;
}

void lanes_report(struct lanes *lanes)
{
	uint64_t up = 0;

	LIST_FOREACH (carried, &lanes->all, struct carried, node) {
		count_lane(carried);
		if (carried->leaves_us)
			continue;
		up += is_up(carried);
		if (!carried->page)
			carried->page = page_lane_claim(page_of(lanes));
		if (carried->page)
			report_lane(carried);
	}
	page_set(page_of(lanes), PAGE_lanes_up, up);
	page_set(page_of(lanes), PAGE_tunnel_segmentation_off, !lanes->udp.has_segmentation);
	page_set(page_of(lanes), PAGE_tunnel_send_failed,
	    lanes->udp.stats.send_failed + lanes->udp.stats.send_too_large);
}

/* ---- life ---- */

uint32_t lanes_new_id(struct lanes *lanes)
{
	uint32_t random = (uint32_t)rng_next(&lanes->worker->rng);

	for (uint32_t i = 0; i < LANES_MAX; i++) {
		uint32_t index = (random + i) & INDEX_MASK;
		if (!lanes->places[index] && index != 0)
			return lanes->worker->settings.index << SLOT_SHIFT
			       | ((random >> 8) & ((1u << RANDOM_BITS) - 1)) << LANE_INDEX_BITS
			       | index;
	}
	return 0;
}

struct carried *lanes_add(struct lanes *lanes, struct lane_config *config, const char *peer_name,
    const uint8_t peer_pin[PIN_BYTES])
{
	struct carried **place = &lanes->places[config->local_id & INDEX_MASK];
	struct carried *made = *place ? NULL : calloc(1, sizeof *made);

	if (!made)
		return NULL;
	made->shown.worker = lanes->worker;
	snprintf(made->shown.peer_name, sizeof made->shown.peer_name, "%s", peer_name);
	memcpy(made->shown.peer_pin, peer_pin, PIN_BYTES);
	made->local_id = config->local_id;
	made->up_since_ms = unix_ms();
	config->callbacks = &lanes->callbacks;
	config->context = &made->shown;
	config->pool = lanes->worker->pool;
	worker_congestion_begin(made, config);
	worker_siblings_begin(made, config);
	config->memory = &lanes->worker->memory;
	config->memory_bytes =
	    lanes->worker->memory.limit_bytes / LANE_MEMORY_PART * (LANE_MEMORY_PART - 1);
	randombytes_buf(config->challenge_key, sizeof config->challenge_key);
	if (lane_new(&made->shown.lane, config, lanes->worker->now_us)) {
		worker_siblings_end(made);
		free(made);
		return NULL;
	}
	*place = made;
	lanes->count++;
	list_init(&made->received);
	list_init(&made->busy);
	made->shown.serial = ++lanes->serial;
	list_add_tail(&lanes->all, &made->node);
	list_add_tail(&lanes->busy, &made->busy);
	worker_traces_lane(&lanes->worker->traces, made);
	return made;
}

void lanes_remove(struct lanes *lanes, struct carried *carried)
{
	if (!carried)
		return;
	dial_forget(&lanes->worker->dial, carried);
	accept_forget(&lanes->worker->accept, carried);
	count_lane(carried);
	lane_free(carried->shown.lane);
	lanes->places[carried->local_id & INDEX_MASK] = NULL;
	lanes->count--;
	list_del(&carried->node);
	list_del(&carried->busy);
	list_del(&carried->received);
	page_lane_release(carried->page);
	worker_siblings_end(carried);
	free(carried);
}

void lanes_close(struct lanes *lanes, struct carried *carried, enum reason reason, const char *text)
{
	lane_close(carried->shown.lane, reason, text, lanes->worker->now_us);
	list_move_tail(&lanes->busy, &carried->busy);
}

void lanes_leave(struct lanes *lanes, struct carried *carried, uint32_t drain_s)
{
	page_lane_release(carried->page); /* no tunnel that control knows of */
	carried->page = NULL;
	carried->leaves_us =
	    lanes->worker->now_us + (drain_s ? LEAVE_SLACK_US + drain_s * UINT64_C(1000000) : 0);
	list_move_tail(&lanes->busy, &carried->busy);
}

void lanes_on_config(struct lanes *lanes, const struct node_config *config)
{
	LIST_FOREACH (carried, &lanes->all, struct carried, node) {
		if (carried->leaves_us && config->drain_s == 0)
			carried->leaves_us = lanes->worker->now_us;
		worker_congestion_renew(carried);
	}
}

int lanes_set_socket(struct lanes *lanes, int descriptor)
{
	int error = udp_init(&lanes->udp, descriptor, false);

	if (error) {
		close(descriptor);
		return error;
	}
	ev_io_stop(lanes->worker->loop, &lanes->reader);
	ev_io_set(&lanes->reader, descriptor, EV_READ);
	ev_io_set(&lanes->writer, descriptor, EV_WRITE);
	ev_io_start(lanes->worker->loop, &lanes->reader);
	lanes->has_socket = true;
	return 0;
}

int lanes_init(struct lanes *lanes, struct worker *worker)
{
	*lanes = (struct lanes){.worker = worker, .callbacks = flow_handler_callbacks};
	list_init(&lanes->all);
	list_init(&lanes->busy);
	list_init(&lanes->received);
	lanes->callbacks.on_open = worker->role->on_open ? on_open : NULL;
	lanes->callbacks.on_state = on_state;
	lanes->callbacks.on_rtt = on_rtt;
	lanes->callbacks.on_moved = on_moved;
	lanes->callbacks.on_health = on_health;
	ev_init(&lanes->reader, on_readable);
	ev_init(&lanes->writer, on_writable);
	lanes->reader.data = lanes;
	lanes->writer.data = lanes;
	lanes->buffer = malloc(UDP_BATCH_BYTES);
	if (!lanes->buffer)
		return ERR_NOMEM;
	return pacing_timer_init(&lanes->timer, worker->loop, on_timer, lanes);
}

void lanes_clear(struct lanes *lanes)
{
	LIST_FOREACH_SAFE (carried, next, &lanes->all, struct carried, node)
		lanes_remove(lanes, carried);
	ev_io_stop(lanes->worker->loop, &lanes->reader);
	ev_io_stop(lanes->worker->loop, &lanes->writer);
	pacing_timer_close(&lanes->timer);
	if (lanes->has_socket)
		close(lanes->udp.descriptor);
	free(lanes->buffer);
}
