/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pins as text and back, and what is not a pin. */
#include "tests/unit/cmocka_all.h"

#include "base/err.h"
#include "base/pin.h"
#include "base/rng.h"

#include <string.h>

static void there_and_back(void **state)
{
	uint8_t pin[PIN_BYTES], again[PIN_BYTES];
	char text[PIN_TEXT_BYTES];
	struct rng rng;

	(void)state;
	rng_seed(&rng, 3);
	for (int i = 0; i < 100; i++) {
		rng_bytes(&rng, pin, sizeof(pin));
		assert_ptr_equal(pin_format(pin, text), text);
		assert_int_equal(strlen(text), 43);
		assert_int_equal(pin_parse(text, again), 0);
		assert_memory_equal(pin, again, sizeof(pin));
	}
}

static void not_a_pin(void **state)
{
	uint8_t pin[PIN_BYTES] = {9};
	const uint8_t before[PIN_BYTES] = {9};

	(void)state;
	assert_int_equal(pin_parse("", pin), ERR_MALFORMED);
	assert_int_equal(pin_parse("AAAA", pin), ERR_MALFORMED);
	assert_int_equal(
	    pin_parse("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", pin), ERR_MALFORMED);
	assert_int_equal(
	    pin_parse("AAAAAAAAAAAAAAAAAAAAA+AAAAAAAAAAAAAAAAAAAAA", pin), ERR_MALFORMED);
	/* The last character's spare bits must be zero: one pin, one text. */
	assert_int_equal(
	    pin_parse("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB", pin), ERR_MALFORMED);
	assert_memory_equal(pin, before, sizeof(pin));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(there_and_back),
	    cmocka_unit_test(not_a_pin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
