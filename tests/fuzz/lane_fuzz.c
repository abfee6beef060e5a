/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A lane in full traffic with a peer that knows the protocol and its keys, and does not mean well.  The peer opens and reads
 * what the lane sends, which must always be whole frames, and answers by frames that are well-formed and whose values lie
 * near what counts: the flows there are, their offsets and windows, numbers of packets that were sent, challenges.  Its
 * packets may be protected, lost and repaired, by right repairs and by changed ones.
 */
#include "config.h"

#include "base/bytes.h"
#include "tests/fuzz/lane_subject.h"
#include "tests/fuzz/require.h"
#include "tunnel/frame.h"
#include "tunnel/repair_encoder.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	PLAIN_BYTES = SUBJECT_PACKET_BYTES - PACKET_OVERHEAD_BYTES,
	FRAMES_MAX = 8,
	DATA_MAX = 600,
	PTO_US = 100000,
};

/* What the peer knows of the lane, and of what it told. */
struct peer {
	struct lane_subject subject; /* first: the packet function gets this one */
	struct reader *input;
	struct budget budget;
	struct repair_memory memory;
	struct repair_encoder encoder;
	uint64_t largest;                   /* of the lane's packets */
	uint64_t flow;                      /* the newest that either side opened */
	uint64_t offset;                    /* the end of the lane's newest STREAM */
	uint64_t maximum;                   /* the lane's newest window */
	uint64_t own_offset;                /* the end of the peer's newest STREAM */
	uint64_t health;                    /* the sequence of its newest word */
	uint8_t challenge[CHALLENGE_BYTES]; /* the lane's newest */
};

/* ---- what the lane says ---- */

static void learn(struct peer *peer, const struct frame *frame)
{
	switch (frame->type) {
	case FRAME_OPEN:
		peer->flow = frame->open.flow;
		break;
	case FRAME_STREAM:
	case FRAME_STREAM_FIN:
		peer->offset = frame->stream.offset + frame->stream.length;
		break;
	case FRAME_MAX_DATA:
		peer->maximum = frame->max_data;
		break;
	case FRAME_MAX_STREAM_DATA:
	case FRAME_HOLD:
		peer->maximum = frame->max_stream_data.maximum;
		break;
	case FRAME_PATH_CHALLENGE:
		memcpy(peer->challenge, frame->path.data, CHALLENGE_BYTES);
		break;
	default:
		break;
	}
}

static void read_packet(struct lane_subject *subject, uint8_t *packet, size_t length)
{
	struct peer *peer = (struct peer *)subject;
	struct packet_header header;
	struct reader reader;
	struct frame frame;

	require(packet_header_read(packet, length, &header) == 0);
	require(
	    epochs_open(&subject->epochs, &header, packet, length, PTO_US, subject->now_us) == 0);
	peer->largest = header.number;
	reader_init(&reader, packet + PACKET_HEADER_BYTES, length - PACKET_OVERHEAD_BYTES);
	while (reader_left(&reader) > 0) {
		require(frame_decode(&reader, &frame) == 0);
		learn(peer, &frame);
	}
}

/* ---- what the peer says ---- */

/* A number near `near`, or one of those where arithmetic goes wrong. */
static uint64_t pick(struct reader *r, uint64_t near)
{
	uint8_t how = reader_u8(r);
	uint64_t number = near;

	if (how < 64)
		number = near + how;
	else if (how < 128)
		number = near - (how - 64);
	else if (how < 192)
		number = how - 128;
	else if (how < 224)
		number = (UINT64_C(1) << (how - 192) * 2) - 1;
	else
		number = near + reader_u32(r);
	return number <= VARINT_MAX ? number : VARINT_MAX;
}

static uint64_t pick_flow(struct peer *peer)
{
	return pick(peer->input, peer->flow);
}

static void write_ack(struct peer *peer, struct writer *w, enum frame_type type)
{
	struct reader *r = peer->input;
	struct ack_frame ack = {.largest = pick(r, peer->largest), .range_count = 1};
	unsigned more = reader_u8(r) % 6;
	uint64_t first = ack.largest - reader_u8(r) % (ack.largest < 255 ? ack.largest + 1 : 256);

	ack.ranges[0] = (struct ack_range){first, ack.largest};
	while (more-- > 0 && first > 600) {
		uint64_t last = first - 2 - reader_u8(r);

		first = last - reader_u8(r) % 32;
		ack.ranges[ack.range_count++] = (struct ack_range){first, last};
	}
	if (type == FRAME_RECOVERED) {
		frame_write_recovered(w, &ack);
		return;
	}
	ack.delay_us = pick(r, 1000);
	ack.has_ecn = type == FRAME_ACK_ECN;
	ack.ecn_ect0 = pick(r, peer->largest);
	ack.ecn_ce = pick(r, 0);
	frame_write_ack(w, &ack);
}

static void write_open(struct peer *peer, struct writer *w)
{
	uint8_t how = reader_u8(peer->input);
	struct flow_open open = {.kind = how & 1 ? FLOW_UDP : FLOW_TCP,
	    .is_compressed = (how & 3) == 2,
	    .accelerator = how % 16};
	uint64_t flow = pick(peer->input, peer->flow + 1);

	addr_parse("192.0.2.1:1000", 0, &open.user);
	addr_parse("[2001:db8::1]:80", 0, &open.local);
	frame_write_open(w, flow, &open);
	peer->flow = flow;
}

static void fill(uint8_t *place, size_t length)
{
	if (place)
		memset(place, 'p', length);
}

static void write_stream(struct peer *peer, struct writer *w, enum frame_type type)
{
	uint64_t flow = pick_flow(peer), offset = pick(peer->input, peer->own_offset);
	size_t length = reader_u8(peer->input) * (size_t)4 % DATA_MAX;

	fill(frame_write_stream(w, flow, offset, length, type == FRAME_STREAM_FIN), length);
	peer->own_offset = offset + length;
}

static void write_datagram(struct peer *peer, struct writer *w)
{
	uint64_t flow = pick_flow(peer);
	size_t length = reader_u8(peer->input) * (size_t)4 % DATA_MAX;

	fill(frame_write_datagram(w, flow, (uint32_t)pick(peer->input, 0), length), length);
}

static void write_fragment(struct peer *peer, struct writer *w)
{
	struct reader *r = peer->input;
	struct frame_datagram fragment = {.flow = pick_flow(peer),
	    .id = reader_u8(r),
	    .total = 1 + reader_u16(r) % 65507,
	    .length = 1 + reader_u8(r)};

	if (fragment.length > fragment.total)
		fragment.length = fragment.total;
	fragment.offset = reader_u16(r) % (fragment.total - fragment.length + 1);
	fill(frame_write_fragment(w, &fragment), fragment.length);
}

static void write_end(struct peer *peer, struct writer *w, enum frame_type type)
{
	struct reader *r = peer->input;
	struct frame_reset reset = {.flow = pick_flow(peer), .reason = reader_u8(r) % 16};
	struct frame_stop_sending stop = {.flow = reset.flow, .reason = reset.reason};

	reset.final_offset = pick(r, peer->own_offset);
	if (type == FRAME_RESET)
		frame_write_reset(w, &reset);
	else
		frame_write_stop_sending(w, &stop);
}

static void write_window(struct peer *peer, struct writer *w, enum frame_type type)
{
	struct frame_max_stream_data window = {.flow = pick_flow(peer)};

	window.maximum = pick(peer->input, peer->offset);
	if (type == FRAME_MAX_DATA)
		frame_write_max_data(w, window.maximum);
	else if (type == FRAME_HOLD)
		frame_write_hold(w, &window);
	else
		frame_write_max_stream_data(w, &window);
}

/* The right answer to a challenge, or any. */
static void write_path(struct peer *peer, struct writer *w, enum frame_type type)
{
	uint8_t bytes[CHALLENGE_BYTES];

	memcpy(bytes, peer->challenge, sizeof(bytes));
	bytes[0] ^= reader_u8(peer->input) & 1;
	frame_write_path(w, type, bytes);
}

static void write_health(struct peer *peer, struct writer *w)
{
	struct frame_health health = {.accelerator = reader_u8(peer->input),
	    .state = reader_u8(peer->input) % 8,
	    .sequence = pick(peer->input, peer->health)};

	frame_write_health(w, &health);
	peer->health = health.sequence;
}

static void write_frame(struct peer *peer, struct writer *w)
{
	uint8_t what = reader_u8(peer->input);
	enum frame_type type = (enum frame_type)(what % FRAME_COUNT);

	switch (type) {
	case FRAME_PING:
		frame_write_ping(w);
		break;
	case FRAME_ACK:
	case FRAME_ACK_ECN:
	case FRAME_RECOVERED:
		write_ack(peer, w, type);
		break;
	case FRAME_OPEN:
		write_open(peer, w);
		break;
	case FRAME_STREAM:
	case FRAME_STREAM_FIN:
		write_stream(peer, w, type);
		break;
	case FRAME_DATAGRAM:
		write_datagram(peer, w);
		break;
	case FRAME_DATAGRAM_FRAGMENT:
		write_fragment(peer, w);
		break;
	case FRAME_RESET:
	case FRAME_STOP_SENDING:
		write_end(peer, w, type);
		break;
	case FRAME_MAX_DATA:
	case FRAME_MAX_STREAM_DATA:
	case FRAME_HOLD:
		write_window(peer, w, type);
		break;
	case FRAME_PATH_CHALLENGE:
	case FRAME_PATH_RESPONSE:
		write_path(peer, w, type);
		break;
	case FRAME_HEALTH:
		write_health(peer, w);
		break;
	case FRAME_CLOSE: /* it would be the end: rarely */
		if (what == FRAME_CLOSE)
			frame_write_close(w, REASON_NONE, "enough");
		break;
	default:
		writer_u8(w, FRAME_PADDING);
		break;
	}
}

/* ---- steps ---- */

enum how { IS_PROTECTED = 0x10, IS_LOST = 0x20, IS_CHANGED = 0x40, JUMPS = 0x80 };

static void send_frames(struct peer *peer, uint8_t op)
{
	struct lane_subject *s = &peer->subject;
	unsigned count = 1 + reader_u8(peer->input) % FRAMES_MAX;
	uint8_t bytes[PLAIN_BYTES];
	struct writer w;

	if (op & JUMPS)
		s->number += reader_u8(peer->input);
	writer_init(
	    &w, bytes, op & IS_PROTECTED ? sizeof(bytes) - REPAIR_ROOM_BYTES : sizeof(bytes));
	if (op & IS_PROTECTED)
		frame_write_protected(&w);
	for (unsigned i = 0; i < count && reader_left(peer->input) > 0; i++) {
		size_t before = writer_length(&w);

		write_frame(peer, &w);
		if (w.failed) { /* it did not fit */
			w.failed = false;
			w.at = w.start + before;
		}
	}
	if (writer_length(&w) < 2)
		frame_write_ping(&w);
	if (op & IS_PROTECTED
	    && repair_encoder_add(
	        &peer->encoder, s->number, bytes + 1, writer_length(&w) - 1, s->now_us))
		abort();
	if (op & IS_PROTECTED && op & IS_LOST)
		s->number++;
	else
		subject_receive(s, bytes, writer_length(&w), op / 4 % SUBJECT_ROUTES);
}

static void send_repair(struct peer *peer, uint8_t op)
{
	struct lane_subject *s = &peer->subject;
	unsigned count = 1 + reader_u8(peer->input);
	uint8_t bytes[PLAIN_BYTES];
	struct writer w;

	if (peer->encoder.count == 0)
		return;
	if (count > peer->encoder.count)
		count = peer->encoder.count;
	writer_init(&w, bytes, sizeof(bytes));
	if (repair_encoder_write(&peer->encoder, count, s->number, &w) == 0)
		return;
	if (op & IS_CHANGED)
		bytes[writer_length(&w) - 1 - reader_u8(peer->input) % (writer_length(&w) - 1)] ^=
		    reader_u8(peer->input);
	subject_receive(s, bytes, writer_length(&w), op / 4 % SUBJECT_ROUTES);
}

static void step(struct peer *peer)
{
	struct reader *r = peer->input;
	uint8_t op = reader_u8(r), which;

	switch (op % 8) {
	case 0:
	case 1:
	case 2:
		send_frames(peer, op);
		break;
	case 3:
		send_repair(peer, op);
		break;
	case 4:
		which = reader_u8(r);
		subject_wait(&peer->subject, (uint64_t)which * which * (op & 0x80 ? 1000 : 10));
		break;
	case 5:
	case 6:
		subject_send(&peer->subject, read_packet);
		break;
	default:
		which = reader_u8(r);
		subject_act(&peer->subject, which, reader_u8(r));
	}
	subject_check(&peer->subject);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct peer *peer;
	struct reader input;

	if (size < 2 || aead_init())
		return 0;
	peer = calloc(1, sizeof(*peer));
	reader_init(&input, data + 1, size - 1);
	peer->input = &input;
	peer->budget.limit_bytes = 64 << 20;
	peer->memory.budget = &peer->budget;
	peer->encoder.memory = &peer->memory;
	peer->flow = UINT64_MAX; /* the first is 0 */
	subject_start(&peer->subject, data[0] & 1 ? LANE_LISTENER : LANE_ENDPOINT);
	for (int i = 0; i < SUBJECT_STEPS && reader_left(&input) > 0; i++)
		step(peer);
	subject_end(&peer->subject);
	repair_encoder_clear(&peer->encoder);
	free(peer);
	return 0;
}
