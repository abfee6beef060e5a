/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plaintext packets as a pcap file, see capture.h. */
#include "tests/sim/capture.h"

#include "base/bytes.h"
#include "tunnel/packet.h"

enum {
	US_PER_S = 1000000,
	LINKTYPE_USER0 = 147, /* https://www.tcpdump.org/linktypes.html */
	SNAP_BYTES = 65535,
	NUMBER_BYTES = 7,
};

/* pcap's heads, in the byte order of this machine (draft-ietf-opsawg-pcap). */
struct file_head {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, accuracy, snap_bytes, link_type;
};
struct record_head {
	uint32_t s, us, captured_bytes, bytes;
};

FILE *capture_open(const char *path)
{
	struct file_head head = {.magic = 0xa1b2c3d4,
	    .major = 2,
	    .minor = 4,
	    .snap_bytes = SNAP_BYTES,
	    .link_type = LINKTYPE_USER0};
	FILE *file = fopen(path, "wb");

	if (!file)
		perror(path);
	else
		fwrite(&head, sizeof(head), 1, file);
	return file;
}

static void on_event(void *context, const struct trace_event *event)
{
	struct capture_end *end = context;
	uint8_t before[1 + PACKET_HEADER_BYTES];
	struct record_head head = {
	    .s = (uint32_t)(event->now_us / US_PER_S),
	    .us = (uint32_t)(event->now_us % US_PER_S),
	    .captured_bytes = (uint32_t)(sizeof(before) + event->frames_bytes),
	};
	struct writer w;

	if (event->kind != TRACE_PACKET_SENT)
		return;
	writer_init(&w, before, sizeof(before));
	writer_u8(&w, end->direction);
	writer_u8(&w, 0x40);
	writer_u32(&w, end->connection_id);
	for (int shift = 8 * (NUMBER_BYTES - 1); shift >= 0; shift -= 8)
		writer_u8(&w, (uint8_t)(event->number >> shift));
	head.bytes = head.captured_bytes;
	fwrite(&head, sizeof(head), 1, end->file);
	fwrite(before, sizeof(before), 1, end->file);
	fwrite(event->frames, event->frames_bytes, 1, end->file);
}

const struct tracer *capture_tracer(
    struct capture_end *end, FILE *file, uint32_t connection_id, uint8_t direction)
{
	*end = (struct capture_end){
	    file, connection_id, direction, {.on_event = on_event, .context = end}};
	return file ? &end->tracer : NULL;
}
