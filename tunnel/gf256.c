/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GF(256) by ISA-L, which chooses the processor's widest instructions at run time; see gf256.h. */
#include "tunnel/gf256.h"

#include <isa-l.h>

enum { TABLE_BYTES = 32 };

uint8_t gf256_inverse(uint8_t a)
{
	return gf_inv(a);
}

void gf256_add_multiple(uint8_t *to, const uint8_t *from, uint8_t factor, size_t bytes)
{
	uint8_t table[TABLE_BYTES];

	if (factor == 0 || bytes == 0)
		return;
	gf_vect_mul_init(factor, table);
	/* It reads `from` only; its declaration forgot the const. */
	gf_vect_mad((int)bytes, 1, 0, table, (uint8_t *)(uintptr_t)from, to);
}

void gf256_scale(uint8_t *run, uint8_t factor, size_t bytes)
{
	/* run + (factor + 1) * run; each piece is read before it is written. */
	gf256_add_multiple(run, run, factor ^ 1, bytes);
}

/* Steele and others, "Fast splittable pseudorandom number generators" (2014): the finisher. */
static uint64_t mix(uint64_t value)
{
	value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
	return value ^ value >> 31;
}

uint8_t gf256_coefficient(uint64_t repair, uint64_t symbol)
{
	return (uint8_t)(1 + mix(repair * UINT64_C(0x9e3779b97f4a7c15) + symbol) % 255);
}
