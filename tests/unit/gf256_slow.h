/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GF(256) bit by bit: what tests hold tunnel/gf256.c, and repairs by it, against. */
#ifndef TESTS_UNIT_GF256_SLOW_H
#define TESTS_UNIT_GF256_SLOW_H

#include <stdint.h>

static inline uint8_t gf256_multiply_slowly(uint8_t a, uint8_t b)
{
	unsigned product = 0;

	for (int bit = 0; bit < 8; bit++)
		if (b >> bit & 1)
			product ^= (unsigned)a << bit;
	for (int bit = 15; bit >= 8; bit--)
		if (product >> bit & 1)
			product ^= 0x11dU << (bit - 8);
	return (uint8_t)product;
}

#endif
