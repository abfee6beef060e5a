/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arithmetic in GF(256) with the polynomial x^8 + x^4 + x^3 + x^2 + 1 (0x11d, that of RFC 8681) on runs of
 * bytes, and the coefficients of repairs.  The one place that knows ISA-L.
 */
#ifndef TUNNEL_GF256_H
#define TUNNEL_GF256_H

#include <stddef.h>
#include <stdint.h>

/* Runs of bytes are a multiple of this long, which ISA-L takes without a remainder. */
enum { GF256_RUN_BYTES = 64 };

static inline size_t gf256_round_up(size_t bytes)
{
	return (bytes + GF256_RUN_BYTES - 1) / GF256_RUN_BYTES * GF256_RUN_BYTES;
}

/* Of a that is not 0. */
uint8_t gf256_inverse(uint8_t a);
/* to[] += factor * from[]; `bytes` a multiple of GF256_RUN_BYTES. */
void gf256_add_multiple(uint8_t *to, const uint8_t *from, uint8_t factor, size_t bytes);
/* run[] *= factor. */
void gf256_scale(uint8_t *run, uint8_t factor, size_t bytes);
/* What the packet of number `symbol` is multiplied with in the repair that packet `repair` bears: 1 .. 255. */
uint8_t gf256_coefficient(uint64_t repair, uint64_t symbol);

#endif
