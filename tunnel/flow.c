/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flows: what the lane's user calls to open, write and end them, and how they come and go
 * (RFC 9000 section 3, with both directions of a flow closed before it is forgotten).
 */
#include "config.h"

#include "base/err.h"
#include "tunnel/charged_chunk.h"
#include "tunnel/lane.h"
#include "tunnel/lane_private.h"

#include <stdlib.h>
#include <string.h>

static bool addr_is_sendable(const struct addr *addr)
{
	return addr->family == 4 || addr->family == 6;
}

struct flow *flow_new(struct lane *lane, uint64_t id, const struct flow_open *open)
{
	struct flow *flow = calloc(1, sizeof(*flow));

	if (!flow)
		return NULL;
	flow->lane = lane;
	flow->id = id;
	flow->open = *open;
	flow->policy.class = open->kind == FLOW_TCP ? CLASS_INTERACTIVE : CLASS_REALTIME;
	flow->policy.repair_budget_pct = REPAIR_BUDGET_PCT;
	flow->open_packet = PATH_NUMBER_NONE;
	flow->open_is_acked = lane->config.role == LANE_ENDPOINT;
	stream_send_init(&flow->send, FLOW_WINDOW_START_BYTES);
	stream_recv_init(&flow->recv, FLOW_WINDOW_START_BYTES, lane->now_us);
	list_init(&flow->control_node);
	schedule_init(&flow->schedule);
	list_init(&flow->blocked_node);
	datagram_queue_init(&flow->datagrams);
	list_init(&flow->waiting_node);
	list_init(&flow->unopened_node);
	list_init(&flow->dead_node);
	if (flow_table_add(&lane->flows, flow)) {
		free(flow);
		return NULL;
	}
	path_set_taken(&lane->path, true);
	return flow;
}

/* How many flows have bytes that are not acknowledged: what congestion control may count on. */
static void note_sending(struct flow *flow, bool is_sending)
{
	struct lane *lane = flow->lane;

	if (is_sending == flow->is_sending)
		return;
	flow->is_sending = is_sending;
	lane->sending_flows += is_sending ? 1 : -1;
	path_set_flows(&lane->path, (uint64_t)lane->sending_flows);
}

void flow_free(struct flow *flow)
{
	struct lane *lane = flow->lane;

	if (lane->gather.flow == flow)
		lane_forget_gathered(lane);
	lane->refused_flows -= flow->is_refused;
	note_sending(flow, false);
	flow_table_remove(&lane->flows, flow);
	path_set_taken(&lane->path, lane->flows.count > 0);
	list_del(&flow->control_node);
	scheduler_remove(&lane->scheduler, &flow->schedule);
	list_del(&flow->blocked_node);
	list_del(&flow->waiting_node);
	list_del(&flow->unopened_node);
	list_del(&flow->dead_node);
	lane->counters.datagrams_dropped +=
	    datagram_queue_clear(&lane->datagrams, &flow->datagrams);
	stream_send_clear(&flow->send, &lane->budget);
	stream_recv_clear(&flow->recv, &lane->budget);
	free(flow->datagram_ids);
	free(flow);
}

static void link_if(bool wanted, struct list_node *list, struct list_node *node)
{
	if (wanted && !list_is_linked(node))
		list_add_tail(list, node);
	else if (!wanted)
		list_del(node);
}

/* The peer has no memory for what its user does not take. */
static bool is_held_by_peer(const struct flow *flow)
{
	return flow->hold_maximum >= flow->send.maximum;
}

/* An OPEN goes by itself only when there are no bytes that will bring it along. */
static bool open_must_go(const struct flow *flow)
{
	return flow->open_is_pending
	       && (is_held_by_peer(flow)
	           || (!stream_send_has_new(&flow->send) && !stream_send_has_lost(&flow->send)));
}

bool flow_has_lost_stream(const struct flow *flow)
{
	return stream_send_has_lost(&flow->send) && !is_held_by_peer(flow);
}

bool flow_has_new_stream(const struct flow *flow)
{
	const struct lane *lane = flow->lane;

	if (flow->send.sent < flow->send.end
	    && (is_held_by_peer(flow) || lane->send_used >= lane->send_maximum))
		return false;
	return stream_send_has_new(&flow->send);
}

/* It has stream bytes, and the lane's window is used up. */
static bool is_blocked(const struct flow *flow)
{
	return flow->send.sent < flow->send.end && !is_held_by_peer(flow)
	       && flow->lane->send_used >= flow->lane->send_maximum;
}

static void schedule_data(struct flow *flow)
{
	struct lane *lane = flow->lane;
	const struct datagram *datagram = datagram_queue_head(&flow->datagrams);
	bool has_lost = flow_has_lost_stream(flow) || (datagram && datagram->is_kept);
	bool has_new = flow_has_new_stream(flow) || (datagram && !datagram->is_kept);

	usage_set_waiting(
	    &flow->usage, has_lost || has_new || flow->send.sent < flow->send.end, lane->now_us);
	link_if(is_blocked(flow), &lane->blocked, &flow->blocked_node);
	scheduler_set(&lane->scheduler, &flow->schedule, flow_class(flow), has_lost, has_new);
}

void flow_schedule(struct flow *flow)
{
	struct lane *lane = flow->lane;

	note_sending(flow, flow->send.end > flow->send.base && !flow->send.is_reset);
	link_if(open_must_go(flow) || flow->send.reset_is_pending || flow->stop_is_pending
	            || flow->window_is_pending || flow->hold_is_pending,
	    &lane->control, &flow->control_node);
	schedule_data(flow);
}

void lane_unblock_flows(struct lane *lane)
{
	struct list_node *node;

	while (lane->send_used < lane->send_maximum && (node = list_pop(&lane->blocked)))
		flow_schedule(LIST_ENTRY(node, struct flow, blocked_node));
}

bool flow_meets_deadline(const struct flow *flow, uint64_t queued_us)
{
	const struct lane *lane = flow->lane;

	return flow->policy.deadline_us == 0
	       || lane->now_us + lane->path.rtt.smoothed_us / 2
	              <= queued_us + flow->policy.deadline_us;
}

enum flow_class flow_class(const struct flow *flow)
{
	return flow->usage.is_heavy ? CLASS_BULK : flow->policy.class;
}

void flow_check_dead(struct flow *flow)
{
	if (stream_send_is_done(&flow->send) && flow->receive_is_over && !flow->is_delivering
	    && !flow->is_releasing && !list_is_linked(&flow->dead_node))
		list_add_tail(&flow->lane->dead, &flow->dead_node);
}

void flow_note_reason(struct flow *flow, enum reason reason)
{
	if (flow->end_reason == REASON_NONE)
		flow->end_reason = reason;
}

void flow_reset_sending(struct flow *flow, enum reason reason)
{
	struct lane *lane = flow->lane;

	stream_send_reset(&flow->send, reason, &lane->budget);
	lane->counters.datagrams_dropped +=
	    datagram_queue_clear(&lane->datagrams, &flow->datagrams);
	flow_schedule(flow);
}

void flow_end_hold(struct flow *flow, uint64_t maximum)
{
	struct stream_recv *recv = &flow->recv;

	flow->is_on_hold = flow->hold_is_pending = false;
	recv->maximum = maximum > recv->maximum ? maximum : recv->maximum + 1;
	flow->is_releasing = flow->window_is_pending = true;
	flow_schedule(flow);
}

void flow_stop_receiving(struct flow *flow, enum reason reason)
{
	if (flow->is_stopped || flow->receive_is_over)
		return;
	flow->is_stopped = true;
	if (flow->lane->gather.flow == flow)
		lane_forget_gathered(flow->lane);
	/* Pieces that on_data has now are good until it returns. */
	if (!flow->is_delivering)
		stream_recv_clear(&flow->recv, &flow->lane->budget);
	flow->window_is_pending = flow->is_releasing;
	if (flow->is_on_hold)
		flow_end_hold(flow, 0);
	/* With the end known there is nothing left to stop. */
	flow->receive_is_over = flow->recv.has_final;
	flow->stop_is_pending = !flow->recv.has_final;
	flow->stop_reason = reason;
	flow_schedule(flow);
}

int flow_open(
    struct lane *lane, const struct flow_open *open, void *user, struct flow **out, uint64_t now_us)
{
	struct list_node *oldest = list_first(&lane->unopened);
	struct flow *flow;

	if (lane->config.role != LANE_LISTENER || lane_is_over(lane)
	    || (lane->state != LANE_UP && lane->state != LANE_SUSPECT))
		return ERR_STATE;
	if (!addr_is_sendable(&open->user) || !addr_is_sendable(&open->local)
	    || (open->is_compressed && open->kind != FLOW_TCP))
		return ERR_INVALID;
	if (lane->flows.count >= lane->config.max_flows)
		return ERR_LIMIT;
	if (budget_pressure(&lane->budget) == BUDGET_EXHAUSTED) {
		lane->counters.flows_refused_memory++;
		return ERR_LIMIT;
	}
	/* The endpoint tells new ids from old ones within a window. */
	if (oldest
	    && lane->next_flow_id - LIST_ENTRY(oldest, struct flow, unopened_node)->id
	           >= FLOW_ID_WINDOW - 1)
		return ERR_LIMIT;
	lane->now_us = now_us;
	flow = flow_new(lane, lane->next_flow_id, open);
	if (!flow)
		return ERR_NOMEM;
	lane->next_flow_id++;
	lane->counters.flows_opened++;
	flow->user = user;
	flow->open_is_pending = true;
	list_add_tail(&lane->unopened, &flow->unopened_node);
	flow_schedule(flow);
	*out = flow;
	return 0;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t between(uint64_t least, uint64_t value, uint64_t most)
{
	return value < least ? least : smaller(value, most);
}

/* What of one flow may wait for its acknowledgement, beside what is there. */
static uint64_t kept_room_bytes(const struct flow *flow, uint64_t rate_Bps)
{
	const struct path *path = &flow->lane->path;
	enum budget_pressure pressure = budget_pressure(&flow->lane->budget);
	uint64_t kept = flow->send.end - flow->send.base;
	uint64_t cap = FLOW_LOSS_RTTS * rate_Bps * path->rtt.smoothed_us / 1000000;

	if (cap < path_window_bytes(path))
		cap = path_window_bytes(path);
	cap = between(FLOW_SEND_CAP_MIN_BYTES, cap, FLOW_SEND_CAP_MAX_BYTES);
	if (pressure >= BUDGET_SCARCE)
		cap = pressure == BUDGET_SCARCE ? FLOW_SEND_CAP_SCARCE_BYTES
		                                : FLOW_SEND_CAP_EXHAUSTED_BYTES;
	return cap > kept ? cap - kept : 0;
}

/* What of one flow may wait for its turn. */
static uint64_t unsent_room_bytes(const struct flow *flow, uint64_t rate_Bps)
{
	uint64_t unsent = flow->send.end - flow->send.sent;
	uint64_t cap = between(
	    FLOW_UNSENT_MIN_BYTES, rate_Bps * FLOW_UNSENT_US / 1000000, FLOW_UNSENT_MAX_BYTES);

	return cap > unsent ? cap - unsent : 0;
}

/*
 * By the flow's window and our own caps. The lane's window is for the scheduler: what waits in one flow must
 * not use up what others could send.
 */
static uint64_t room_bytes(const struct flow *flow)
{
	const struct lane *lane = flow->lane;
	const struct stream_send *send = &flow->send;
	uint64_t rate_Bps = lane_rate_Bps(lane);
	uint64_t room = smaller(kept_room_bytes(flow, rate_Bps), unsent_room_bytes(flow, rate_Bps));

	if (lane_is_over(lane) || send->is_finished || send->is_reset || is_held_by_peer(flow))
		return 0;
	return smaller(room, send->maximum - send->end);
}

/*
 * What may be announced: less where memory is short, by the two chunks that so many bytes may occupy
 * in part only.
 */
static uint64_t announced_bytes(const struct flow *flow, uint64_t room)
{
	const struct budget *budget = &flow->lane->budget;
	bool has_some = flow->send.end > flow->send.base;
	uint64_t left = has_some ? budget_left_for_more(budget) : budget_left(budget);

	return smaller(room, left > 2 * CHUNK_BYTES ? left - 2 * CHUNK_BYTES : 0);
}

/* Enough to be worth a wake-up, or all there can be. */
static bool room_is_ample(const struct flow *flow, uint64_t room)
{
	return room >= WRITABLE_MIN_BYTES || (room > 0 && flow->send.base == flow->send.end);
}

static void wait_for_room(struct flow *flow, uint64_t room)
{
	if (room < WRITABLE_MIN_BYTES && !flow->send.is_finished && !flow->send.is_reset
	    && !list_is_linked(&flow->waiting_node))
		list_add_tail(&flow->lane->waiting, &flow->waiting_node);
}

size_t flow_write_room(struct flow *flow)
{
	uint64_t room = announced_bytes(flow, room_bytes(flow));

	wait_for_room(flow, room);
	return room;
}

void lane_wake_writers(struct lane *lane)
{
	for (unsigned i = 0; i < WRITABLE_FLOWS_PER_CALL; i++) {
		struct list_node *node = list_first(&lane->waiting);
		struct flow *flow;

		if (!node)
			return;
		flow = LIST_ENTRY(node, struct flow, waiting_node);
		if (room_is_ample(flow, announced_bytes(flow, room_bytes(flow)))) {
			list_del(node);
			lane->config.callbacks->on_writable(lane->config.context, flow);
		} else {
			list_move_tail(&lane->waiting, node);
		}
	}
}

/* The lane's own chunk for small writes, with room for n bytes. */
static struct chunk *small_chunk(struct lane *lane, size_t n)
{
	if (lane->small_chunk && chunk_left(lane->small_chunk) >= n)
		return lane->small_chunk;
	lane_drop_small_chunk(lane);
	lane->small_chunk = charged_chunk_get(lane->config.pool, &lane->budget);
	return lane->small_chunk;
}

void lane_drop_small_chunk(struct lane *lane)
{
	if (lane->small_chunk)
		charged_chunk_unref(lane->small_chunk, &lane->budget);
	lane->small_chunk = NULL;
}

static int append_small(struct flow *flow, const struct slice *slice)
{
	struct lane *lane = flow->lane;
	struct chunk *chunk = small_chunk(lane, slice->length);
	struct slice copy;
	int rc;

	if (!chunk)
		return ERR_LIMIT;
	copy = (struct slice){chunk_ref(chunk), chunk->used_bytes, slice->length};
	memcpy(slice_data(&copy), slice_data(slice), slice->length);
	chunk->used_bytes += slice->length;
	rc = stream_send_append(&flow->send, &copy, true, &lane->budget);
	if (rc)
		charged_chunk_unref(chunk, &lane->budget);
	return rc;
}

static int append_slice(struct flow *flow, const struct slice *slice)
{
	int rc;

	if (slice->length < SEND_COPY_BELOW_BYTES)
		return append_small(flow, slice);
	chunk_ref(slice->chunk);
	rc = stream_send_append(&flow->send, slice, false, &flow->lane->budget);
	if (rc)
		chunk_unref(slice->chunk);
	return rc;
}

int flow_write(struct flow *flow, const struct slice *slice)
{
	uint64_t room = room_bytes(flow);
	int rc;

	if (flow->open.kind != FLOW_TCP)
		return ERR_INVALID;
	if (lane_is_over(flow->lane) || flow->send.is_finished || flow->send.is_reset)
		return ERR_STATE;
	if (slice->length > room) {
		wait_for_room(flow, 0);
		return ERR_LIMIT;
	}
	rc = slice->length ? append_slice(flow, slice) : 0;
	if (rc) {
		wait_for_room(flow, 0);
		return rc;
	}
	wait_for_room(flow, announced_bytes(flow, room - slice->length));
	flow_schedule(flow);
	return 0;
}

void flow_finish(struct flow *flow)
{
	if (flow->send.is_reset || lane_is_over(flow->lane))
		return;
	stream_send_finish(&flow->send);
	list_del(&flow->waiting_node);
	flow_schedule(flow);
}

void flow_reset(struct flow *flow, enum reason reason)
{
	if (lane_is_over(flow->lane))
		return;
	flow_note_reason(flow, reason);
	list_del(&flow->waiting_node);
	flow_reset_sending(flow, reason);
	flow_stop_receiving(flow, reason);
	if (flow->open_is_pending && !flow->open_is_sent) {
		/* The peer has never heard of it. */
		flow->send.reset_is_pending = flow->stop_is_pending = flow->open_is_pending = false;
		flow->send.reset_is_acked = true;
		flow->receive_is_over = true;
		flow_schedule(flow);
	}
	flow_check_dead(flow);
}

void flow_resume(struct flow *flow)
{
	if (!flow->is_held || flow->is_delivering || lane_is_over(flow->lane))
		return;
	flow->is_held = false;
	lane_enter(flow->lane);
	flow_deliver_kept(flow);
	lane_leave(flow->lane);
}

int flow_send_datagram(struct flow *flow, const uint8_t *data, size_t length, uint64_t now_us)
{
	struct lane *lane = flow->lane;
	int rc;

	if (length > DATAGRAM_MAX_BYTES)
		return ERR_TOO_LARGE;
	if (lane_is_over(lane) || flow->send.is_finished || flow->send.is_reset
	    || flow->open.kind != FLOW_UDP)
		return ERR_STATE;
	lane->now_us = now_us;
	lane_drop_old_datagrams(lane);
	rc = datagram_queue_push(
	    &lane->datagrams, &flow->datagrams, flow->next_datagram_id, data, length, now_us);
	if (rc) {
		lane->counters.datagrams_dropped++;
		return rc;
	}
	flow->next_datagram_id++;
	flow_schedule(flow);
	return 0;
}

void *flow_user(const struct flow *flow)
{
	return flow->user;
}

void flow_set_user(struct flow *flow, void *user)
{
	flow->user = user;
}

void flow_set_policy(struct flow *flow, const struct flow_policy *policy)
{
	flow->policy = *policy;
}

uint64_t flow_id(const struct flow *flow)
{
	return flow->id;
}

struct lane *flow_lane(const struct flow *flow)
{
	return flow->lane;
}

struct budget *flow_budget(struct flow *flow)
{
	return &flow->lane->budget;
}

size_t flow_unacknowledged_bytes(const struct flow *flow)
{
	return flow->send.end - flow->send.base;
}

size_t flow_kept_bytes(const struct flow *flow)
{
	return flow->recv.stored_bytes;
}
