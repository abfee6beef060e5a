/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The header of a sealed packet, to bytes and back.
 */
#include "config.h"

#include "tunnel/packet.h"

#include "base/bytes.h"
#include "base/err.h"

void packet_header_write(uint8_t out[PACKET_HEADER_BYTES], const struct packet_header *header)
{
	struct writer w;

	writer_init(&w, out, PACKET_HEADER_BYTES);
	writer_u8(&w, (uint8_t)(PACKET_FLAG_SEALED | (header->phase ? PACKET_FLAG_PHASE : 0)));
	writer_u32(&w, header->connection_id);
	writer_u8(&w, (uint8_t)(header->number >> 48));
	writer_u16(&w, (uint16_t)(header->number >> 32));
	writer_u32(&w, (uint32_t)header->number);
}

int packet_header_read(const uint8_t *packet, size_t length, struct packet_header *header)
{
	struct reader r;
	uint8_t flags;

	if (length <= PACKET_OVERHEAD_BYTES)
		return ERR_MALFORMED;
	reader_init(&r, packet, PACKET_HEADER_BYTES);
	flags = reader_u8(&r);
	if ((flags & ~PACKET_FLAG_PHASE) != PACKET_FLAG_SEALED)
		return ERR_MALFORMED;
	header->phase = flags & PACKET_FLAG_PHASE;
	header->connection_id = reader_u32(&r);
	header->number = (uint64_t)reader_u8(&r) << 48;
	header->number |= (uint64_t)reader_u16(&r) << 32;
	header->number |= reader_u32(&r);
	return 0;
}
