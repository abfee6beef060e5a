/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keyed hash: SipHash's own test vector, and that the process's key matters.
 */
#include "base/keyed_hash.h"

#include "tests/unit/cmocka_all.h"

/* The vector of Aumasson and Bernstein, "SipHash", appendix A. */
static void it_is_siphash(void **state)
{
	uint8_t key[KEYED_HASH_KEY_BYTES], data[15];

	(void)state;
	for (uint8_t i = 0; i < 16; i++)
		key[i] = i;
	for (uint8_t i = 0; i < 15; i++)
		data[i] = i;
	assert_true(keyed_hash_with(key, data, sizeof(data)) == UINT64_C(0xa129ca6149be45e5));
}

static void each_init_draws_another_key(void **state)
{
	uint64_t first, second;

	(void)state;
	assert_int_equal(keyed_hash_init(), 0);
	first = keyed_hash("abc", 3);
	assert_true(first == keyed_hash("abc", 3));
	assert_true(first != keyed_hash("abd", 3));
	assert_int_equal(keyed_hash_init(), 0);
	second = keyed_hash("abc", 3);
	assert_true(first != second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_is_siphash),
	    cmocka_unit_test(each_init_draws_another_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
