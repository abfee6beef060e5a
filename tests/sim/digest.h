/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A digest over everything that happens in a run, to show that a seed repeats it exactly, and the
 * numbers that contents are made of.  Not cryptographic.
 */
#ifndef TESTS_SIM_DIGEST_H
#define TESTS_SIM_DIGEST_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Steele and others, "Fast splittable pseudorandom number generators" (2014): the finisher. */
static inline uint64_t mix64(uint64_t value)
{
	value += UINT64_C(0x9e3779b97f4a7c15);
	value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
	return value ^ value >> 31;
}

static inline void digest_number(uint64_t *digest, uint64_t value)
{
	*digest = mix64(*digest ^ value);
}

static inline void digest_bytes(uint64_t *digest, const void *data, size_t length)
{
	const uint8_t *bytes = data;

	digest_number(digest, length);
	for (; length > 0; length -= length < 8 ? length : 8, bytes += 8) {
		uint64_t word = 0;

		memcpy(&word, bytes, length < 8 ? length : 8);
		*digest = (*digest ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		*digest ^= *digest >> 29;
	}
}

#endif
