/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From received frames to the callbacks: stream bytes in order straight out of the received batch where
 * that is possible, else through the stream's store; whole datagrams; and the windows that follow from
 * what was taken (RFC 9000 section 4, tuned by how fast they are used up).
 */
#include "config.h"

#include "base/err.h"
#include "tunnel/lane_private.h"

#include <stdlib.h>

/* How far the stream is handed on, or gathered to be. */
static uint64_t expected_offset(const struct flow *flow)
{
	const struct gather *gather = &flow->lane->gather;

	return flow->recv.taken + (gather->flow == flow ? gather->bytes : 0);
}

/*
 * Whether a window is what slows the sender down: half of it was used since the mark in fewer round
 * trips than it may have to hold what waits behind losses. Sets the mark anew.
 */
static bool is_used_fast(
    const struct lane *lane, struct window_mark *mark, uint64_t position, uint64_t window)
{
	bool is_fast;

	if (position - mark->position < window / 2)
		return false;
	is_fast = lane->now_us - mark->at_us < FLOW_LOSS_RTTS / 2 * lane->path.rtt.smoothed_us;
	*mark = (struct window_mark){position, lane->now_us};
	return is_fast;
}

void lane_update_window(struct lane *lane)
{
	uint64_t left = lane->receive_maximum - lane->receive_highest;
	uint64_t window = lane->receive_window_bytes, room;

	if (left > window / 4 * 3)
		return;
	if (is_used_fast(lane, &lane->receive_mark, lane->receive_highest, window)
	    && 2 * window <= lane->config.memory_bytes
	    && budget_pressure(&lane->budget) == BUDGET_EASY)
		lane->receive_window_bytes = window *= 2;
	/* What slow flows keep counts against memory, not against the window, so they stop others late. */
	room = budget_left(&lane->budget);
	if (window > room)
		window = room;
	if (window < left + WRITABLE_MIN_BYTES)
		return;
	lane->receive_maximum = lane->receive_highest + window;
	lane->max_data_is_pending = true;
}

/*
 * Doubles a stream's window, and with it the lane's so far that the stream has at most 2/5 of it. Under
 * memory pressure windows do not grow.
 */
static void double_window(struct flow *flow)
{
	struct lane *lane = flow->lane;
	uint64_t window = 2 * flow->recv.window_bytes;

	if (window > FLOW_WINDOW_MAX_BYTES || budget_pressure(&lane->budget) != BUDGET_EASY)
		return;
	while (lane->receive_window_bytes / 5 * 2 < window) {
		if (2 * lane->receive_window_bytes > lane->config.memory_bytes)
			return;
		lane->receive_window_bytes *= 2;
	}
	flow->recv.window_bytes = window;
}

/*
 * When memory is short, a flow whose user does not take what came is to send no more: its window, once told,
 * could not be taken back, and the windows of many are more than there is memory.
 */
static void hold_if_short(struct flow *flow)
{
	enum budget_pressure pressure = budget_pressure(&flow->lane->budget);

	if (!flow->is_held || flow->is_on_hold || flow->is_stopped || flow->recv.has_final
	    || pressure == BUDGET_EASY
	    || (pressure == BUDGET_TIGHT && flow->recv.stored_bytes <= FLOW_WINDOW_MIN_BYTES))
		return;
	flow->is_on_hold = flow->hold_is_pending = true;
	flow->lane->counters.flows_held++;
	flow_schedule(flow);
}

/*
 * What is on its way when a flow is told to wait would fill memory up to where new flows are refused, and stay
 * there: so it is kept only where pages are there for it. The rest comes again when the flow goes on.
 */
static bool is_unwanted(const struct flow *flow, uint64_t offset, uint64_t end)
{
	return flow->is_on_hold && budget_pressure(&flow->lane->budget) >= BUDGET_SCARCE
	       && !stream_recv_has_pages(&flow->recv, offset, end);
}

/*
 * Everything was taken up to the first gap, so the flow goes on: only a greater maximum says so, also
 * when all is there, since the peer may take for lost what we have, and waits for it too.
 */
static void end_hold(struct flow *flow)
{
	if (flow->is_on_hold && !flow->is_held && !flow->is_stopped)
		flow_end_hold(flow, flow->recv.taken + flow->recv.window_bytes);
}

/*
 * A lost piece keeps the rest of the window from being taken, which says nothing of how fast the user takes: while it
 * is on its way again the sender goes on in a larger window.
 */
static void grow_behind_gap(struct flow *flow)
{
	struct stream_recv *recv = &flow->recv;

	if (flow->is_held || flow->is_on_hold || recv->has_final
	    || recv->maximum - recv->highest > recv->window_bytes / 4)
		return;
	double_window(flow);
	if (recv->taken + recv->window_bytes <= recv->maximum)
		return;
	recv->maximum = recv->taken + recv->window_bytes;
	flow->window_is_pending = true;
	flow_schedule(flow);
}

static void update_window(struct flow *flow)
{
	struct stream_recv *recv = &flow->recv;

	end_hold(flow);

	if (recv->has_final || flow->is_stopped || flow->is_on_hold
	    || recv->maximum - recv->taken > recv->window_bytes / 4 * 3)
		return;
	if (is_used_fast(flow->lane, &recv->mark, recv->taken, recv->window_bytes))
		double_window(flow);
	if (budget_pressure(&flow->lane->budget) >= BUDGET_SCARCE
	    && recv->window_bytes > FLOW_WINDOW_MIN_BYTES)
		recv->window_bytes /= 2;
	if (recv->taken + recv->window_bytes <= recv->maximum)
		return;
	recv->maximum = recv->taken + recv->window_bytes;
	flow->window_is_pending = true;
	flow_schedule(flow);
}

/* Calls on_data; what it takes is taken, and if that is not all the flow is held. */
static uint64_t offer(struct flow *flow, const struct iovec *pieces, int count, uint64_t total)
{
	struct lane *lane = flow->lane;
	uint64_t taken;

	flow->is_delivering = true;
	taken = lane->config.callbacks->on_data(lane->config.context, flow, pieces, count);
	flow->is_delivering = false;
	if (taken > total)
		taken = total;
	if (flow->is_stopped || flow->receive_is_over) {
		stream_recv_clear(&flow->recv, &lane->budget);
		return total;
	}
	flow->is_held = taken < total;
	stream_recv_take(&flow->recv, taken, &lane->budget);
	return taken;
}

static void tell_finish(struct flow *flow)
{
	struct lane *lane = flow->lane;

	if (!stream_recv_is_complete(&flow->recv) || flow->receive_is_over || flow->is_stopped)
		return;
	flow->receive_is_over = true;
	lane->config.callbacks->on_finish(lane->config.context, flow);
}

void flow_deliver_kept(struct flow *flow)
{
	struct iovec pieces[LANE_PIECES_MAX];

	while (!flow->is_held && !flow->is_stopped && flow->recv.stored_bytes) {
		int count =
		    stream_recv_pieces(&flow->recv, flow->recv.taken, pieces, LANE_PIECES_MAX);
		uint64_t total = 0;

		if (count == 0)
			break;
		for (int i = 0; i < count; i++)
			total += pieces[i].iov_len;
		offer(flow, pieces, count, total);
	}
	tell_finish(flow);
	update_window(flow);
	flow_check_dead(flow);
}

/* Keeps the pieces but for the first `skip` bytes. 0 or ERR_NOMEM. */
static int keep_rest(struct flow *flow, const struct iovec *pieces, int count, uint64_t skip)
{
	struct lane *lane = flow->lane;
	uint64_t offset = flow->recv.taken;
	int rc = 0;

	for (int i = 0; rc == 0 && i < count; i++) {
		const uint8_t *data = pieces[i].iov_base;
		size_t length = pieces[i].iov_len;

		if (skip >= length) {
			skip -= length;
			continue;
		}
		rc = stream_recv_store(&flow->recv, lane->config.pool, &lane->budget, offset,
		    data + skip, length - skip);
		offset += length - skip;
		skip = 0;
	}
	return rc;
}

/*
 * Offers pieces of the batch, and then what follows them in the store. 0 or ERR_NOMEM. What the user does not take is
 * kept; or left, should it be unwanted and `may_leave` say that its packet can come again.
 */
static int deliver(
    struct flow *flow, const struct iovec *pieces, int count, uint64_t total, bool may_leave)
{
	uint64_t taken = total ? offer(flow, pieces, count, total) : 0;
	uint64_t offset = flow->recv.taken;
	int rc = 0;

	hold_if_short(flow);
	if (taken < total && may_leave && is_unwanted(flow, offset, offset + total - taken))
		rc = ERR_NOMEM;
	else if (taken < total)
		rc = keep_rest(flow, pieces, count, taken);
	flow_deliver_kept(flow);
	hold_if_short(flow);
	return rc;
}

void lane_forget_gathered(struct lane *lane)
{
	budget_give(&lane->budget, lane->gather.reserved_bytes);
	lane->gather.reserved_bytes = 0;
	lane->gather.flow = NULL;
}

/* These packets count as received, so a flow whose rest cannot be kept, the pool being empty, is lost. */
void lane_deliver_gathered(struct lane *lane)
{
	struct gather *gather = &lane->gather;
	struct flow *flow = gather->flow;

	if (!flow)
		return;
	lane_forget_gathered(lane);
	if (deliver(flow, gather->pieces, gather->count, gather->bytes, false) == 0)
		return;
	flow_note_reason(flow, REASON_LIMIT);
	flow_reset_sending(flow, REASON_LIMIT);
	flow_stop_receiving(flow, REASON_LIMIT);
	lane->config.callbacks->on_reset(lane->config.context, flow, REASON_LIMIT);
}

/* What it may cost to keep all that is gathered at once. */
static uint64_t gather_cost_bytes(const struct lane *lane)
{
	uint64_t most = (uint64_t)LANE_PIECES_MAX * lane->config.packet_bytes;

	return (most / CHUNK_BYTES + 2) * RECV_PAGE_COST_BYTES;
}

/*
 * Puts the piece behind those that were gathered for the flow already. Where memory to keep them is scarce or not
 * certain it is offered by itself, at once, and ERR_NOMEM says that its packet has to come again.
 */
static int gather_piece(struct flow *flow, const uint8_t *data, size_t length)
{
	struct lane *lane = flow->lane;
	struct gather *gather = &lane->gather;
	struct iovec piece = {(void *)(uintptr_t)data, length};

	if (gather->flow != flow) {
		lane_deliver_gathered(lane);
		if (budget_pressure(&lane->budget) >= BUDGET_SCARCE
		    || !budget_take(&lane->budget, gather_cost_bytes(lane)))
			return deliver(flow, &piece, 1, length, true);
		gather->reserved_bytes = gather_cost_bytes(lane);
		gather->flow = flow;
		gather->bytes = 0;
		gather->count = 0;
	}
	if (length > 0)
		gather->pieces[gather->count++] = piece;
	gather->bytes += length;
	if (gather->count == LANE_PIECES_MAX || flow->recv.stored_bytes)
		lane_deliver_gathered(lane);
	return 0;
}

void lane_count_received(struct lane *lane, uint64_t bytes)
{
	lane->receive_highest += bytes;
	if (lane->receive_highest > lane->receive_maximum)
		lane_fail(lane, REASON_PROTOCOL, "more stream bytes than the lane's window");
}

static int admit(struct flow *flow, const struct frame_stream *stream)
{
	uint64_t growth;
	int rc = stream_recv_admit(
	    &flow->recv, stream->offset + stream->length, stream->is_fin, &growth);

	if (rc == ERR_FLOW_CONTROL)
		lane_fail(flow->lane, REASON_PROTOCOL, "more bytes than the window of flow %llu",
		    (unsigned long long)flow->id);
	else if (rc)
		lane_fail(flow->lane, REASON_PROTOCOL, "flow %llu changes its final size",
		    (unsigned long long)flow->id);
	else
		lane_count_received(flow->lane, growth);
	return lane_is_over(flow->lane) ? ERR_MALFORMED : 0;
}

int flow_on_stream(struct flow *flow, const struct frame_stream *stream)
{
	struct lane *lane = flow->lane;
	uint64_t expected = expected_offset(flow);
	uint64_t offset = stream->offset, end = offset + stream->length;

	if (admit(flow, stream))
		return ERR_MALFORMED;
	if (flow->is_stopped && flow->recv.has_final) {
		flow->receive_is_over = true;
		flow_check_dead(flow);
	}
	if (flow->is_stopped || flow->receive_is_over)
		return 0;
	if (offset < expected)
		offset = end > expected ? expected : end;
	if (offset > expected || flow->is_held || flow->is_delivering) {
		hold_if_short(flow);
		grow_behind_gap(flow);
		if (offset == end)
			return 0;
		if (is_unwanted(flow, offset, end))
			return ERR_NOMEM;
		return stream_recv_store(&flow->recv, lane->config.pool, &lane->budget, offset,
		    stream->data + (offset - stream->offset), end - offset);
	}
	if (offset == end && !stream->is_fin)
		return 0;
	return gather_piece(flow, stream->data + (offset - stream->offset), end - offset);
}

static void deliver_datagram(struct flow *flow, uint32_t id, const uint8_t *data, size_t length)
{
	struct lane *lane = flow->lane;

	datagram_ids_add(flow->datagram_ids, id);
	lane->counters.datagrams_received++;
	lane->config.callbacks->on_datagram(lane->config.context, flow, data, length);
}

void flow_on_datagram(struct flow *flow, const struct frame_datagram *datagram)
{
	struct lane *lane = flow->lane;
	struct partial *partial;

	if (flow->is_stopped || flow->receive_is_over)
		return;
	if (!flow->datagram_ids)
		flow->datagram_ids = calloc(1, sizeof(*flow->datagram_ids));
	if (!flow->datagram_ids || datagram_ids_is_seen(flow->datagram_ids, datagram->id))
		return;
	if (datagram->length == datagram->total) {
		deliver_datagram(flow, datagram->id, datagram->data, datagram->length);
		return;
	}
	partial = reassembly_add(&lane->reassembly, &lane->budget, datagram, lane->now_us);
	if (partial) {
		deliver_datagram(flow, partial->id, partial->data, partial->total);
		reassembly_release(&lane->reassembly, partial, &lane->budget);
	}
}
