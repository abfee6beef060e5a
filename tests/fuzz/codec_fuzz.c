/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each frame by itself: any bytes as a packet's plaintext.  What decodes keeps to its limits and points into the
 * packet, and, written again, decodes to the same bytes.
 */
#include "config.h"

#include "base/bytes.h"
#include "tests/fuzz/require.h"
#include "tunnel/frame.h"
#include "tunnel/limits.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM_BYTES = 20000 };

static void put(uint8_t *place, const uint8_t *data, size_t length)
{
	if (place && length)
		memcpy(place, data, length);
}

static void write_datagram(struct writer *w, const struct frame *frame)
{
	const struct frame_datagram *datagram = &frame->datagram;

	if (frame->type == FRAME_DATAGRAM)
		put(frame_write_datagram(w, datagram->flow, datagram->id, datagram->length),
		    datagram->data, datagram->length);
	else
		put(frame_write_fragment(w, datagram), datagram->data, datagram->length);
}

static void write_close(struct writer *w, const struct frame_close *close)
{
	char text[LANE_CLOSE_TEXT_BYTES + 1] = "";

	require(close->text_length <= LANE_CLOSE_TEXT_BYTES);
	memcpy(text, close->text, close->text_length);
	frame_write_close(w, close->reason, text);
}

static void write_frame(struct writer *w, const struct frame *frame)
{
	const struct frame_stream *stream = &frame->stream;

	switch (frame->type) {
	case FRAME_PING:
		frame_write_ping(w);
		break;
	case FRAME_ACK:
	case FRAME_ACK_ECN:
		frame_write_ack(w, &frame->ack);
		break;
	case FRAME_OPEN:
		frame_write_open(w, frame->open.flow, &frame->open.open);
		break;
	case FRAME_STREAM:
	case FRAME_STREAM_FIN:
		put(frame_write_stream(
		        w, stream->flow, stream->offset, stream->length, stream->is_fin),
		    stream->data, stream->length);
		break;
	case FRAME_RESET:
		frame_write_reset(w, &frame->reset);
		break;
	case FRAME_STOP_SENDING:
		frame_write_stop_sending(w, &frame->stop_sending);
		break;
	case FRAME_DATAGRAM:
	case FRAME_DATAGRAM_FRAGMENT:
		write_datagram(w, frame);
		break;
	case FRAME_MAX_DATA:
		frame_write_max_data(w, frame->max_data);
		break;
	case FRAME_MAX_STREAM_DATA:
		frame_write_max_stream_data(w, &frame->max_stream_data);
		break;
	case FRAME_HOLD:
		frame_write_hold(w, &frame->max_stream_data);
		break;
	case FRAME_CLOSE:
		write_close(w, &frame->close);
		break;
	case FRAME_PROTECTED:
		frame_write_protected(w);
		put(writer_skip(w, frame->protected.length), frame->protected.content,
		    frame->protected.length);
		break;
	case FRAME_REPAIR:
		put(frame_write_repair(w, &frame->repair), frame->repair.data,
		    frame->repair.length);
		break;
	case FRAME_RECOVERED:
		frame_write_recovered(w, &frame->recovered);
		break;
	case FRAME_PATH_CHALLENGE:
	case FRAME_PATH_RESPONSE:
		frame_write_path(w, frame->type, frame->path.data);
		break;
	case FRAME_HEALTH:
		frame_write_health(w, &frame->health);
		break;
	default:
		writer_u8(w, FRAME_PADDING);
		break;
	}
}

static void check_ack(const struct ack_frame *ack)
{
	require(ack->range_count >= 1 && ack->range_count <= ACK_RANGES_MAX);
	require(ack->ranges[0].last == ack->largest);
	for (unsigned i = 0; i < ack->range_count; i++) {
		require(ack->ranges[i].first <= ack->ranges[i].last);
		require(i == 0 || ack->ranges[i].last + 1 < ack->ranges[i - 1].first);
	}
}

static void check_repair(const struct frame_repair *repair)
{
	require(repair->span >= 1 && repair->span <= REPAIR_SPAN_MAX);
	require(repair->span <= repair->back && repair->back <= REPAIR_BACK_MAX);
	require(frame_repair_names(repair, 0) && repair->length > REPAIR_LENGTH_BYTES);
}

static void check_limits(const struct frame *frame)
{
	require(frame->type < FRAME_COUNT);
	if (frame->type == FRAME_ACK || frame->type == FRAME_ACK_ECN)
		check_ack(&frame->ack);
	else if (frame->type == FRAME_RECOVERED)
		check_ack(&frame->recovered);
	else if (frame->type == FRAME_REPAIR)
		check_repair(&frame->repair);
	else if (frame->type == FRAME_PROTECTED)
		require(frame->protected.length > 0);
}

/* Twice there and back: the first writing is the one form that there is. */
static void there_and_back(const struct frame *frame)
{
	static uint8_t bytes[ROOM_BYTES], again[ROOM_BYTES];
	struct writer first, second;
	struct reader reader;
	struct frame decoded;

	writer_init(&first, bytes, sizeof(bytes));
	write_frame(&first, frame);
	require(!first.failed);
	reader_init(&reader, bytes, writer_length(&first));
	require(frame_decode(&reader, &decoded) == 0 && decoded.type == frame->type);
	/* Behind PROTECTED the frames of its symbol follow. */
	require(reader_left(&reader) == 0 || frame->type == FRAME_PROTECTED);
	writer_init(&second, again, sizeof(again));
	write_frame(&second, &decoded);
	require(writer_length(&second) == writer_length(&first));
	require(memcmp(bytes, again, writer_length(&first)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy; /* exactly as large, so that ASan sees one byte more */
	struct reader reader;
	struct frame frame;

	if (size > 10000)
		return 0;
	copy = malloc(size ? size : 1);
	memcpy(copy, data, size);
	reader_init(&reader, copy, size);
	while (reader_left(&reader) > 0 && frame_decode(&reader, &frame) == 0) {
		check_limits(&frame);
		there_and_back(&frame);
		if (frame.type == FRAME_PROTECTED) /* its content is frames again */
			reader_init(&reader, frame.protected.content, frame.protected.length);
	}
	free(copy);
	return 0;
}
