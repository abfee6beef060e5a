/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets out: the building of packets in their place in the batch.  Order: acks, control frames, then data
 * as the scheduler says.  All packets of a batch but the last have one size, so that the kernel can cut them.
 */
#include "config.h"

#include "base/err.h"
#include "tunnel/frame.h"
#include "tunnel/lane.h"
#include "tunnel/lane_private.h"

#include <string.h>

enum {
	/* A control frame other than OPEN fits in this. */
	CONTROL_MAX_BYTES = 32,
	/* Less room than this is not worth a frame of its own when there are more bytes. */
	PIECE_MIN_BYTES = 48,
	/* A packet that is short by no more is padded, so that the batch can go on. */
	PADDING_MAX_BYTES = 128,
};

/* The packet that is being built. */
struct build {
	struct lane *lane;
	struct writer w;
	uint64_t number;
	bool is_ack_eliciting;
	bool is_full;       /* the path takes no more records for it */
	bool is_repeat;     /* bears something that was lost */
	uint8_t *protected; /* its PROTECTED frame, NULL: it has none */
	bool has_flow;      /* bears frames that are worth protecting; the most urgent class and: */
	enum flow_class class;
	uint8_t repair_budget_pct; /* the highest of its flows' */
};

bool lane_has_frames(const struct lane *lane)
{
	return lane->max_data_is_pending || !list_is_empty(&lane->control)
	       || !scheduler_is_empty(&lane->scheduler);
}

uint64_t lane_ping_timer_us(const struct lane *lane)
{
	uint64_t interval_us = lane->flows.count ? PING_FLOWS_US : PING_IDLE_US;

	if (lane->state == LANE_DOWN)
		interval_us = PING_DOWN_US;
	else if (lane->state == LANE_PENDING && lane->config.role == LANE_LISTENER)
		interval_us = PING_FLOWS_US;
	else if (lane->state == LANE_UP && !loss_meter_is_known(&lane->path.meter))
		interval_us = PING_LEARN_US;
	return lane->last_eliciting_us + interval_us;
}

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
	build->is_ack_eliciting |= frame_is_ack_eliciting(type);
	return true;
}

static void put_ack(struct build *build)
{
	struct lane *lane = build->lane;
	struct ack_frame ack;

	if (!received_has_unacknowledged(&lane->received)
	    || !received_fill_ack(&lane->received, &ack, lane->now_us))
		return;
	if (!record(build, FRAME_ACK, 0, ack.largest, 0))
		return;
	frame_write_ack(&build->w, &ack);
	received_ack_sent(&lane->received);
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

static void put_control(struct build *build)
{
	struct lane *lane = build->lane;
	struct list_node *node;

	if (lane->max_data_is_pending && has_room(build, CONTROL_MAX_BYTES)
	    && record(build, FRAME_MAX_DATA, 0, lane->receive_maximum, 0)) {
		frame_write_max_data(&build->w, lane->receive_maximum);
		lane->max_data_is_pending = false;
	}
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

/* The turn is over: the flow's next one, and its class, follow from what it sent. */
static void end_turn(struct lane *lane, struct turn turn, struct flow *flow, size_t bytes)
{
	scheduler_on_sent(&lane->scheduler, turn, (uint32_t)bytes);
	flow_schedule(flow);
	if (!scheduler_is_empty(&lane->scheduler)
	    && usage_on_sent(&flow->usage, bytes, lane_rate_Bps(lane), lane->now_us)) {
		lane->counters.flows_turned_bulk += flow->policy.class != CLASS_BULK;
		flow_schedule(flow);
	}
}

/* One frame of the flow whose turn it is. False when the packet has no room for it. */
static bool take_turn(struct build *build, struct turn turn)
{
	struct lane *lane = build->lane;
	struct flow *flow = LIST_ENTRY(turn.flow, struct flow, schedule);
	struct datagram *datagram = next_datagram(flow);
	size_t before = writer_length(&build->w);
	bool has_stream =
	    turn.is_lost ? stream_send_has_lost(&flow->send) : flow_has_new_stream(flow);

	if (datagram ? !put_datagram(build, flow, datagram)
	             : has_stream && !put_piece(build, flow, turn.is_lost))
		return false;
	build->is_repeat |= turn.is_lost;
	end_turn(lane, turn, flow, writer_length(&build->w) - before);
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
static bool end_protected(struct build *build)
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
	if (has_room(build, 1) && record(build, FRAME_PING, 0, 0, 0))
		frame_write_ping(&build->w);
}

static void put_frames(struct build *build, bool may_send_data)
{
	struct lane *lane = build->lane;

	put_ack(build);
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

static void note_sent(struct build *build)
{
	struct lane *lane = build->lane;

	if (!build->is_ack_eliciting)
		return;
	lane->ping_is_due = false;
	if (lane->probes_due)
		lane->probes_due--;
	lane->last_eliciting_us = lane->now_us;
	if (!lane->waiting_since_us)
		lane->waiting_since_us = lane->now_us;
}

/* Pads a packet that is nearly as long as the others of its batch. */
static void pad(struct build *build, size_t segment_bytes)
{
	size_t length = writer_length(&build->w) + PACKET_OVERHEAD_BYTES;

	if (length < segment_bytes && segment_bytes - length <= PADDING_MAX_BYTES
	    && segment_bytes - length <= writer_left(&build->w))
		memset(writer_skip(&build->w, segment_bytes - length), FRAME_PADDING,
		    segment_bytes - length);
}

/* Seals what was built; returns the packet's length. */
static size_t finish_packet(struct build *build, uint8_t *packet)
{
	struct lane *lane = build->lane;
	size_t length = writer_length(&build->w);
	bool is_protected = end_protected(build);

	trace(lane->path.tracer, &(struct trace_event){.kind = TRACE_PACKET_SENT,
	                             .now_us = lane->now_us,
	                             .number = build->number,
	                             .udp_bytes = length + PACKET_OVERHEAD_BYTES,
	                             .frames = packet + PACKET_HEADER_BYTES,
	                             .frames_bytes = length});
	epochs_prepare_send(&lane->epochs, build->number, lane->now_us);
	epochs_seal(&lane->epochs, packet, lane->config.remote_id, build->number, length);
	length += PACKET_OVERHEAD_BYTES;
	path_packet_commit(
	    &lane->path, length, build->is_ack_eliciting, !lane_has_frames(lane), lane->now_us);
	if (is_protected)
		path_packet_protect(&lane->path);
	lane_repair_on_sent(lane, length, build->repair_budget_pct);
	note_sent(build);
	return length;
}

/* Builds a packet with the repair that is due; 0 when there is none, or no place for it. */
static size_t build_repair(struct lane *lane, uint8_t *packet, size_t size)
{
	struct repair_due due = lane_repair_due(lane);
	struct build build = {.lane = lane};
	size_t length;

	if (due.kind == REPAIR_NONE)
		return 0;
	build.number = path_packet_begin(&lane->path);
	if (build.number > PACKET_NUMBER_MAX)
		return 0;
	writer_init(&build.w, packet + PACKET_HEADER_BYTES, size - PACKET_OVERHEAD_BYTES);
	/* Copies are small as a rule, and an ACK that goes along needs no packet of its own. */
	if (due.kind == REPAIR_COPY)
		put_ack(&build);
	build.is_ack_eliciting = lane_repair_write(lane, &due, build.number, &build.w);
	if (writer_length(&build.w) == 0) {
		path_packet_abandon(&lane->path);
		lane_repair_done(lane, &due, 0);
		return 0;
	}
	length = finish_packet(&build, packet);
	lane_repair_done(lane, &due, build.is_ack_eliciting ? length : 0);
	return length;
}

/* Builds one packet of at most `size` bytes; 0 when there is nothing to send. */
static size_t build_packet(struct lane *lane, uint8_t *packet, size_t size, bool may_send_data)
{
	struct build build = {.lane = lane};

	build.number = path_packet_begin(&lane->path);
	if (build.number > PACKET_NUMBER_MAX)
		return 0;
	writer_init(&build.w, packet + PACKET_HEADER_BYTES, size - PACKET_OVERHEAD_BYTES);
	put_frames(&build, may_send_data);
	if (writer_length(&build.w) == 0) {
		path_packet_abandon(&lane->path);
		return 0;
	}
	pad(&build, size);
	return finish_packet(&build, packet);
}

/* What a packet may hold now: nothing, acks and pings, or data. */
enum permit { PERMIT_NOTHING, PERMIT_SIGNS, PERMIT_DATA };

static enum permit permit_now(const struct lane *lane)
{
	if (lane->probes_due)
		return PERMIT_DATA;
	if (lane_has_frames(lane) && path_send_room(&lane->path, lane->now_us) > 0)
		return PERMIT_DATA;
	if (lane->ping_is_due || received_ack_is_due(&lane->received, lane->now_us))
		return PERMIT_SIGNS;
	return PERMIT_NOTHING;
}

static unsigned send_close(struct lane *lane, struct lane_batch *batch)
{
	size_t size = PACKET_MIN_BYTES;

	while (lane->close_copies && batch->length_bytes + size <= batch->size_bytes) {
		uint8_t *packet = batch->data + batch->length_bytes;
		struct build build = {.lane = lane, .number = path_packet_begin(&lane->path)};

		lane->close_copies--;
		if (build.number > PACKET_NUMBER_MAX)
			break;
		writer_init(&build.w, packet + PACKET_HEADER_BYTES, size - PACKET_OVERHEAD_BYTES);
		frame_write_close(&build.w, lane->close_reason, lane->close_text);
		batch->segment_bytes = (uint16_t)finish_packet(&build, packet);
		batch->length_bytes += batch->segment_bytes;
		batch->count++;
	}
	return batch->count;
}

/* True when another packet of the batch's size may follow one of `length` bytes. */
static bool batch_goes_on(struct lane_batch *batch, const struct lane *lane, size_t length)
{
	if (batch->count == 1)
		batch->segment_bytes = (uint16_t)length;
	if (length < batch->segment_bytes || length < lane->path.packet_bytes / 2u)
		return false;
	return batch->count < LANE_BATCH_MAX_PKTS
	       && batch->length_bytes + batch->segment_bytes <= batch->size_bytes
	       && batch->length_bytes + batch->segment_bytes <= LANE_BATCH_MAX_BYTES;
}

/* Probes are small: should the path carry large packets no more, they still show who is there. */
static size_t full_packet_bytes(const struct lane *lane)
{
	return lane->probes_due ? PACKET_MIN_BYTES : lane->path.packet_bytes;
}

/* A repair goes first, in a batch of its own: it may be longer than the packets that it repairs. */
static void put_repair(struct lane *lane, struct lane_batch *batch)
{
	if (path_send_room(&lane->path, lane->now_us) == 0)
		return;
	batch->length_bytes = build_repair(lane, batch->data, lane->path.packet_bytes);
	batch->segment_bytes = (uint16_t)batch->length_bytes;
	batch->count = batch->length_bytes > 0;
}

static void fill_batch(struct lane *lane, struct lane_batch *batch)
{
	enum permit permit;
	size_t length;

	while ((permit = permit_now(lane)) != PERMIT_NOTHING) {
		size_t size = batch->count ? batch->segment_bytes : full_packet_bytes(lane);

		length = build_packet(
		    lane, batch->data + batch->length_bytes, size, permit == PERMIT_DATA);
		if (length == 0)
			return;
		batch->length_bytes += length;
		batch->count++;
		if (!batch_goes_on(batch, lane, length)
		    || lane_repair_timer_us(lane) <= lane->now_us)
			return;
	}
}

uint64_t lane_mtu_timer_us(const struct lane *lane)
{
	return lane->state == LANE_UP ? path_mtu_timer_us(&lane->path, lane->now_us) : UINT64_MAX;
}

/* A batch of one: a ping padded to the size that is tried. A small ping follows it, see pmtu.h. */
static void put_mtu_probe(struct lane *lane, struct lane_batch *batch)
{
	struct build build = {.lane = lane, .number = path_packet_begin(&lane->path)};
	size_t size, padding;

	if (build.number > PACKET_NUMBER_MAX)
		return;
	size = path_mtu_probe(&lane->path, lane->now_us);
	writer_init(&build.w, batch->data + PACKET_HEADER_BYTES, size - PACKET_OVERHEAD_BYTES);
	frame_write_ping(&build.w);
	build.is_ack_eliciting = true;
	padding = writer_left(&build.w);
	memset(writer_skip(&build.w, padding), FRAME_PADDING, padding);
	batch->length_bytes = finish_packet(&build, batch->data);
	batch->segment_bytes = (uint16_t)batch->length_bytes;
	batch->count = 1;
	lane->ping_is_due = true;
}

/* A batch of one, to where the challenge came from or goes to. */
static void put_path_frame(struct lane *lane, struct lane_batch *batch)
{
	const size_t size = PACKET_OVERHEAD_BYTES + FRAME_PATH_BYTES;
	struct build build = {.lane = lane, .number = path_packet_begin(&lane->path)};
	struct migration_frame frame;

	if (build.number > PACKET_NUMBER_MAX)
		return;
	if (!migration_next(
	        &lane->migration, size, path_pto_us(&lane->path), lane->now_us, &frame)) {
		path_packet_abandon(&lane->path);
		return;
	}
	writer_init(&build.w, batch->data + PACKET_HEADER_BYTES, FRAME_PATH_BYTES);
	frame_write_path(
	    &build.w, frame.is_response ? FRAME_PATH_RESPONSE : FRAME_PATH_CHALLENGE, frame.data);
	batch->length_bytes = finish_packet(&build, batch->data);
	batch->segment_bytes = (uint16_t)batch->length_bytes;
	batch->count = 1;
	batch->route = frame.route;
}

static void build_batch(struct lane *lane, struct lane_batch *batch)
{
	if (lane_move_timer_us(lane) <= lane->now_us)
		put_path_frame(lane, batch);
	if (batch->count)
		return;
	if (lane_mtu_timer_us(lane) <= lane->now_us)
		put_mtu_probe(lane, batch);
	if (batch->count == 0 && lane_repair_timer_us(lane) <= lane->now_us)
		put_repair(lane, batch);
	scheduler_set_quantum(&lane->scheduler, lane->path.packet_bytes);
	if (batch->count == 0)
		fill_batch(lane, batch);
}

unsigned lane_send(struct lane *lane, struct lane_batch *batch, uint64_t now_us)
{
	lane->now_us = now_us;
	batch->length_bytes = 0;
	batch->segment_bytes = 0;
	batch->count = 0;
	batch->ecn = path_ecn(&lane->path);
	batch->route = &lane->migration.route;
	lane_enter(lane);
	if (lane_ping_timer_us(lane) <= now_us)
		lane->ping_is_due = true;
	if (!lane_is_over(lane) && batch->size_bytes >= lane->config.packet_bytes)
		build_batch(lane, batch);
	if (batch->count)
		lane_wake_writers(lane);
	lane_leave(lane);
	if (lane->state == LANE_OVER && batch->count == 0)
		send_close(lane, batch);
	return batch->count;
}

bool lane_wants_send(const struct lane *lane, uint64_t now_us)
{
	if (lane->state == LANE_OVER)
		return lane->close_copies > 0;
	return lane->probes_due || lane->ping_is_due || received_ack_is_due(&lane->received, now_us)
	       || lane_ping_timer_us(lane) <= now_us || lane_mtu_timer_us(lane) <= now_us
	       || lane_move_timer_us(lane) <= now_us
	       || ((lane_has_frames(lane) || lane_repair_timer_us(lane) <= now_us)
	           && path_send_room(&lane->path, now_us) > 0);
}
