/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fast, seedable, repeatable pseudo-random numbers: xoshiro256** seeded by splitmix64
 * (Blackman and Vigna).  For simulation, jitter and spreading load; never for secrets, which come
 * through a random_fn that is backed by the system.
 */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng {
	uint64_t state[4];
};

/* A source of random bytes that is handed in: fills out with n bytes, and cannot fail. */
typedef void random_fn(void *context, void *out, size_t n);

void rng_seed(struct rng *rng, uint64_t seed);

static inline uint64_t rng_rotate(uint64_t value, int bits)
{
	return value << bits | value >> (64 - bits);
}

static inline uint64_t rng_next(struct rng *rng)
{
	uint64_t *s = rng->state;
	uint64_t result = rng_rotate(s[1] * 5, 7) * 9;
	uint64_t shifted = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= shifted;
	s[3] = rng_rotate(s[3], 45);
	return result;
}

/* Uniform in [0, 1). */
static inline double rng_uniform(struct rng *rng)
{
	return (double)(rng_next(rng) >> 11) * 0x1.0p-53;
}

/* Uniform in [0, n), without bias; 0 when n is 0. */
uint64_t rng_below(struct rng *rng, uint64_t n);

void rng_bytes(struct rng *rng, void *out, size_t n);

/* rng_bytes as a random_fn: the context is a struct rng. */
void rng_random(void *context, void *out, size_t n);

#endif
