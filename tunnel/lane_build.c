/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one packet bears: acks, control frames, then data as the scheduler says; and which of it a repair can
 * bring back.
 */
#include "config.h"

#include "tunnel/lane_build.h"

#include "base/err.h"
#include "tunnel/frame.h"
#include "tunnel/lane_private.h"

enum {
	/* A control frame other than OPEN fits in this. */
	CONTROL_MAX_BYTES = 32,
	/* Less room than this is not worth a frame of its own when there are more bytes. */
	PIECE_MIN_BYTES = 48,
};

/* Room for n more bytes of frames in this packet. */
static bool has_room(const struct build *build, size_t n)
{
	return !build->is_full && writer_left(&build->w) >= n;
}

/* Notes the frame that is to be written next. */
static bool record(struct build *build, uint8_t type, uint64_t flow, uint64_t offset, size_t length)
{
	struct sent_frame frame = {flow, offset, (uint32_t)length, type};

	if (path_packet_add(&build->lane->path, &frame)) {
		build->is_full = true;
		return false;
	}
	if (frame_is_ack_eliciting(type))
		build->is_ack_eliciting = build->bears = true;
	return true;
}

void build_put_ack(struct build *build)
{
	struct lane *lane = build->lane;
	struct ack_frame ack;

	if (!received_has_unacknowledged(&lane->received)
	    || !received_fill_ack(&lane->received, &ack, lane->now_us))
		return;
	if (!record(build, FRAME_ACK, 0, ack.largest, 0))
		return;
	frame_write_ack(&build->w, &ack);
	received_ack_sent(&lane->received, lane->now_us);
	if (recovered_fill(&lane->repair.recovered, &ack) && has_room(build, CONTROL_MAX_BYTES)) {
		frame_write_recovered(&build->w, &ack);
		recovered_told(&lane->repair.recovered);
	}
}

/* Frames of the flow go into the packet. */
static void note_flow(struct build *build, const struct flow *flow)
{
	enum flow_class class = flow_class(flow);

	if (!build->has_flow || class < build->class)
		build->class = class;
	if (flow->policy.repair_budget_pct > build->repair_budget_pct)
		build->repair_budget_pct = flow->policy.repair_budget_pct;
	build->has_flow = true;
}

/*
 * Until the OPEN of a flow is acknowledged, each packet with frames of the flow bears it before them, so
 * that no frame ever meets an unknown flow. False when there is not room for it and `more` bytes.
 */
static bool put_open_before(struct build *build, struct flow *flow, size_t more)
{
	if (flow->open_is_acked || flow->open_packet == build->number) {
		if (!has_room(build, more))
			return false;
		note_flow(build, flow);
		return true;
	}
	if (!has_room(build, FRAME_OPEN_MAX_BYTES + more)
	    || !record(build, FRAME_OPEN, flow->id, 0, 0))
		return false;
	note_flow(build, flow);
	frame_write_open(&build->w, flow->id, &flow->open);
	flow->open_packet = build->number;
	flow->open_is_sent = true;
	flow->open_is_pending = false;
	return true;
}

static bool put_reset(struct build *build, struct flow *flow)
{
	struct frame_reset reset = {flow->id, flow->send.sent, flow->send.reset_reason};

	if (!has_room(build, CONTROL_MAX_BYTES) || !record(build, FRAME_RESET, flow->id, 0, 0))
		return false;
	frame_write_reset(&build->w, &reset);
	flow->send.reset_is_pending = false;
	return true;
}

static bool put_stop_sending(struct build *build, struct flow *flow)
{
	struct frame_stop_sending stop = {flow->id, flow->stop_reason};

	if (!has_room(build, CONTROL_MAX_BYTES)
	    || !record(build, FRAME_STOP_SENDING, flow->id, 0, 0))
		return false;
	frame_write_stop_sending(&build->w, &stop);
	flow->stop_is_pending = false;
	return true;
}

/* MAX_STREAM_DATA or HOLD. */
static bool put_maximum(struct build *build, struct flow *flow, enum frame_type type,
    void (*write)(struct writer *writer, const struct frame_max_stream_data *max), bool *is_pending)
{
	struct frame_max_stream_data max = {flow->id, flow->recv.maximum};

	if (!*is_pending)
		return true;
	if (!has_room(build, CONTROL_MAX_BYTES)
	    || !record(build, (uint8_t)type, flow->id, max.maximum, 0))
		return false;
	write(&build->w, &max);
	*is_pending = false;
	return true;
}

/* All control frames of one flow. False when the packet is full. */
static bool put_flow_control(struct build *build, struct flow *flow)
{
	bool is_ok = put_open_before(build, flow, CONTROL_MAX_BYTES);

	if (is_ok && flow->send.reset_is_pending)
		is_ok = put_reset(build, flow);
	if (is_ok && flow->stop_is_pending)
		is_ok = put_stop_sending(build, flow);
	is_ok = is_ok
	        && put_maximum(build, flow, FRAME_MAX_STREAM_DATA, frame_write_max_stream_data,
	            &flow->window_is_pending)
	        && put_maximum(build, flow, FRAME_HOLD, frame_write_hold, &flow->hold_is_pending);
	flow_schedule(flow);
	return is_ok;
}

static void put_health(struct build *build)
{
	struct health_told *told = &build->lane->health;

	while (told->pending && has_room(build, CONTROL_MAX_BYTES)) {
		const struct told_health *item = health_told_next(told);
		struct frame_health health = {item->accelerator, item->state, item->sequence};

		if (!record(build, FRAME_HEALTH, health.accelerator, health.sequence, 0)) {
			health_told_on_lost(told, health.accelerator, health.sequence);
			return;
		}
		frame_write_health(&build->w, &health);
	}
}

static void put_control(struct build *build)
{
	struct lane *lane = build->lane;
	struct list_node *node;

	if (lane->max_data_is_pending && has_room(build, CONTROL_MAX_BYTES)
	    && record(build, FRAME_MAX_DATA, 0, lane->receive_maximum, 0)) {
		frame_write_max_data(&build->w, lane->receive_maximum);
		lane->max_data_is_pending = false;
	}
	put_health(build);
	while ((node = list_first(&lane->control)))
		if (!put_flow_control(build, LIST_ENTRY(node, struct flow, control_node)))
			return;
}

/* Bytes of a STREAM frame before its data. */
static size_t stream_header_bytes(const struct flow *flow, uint64_t offset)
{
	return 1 + varint_length(flow->id) + varint_length(offset) + 2;
}

/* What of the stream fits behind a header of so many bytes, and the lane's window. */
static struct stream_piece next_piece(
    const struct build *build, const struct flow *flow, bool lost, size_t header_bytes)
{
	const struct lane *lane = build->lane;
	size_t most = writer_left(&build->w) - header_bytes;

	if (lost)
		return stream_send_next_lost(&flow->send, most);
	if (most > lane->send_maximum - lane->send_used)
		most = lane->send_maximum - lane->send_used;
	return stream_send_next_new(&flow->send, most);
}

/* Puts a lost or new piece of the stream into the packet. False when it is full. */
static bool put_piece(struct build *build, struct flow *flow, bool lost)
{
	struct stream_send *send = &flow->send;
	struct stream_piece piece;
	uint8_t *data;
	uint8_t type;

	if (!put_open_before(build, flow, PIECE_MIN_BYTES))
		return false;
	/* Room for the data: first by the longest header, then by the one that it will be. */
	piece = next_piece(build, flow, lost, FRAME_STREAM_MAX_BYTES);
	piece = next_piece(build, flow, lost, stream_header_bytes(flow, piece.offset));
	type = piece.is_fin ? FRAME_STREAM_FIN : FRAME_STREAM;
	if (!record(build, type, flow->id, piece.offset, piece.length))
		return false;
	data = frame_write_stream(&build->w, flow->id, piece.offset, piece.length, piece.is_fin);
	stream_send_copy(send, &piece, data);
	if (!lost)
		build->lane->send_used += piece.length;
	if (stream_send_on_sent(send, &piece))
		lane_fail(build->lane, REASON_INTERNAL, "no memory to remember what was sent");
	return true;
}

void lane_drop_old_datagrams(struct lane *lane)
{
	struct datagram *oldest;

	while ((oldest = datagram_store_oldest(&lane->datagrams))
	       && lane->now_us - oldest->queued_us > DATAGRAM_QUEUE_AGE_US) {
		struct flow *flow = LIST_ENTRY(oldest->queue, struct flow, datagrams);

		datagram_drop(&lane->datagrams, oldest);
		lane->counters.datagrams_dropped++;
		flow_schedule(flow);
	}
}

/* Why the datagram is not to be sent any more: a counter, or NULL. Once a part of it has gone the rest goes too. */
static uint64_t *drop_counter(struct flow *flow, const struct datagram *datagram)
{
	struct lane *lane = flow->lane;
	uint64_t waited_us = lane->now_us - datagram->queued_us;
	bool is_last = flow->datagrams.bytes <= lane->path.packet_bytes;

	if (datagram->is_begun && !datagram->is_kept)
		return NULL;
	if (!flow_meets_deadline(flow, datagram->queued_us))
		return &lane->counters.datagrams_late;
	if (datagram->is_kept)
		return NULL;
	if (waited_us > DATAGRAM_QUEUE_AGE_US
	    || codel_drops(&flow->datagrams.codel, waited_us, is_last, lane->now_us))
		return &lane->counters.datagrams_dropped;
	return NULL;
}

/* The flow's next datagram that is worth sending, NULL when there is none. */
static struct datagram *next_datagram(struct flow *flow)
{
	struct datagram *datagram;
	uint64_t *counter;

	while ((datagram = datagram_queue_head(&flow->datagrams))
	       && (counter = drop_counter(flow, datagram))) {
		++*counter;
		datagram_drop(&flow->lane->datagrams, datagram);
	}
	return datagram;
}

/* It may go again when it is lost: then the path tells its fate. */
static bool is_worth_keeping(const struct flow *flow, const struct datagram *datagram)
{
	const struct lane *lane = flow->lane;

	if (datagram->is_begun)
		return datagram->frames > 0 || datagram->is_kept;
	return flow->policy.deadline_us > lane->path.rtt.smoothed_us * 3 / 2
	       && datagram_may_be_kept(&lane->datagrams, datagram);
}

static bool record_datagram(
    struct build *build, struct flow *flow, struct datagram *datagram, uint8_t type, size_t length)
{
	uint64_t offset = (uint64_t)datagram->id << 32 | datagram->from;

	build->is_ack_eliciting = true;
	if (!is_worth_keeping(flow, datagram))
		return true;
	if (!record(build, type, flow->id, offset, length))
		return false;
	datagram->frames++;
	return true;
}

static bool put_whole_datagram(struct build *build, struct flow *flow, struct datagram *datagram)
{
	uint32_t length = datagram->length;

	if (!put_open_before(build, flow, frame_datagram_bytes(flow->id, length))
	    || !record_datagram(build, flow, datagram, FRAME_DATAGRAM, length))
		return false;
	datagram_read(
	    datagram, frame_write_datagram(&build->w, flow->id, datagram->id, length), length);
	return true;
}

static bool put_fragment(struct build *build, struct flow *flow, struct datagram *datagram)
{
	struct frame_datagram fragment = {
	    .flow = flow->id,
	    .id = datagram->id,
	    .total = datagram->length,
	    .offset = datagram->from,
	};
	size_t left = datagram->to - datagram->from;

	if (!put_open_before(build, flow, FRAME_FRAGMENT_MAX_BYTES + PIECE_MIN_BYTES))
		return false;
	fragment.length = writer_left(&build->w) - FRAME_FRAGMENT_MAX_BYTES;
	if (fragment.length > left)
		fragment.length = left;
	if (!record_datagram(build, flow, datagram, FRAME_DATAGRAM_FRAGMENT, fragment.length))
		return false;
	datagram_read(
	    datagram, frame_write_fragment(&build->w, &fragment), (uint32_t)fragment.length);
	return true;
}

/* Puts the datagram, or a part of it, into the packet. False when there is not room. */
static bool put_datagram(struct build *build, struct flow *flow, struct datagram *datagram)
{
	struct lane *lane = build->lane;
	/* A datagram that no packet holds whole, even beside its OPEN, goes in fragments. */
	size_t most_whole = lane->path.packet_bytes - PACKET_OVERHEAD_BYTES - FRAME_OPEN_MAX_BYTES
	                    - FRAME_DATAGRAM_MAX_BYTES - REPAIR_ROOM_BYTES;

	/* What began in fragments goes on in them, though packets have grown. */
	bool is_whole = datagram->length <= most_whole && datagram->from == 0
	                && datagram->to == datagram->length;

	if (!(is_whole ? put_whole_datagram(build, flow, datagram)
	               : put_fragment(build, flow, datagram)))
		return false;
	if (datagram->from < datagram->to)
		return true;
	lane->counters.datagrams_sent += !datagram->is_kept;
	datagram_sent(&lane->datagrams, datagram);
	return true;
}

/* What it sent kept others waiting, or waited itself, longer than a host takes between reading and sending. */
static bool is_in_the_way(const struct lane *lane, const struct flow *flow, bool has_waited)
{
	return scheduler_has_others(&lane->scheduler, &flow->schedule)
	       || (has_waited && !scheduler_is_empty(&lane->scheduler));
}

/* The turn is over: the flow's next one, and its class, follow from what it sent. */
static void end_turn(
    struct lane *lane, struct turn turn, struct flow *flow, size_t bytes, bool has_waited)
{
	scheduler_on_sent(&lane->scheduler, turn, (uint32_t)bytes);
	flow_schedule(flow);
	/* A share of a rate that is not known is nothing. */
	if (!path_is_starting(&lane->path) && is_in_the_way(lane, flow, has_waited)
	    && usage_on_sent(&flow->usage, bytes, lane_rate_Bps(lane), lane->now_us)) {
		lane->counters.flows_turned_bulk += flow->policy.class != CLASS_BULK;
		flow_schedule(flow);
	}
}

/* Datagrams that waited together stay packets of one size, see repair_control_goes_alone(). */
static bool goes_alone(const struct build *build, const struct flow *flow)
{
	return build->protected && flow_class(flow) == CLASS_REALTIME
	       && flow->policy.repair_budget_pct > 0 && lane_repair_goes_alone(build->lane);
}

/* One frame of the flow whose turn it is. False when the packet has no room for it. */
static bool take_turn(struct build *build, struct turn turn)
{
	struct lane *lane = build->lane;
	struct flow *flow = LIST_ENTRY(turn.flow, struct flow, schedule);
	struct datagram *datagram = next_datagram(flow);
	size_t before = writer_length(&build->w);
	bool has_waited = !datagram || lane->now_us - datagram->queued_us >= CODEL_TARGET_US;
	bool has_stream = turn.is_lost ? flow_has_lost_stream(flow) : flow_has_new_stream(flow);

	if (datagram ? !put_datagram(build, flow, datagram)
	             : has_stream && !put_piece(build, flow, turn.is_lost))
		return false;
	if (datagram && goes_alone(build, flow))
		build->is_full = true;
	build->is_repeat |= turn.is_lost;
	end_turn(lane, turn, flow, writer_length(&build->w) - before, has_waited);
	return true;
}

/* When what is next does not fit, those of the classes below may fill the packet. */
static void put_data(struct build *build)
{
	struct lane *lane = build->lane;
	unsigned from = CLASS_REALTIME;
	struct turn turn;

	lane->scheduler.quantum_bytes = lane->path.packet_bytes;
	while (!lane_is_over(lane) && (turn = scheduler_next(&lane->scheduler, from)).flow) {
		if (take_turn(build, turn))
			continue;
		if (!has_room(build, PIECE_MIN_BYTES))
			break;
		from = turn.flow->class + 1u;
	}
	lane->counters.packets_retransmitted += build->is_repeat;
}

/* What is to go next is worth it: not bulk, but for the last bytes before a pause. */
static bool next_is_worth_protecting(const struct build *build)
{
	struct lane *lane = build->lane;
	struct schedule *next = scheduler_next(&lane->scheduler, CLASS_REALTIME).flow;
	const struct flow *flow;

	if (!list_is_empty(&lane->control) || !next || next->class != CLASS_BULK)
		return true;
	flow = LIST_ENTRY(next, struct flow, schedule);
	return flow->send.end - flow->send.sent < writer_left(&build->w);
}

/* From here on the packet is what a repair can bring back; a repair of it must fit into a packet too. */
static void begin_protected(struct build *build)
{
	size_t most = build->lane->path.packet_bytes - PACKET_OVERHEAD_BYTES - REPAIR_ROOM_BYTES;

	if (!lane_repair_wants(build->lane) || !has_room(build, PIECE_MIN_BYTES)
	    || !next_is_worth_protecting(build))
		return;
	build->protected = build->w.at;
	frame_write_protected(&build->w);
	if (writer_left(&build->w) > most)
		build->w.end = build->w.at + most;
}

/* Bulk flows send again what they lose, but the end of what they have; a ping is not worth it. */
static bool is_worth_protecting(const struct build *build)
{
	return build->has_flow && build->repair_budget_pct > 0
	       && (build->class != CLASS_BULK || !lane_has_frames(build->lane));
}

/* The packet is whole. True when it is protected. */
bool build_end_protected(struct build *build)
{
	const uint8_t *content;

	if (!build->protected)
		return false;
	content = build->protected + 1;
	if (is_worth_protecting(build)
	    && lane_repair_protect(
	        build->lane, build->number, content, (size_t)(build->w.at - content), build->class))
		return true;
	*build->protected = FRAME_PADDING;
	return false;
}

static void put_ping(struct build *build)
{
	if (!has_room(build, 1))
		return;
	frame_write_ping(&build->w);
	build->is_ack_eliciting = true;
}

void build_put_frames(struct build *build, bool may_send_data)
{
	struct lane *lane = build->lane;

	build_put_ack(build);
	if (may_send_data) {
		begin_protected(build);
		put_control(build);
		put_data(build);
	}
	if ((lane->ping_is_due || lane->probes_due) && !build->is_ack_eliciting)
		put_ping(build);
	if (build->protected && build->w.at == build->protected + 1) {
		build->w.at = build->protected;
		build->protected = NULL;
	}
}
