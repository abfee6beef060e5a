/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Seeding, bounded numbers and bytes on top of xoshiro256** (rng.h).
 */
#include "base/rng.h"

#include <string.h>

static uint64_t splitmix_next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

void rng_seed(struct rng *rng, uint64_t seed)
{
	for (int i = 0; i < 4; i++)
		rng->state[i] = splitmix_next(&seed);
}

uint64_t rng_below(struct rng *rng, uint64_t n)
{
	uint64_t unfair, value;

	if (n == 0)
		return 0;
	/* Numbers below 2^64 mod n would make small results likelier; they are drawn again. */
	unfair = -n % n;
	do
		value = rng_next(rng);
	while (value < unfair);
	return value % n;
}

void rng_bytes(struct rng *rng, void *out, size_t n)
{
	uint8_t *at = out;

	while (n > 0) {
		uint64_t value = rng_next(rng);
		size_t part = n < sizeof(value) ? n : sizeof(value);

		memcpy(at, &value, part);
		at += part;
		n -= part;
	}
}

void rng_random(void *context, void *out, size_t n)
{
	rng_bytes(context, out, n);
}
