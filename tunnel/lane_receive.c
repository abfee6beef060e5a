/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A packet's way in, top to bottom: header, replay window, decryption, frames.  Nothing changes before
 * the packet has been authenticated.  Every frame may come twice without harm, so a packet for which
 * there is no memory is simply not acknowledged and its frames come again.
 */
#include "config.h"

#include "base/err.h"
#include "tunnel/lane.h"
#include "tunnel/lane_private.h"

#include <ctype.h>

/*
 * The flow that a frame names. NULL when it is closed, so that the frame means nothing any more; and when
 * it was never opened, which is an error: each packet with a flow's frames bears its OPEN until that is
 * acknowledged.
 */
static struct flow *find_flow(struct lane *lane, uint64_t id)
{
	struct flow *flow = flow_table_find(&lane->flows, id);
	bool was_opened;

	if (flow)
		return flow;
	was_opened = lane->config.role == LANE_ENDPOINT ? flow_ids_is_opened(lane->opened, id)
	                                                : id < lane->next_flow_id;
	if (!was_opened)
		lane_fail(
		    lane, REASON_PROTOCOL, "flow %llu was never opened", (unsigned long long)id);
	return NULL;
}

static int on_nothing(struct lane *lane, const struct frame *frame)
{
	(void)lane;
	(void)frame;
	return 0;
}

/* Answered at once, so that it measures the way and nothing else. */
static int on_ping(struct lane *lane, const struct frame *frame)
{
	(void)frame;
	lane->is_pinged = true;
	return 0;
}

static void note_rtt_sample(struct lane *lane)
{
	if (lane->config.callbacks->on_rtt)
		lane->config.callbacks->on_rtt(
		    lane->config.context, lane, lane->path.rtt.latest_us);
}

static int on_ack(struct lane *lane, const struct frame *frame)
{
	uint64_t samples = lane->path.rtt.samples;

	if (path_on_ack(&lane->path, &frame->ack, lane->now_us, lane_on_fate, lane)) {
		lane_fail(lane, REASON_PROTOCOL, "acknowledges a packet that was never sent");
		return ERR_MALFORMED;
	}
	epochs_on_ack(&lane->epochs, frame->ack.largest);
	if (lane->path.rtt.samples != samples)
		note_rtt_sample(lane);
	trace(lane->path.tracer,
	    &(struct trace_event){
	        .kind = TRACE_ACKED, .now_us = lane->now_us, .number = frame->ack.largest});
	lane_repair_follow_path(lane);
	return 0;
}

static int on_recovered(struct lane *lane, const struct frame *frame)
{
	if (path_on_recovered(&lane->path, &frame->recovered, lane_on_fate, lane) == 0)
		return 0;
	lane_fail(lane, REASON_PROTOCOL, "recovered a packet that was never sent");
	return ERR_MALFORMED;
}

static int on_protected(struct lane *lane, const struct frame *frame)
{
	lane_repair_on_protected(lane, lane->receiving, &frame->protected);
	return 0;
}

static int on_repair(struct lane *lane, const struct frame *frame)
{
	return lane_repair_on_repair(lane, lane->receiving, &frame->repair);
}

static void refuse_flow(struct flow *flow, enum reason reason)
{
	struct lane *lane = flow->lane;

	flow->is_refused = true;
	lane->counters.flows_refused++;
	lane->refused_flows++;
	flow_note_reason(flow, reason);
	flow_reset_sending(flow, reason);
	flow_stop_receiving(flow, reason);
}

static int on_open(struct lane *lane, const struct frame *frame)
{
	bool is_short = budget_pressure(&lane->budget) == BUDGET_EXHAUSTED;
	bool is_full = lane->flows.count - lane->refused_flows >= lane->config.max_flows;
	enum reason reason = REASON_LIMIT;
	struct flow *flow;

	if (lane->config.role != LANE_ENDPOINT) {
		lane_fail(lane, REASON_PROTOCOL, "only listeners open flows");
		return ERR_MALFORMED;
	}
	if (flow_ids_is_opened(lane->opened, frame->open.flow))
		return 0;
	/*
	 * It might have to be refused too.  As if the packet was lost: the OPEN comes again when the
	 * listener has seen some refusals.
	 */
	if (lane->refused_flows >= REFUSED_FLOWS_MAX) {
		lane->counters.opens_put_off++;
		return ERR_NOMEM;
	}
	flow = flow_new(lane, frame->open.flow, &frame->open.open);
	if (!flow)
		return ERR_NOMEM;
	if (flow_ids_open(lane->opened, frame->open.flow)) {
		flow_free(flow);
		lane_fail(lane, REASON_PROTOCOL, "flow ids jump");
		return ERR_MALFORMED;
	}
	lane->counters.flows_refused_memory += is_short;
	if (!is_full && !is_short)
		reason =
		    lane->config.callbacks->on_open(lane->config.context, flow, &frame->open.open);
	if (reason == REASON_NONE)
		lane->counters.flows_opened++;
	else
		refuse_flow(flow, reason);
	return 0;
}

/* UDP flows have streams only to end them: what is behind flow_user() there takes no bytes. */
static int on_stream(struct lane *lane, const struct frame *frame)
{
	const struct frame_stream *stream = &frame->stream;
	struct flow *flow = find_flow(lane, stream->flow);

	if (flow && flow->open.kind != FLOW_TCP && (stream->offset > 0 || stream->length > 0)) {
		lane_fail(lane, REASON_PROTOCOL, "stream bytes in UDP flow %llu",
		    (unsigned long long)flow->id);
		return ERR_MALFORMED;
	}
	return flow ? flow_on_stream(flow, stream) : 0;
}

/* The peer's direction ends early. What it had sent until then still counts (RFC 9000 section 4.5). */
static int on_reset(struct lane *lane, const struct frame *frame)
{
	const struct frame_reset *reset = &frame->reset;
	struct flow *flow = find_flow(lane, reset->flow);
	uint64_t growth;

	if (!flow)
		return 0;
	if (stream_recv_admit(&flow->recv, reset->final_offset, true, &growth)) {
		lane_fail(lane, REASON_PROTOCOL, "flow %llu is reset at a wrong size",
		    (unsigned long long)flow->id);
		return ERR_MALFORMED;
	}
	lane_count_received(lane, growth);
	if (flow->receive_is_over)
		return 0;
	if (lane->gather.flow == flow)
		lane_forget_gathered(lane);
	stream_recv_clear(&flow->recv, &lane->budget);
	flow->receive_is_over = true;
	flow->stop_is_pending = flow->window_is_pending = flow->hold_is_pending = false;
	flow->is_on_hold = flow->is_releasing = false;
	flow_note_reason(flow, reset->reason);
	flow_schedule(flow);
	if (!flow->is_stopped)
		lane->config.callbacks->on_reset(lane->config.context, flow, reset->reason);
	flow_check_dead(flow);
	return 0;
}

static int on_stop_sending(struct lane *lane, const struct frame *frame)
{
	struct flow *flow = find_flow(lane, frame->stop_sending.flow);
	enum reason reason = frame->stop_sending.reason;

	if (!flow || flow->send.is_reset || stream_send_is_done(&flow->send))
		return 0;
	flow_note_reason(flow, reason);
	list_del(&flow->waiting_node);
	flow_reset_sending(flow, reason);
	lane->config.callbacks->on_stop_sending(lane->config.context, flow, reason);
	return 0;
}

static int on_datagram(struct lane *lane, const struct frame *frame)
{
	struct flow *flow = find_flow(lane, frame->datagram.flow);

	if (flow && flow->open.kind != FLOW_UDP) {
		lane_fail(lane, REASON_PROTOCOL, "a datagram in TCP flow %llu",
		    (unsigned long long)flow->id);
		return ERR_MALFORMED;
	}
	if (flow)
		flow_on_datagram(flow, &frame->datagram);
	return 0;
}

/* Only the listener has a use for it. */
static int on_health(struct lane *lane, const struct frame *frame)
{
	const struct frame_health *health = &frame->health;

	if (lane->config.role != LANE_LISTENER) {
		lane_fail(lane, REASON_PROTOCOL, "a listener tells of health");
		return ERR_MALFORMED;
	}
	if (lane->config.callbacks->on_health)
		lane->config.callbacks->on_health(lane->config.context, lane, health->accelerator,
		    health->sequence, health->state);
	return 0;
}

static int on_max_data(struct lane *lane, const struct frame *frame)
{
	if (frame->max_data > lane->send_maximum)
		lane->send_maximum = frame->max_data;
	lane_unblock_flows(lane);
	return 0;
}

static int on_max_stream_data(struct lane *lane, const struct frame *frame)
{
	struct flow *flow = find_flow(lane, frame->max_stream_data.flow);

	if (flow && frame->max_stream_data.maximum > flow->send.maximum) {
		flow->send.maximum = frame->max_stream_data.maximum;
		flow_schedule(flow);
	}
	return 0;
}

static int on_hold(struct lane *lane, const struct frame *frame)
{
	struct flow *flow = find_flow(lane, frame->max_stream_data.flow);

	if (flow && frame->max_stream_data.maximum > flow->hold_maximum) {
		flow->hold_maximum = frame->max_stream_data.maximum;
		flow_schedule(flow);
	}
	return 0;
}

/* The text goes to people's logs, so it is kept to printable ASCII. */
static int on_close(struct lane *lane, const struct frame *frame)
{
	char text[LANE_CLOSE_TEXT_BYTES + 1];
	size_t length = frame->close.text_length;

	for (size_t i = 0; i < length; i++)
		text[i] = isascii(frame->close.text[i]) && isprint(frame->close.text[i])
		              ? frame->close.text[i]
		              : '?';
	text[length] = '\0';
	lane_end(lane, frame->close.reason, text);
	return 0;
}

static int on_path_challenge(struct lane *lane, const struct frame *frame)
{
	lane_on_challenge(lane, frame->path.data);
	return 0;
}

static int on_path_response(struct lane *lane, const struct frame *frame)
{
	lane_on_response(lane, frame->path.data);
	return 0;
}

/* What a frame does: 0; ERR_NOMEM, the packet is not to be acknowledged; ERR_MALFORMED, the lane has failed. */
typedef int frame_handler(struct lane *lane, const struct frame *frame);

static frame_handler *const handlers[FRAME_COUNT] = {
    [FRAME_PADDING] = on_nothing,
    [FRAME_PING] = on_ping,
    [FRAME_ACK] = on_ack,
    [FRAME_ACK_ECN] = on_ack,
    [FRAME_OPEN] = on_open,
    [FRAME_STREAM] = on_stream,
    [FRAME_STREAM_FIN] = on_stream,
    [FRAME_RESET] = on_reset,
    [FRAME_STOP_SENDING] = on_stop_sending,
    [FRAME_DATAGRAM] = on_datagram,
    [FRAME_DATAGRAM_FRAGMENT] = on_datagram,
    [FRAME_MAX_DATA] = on_max_data,
    [FRAME_MAX_STREAM_DATA] = on_max_stream_data,
    [FRAME_HOLD] = on_hold,
    [FRAME_CLOSE] = on_close,
    [FRAME_PROTECTED] = on_protected,
    [FRAME_REPAIR] = on_repair,
    [FRAME_RECOVERED] = on_recovered,
    [FRAME_PATH_CHALLENGE] = on_path_challenge,
    [FRAME_PATH_RESPONSE] = on_path_response,
    [FRAME_HEALTH] = on_health,
};

/* What a packet held. */
struct contents {
	bool is_ack_eliciting;
	bool is_more; /* than frames that probe a path */
};

/*
 * What a repair may bring back asks for an acknowledgement or is padding; anything else would speak of the
 * past, or make repairs of repairs.
 */
static bool may_be_protected(enum frame_type type)
{
	return type == FRAME_PADDING || (frame_is_ack_eliciting(type) && type != FRAME_REPAIR);
}

static int receive_frames(
    struct lane *lane, const uint8_t *data, size_t length, struct contents *contents)
{
	struct reader reader;
	bool is_protected = lane->repair.is_recovering;
	int rc = 0;

	reader_init(&reader, data, length);
	while (rc == 0 && reader_left(&reader) > 0 && !lane_is_over(lane)) {
		struct frame frame;

		rc = frame_decode(&reader, &frame);
		if (rc == ERR_UNSUPPORTED) {
			lane_fail(
			    lane, REASON_PROTOCOL, "unknown frame type %u", (unsigned)frame.type);
			return ERR_MALFORMED;
		}
		if (rc) {
			lane_fail(
			    lane, REASON_PROTOCOL, "malformed %s frame", frame_name(frame.type));
			return ERR_MALFORMED;
		}
		if (is_protected && !may_be_protected(frame.type)) {
			lane_fail(
			    lane, REASON_PROTOCOL, "protected %s frame", frame_name(frame.type));
			return ERR_MALFORMED;
		}
		is_protected |= frame.type == FRAME_PROTECTED;
		contents->is_ack_eliciting |= frame_is_ack_eliciting(frame.type);
		contents->is_more |= !frame_is_probing(frame.type);
		rc = handlers[frame.type](lane, &frame);
	}
	if (lane->is_closing && !lane->close_is_told && lane->close_reason == REASON_PROTOCOL)
		return ERR_MALFORMED;
	return rc;
}

static void note_forgery(struct lane *lane)
{
	uint64_t most =
	    lane->config.aead == AEAD_AES256GCM ? FORGERIES_MAX_AES256_GCM : FORGERIES_MAX_CHACHA20;

	if (++lane->counters.packets_forged >= most)
		lane_end(lane, REASON_KEYS_EXHAUSTED, "too many forged packets");
}

/*
 * While an address is challenged, the peer's own packets may be the second to arrive, behind copies that
 * somebody sent on from there.
 */
static void look_at_copy(
    struct lane *lane, const struct packet_header *header, uint8_t *packet, size_t length)
{
	if (!migration_asks_for_copy(&lane->migration, lane->from, header->number))
		return;
	if (epochs_open(
	        &lane->epochs, header, packet, length, path_pto_us(&lane->path), lane->now_us))
		note_forgery(lane);
	else
		migration_on_copy(&lane->migration);
}

static int open_packet(
    struct lane *lane, const struct packet_header *header, uint8_t *packet, size_t length)
{
	int rc = received_check(&lane->received, header->number);

	if (rc) {
		lane->counters.packets_replayed++;
		look_at_copy(lane, header, packet, length);
		return rc;
	}
	rc = epochs_open(
	    &lane->epochs, header, packet, length, path_pto_us(&lane->path), lane->now_us);
	if (rc)
		note_forgery(lane);
	return rc;
}

/*
 * Reads what repairs brought back, as packets that came late. One for which there is no memory counts as lost, and
 * its frames come again. Its bytes are handed on at once: their memory is the decoder's.
 */
static int receive_recovered(struct lane *lane)
{
	const uint8_t *content;
	uint64_t number;
	size_t length;
	int rc = 0;

	while (
	    rc == 0 && !lane_is_over(lane) && lane_repair_next(lane, &number, &content, &length)) {
		struct contents contents = {0};

		lane->repair.is_recovering = true;
		rc = receive_frames(lane, content, length, &contents);
		if (lane_is_over(lane))
			lane_forget_gathered(lane);
		lane_deliver_gathered(lane);
		lane->repair.is_recovering = false;
		if (rc == 0)
			lane_repair_on_recovered(lane, number);
	}
	return rc;
}

static int receive_opened(struct lane *lane, const struct packet_header *header,
    const uint8_t *packet, size_t length, uint8_t ecn)
{
	bool is_newest = !lane->received.has_any || header->number > lane->received.largest;
	struct contents contents = {0};
	int rc;

	lane->receiving = header->number;
	lane->counters.packets_received++;
	lane->counters.bytes_received += length;
	trace(lane->path.tracer, &(struct trace_event){.kind = TRACE_PACKET_RECEIVED,
	                             .now_us = lane->now_us,
	                             .number = header->number,
	                             .udp_bytes = length,
	                             .frames = packet + PACKET_HEADER_BYTES,
	                             .frames_bytes = length - PACKET_OVERHEAD_BYTES});
	lane_on_arrival(lane);
	rc = receive_frames(
	    lane, packet + PACKET_HEADER_BYTES, length - PACKET_OVERHEAD_BYTES, &contents);
	if (rc == ERR_MALFORMED)
		lane->counters.packets_malformed++;
	if (rc == 0) {
		received_add(&lane->received, header->number,
		    contents.is_ack_eliciting ? length : 0, ecn, lane->now_us);
		lane_follow(lane, header->number, length, is_newest, !contents.is_more);
	}
	if (rc == 0 && receive_recovered(lane) == ERR_MALFORMED) {
		lane->counters.packets_malformed++;
		rc = ERR_MALFORMED;
	}
	return rc == ERR_NOMEM ? 0 : rc;
}

int lane_receive(struct lane *lane, uint8_t *packet, size_t length, const struct lane_route *from,
    uint8_t ecn, uint64_t now_us)
{
	struct packet_header header;
	int rc;

	if (lane_is_over(lane))
		return ERR_STATE;
	lane->now_us = now_us;
	lane->from = from;
	if (packet_header_read(packet, length, &header)
	    || header.connection_id != lane->config.local_id) {
		lane->counters.packets_malformed++;
		return ERR_MALFORMED;
	}
	lane_enter(lane);
	rc = open_packet(lane, &header, packet, length);
	if (rc == 0)
		rc = receive_opened(lane, &header, packet, length, ecn);
	lane_leave(lane);
	return rc;
}

void lane_receive_done(struct lane *lane, uint64_t now_us)
{
	if (lane_is_over(lane))
		return;
	lane->now_us = now_us;
	lane_enter(lane);
	lane_deliver_gathered(lane);
	received_batch_end(&lane->received, lane->path.rtt.smoothed_us, now_us);
	if (lane->is_pinged && received_has_unacknowledged(&lane->received))
		lane->received.ack_is_due = true;
	lane->is_pinged = false;
	lane_wake_writers(lane);
	lane_leave(lane);
}
