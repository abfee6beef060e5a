/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 12 bytes in front of each sealed packet, all of them associated data: flags, the receiver's
 * connection id (whose top byte is its worker's slot), the packet number.  Packets whose top flag is
 * set belong to the handshake and are not read here.
 */
#ifndef TUNNEL_PACKET_H
#define TUNNEL_PACKET_H

#include "tunnel/aead.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PACKET_HEADER_BYTES = 12,
	/* What a packet takes besides its frames. */
	PACKET_OVERHEAD_BYTES = PACKET_HEADER_BYTES + AEAD_TAG_BYTES,
	PACKET_FLAG_HANDSHAKE = 0x80,
	PACKET_FLAG_SEALED = 0x40,
	PACKET_FLAG_PHASE = 0x01,
};

struct packet_header {
	bool phase; /* the key phase: the epoch's lowest bit */
	uint32_t connection_id;
	uint64_t number; /* below 2^56 */
};

void packet_header_write(uint8_t out[PACKET_HEADER_BYTES], const struct packet_header *header);
/* 0, or ERR_MALFORMED: too short for header, one frame byte and tag, or unknown flags. */
int packet_header_read(const uint8_t *packet, size_t length, struct packet_header *header);

#endif
