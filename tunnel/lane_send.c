/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets out: batches of packets, each built and sealed in its place.  All packets of a batch but the last have
 * one size, so that the kernel can cut them.  What is in a packet, lane_build.c says.
 */
#include "config.h"

#include "tunnel/frame.h"
#include "tunnel/lane.h"
#include "tunnel/lane_build.h"
#include "tunnel/lane_private.h"

#include <string.h>

enum {
	/* A packet that is short by no more is padded, so that the batch can go on. */
	PADDING_MAX_BYTES = 128,
};

bool lane_has_frames(const struct lane *lane)
{
	return lane->max_data_is_pending || lane->health.pending || !list_is_empty(&lane->control)
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
	bool is_protected = build_end_protected(build);

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
	if (build->bears)
		path_packet_bears(&lane->path);
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
		build_put_ack(&build);
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
	build_put_frames(&build, may_send_data);
	if (writer_length(&build.w) == 0) {
		path_packet_abandon(&lane->path);
		return 0;
	}
	pad(&build, size);
	return finish_packet(&build, packet);
}

/* Realtime packets, or repairs of them, wait. */
static bool is_urgent(const struct lane *lane, uint64_t now_us)
{
	return scheduler_has(&lane->scheduler, CLASS_REALTIME)
	       || lane_repair_is_urgent(lane, now_us);
}

/* While realtime flows wait, what the scheduler gives to others goes along. */
static size_t send_room(const struct lane *lane, uint64_t now_us)
{
	return is_urgent(lane, now_us) ? path_urgent_room(&lane->path, now_us)
	                               : path_send_room(&lane->path, now_us);
}

uint64_t lane_room_timer_us(const struct lane *lane)
{
	return is_urgent(lane, lane->now_us) ? path_urgent_timer_us(&lane->path, lane->now_us)
	                                     : path_pacing_timer_us(&lane->path, lane->now_us);
}

/* What a packet may hold now: nothing, acks and pings, or data. */
enum permit { PERMIT_NOTHING, PERMIT_SIGNS, PERMIT_DATA };

static enum permit permit_now(const struct lane *lane)
{
	if (lane->probes_due)
		return PERMIT_DATA;
	if (lane_has_frames(lane) && send_room(lane, lane->now_us) > 0)
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
	if (send_room(lane, lane->now_us) == 0)
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

/* A ping padded to that size, behind what the batch holds. */
static size_t put_padded_ping(struct build *build, struct lane_batch *batch, size_t size)
{
	uint8_t *packet = batch->data + batch->length_bytes;
	size_t padding;

	writer_init(&build->w, packet + PACKET_HEADER_BYTES, size - PACKET_OVERHEAD_BYTES);
	frame_write_ping(&build->w);
	build->is_ack_eliciting = true;
	padding = writer_left(&build->w);
	memset(writer_skip(&build->w, padding), FRAME_PADDING, padding);
	size = finish_packet(build, packet);
	batch->length_bytes += size;
	batch->count++;
	return size;
}

/* A batch of one: of the size that is tried. A small ping follows it, see pmtu.h. */
static void put_mtu_probe(struct lane *lane, struct lane_batch *batch)
{
	struct build build = {.lane = lane, .number = path_packet_begin(&lane->path)};
	size_t size;

	if (build.number > PACKET_NUMBER_MAX)
		return;
	size = path_mtu_probe(&lane->path, lane->now_us);
	batch->segment_bytes = (uint16_t)put_padded_ping(&build, batch, size);
	lane->ping_is_due = true;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* One side after the other: ACKs that wait behind the other's trains come together, as if the path were faster. */
static uint64_t warm_up_begin_us(const struct lane *lane)
{
	uint64_t rtts = lane->config.role == LANE_LISTENER ? WARM_UP_LISTENER_RTTS : 0;

	return lane->up_since_us + rtts * lane->path.rtt.smoothed_us;
}

uint64_t lane_warm_up_timer_us(const struct lane *lane)
{
	uint64_t due_us;

	if (lane->state != LANE_UP || lane->flows.count > 0 || lane_has_frames(lane)
	    || !path_wants_warm_up(&lane->path))
		return UINT64_MAX;
	due_us = later(warm_up_timer_us(&lane->warm_up), warm_up_begin_us(lane));
	return later(due_us, path_warm_up_pacing_timer_us(&lane->path, lane->now_us));
}

static void put_warm_up(struct lane *lane, struct lane_batch *batch)
{
	size_t size = lane->path.packet_bytes, length = size;

	while (lane_warm_up_timer_us(lane) <= lane->now_us
	       && path_warm_up_room(&lane->path, lane->now_us) > 0) {
		struct build build = {.lane = lane, .number = path_packet_begin(&lane->path)};

		if (build.number > PACKET_NUMBER_MAX)
			return;
		length = put_padded_ping(&build, batch, size);
		warm_up_on_sent(&lane->warm_up, length, lane->path.rtt.smoothed_us, lane->now_us);
		if (!batch_goes_on(batch, lane, length))
			return;
	}
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
	if (batch->count == 0)
		put_warm_up(lane, batch);
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
	       || lane_warm_up_timer_us(lane) <= now_us || lane_move_timer_us(lane) <= now_us
	       || ((lane_has_frames(lane) || lane_repair_timer_us(lane) <= now_us)
	           && send_room(lane, now_us) > 0);
}
