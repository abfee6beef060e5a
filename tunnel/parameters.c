/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing, reading and judging a side's parameters.
 */
#include "config.h"

#include "tunnel/parameters.h"

#include "base/bytes.h"
#include "tunnel/limits.h"

void tunnel_parameters_write(struct writer *w, const struct tunnel_parameters *parameters)
{
	writer_u16(w, parameters->version);
	writer_u8(w, parameters->aeads);
	writer_u8(w, parameters->workers);
	writer_u64(w, parameters->instance);
	writer_u32(w, parameters->max_flows);
	writer_u16(w, parameters->packet_bytes);
}

void tunnel_parameters_read(struct reader *r, struct tunnel_parameters *parameters)
{
	parameters->version = reader_u16(r);
	parameters->aeads = reader_u8(r);
	parameters->workers = reader_u8(r);
	parameters->instance = reader_u64(r);
	parameters->max_flows = reader_u32(r);
	parameters->packet_bytes = reader_u16(r);
}

bool tunnel_parameters_are_good(const struct tunnel_parameters *p)
{
	return p->version == TUNNEL_VERSION && p->aeads != 0
	       && (p->aeads & ~(AEAD_AES256GCM | AEAD_CHACHA20POLY1305)) == 0 && p->workers >= 1
	       && p->workers <= TUNNEL_LANES_MAX && p->max_flows >= 1
	       && p->packet_bytes >= PACKET_MIN_BYTES && p->packet_bytes <= PACKET_MAX_BYTES;
}

bool tunnel_parameters_equal(const struct tunnel_parameters *a, const struct tunnel_parameters *b)
{
	return a->version == b->version && a->aeads == b->aeads && a->workers == b->workers
	       && a->instance == b->instance && a->max_flows == b->max_flows
	       && a->packet_bytes == b->packet_bytes;
}

uint8_t tunnel_parameters_choose(uint8_t a, uint8_t b)
{
	uint8_t both = a & b;

	if (both & AEAD_AES256GCM)
		return AEAD_AES256GCM;
	return both & AEAD_CHACHA20POLY1305;
}
