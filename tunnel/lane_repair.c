/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loss repair in a lane, see lane_repair.h. */
#include "config.h"

#include "tunnel/lane_repair.h"

#include "base/err.h"
#include "tunnel/lane_private.h"

#include <stdlib.h>

void lane_repair_init(struct lane *lane)
{
	repair_control_init(&lane->repair.control, lane->now_us);
	lane->repair.memory.budget = &lane->budget;
	lane_repair_follow_path(lane);
}

static void drop_encoder(struct lane *lane)
{
	struct lane_repair *repair = &lane->repair;

	if (!repair->encoder)
		return;
	repair_encoder_clear(repair->encoder);
	repair_memory_give(&repair->memory, sizeof(*repair->encoder));
	free(repair->encoder);
	repair->encoder = NULL;
}

static void drop_decoder(struct lane *lane)
{
	struct lane_repair *repair = &lane->repair;

	if (!repair->decoder)
		return;
	repair_decoder_add_counters(&repair->decoder_counters, &repair->decoder->counters);
	repair_decoder_clear(repair->decoder);
	repair_memory_give(&repair->memory, sizeof(*repair->decoder));
	free(repair->decoder);
	repair->decoder = NULL;
}

void lane_repair_clear(struct lane *lane)
{
	drop_encoder(lane);
	drop_decoder(lane);
}

void lane_repair_follow_path(struct lane *lane)
{
	const struct path *path = &lane->path;

	repair_control_set_path(&lane->repair.control, loss_meter_share(&path->meter),
	    loss_meter_run(&path->meter), path->rtt.smoothed_us);
}

/* Streams come first. What is being read of the decoder stays. */
static void give_way(struct lane *lane)
{
	if (budget_pressure(&lane->budget) < BUDGET_EXHAUSTED)
		return;
	drop_encoder(lane);
	if (!lane->repair.is_recovering)
		drop_decoder(lane);
}

void lane_repair_on_timer(struct lane *lane)
{
	struct lane_repair *repair = &lane->repair;

	give_way(lane);
	if (repair->encoder && lane->now_us - repair->encoder_used_us > REPAIR_IDLE_US)
		drop_encoder(lane);
	if (repair->decoder && lane->now_us - repair->decoder_used_us > REPAIR_IDLE_US)
		drop_decoder(lane);
	if (repair->decoder)
		repair_decoder_expire(repair->decoder, lane->now_us);
}

void lane_repair_get_stats(const struct lane *lane, struct lane_stats *stats)
{
	const struct lane_repair *repair = &lane->repair;
	struct repair_decoder_counters decoder = repair->decoder_counters;

	if (repair->decoder)
		repair_decoder_add_counters(&decoder, &repair->decoder->counters);
	stats->repair_bytes_sent = repair->counters.bytes_sent;
	stats->repairs_sent = repair->counters.repairs_sent;
	stats->copies_sent = repair->counters.copies_sent;
	stats->packets_protected = repair->counters.packets_protected;
	stats->packets_recovered = repair->counters.packets_recovered;
	stats->packets_saved = lane->path.counters.packets_recovered;
	stats->repairs_received = decoder.repairs;
	stats->repairs_useless = decoder.useless;
	stats->repair_refused_memory = repair->memory.refusals;
	stats->repair_memory_bytes = repair->memory.used_bytes;
}

/* Sending. */

bool lane_repair_wants(const struct lane *lane)
{
	return loss_meter_is_lossy(&lane->path.meter);
}

bool lane_repair_goes_alone(struct lane *lane)
{
	return repair_control_goes_alone(&lane->repair.control, lane->now_us);
}

static struct repair_encoder *need_encoder(struct lane *lane)
{
	struct lane_repair *repair = &lane->repair;

	give_way(lane);
	if (repair->encoder || !repair_memory_take(&repair->memory, sizeof(*repair->encoder)))
		return repair->encoder;
	repair->encoder = calloc(1, sizeof(*repair->encoder));
	if (repair->encoder)
		repair->encoder->memory = &repair->memory;
	else
		repair_memory_give(&repair->memory, sizeof(*repair->encoder));
	return repair->encoder;
}

bool lane_repair_protect(struct lane *lane, uint64_t number, const uint8_t *content, size_t length,
    enum flow_class class)
{
	struct lane_repair *repair = &lane->repair;

	if (!need_encoder(lane)
	    || repair_encoder_add(repair->encoder, number, content, length, lane->now_us))
		return false;
	repair->encoder_used_us = lane->now_us;
	repair->counters.packets_protected++;
	repair_control_on_packet(&repair->control, repair->encoder, class, lane->now_us);
	return true;
}

void lane_repair_on_sent(struct lane *lane, size_t bytes, unsigned budget_pct)
{
	repair_control_on_sent(&lane->repair.control, bytes, budget_pct);
}

struct repair_due lane_repair_due(struct lane *lane)
{
	struct lane_repair *repair = &lane->repair;

	if (lane_repair_timer_us(lane) > lane->now_us)
		return (struct repair_due){REPAIR_NONE, 0};
	return repair_control_due(&repair->control, repair->encoder, lane->now_us);
}

bool lane_repair_write(
    struct lane *lane, const struct repair_due *due, uint64_t number, struct writer *writer)
{
	struct repair_encoder *encoder = lane->repair.encoder;

	if (due->kind == REPAIR_COPY)
		return repair_encoder_copy(encoder, due->index, number, writer) > 0;
	return repair_encoder_write(encoder, encoder->count, number, writer) > 0;
}

void lane_repair_done(struct lane *lane, const struct repair_due *due, size_t bytes)
{
	struct lane_repair *repair = &lane->repair;

	repair->counters.bytes_sent += bytes;
	repair->counters.repairs_sent += bytes && due->kind == REPAIR_WINDOW;
	repair->counters.copies_sent += bytes && due->kind == REPAIR_COPY;
	repair_control_done(&repair->control, repair->encoder, due, bytes, lane->now_us);
}

bool lane_repair_is_urgent(const struct lane *lane, uint64_t now_us)
{
	return lane_repair_timer_us(lane) <= now_us && lane->repair.control.class == CLASS_REALTIME;
}

uint64_t lane_repair_timer_us(const struct lane *lane)
{
	return lane->repair.encoder ? repair_control_timer_us(&lane->repair.control) : UINT64_MAX;
}

/* Receiving. */

static struct repair_decoder *need_decoder(struct lane *lane)
{
	struct lane_repair *repair = &lane->repair;

	give_way(lane);
	repair->decoder_used_us = lane->now_us;
	if (repair->decoder || !repair_memory_take(&repair->memory, sizeof(*repair->decoder)))
		return repair->decoder;
	repair->decoder = malloc(sizeof(*repair->decoder));
	if (repair->decoder)
		repair_decoder_init(repair->decoder, &repair->memory);
	else
		repair_memory_give(&repair->memory, sizeof(*repair->decoder));
	return repair->decoder;
}

void lane_repair_on_protected(
    struct lane *lane, uint64_t number, const struct frame_protected *protected)
{
	struct repair_decoder *decoder = need_decoder(lane);

	/* Without memory the packet counts all the same; it is of no help to others. */
	if (decoder)
		repair_decoder_on_packet(decoder, number, protected->content, protected->length);
}

int lane_repair_on_repair(struct lane *lane, uint64_t number, const struct frame_repair *repair)
{
	struct repair_decoder *decoder = need_decoder(lane);
	int rc;

	if (!decoder)
		return 0;
	rc = repair_decoder_on_repair(decoder, repair, number, &lane->received, lane->now_us);
	if (rc != ERR_MALFORMED)
		return 0;
	lane_fail(lane, REASON_PROTOCOL, "a repair of packets that were never sent");
	return rc;
}

bool lane_repair_next(struct lane *lane, uint64_t *number, const uint8_t **content, size_t *length)
{
	struct repair_decoder *decoder = lane->repair.decoder;

	while (decoder && repair_decoder_next(decoder, number, content, length))
		if (received_check(&lane->received, *number) == 0)
			return true;
	return false;
}

void lane_repair_on_recovered(struct lane *lane, uint64_t number)
{
	lane->repair.counters.packets_recovered++;
	recovered_add(&lane->repair.recovered, number);
	lane->received.ack_is_due = true;
	trace(lane->path.tracer,
	    &(struct trace_event){
	        .kind = TRACE_PACKET_RECOVERED, .now_us = lane->now_us, .number = number});
}
