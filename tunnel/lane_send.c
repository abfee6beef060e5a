/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets out: what goes first, and the building of packets in their place in the batch.  Order: acks,
 * control frames, lost stream bytes, datagrams, then new stream bytes of one flow after the other, a
 * packet each.  All packets of a batch but the last have one size, so that the kernel can cut them.
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
	bool is_full; /* the path takes no more records for it */
};

bool lane_has_frames(const struct lane *lane)
{
	return lane->max_data_is_pending || !list_is_empty(&lane->control)
	       || !list_is_empty(&lane->lost)
	       || (!list_is_empty(&lane->ready) && lane->send_used < lane->send_maximum)
	       || !datagram_queue_is_empty(&lane->datagrams);
}

uint64_t lane_ping_timer_us(const struct lane *lane)
{
	uint64_t interval_us = lane->flows.count ? PING_FLOWS_US : PING_IDLE_US;

	if (lane->state == LANE_DOWN)
		interval_us = PING_DOWN_US;
	else if (lane->state == LANE_PENDING && lane->config.role == LANE_LISTENER)
		interval_us = PING_FLOWS_US;
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
}

/*
 * Until the OPEN of a flow is acknowledged, each packet with frames of the flow bears it before them, so
 * that no frame ever meets an unknown flow. False when there is not room for it and `more` bytes.
 */
static bool put_open_before(struct build *build, struct flow *flow, size_t more)
{
	if (flow->open_is_acked || flow->open_packet == build->number)
		return has_room(build, more);
	if (!has_room(build, FRAME_OPEN_MAX_BYTES + more)
	    || !record(build, FRAME_OPEN, flow->id, 0, 0))
		return false;
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

static bool put_max_stream_data(struct build *build, struct flow *flow)
{
	struct frame_max_stream_data max = {flow->id, flow->recv.maximum};

	if (!has_room(build, CONTROL_MAX_BYTES)
	    || !record(build, FRAME_MAX_STREAM_DATA, flow->id, max.maximum, 0))
		return false;
	frame_write_max_stream_data(&build->w, &max);
	flow->window_is_pending = false;
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
	if (is_ok && flow->window_is_pending)
		is_ok = put_max_stream_data(build, flow);
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

static void put_lost(struct build *build)
{
	struct lane *lane = build->lane;
	struct list_node *node;
	bool is_any = false;

	while ((node = list_first(&lane->lost))) {
		struct flow *flow = LIST_ENTRY(node, struct flow, lost_node);

		if (!put_piece(build, flow, true))
			break;
		is_any = true;
		flow_schedule(flow);
	}
	lane->counters.packets_retransmitted += is_any;
}

/* The flow of the datagram at the front, NULL when that is too old or its flow is gone. */
static struct flow *datagram_flow(struct lane *lane, const struct datagram_record *head)
{
	struct flow *flow = flow_table_find(&lane->flows, head->flow);

	if (!flow || flow->send.is_reset)
		return NULL;
	/* Once a fragment has gone the rest goes too. */
	if (lane->datagrams.done == 0 && lane->now_us - head->queued_us > DATAGRAM_QUEUE_AGE_US)
		return NULL;
	return flow;
}

void lane_drop_old_datagrams(struct lane *lane)
{
	const struct datagram_record *head;

	while ((head = datagram_queue_head(&lane->datagrams, &lane->budget))
	       && !datagram_flow(lane, head)) {
		datagram_queue_pop(&lane->datagrams, &lane->budget);
		lane->counters.datagrams_dropped++;
	}
}

static bool put_whole_datagram(
    struct build *build, struct flow *flow, const struct datagram_record *head)
{
	struct lane *lane = build->lane;
	uint8_t *data;

	if (!put_open_before(build, flow, FRAME_DATAGRAM_MAX_BYTES + head->length))
		return false;
	data = frame_write_datagram(&build->w, head->flow, head->id, head->length);
	datagram_queue_read(&lane->datagrams, &lane->budget, data, head->length);
	return true;
}

static bool put_fragment(struct build *build, struct flow *flow, const struct datagram_record *head)
{
	struct lane *lane = build->lane;
	struct frame_datagram fragment = {
	    .flow = head->flow,
	    .id = head->id,
	    .total = head->length,
	    .offset = lane->datagrams.done,
	};
	size_t left = head->length - lane->datagrams.done;
	uint8_t *data;

	if (!put_open_before(build, flow, FRAME_FRAGMENT_MAX_BYTES + PIECE_MIN_BYTES))
		return false;
	fragment.length = writer_left(&build->w) - FRAME_FRAGMENT_MAX_BYTES;
	if (fragment.length > left)
		fragment.length = left;
	data = frame_write_fragment(&build->w, &fragment);
	datagram_queue_read(&lane->datagrams, &lane->budget, data, (uint32_t)fragment.length);
	return true;
}

static void put_datagrams(struct build *build)
{
	struct lane *lane = build->lane;
	/* A datagram that no packet holds whole, even beside its OPEN, goes in fragments. */
	size_t most_whole = lane->path.packet_bytes - PACKET_OVERHEAD_BYTES - FRAME_OPEN_MAX_BYTES
	                    - FRAME_DATAGRAM_MAX_BYTES;

	for (;;) {
		const struct datagram_record *head;
		struct flow *flow;
		bool is_put;

		lane_drop_old_datagrams(lane);
		head = datagram_queue_head(&lane->datagrams, &lane->budget);
		if (!head)
			return;
		flow = datagram_flow(lane, head);
		/* What began in fragments goes on in them, though packets have grown. */
		is_put = head->length <= most_whole && lane->datagrams.done == 0
		             ? put_whole_datagram(build, flow, head)
		             : put_fragment(build, flow, head);
		if (!is_put)
			return;
		build->is_ack_eliciting = true;
		flow_schedule(flow);
		if (lane->datagrams.done == head->length) {
			lane->counters.datagrams_sent++;
			datagram_queue_pop(&lane->datagrams, &lane->budget);
		}
	}
}

static void put_streams(struct build *build)
{
	struct lane *lane = build->lane;
	struct list_node *node;

	while (lane->send_used < lane->send_maximum && (node = list_first(&lane->ready))) {
		struct flow *flow = LIST_ENTRY(node, struct flow, ready_node);

		if (!put_piece(build, flow, false))
			return;
		list_del(node);
		flow_schedule(flow);
	}
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
		put_control(build);
		put_lost(build);
		put_datagrams(build);
		put_streams(build);
	}
	if ((lane->ping_is_due || lane->probes_due) && !build->is_ack_eliciting)
		put_ping(build);
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

	if (segment_bytes && length < segment_bytes && segment_bytes - length <= PADDING_MAX_BYTES)
		memset(writer_skip(&build->w, segment_bytes - length), FRAME_PADDING,
		    segment_bytes - length);
}

/* Seals what was built; returns the packet's length. */
static size_t finish_packet(struct build *build, uint8_t *packet)
{
	struct lane *lane = build->lane;
	size_t length = writer_length(&build->w);

	epochs_prepare_send(&lane->epochs, build->number, lane->now_us);
	epochs_seal(&lane->epochs, packet, lane->config.remote_id, build->number, length);
	length += PACKET_OVERHEAD_BYTES;
	path_packet_commit(
	    &lane->path, length, build->is_ack_eliciting, !lane_has_frames(lane), lane->now_us);
	note_sent(build);
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
		if (!batch_goes_on(batch, lane, length))
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

static void build_batch(struct lane *lane, struct lane_batch *batch)
{
	if (lane_mtu_timer_us(lane) <= lane->now_us)
		put_mtu_probe(lane, batch);
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
	lane_enter(lane);
	if (lane_ping_timer_us(lane) <= now_us)
		lane->ping_is_due = true;
	if (!lane_is_over(lane) && batch->size_bytes >= lane->config.packet_bytes)
		build_batch(lane, batch);
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
	       || (lane_has_frames(lane) && path_send_room(&lane->path, now_us) > 0);
}
