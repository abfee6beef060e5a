/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames: what a sealed packet holds, as doc/PROTOCOL.md gives them.  A type byte, then variable-length
 * integers (RFC 9000 section 16).  Here are their bytes only; what they do is in lane_receive.c and lane_build.c.
 */
#ifndef TUNNEL_FRAME_H
#define TUNNEL_FRAME_H

#include "base/bytes.h"
#include "tunnel/ack.h"
#include "tunnel/lane.h"
#include "tunnel/migration.h"
#include "tunnel/repair_limits.h"

#include <stdbool.h>
#include <stdint.h>

enum frame_type {
	FRAME_PADDING = 0,
	FRAME_PING = 1,
	FRAME_ACK = 2,
	FRAME_ACK_ECN = 3,
	FRAME_OPEN = 4,
	FRAME_STREAM = 5,
	FRAME_STREAM_FIN = 6,
	FRAME_RESET = 7,
	FRAME_STOP_SENDING = 8,
	FRAME_DATAGRAM = 9,
	FRAME_DATAGRAM_FRAGMENT = 10,
	FRAME_MAX_DATA = 11,
	FRAME_MAX_STREAM_DATA = 12,
	FRAME_CLOSE = 13,
	FRAME_PROTECTED = 14,
	FRAME_REPAIR = 15,
	FRAME_RECOVERED = 16,
	FRAME_HOLD = 17,
	FRAME_PATH_CHALLENGE = 18,
	FRAME_PATH_RESPONSE = 19,
	FRAME_HEALTH = 20,
	FRAME_COUNT,
};

enum {
	/* The most that a frame takes, less its data: flows and offsets in 8 bytes, lengths in 2. */
	FRAME_OPEN_MAX_BYTES = 1 + 8 + 1 + 8 + 2 * (1 + 2 + 16),
	FRAME_STREAM_MAX_BYTES = 1 + 8 + 8 + 2,
	FRAME_DATAGRAM_MAX_BYTES = 1 + 8 + 4 + 2,
	FRAME_FRAGMENT_MAX_BYTES = 1 + 8 + 4 + 4 + 4 + 2,
	FRAME_PATH_BYTES = 1 + CHALLENGE_BYTES,
};

struct frame_open {
	uint64_t flow;
	struct flow_open open;
};

/* STREAM and STREAM_FIN; the data lies in the packet. */
struct frame_stream {
	uint64_t flow, offset;
	const uint8_t *data;
	size_t length;
	bool is_fin;
};

struct frame_reset {
	uint64_t flow, final_offset; /* bytes sent before it, for flow control */
	enum reason reason;
};

struct frame_stop_sending {
	uint64_t flow;
	enum reason reason;
};

/* DATAGRAM (offset 0, length == total) and DATAGRAM_FRAGMENT. */
struct frame_datagram {
	uint64_t flow;
	uint32_t id;
	size_t total, offset, length;
	const uint8_t *data;
};

/* MAX_STREAM_DATA; and HOLD: no new bytes until a maximum is told that is greater. */
struct frame_max_stream_data {
	uint64_t flow, maximum;
};

/* PATH_CHALLENGE and PATH_RESPONSE, RFC 9000 sections 19.17 and 19.18. */
struct frame_path {
	uint8_t data[CHALLENGE_BYTES];
};

/* HEALTH: of an accelerator's backends at the endpoint that tells it. */
struct frame_health {
	uint32_t accelerator;
	uint8_t state;     /* of the role: enum health_state */
	uint64_t sequence; /* of the lane: higher is newer */
};

struct frame_close {
	enum reason reason;
	const char *text; /* not terminated */
	size_t text_length;
};

/* PROTECTED: what follows in the packet is a symbol that repairs may stand for. */
struct frame_protected {
	const uint8_t *content;
	size_t length;
};

/*
 * REPAIR: coded bytes of the packets that it names, in [back, back - span) before its own number. The
 * bytes go on to the end of the packet.
 */
struct frame_repair {
	uint64_t back;
	unsigned span; /* 1 .. REPAIR_SPAN_MAX; the first one is always named */
	uint8_t bitmap[REPAIR_SPAN_MAX / 8]; /* bit i: the packet (span's first) + i + 1 */
	const uint8_t *data;
	size_t length;
};

/* A decoded frame; pointers point into the packet. */
struct frame {
	enum frame_type type;
	union {
		struct ack_frame ack;
		struct frame_open open;
		struct frame_stream stream;
		struct frame_reset reset;
		struct frame_stop_sending stop_sending;
		struct frame_datagram datagram;
		uint64_t max_data;
		struct frame_max_stream_data max_stream_data; /* and HOLD */
		struct frame_close close;
		struct frame_protected protected;
		struct frame_repair repair;
		struct ack_frame recovered; /* largest and ranges only */
		struct frame_path path;
		struct frame_health health;
	};
};

/* Takes the next frame off the packet. 0, ERR_MALFORMED, or ERR_UNSUPPORTED for an unknown type (in frame->type). */
int frame_decode(struct reader *reader, struct frame *frame);
/*
 * True for frames whose packet is to be acknowledged: all but PADDING, ACK and CLOSE (RFC 9000 section 13.2), and
 * those about paths, which are answered by themselves.
 */
bool frame_is_ack_eliciting(enum frame_type type);
/* True for frames that do not show where the peer wants its packets (RFC 9000 section 9.1). */
bool frame_is_probing(enum frame_type type);
/* The name in doc/PROTOCOL.md; "unknown" for others. */
const char *frame_name(uint64_t type);

/* Each writes one frame whole, or fails the writer. */
void frame_write_ping(struct writer *writer);
void frame_write_open(struct writer *writer, uint64_t flow, const struct flow_open *open);
void frame_write_reset(struct writer *writer, const struct frame_reset *reset);
void frame_write_stop_sending(struct writer *writer, const struct frame_stop_sending *stop);
void frame_write_max_data(struct writer *writer, uint64_t maximum);
void frame_write_max_stream_data(struct writer *writer, const struct frame_max_stream_data *max);
void frame_write_hold(struct writer *writer, const struct frame_max_stream_data *max);
void frame_write_close(struct writer *writer, enum reason reason, const char *text);
void frame_write_health(struct writer *writer, const struct frame_health *health);
/* The frame's type and 8 bytes. */
void frame_write_path(
    struct writer *writer, enum frame_type type, const uint8_t data[CHALLENGE_BYTES]);
/* As many ranges, newest first, as fit; fails when not even one does. */
void frame_write_ack(struct writer *writer, const struct ack_frame *ack);
void frame_write_protected(struct writer *writer);
/* As frame_write_ack(), of largest and ranges. */
void frame_write_recovered(struct writer *writer, const struct ack_frame *recovered);
/* Packet (span's first) + index is named, or is to be; index below REPAIR_SPAN_MAX. */
bool frame_repair_names(const struct frame_repair *repair, unsigned index);
void frame_repair_add(struct frame_repair *repair, unsigned index);
/* What the frame takes, data included. */
size_t frame_repair_bytes(const struct frame_repair *repair);
/* These leave the data's place, `length` bytes at most 16,383, to the caller: returned, NULL on failure. */
uint8_t *frame_write_stream(
    struct writer *writer, uint64_t flow, uint64_t offset, size_t length, bool fin);
/* What a DATAGRAM takes in all. */
size_t frame_datagram_bytes(uint64_t flow, size_t length);
uint8_t *frame_write_datagram(struct writer *writer, uint64_t flow, uint32_t id, size_t length);
uint8_t *frame_write_fragment(struct writer *writer, const struct frame_datagram *fragment);
uint8_t *frame_write_repair(struct writer *writer, const struct frame_repair *repair);

#endif
