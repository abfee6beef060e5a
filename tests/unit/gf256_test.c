/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GF(256) against multiplication bit by bit, and the coefficients that both sides must compute alike.
 */
#include "config.h"

#include "tunnel/gf256.h"

#include "base/rng.h"
#include "tests/unit/cmocka_all.h"
#include "tests/unit/gf256_slow.h"

#include <string.h>

static void inverses(void **state)
{
	(void)state;
	for (unsigned a = 1; a < 256; a++)
		assert_int_equal(gf256_multiply_slowly((uint8_t)a, gf256_inverse((uint8_t)a)), 1);
}

static void runs_are_single_bytes_many_times(void **state)
{
	enum { MOST = 1280 };
	uint8_t to[MOST], from[MOST], sum[MOST], scaled[MOST];
	struct rng rng;

	(void)state;
	rng_seed(&rng, test_seed());
	for (size_t bytes = 0; bytes <= MOST; bytes += GF256_RUN_BYTES) {
		for (unsigned factor = 0; factor < 256;
		     factor += 1 + (unsigned)rng_below(&rng, 9)) {
			rng_bytes(&rng, to, sizeof(to));
			rng_bytes(&rng, from, sizeof(from));
			memcpy(sum, to, sizeof(to));
			memcpy(scaled, to, sizeof(to));
			gf256_add_multiple(sum, from, (uint8_t)factor, bytes);
			gf256_scale(scaled, (uint8_t)factor, bytes);
			for (size_t i = 0; i < MOST; i++) {
				uint8_t f = i < bytes ? (uint8_t)factor : 0;

				assert_int_equal(sum[i], to[i] ^ gf256_multiply_slowly(from[i], f));
				assert_int_equal(
				    scaled[i], i < bytes ? gf256_multiply_slowly(to[i], f) : to[i]);
			}
		}
	}
}

/* These stand in doc/PROTOCOL.md. */
static void coefficients_are_agreed(void **state)
{
	(void)state;
	assert_int_equal(gf256_coefficient(0, 0), 1);
	assert_int_equal(gf256_coefficient(1, 0), 251);
	assert_int_equal(gf256_coefficient(7, 5), 115);
	assert_int_equal(gf256_coefficient(UINT64_C(1) << 55, 12345), 67);
	for (uint64_t i = 0; i < 1000; i++)
		assert_int_not_equal(gf256_coefficient(i, i / 2), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(inverses),
	    cmocka_unit_test(runs_are_single_bytes_many_times),
	    cmocka_unit_test(coefficients_are_agreed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
