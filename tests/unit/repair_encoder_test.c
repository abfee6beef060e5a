/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The window of protected packets: what it keeps, what it forgets, and that a repair is the sum it claims to be.
 */
#include "config.h"

#include "tunnel/repair_encoder.h"

#include "base/rng.h"
#include "tests/unit/cmocka_all.h"
#include "tests/unit/gf256_slow.h"
#include "tunnel/gf256.h"

#include <string.h>

static struct budget budget = {.limit_bytes = 64 << 20};
static struct repair_memory plenty = {.budget = &budget};
static struct repair_encoder encoder = {.memory = &plenty};
static uint8_t memory[2048];

static void add(uint64_t number, size_t length, uint64_t now_us)
{
	uint8_t content[1200];

	for (size_t i = 0; i < length; i++)
		content[i] = (uint8_t)(number * 31 + i);
	assert_int_equal(repair_encoder_add(&encoder, number, content, length, now_us), 0);
}

static struct frame read_repair(const struct writer *w)
{
	struct reader r;
	struct frame frame;

	assert_false(w->failed);
	reader_init(&r, memory, writer_length(w));
	assert_int_equal(frame_decode(&r, &frame), 0);
	assert_int_equal(frame.type, FRAME_REPAIR);
	return frame;
}

static void window_is_bounded(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 1000; i++)
		add(i, 100, i);
	assert_int_equal(encoder.count, REPAIR_WINDOW_PKTS);
	assert_int_equal(repair_encoder_symbol(&encoder, 0)->number, 1000 - REPAIR_WINDOW_PKTS);
	/* Other packets lie between: the span counts. */
	add(1100, 100, 1100);
	assert_int_equal(repair_encoder_symbol(&encoder, 0)->number, 1100 - REPAIR_SPAN_MAX + 1);
	add(5000, 100, 5000);
	assert_int_equal(encoder.count, 1);
	add(5001, 100, 5001);
	repair_encoder_expire(&encoder, 5001);
	assert_int_equal(encoder.count, 1);
	assert_int_equal(repair_encoder_symbol(&encoder, 0)->number, 5001);
	repair_encoder_expire(&encoder, 6000);
	assert_int_equal(encoder.count, 0);
	repair_encoder_clear(&encoder);
}

static void repair_is_the_sum(void **state)
{
	const uint64_t numbers[] = {10, 11, 13, 20};
	const size_t lengths[] = {5, 100, 0, 63};
	struct writer w;
	struct frame frame;

	(void)state;
	for (int i = 0; i < 4; i++)
		add(numbers[i], lengths[i], 0);
	writer_init(&w, memory, sizeof(memory));
	assert_int_equal(repair_encoder_write(&encoder, 4, 22, &w), 4);
	frame = read_repair(&w);
	assert_int_equal(frame.repair.back, 12);
	assert_int_equal(frame.repair.span, 11);
	assert_int_equal(frame.repair.length, 102);
	for (unsigned i = 0; i < 11; i++)
		assert_int_equal(
		    frame_repair_names(&frame.repair, i), i == 0 || i == 1 || i == 3 || i == 10);
	for (size_t at = 0; at < 102; at++) {
		uint8_t sum = 0;

		for (unsigned i = 0; i < 4; i++) {
			const struct repair_symbol *symbol = repair_encoder_symbol(&encoder, i);

			if (at < symbol->bytes)
				sum ^= gf256_multiply_slowly(
				    symbol->data[at], gf256_coefficient(22, numbers[i]));
		}
		assert_int_equal(frame.repair.data[at], sum);
	}
	repair_encoder_clear(&encoder);
}

static void repair_takes_what_room_there_is(void **state)
{
	struct writer w;

	(void)state;
	add(1, 1000, 0);
	add(2, 50, 0);
	writer_init(&w, memory, 100);
	/* The long one stays out. */
	assert_int_equal(repair_encoder_write(&encoder, 2, 3, &w), 1);
	assert_int_equal(read_repair(&w).repair.back, 1);
	writer_init(&w, memory, 30);
	assert_int_equal(repair_encoder_write(&encoder, 2, 3, &w), 0);
	assert_int_equal(writer_length(&w), 0);
	writer_init(&w, memory, sizeof(memory));
	assert_int_equal(repair_encoder_copy(&encoder, 0, 3, &w), 1);
	assert_int_equal(read_repair(&w).repair.back, 2);
	assert_int_equal(read_repair(&w).repair.span, 1);
	/* Too far behind to be named. */
	writer_init(&w, memory, sizeof(memory));
	assert_int_equal(repair_encoder_copy(&encoder, 0, 2 + REPAIR_BACK_MAX, &w), 0);
	repair_encoder_clear(&encoder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(window_is_bounded),
	    cmocka_unit_test(repair_is_the_sum),
	    cmocka_unit_test(repair_takes_what_room_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
