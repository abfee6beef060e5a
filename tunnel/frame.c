/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames to bytes and back.  One table gives each type its name, its decoder and whether it asks for an
 * acknowledgement.
 */
#include "config.h"

#include "tunnel/frame.h"

#include "base/err.h"
#include "tunnel/limits.h"

#include <string.h>

static int finish(const struct reader *r)
{
	return r->failed ? ERR_MALFORMED : 0;
}

static int read_reason(struct reader *r, enum reason *reason)
{
	uint64_t value = reader_varint(r);

	if (value >= REASON_COUNT)
		return ERR_MALFORMED;
	*reason = (enum reason)value;
	return 0;
}

/* PADDING: a run of zeros is one frame, so that a packet of them costs one step. */
static int decode_padding(struct reader *r, struct frame *frame)
{
	(void)frame;
	while (r->at < r->end && *r->at == FRAME_PADDING)
		r->at++;
	return 0;
}

static int decode_ping(struct reader *r, struct frame *frame)
{
	(void)r;
	(void)frame;
	return 0;
}

/* Ranges as in RFC 9000 section 19.3.1: a gap and a length, each one less than the numbers in it. */
static int decode_ack_ranges(struct reader *r, struct ack_frame *ack)
{
	uint64_t more = reader_varint(r);
	uint64_t length = reader_varint(r);

	if (r->failed || more >= ACK_RANGES_MAX || length > ack->largest)
		return ERR_MALFORMED;
	ack->ranges[0] = (struct ack_range){ack->largest - length, ack->largest};
	ack->range_count = 1;
	while (more-- > 0) {
		uint64_t below = ack->ranges[ack->range_count - 1].first;
		uint64_t gap = reader_varint(r);
		uint64_t last;

		length = reader_varint(r);
		if (r->failed || below < gap + 2)
			return ERR_MALFORMED;
		last = below - gap - 2;
		if (length > last)
			return ERR_MALFORMED;
		ack->ranges[ack->range_count++] = (struct ack_range){last - length, last};
	}
	return 0;
}

static int decode_ack(struct reader *r, struct frame *frame)
{
	struct ack_frame *ack = &frame->ack;
	int rc;

	ack->largest = reader_varint(r);
	ack->delay_us = reader_varint(r);
	rc = decode_ack_ranges(r, ack);
	if (rc)
		return rc;
	ack->has_ecn = frame->type == FRAME_ACK_ECN;
	ack->ecn_ect0 = ack->has_ecn ? reader_varint(r) : 0;
	ack->ecn_ect1 = ack->has_ecn ? reader_varint(r) : 0;
	ack->ecn_ce = ack->has_ecn ? reader_varint(r) : 0;
	return finish(r);
}

static int read_addr(struct reader *r, struct addr *addr)
{
	memset(addr, 0, sizeof(*addr));
	addr->family = reader_u8(r);
	addr->port = reader_u16(r);
	if (addr->family != 4 && addr->family != 6)
		return ERR_MALFORMED;
	reader_copy(r, addr->ip, addr->family == 4 ? 4 : 16);
	return 0;
}

/* OPEN's kind byte. */
enum { OPEN_UDP = 1, OPEN_COMPRESSED = 2 };

static int decode_open(struct reader *r, struct frame *frame)
{
	struct flow_open *open = &frame->open.open;
	uint64_t accelerator;
	uint8_t kind;

	frame->open.flow = reader_varint(r);
	kind = reader_u8(r);
	accelerator = reader_varint(r);
	if (kind > OPEN_COMPRESSED || accelerator > UINT32_MAX)
		return ERR_MALFORMED;
	open->kind = kind == OPEN_UDP ? FLOW_UDP : FLOW_TCP;
	open->is_compressed = kind == OPEN_COMPRESSED;
	open->accelerator = (uint32_t)accelerator;
	if (read_addr(r, &open->user) || read_addr(r, &open->local))
		return ERR_MALFORMED;
	return finish(r);
}

static int decode_stream(struct reader *r, struct frame *frame)
{
	struct frame_stream *stream = &frame->stream;

	stream->flow = reader_varint(r);
	stream->offset = reader_varint(r);
	stream->length = reader_varint(r);
	stream->data = reader_bytes(r, stream->length);
	stream->is_fin = frame->type == FRAME_STREAM_FIN;
	if (r->failed || stream->offset + stream->length > VARINT_MAX)
		return ERR_MALFORMED;
	return 0;
}

static int decode_reset(struct reader *r, struct frame *frame)
{
	frame->reset.flow = reader_varint(r);
	if (read_reason(r, &frame->reset.reason))
		return ERR_MALFORMED;
	frame->reset.final_offset = reader_varint(r);
	return finish(r);
}

static int decode_stop_sending(struct reader *r, struct frame *frame)
{
	frame->stop_sending.flow = reader_varint(r);
	if (read_reason(r, &frame->stop_sending.reason))
		return ERR_MALFORMED;
	return finish(r);
}

static int decode_datagram(struct reader *r, struct frame *frame)
{
	struct frame_datagram *datagram = &frame->datagram;

	datagram->flow = reader_varint(r);
	datagram->id = reader_u32(r);
	datagram->length = reader_varint(r);
	datagram->total = datagram->length;
	datagram->offset = 0;
	datagram->data = reader_bytes(r, datagram->length);
	return finish(r);
}

static int decode_fragment(struct reader *r, struct frame *frame)
{
	struct frame_datagram *datagram = &frame->datagram;

	datagram->flow = reader_varint(r);
	datagram->id = reader_u32(r);
	datagram->total = reader_varint(r);
	datagram->offset = reader_varint(r);
	datagram->length = reader_varint(r);
	datagram->data = reader_bytes(r, datagram->length);
	if (r->failed || datagram->total > DATAGRAM_MAX_BYTES || datagram->length == 0)
		return ERR_MALFORMED;
	if (datagram->offset > datagram->total
	    || datagram->length > datagram->total - datagram->offset)
		return ERR_MALFORMED;
	return 0;
}

static int decode_max_data(struct reader *r, struct frame *frame)
{
	frame->max_data = reader_varint(r);
	return finish(r);
}

static int decode_max_stream_data(struct reader *r, struct frame *frame)
{
	frame->max_stream_data.flow = reader_varint(r);
	frame->max_stream_data.maximum = reader_varint(r);
	return finish(r);
}

static int decode_close(struct reader *r, struct frame *frame)
{
	struct frame_close *close = &frame->close;

	if (read_reason(r, &close->reason))
		return ERR_MALFORMED;
	close->text_length = reader_varint(r);
	close->text = (const char *)reader_bytes(r, close->text_length);
	return r->failed || close->text_length > LANE_CLOSE_TEXT_BYTES ? ERR_MALFORMED : 0;
}

/* The frames behind it are decoded as any others; here is where they lie. */
static int decode_protected(struct reader *r, struct frame *frame)
{
	frame->protected.content = r->at;
	frame->protected.length = reader_left(r);
	return frame->protected.length > 0 ? 0 : ERR_MALFORMED;
}

static size_t repair_bitmap_bytes(const struct frame_repair *repair)
{
	return (repair->span + 6) / 8;
}

static int decode_repair(struct reader *r, struct frame *frame)
{
	struct frame_repair *repair = &frame->repair;
	uint64_t span;

	repair->back = reader_varint(r);
	span = reader_varint(r);
	if (r->failed || repair->back > REPAIR_BACK_MAX || span == 0 || span > REPAIR_SPAN_MAX
	    || span > repair->back)
		return ERR_MALFORMED;
	repair->span = (unsigned)span;
	reader_copy(r, repair->bitmap, repair_bitmap_bytes(repair));
	repair->length = reader_left(r);
	repair->data = reader_bytes(r, repair->length);
	return r->failed || repair->length <= REPAIR_LENGTH_BYTES ? ERR_MALFORMED : 0;
}

static int decode_recovered(struct reader *r, struct frame *frame)
{
	struct ack_frame *recovered = &frame->recovered;
	uint64_t packets = 0;
	int rc;

	memset(recovered, 0, sizeof(*recovered));
	recovered->largest = reader_varint(r);
	rc = decode_ack_ranges(r, recovered);
	if (rc)
		return rc;
	/* Each costs the reader a step. */
	for (unsigned i = 0; i < recovered->range_count; i++)
		packets += recovered->ranges[i].last - recovered->ranges[i].first + 1;
	return packets <= RECOVERED_MAX ? 0 : ERR_MALFORMED;
}

static int decode_path(struct reader *r, struct frame *frame)
{
	reader_copy(r, frame->path.data, CHALLENGE_BYTES);
	return finish(r);
}

static int decode_health(struct reader *r, struct frame *frame)
{
	uint64_t accelerator = reader_varint(r);

	frame->health.sequence = reader_varint(r);
	frame->health.state = reader_u8(r);
	if (accelerator > UINT32_MAX || frame->health.state > HEALTH_STATE_MAX)
		return ERR_MALFORMED;
	frame->health.accelerator = (uint32_t)accelerator;
	return finish(r);
}

struct frame_kind {
	const char *name;
	int (*decode)(struct reader *r, struct frame *frame);
	bool is_ack_eliciting;
	bool is_probing;
};

static const struct frame_kind kinds[FRAME_COUNT] = {
    [FRAME_PADDING] = {"PADDING", decode_padding, false, true},
    [FRAME_PING] = {"PING", decode_ping, true},
    [FRAME_ACK] = {"ACK", decode_ack, false},
    [FRAME_ACK_ECN] = {"ACK_ECN", decode_ack, false},
    [FRAME_OPEN] = {"OPEN", decode_open, true},
    [FRAME_STREAM] = {"STREAM", decode_stream, true},
    [FRAME_STREAM_FIN] = {"STREAM_FIN", decode_stream, true},
    [FRAME_RESET] = {"RESET", decode_reset, true},
    [FRAME_STOP_SENDING] = {"STOP_SENDING", decode_stop_sending, true},
    [FRAME_DATAGRAM] = {"DATAGRAM", decode_datagram, true},
    [FRAME_DATAGRAM_FRAGMENT] = {"DATAGRAM_FRAGMENT", decode_fragment, true},
    [FRAME_MAX_DATA] = {"MAX_DATA", decode_max_data, true},
    [FRAME_MAX_STREAM_DATA] = {"MAX_STREAM_DATA", decode_max_stream_data, true},
    [FRAME_CLOSE] = {"CLOSE", decode_close, false},
    [FRAME_PROTECTED] = {"PROTECTED", decode_protected, false},
    [FRAME_REPAIR] = {"REPAIR", decode_repair, true},
    [FRAME_RECOVERED] = {"RECOVERED", decode_recovered, false},
    [FRAME_HOLD] = {"HOLD", decode_max_stream_data, true},
    [FRAME_PATH_CHALLENGE] = {"PATH_CHALLENGE", decode_path, false, true},
    [FRAME_PATH_RESPONSE] = {"PATH_RESPONSE", decode_path, false, true},
    [FRAME_HEALTH] = {"HEALTH", decode_health, true},
};

int frame_decode(struct reader *reader, struct frame *frame)
{
	uint8_t type = reader_u8(reader);

	frame->type = type;
	if (reader->failed)
		return ERR_MALFORMED;
	if (type >= FRAME_COUNT)
		return ERR_UNSUPPORTED;
	return kinds[type].decode(reader, frame);
}

bool frame_is_ack_eliciting(enum frame_type type)
{
	return kinds[type].is_ack_eliciting;
}

bool frame_is_probing(enum frame_type type)
{
	return kinds[type].is_probing;
}

const char *frame_name(uint64_t type)
{
	return type < FRAME_COUNT ? kinds[type].name : "unknown";
}

void frame_write_ping(struct writer *writer)
{
	writer_u8(writer, FRAME_PING);
}

static void write_addr(struct writer *w, const struct addr *addr)
{
	writer_u8(w, addr->family);
	writer_u16(w, addr->port);
	writer_bytes(w, addr->ip, addr->family == 4 ? 4 : 16);
}

void frame_write_open(struct writer *writer, uint64_t flow, const struct flow_open *open)
{
	writer_u8(writer, FRAME_OPEN);
	writer_varint(writer, flow);
	writer_u8(writer, open->is_compressed ? OPEN_COMPRESSED : (uint8_t)open->kind);
	writer_varint(writer, open->accelerator);
	write_addr(writer, &open->user);
	write_addr(writer, &open->local);
}

void frame_write_reset(struct writer *writer, const struct frame_reset *reset)
{
	writer_u8(writer, FRAME_RESET);
	writer_varint(writer, reset->flow);
	writer_varint(writer, reset->reason);
	writer_varint(writer, reset->final_offset);
}

void frame_write_stop_sending(struct writer *writer, const struct frame_stop_sending *stop)
{
	writer_u8(writer, FRAME_STOP_SENDING);
	writer_varint(writer, stop->flow);
	writer_varint(writer, stop->reason);
}

void frame_write_max_data(struct writer *writer, uint64_t maximum)
{
	writer_u8(writer, FRAME_MAX_DATA);
	writer_varint(writer, maximum);
}

static void write_maximum(
    struct writer *writer, enum frame_type type, const struct frame_max_stream_data *max)
{
	writer_u8(writer, (uint8_t)type);
	writer_varint(writer, max->flow);
	writer_varint(writer, max->maximum);
}

void frame_write_max_stream_data(struct writer *writer, const struct frame_max_stream_data *max)
{
	write_maximum(writer, FRAME_MAX_STREAM_DATA, max);
}

void frame_write_hold(struct writer *writer, const struct frame_max_stream_data *max)
{
	write_maximum(writer, FRAME_HOLD, max);
}

void frame_write_health(struct writer *writer, const struct frame_health *health)
{
	writer_u8(writer, FRAME_HEALTH);
	writer_varint(writer, health->accelerator);
	writer_varint(writer, health->sequence);
	writer_u8(writer, health->state);
}

void frame_write_close(struct writer *writer, enum reason reason, const char *text)
{
	size_t length = strnlen(text, LANE_CLOSE_TEXT_BYTES);

	writer_u8(writer, FRAME_CLOSE);
	writer_varint(writer, reason);
	writer_varint(writer, length);
	writer_bytes(writer, text, length);
}

void frame_write_path(
    struct writer *writer, enum frame_type type, const uint8_t data[CHALLENGE_BYTES])
{
	writer_u8(writer, (uint8_t)type);
	writer_bytes(writer, data, CHALLENGE_BYTES);
}

/* Bytes of the range after `ranges[index - 1]`. */
static size_t ack_range_bytes(const struct ack_frame *ack, unsigned index)
{
	const struct ack_range *range = &ack->ranges[index];

	return varint_length(ack->ranges[index - 1].first - range->last - 2)
	       + varint_length(range->last - range->first);
}

/* How many ranges, newest first, fit into so many bytes behind the count and the first length. */
static unsigned fitting_ranges(const struct ack_frame *ack, size_t head_bytes, size_t room)
{
	/* The count takes one byte, since ACK_RANGES_MAX is 64. */
	size_t bytes = head_bytes + 1 + varint_length(ack->largest - ack->ranges[0].first);
	unsigned count = 1;

	while (count < ack->range_count && bytes + ack_range_bytes(ack, count) <= room)
		bytes += ack_range_bytes(ack, count++);
	return count;
}

static void write_ranges(struct writer *writer, const struct ack_frame *ack, unsigned count)
{
	writer_varint(writer, count - 1);
	writer_varint(writer, ack->largest - ack->ranges[0].first);
	for (unsigned i = 1; i < count; i++) {
		writer_varint(writer, ack->ranges[i - 1].first - ack->ranges[i].last - 2);
		writer_varint(writer, ack->ranges[i].last - ack->ranges[i].first);
	}
}

void frame_write_ack(struct writer *writer, const struct ack_frame *ack)
{
	size_t ecn_bytes = ack->has_ecn
	                       ? varint_length(ack->ecn_ect0) + varint_length(ack->ecn_ect1)
	                             + varint_length(ack->ecn_ce)
	                       : 0;
	size_t head_bytes =
	    1 + varint_length(ack->largest) + varint_length(ack->delay_us) + ecn_bytes;
	unsigned count = fitting_ranges(ack, head_bytes, writer_left(writer));

	writer_u8(writer, ack->has_ecn ? FRAME_ACK_ECN : FRAME_ACK);
	writer_varint(writer, ack->largest);
	writer_varint(writer, ack->delay_us);
	write_ranges(writer, ack, count);
	if (ack->has_ecn) {
		writer_varint(writer, ack->ecn_ect0);
		writer_varint(writer, ack->ecn_ect1);
		writer_varint(writer, ack->ecn_ce);
	}
}

void frame_write_recovered(struct writer *writer, const struct ack_frame *recovered)
{
	unsigned count =
	    fitting_ranges(recovered, 1 + varint_length(recovered->largest), writer_left(writer));

	writer_u8(writer, FRAME_RECOVERED);
	writer_varint(writer, recovered->largest);
	write_ranges(writer, recovered, count);
}

void frame_write_protected(struct writer *writer)
{
	writer_u8(writer, FRAME_PROTECTED);
}

bool frame_repair_names(const struct frame_repair *repair, unsigned index)
{
	return index == 0 || (repair->bitmap[(index - 1) / 8] >> (index - 1) % 8 & 1);
}

void frame_repair_add(struct frame_repair *repair, unsigned index)
{
	if (index > 0)
		repair->bitmap[(index - 1) / 8] |= (uint8_t)(1 << (index - 1) % 8);
}

size_t frame_repair_bytes(const struct frame_repair *repair)
{
	return 1 + varint_length(repair->back) + varint_length(repair->span)
	       + repair_bitmap_bytes(repair) + repair->length;
}

uint8_t *frame_write_stream(
    struct writer *writer, uint64_t flow, uint64_t offset, size_t length, bool fin)
{
	writer_u8(writer, fin ? FRAME_STREAM_FIN : FRAME_STREAM);
	writer_varint(writer, flow);
	writer_varint(writer, offset);
	writer_varint_wide(writer, length, 2);
	return writer_skip(writer, length);
}

size_t frame_datagram_bytes(uint64_t flow, size_t length)
{
	return 1 + varint_length(flow) + 4 + 2 + length;
}

uint8_t *frame_write_datagram(struct writer *writer, uint64_t flow, uint32_t id, size_t length)
{
	writer_u8(writer, FRAME_DATAGRAM);
	writer_varint(writer, flow);
	writer_u32(writer, id);
	writer_varint_wide(writer, length, 2);
	return writer_skip(writer, length);
}

uint8_t *frame_write_fragment(struct writer *writer, const struct frame_datagram *fragment)
{
	writer_u8(writer, FRAME_DATAGRAM_FRAGMENT);
	writer_varint(writer, fragment->flow);
	writer_u32(writer, fragment->id);
	writer_varint(writer, fragment->total);
	writer_varint(writer, fragment->offset);
	writer_varint_wide(writer, fragment->length, 2);
	return writer_skip(writer, fragment->length);
}

uint8_t *frame_write_repair(struct writer *writer, const struct frame_repair *repair)
{
	writer_u8(writer, FRAME_REPAIR);
	writer_varint(writer, repair->back);
	writer_varint(writer, repair->span);
	writer_bytes(writer, repair->bitmap, repair_bitmap_bytes(repair));
	return writer_skip(writer, repair->length);
}
