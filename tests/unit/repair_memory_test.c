/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of tunnel/repair_memory.c: what repair holds is charged, and it takes nothing while memory is scarce. */
#include "config.h"

#include "tunnel/repair_memory.h"

#include "base/err.h"
#include "tests/unit/cmocka_all.h"
#include "tunnel/gf256.h"
#include "tunnel/repair_decoder.h"
#include "tunnel/repair_encoder.h"

enum { CONTENT_BYTES = 1000, PACKETS = 600 };

static struct budget budget;
static struct repair_memory memory;
static const uint8_t content[CONTENT_BYTES];

static int setup(void **state)
{
	(void)state;
	budget = (struct budget){.limit_bytes = 1 << 20};
	memory = (struct repair_memory){.budget = &budget};
	return 0;
}

static void what_is_taken_is_charged(void **state)
{
	uint8_t *data = repair_memory_new(&memory, 4 * GF256_RUN_BYTES);

	(void)state;
	assert_int_equal((uintptr_t)data % GF256_RUN_BYTES, 0);
	assert_int_equal(budget.used_bytes, 4 * GF256_RUN_BYTES);
	repair_memory_free(&memory, data, 4 * GF256_RUN_BYTES);
	repair_memory_free(&memory, NULL, 0);
	assert_int_equal(budget.used_bytes, 0);
	assert_int_equal(memory.refusals, 0);
}

/* Others have three quarters: what is left is not for repair. */
static void scarce_memory_is_left_to_others(void **state)
{
	(void)state;
	budget_force(&budget, budget.limit_bytes / 4 * 3);
	assert_true(repair_memory_take(&memory, 64));
	assert_false(repair_memory_take(&memory, 64));
	assert_null(repair_memory_new(&memory, 64));
	assert_int_equal(memory.refusals, 2);
	budget_give(&budget, 64);
	assert_true(repair_memory_take(&memory, 64));
}

static void an_encoder_keeps_what_it_may(void **state)
{
	struct repair_encoder encoder = {.memory = &memory};
	unsigned kept = 0;

	(void)state;
	budget.limit_bytes = 64 * 1024;
	for (unsigned i = 0; i < PACKETS; i++)
		kept += repair_encoder_add(&encoder, i, content, CONTENT_BYTES, i) == 0;
	assert_true(kept > 0 && kept < PACKETS);
	assert_true(budget.peak_bytes <= budget.limit_bytes / 4 * 3 + 2 * CONTENT_BYTES);
	assert_true(memory.refusals > 0);
	repair_encoder_clear(&encoder);
	assert_int_equal(budget.used_bytes, 0);
	assert_int_equal(repair_encoder_add(&encoder, 0, content, CONTENT_BYTES, 0), 0);
	repair_encoder_clear(&encoder);
}

static void a_decoder_keeps_what_it_may(void **state)
{
	struct repair_decoder decoder;
	unsigned kept = 0;

	(void)state;
	budget.limit_bytes = 64 * 1024;
	repair_decoder_init(&decoder, &memory);
	for (unsigned i = 0; i < PACKETS; i++)
		kept += repair_decoder_on_packet(&decoder, i, content, CONTENT_BYTES) == 0;
	assert_true(kept > 0 && kept < PACKETS);
	assert_true(budget.peak_bytes <= budget.limit_bytes / 4 * 3 + 2 * CONTENT_BYTES);
	repair_decoder_clear(&decoder);
	assert_int_equal(budget.used_bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(what_is_taken_is_charged, setup),
	    cmocka_unit_test_setup(scarce_memory_is_left_to_others, setup),
	    cmocka_unit_test_setup(an_encoder_keeps_what_it_may, setup),
	    cmocka_unit_test_setup(a_decoder_keeps_what_it_may, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
