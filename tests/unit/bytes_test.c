/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Readers and writers: exact bytes, RFC 9000's varint examples, and failure that sticks.
 */
#include "base/bytes.h"

#include "base/rng.h"
#include "tests/unit/cmocka_all.h"

static void integers_are_big_endian(void **state)
{
	static const uint8_t want[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 'x', 'y'};
	uint8_t buf[sizeof(want)];
	struct writer w;
	struct reader r;

	(void)state;
	writer_init(&w, buf, sizeof(buf));
	writer_u8(&w, 1);
	writer_u16(&w, 0x0203);
	writer_u32(&w, 0x04050607);
	writer_u64(&w, UINT64_C(0x08090a0b0c0d0e0f));
	writer_bytes(&w, "xy", 2);
	assert_false(w.failed);
	assert_int_equal(writer_length(&w), sizeof(want));
	assert_int_equal(writer_left(&w), 0);
	assert_memory_equal(buf, want, sizeof(want));

	reader_init(&r, buf, sizeof(buf));
	assert_int_equal(reader_u8(&r), 1);
	assert_int_equal(reader_u16(&r), 0x0203);
	assert_int_equal(reader_u32(&r), 0x04050607);
	assert_true(reader_u64(&r) == UINT64_C(0x08090a0b0c0d0e0f));
	assert_memory_equal(reader_bytes(&r, 2), "xy", 2);
	assert_int_equal(reader_left(&r), 0);
	assert_false(r.failed);
}

static void reading_past_the_end_fails_for_good(void **state)
{
	static const uint8_t data[] = {1, 2, 3};
	uint8_t copy[4] = {9, 9, 9, 9};
	struct reader r;

	(void)state;
	reader_init(&r, data, sizeof(data));
	assert_int_equal(reader_u32(&r), 0);
	assert_true(r.failed);
	assert_int_equal(reader_u8(&r), 0);
	assert_null(reader_bytes(&r, 0));
	assert_int_equal(reader_left(&r), 0);

	reader_init(&r, data, sizeof(data));
	assert_false(reader_copy(&r, copy, 4));
	assert_memory_equal(copy, "\0\0\0\0", 4);
	reader_init(&r, NULL, 0);
	assert_true(reader_copy(&r, copy, 0));
	assert_int_equal(reader_u64(&r), 0);
	assert_true(r.failed);
}

static void writing_past_the_end_fails_for_good(void **state)
{
	uint8_t buf[3] = {7, 7, 7};
	struct writer w;

	(void)state;
	writer_init(&w, buf, sizeof(buf));
	writer_u16(&w, 0x0102);
	writer_u16(&w, 0x0304);
	writer_u8(&w, 5);
	assert_true(w.failed);
	assert_int_equal(writer_length(&w), 2);
	assert_int_equal(buf[2], 7);
}

/* RFC 9000 appendix A.1 */
static void varints_match_the_rfc(void **state)
{
	static const struct {
		uint64_t value;
		uint8_t bytes[8];
		size_t length;
	} cases[] = {
	    {UINT64_C(151288809941952652), {0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c}, 8},
	    {494878333, {0x9d, 0x7f, 0x3e, 0x7d}, 4},
	    {15293, {0x7b, 0xbd}, 2},
	    {37, {0x25}, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t buf[8];
		struct writer w;
		struct reader r;

		writer_init(&w, buf, sizeof(buf));
		writer_varint(&w, cases[i].value);
		assert_int_equal(writer_length(&w), cases[i].length);
		assert_memory_equal(buf, cases[i].bytes, cases[i].length);
		for (size_t cut = 0; cut <= cases[i].length; cut++) {
			reader_init(&r, buf, cut);
			assert_true(
			    reader_varint(&r) == (cut < cases[i].length ? 0 : cases[i].value));
			assert_int_equal(r.failed, cut < cases[i].length);
		}
	}
}

/* A buffer one byte too short gets nothing; one of just that length takes it. */
static void needs_all_of(uint64_t value, size_t length)
{
	uint8_t buf[8];
	struct writer w;
	struct reader r;

	writer_init(&w, buf, length - 1);
	writer_varint(&w, value);
	assert_true(w.failed);
	assert_int_equal(writer_length(&w), 0);
	writer_init(&w, buf, length);
	writer_varint(&w, value);
	assert_false(w.failed);
	assert_int_equal(writer_length(&w), length);
	reader_init(&r, buf, length);
	assert_true(reader_varint(&r) == value);
}

static void varint_lengths_change_at_their_bounds(void **state)
{
	static const uint64_t firsts[] = {0, 64, 16384, UINT64_C(1) << 30, UINT64_C(1) << 62};
	static const size_t lengths[] = {1, 2, 4, 8, 0};
	struct writer w;
	uint8_t buf[16];

	(void)state;
	for (int i = 0; i < 5; i++) {
		assert_int_equal(varint_length(firsts[i]), lengths[i]);
		if (lengths[i])
			needs_all_of(firsts[i], lengths[i]);
		if (i) {
			assert_int_equal(varint_length(firsts[i] - 1), lengths[i - 1]);
			needs_all_of(firsts[i] - 1, lengths[i - 1]);
		}
	}
	writer_init(&w, buf, sizeof(buf));
	writer_varint(&w, VARINT_MAX + 1);
	assert_true(w.failed);
	writer_init(&w, buf, sizeof(buf));
	writer_varint_wide(&w, 64, 1);
	assert_true(w.failed);
}

static void any_varint_comes_back(void **state)
{
	struct rng rng;
	uint8_t buf[8];

	(void)state;
	rng_seed(&rng, test_seed());
	for (int i = 0; i < 10000; i++) {
		uint64_t value = rng_next(&rng) >> (2 + rng_below(&rng, 62));
		size_t width = UINT64_C(1) << rng_below(&rng, 4);
		struct writer w;
		struct reader r;

		writer_init(&w, buf, sizeof(buf));
		if (width >= varint_length(value))
			writer_varint_wide(&w, value, width);
		else
			writer_varint(&w, value);
		assert_false(w.failed);
		reader_init(&r, buf, writer_length(&w));
		assert_true(reader_varint(&r) == value);
		assert_int_equal(reader_left(&r), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(integers_are_big_endian),
	    cmocka_unit_test(reading_past_the_end_fails_for_good),
	    cmocka_unit_test(writing_past_the_end_fails_for_good),
	    cmocka_unit_test(varints_match_the_rfc),
	    cmocka_unit_test(varint_lengths_change_at_their_bounds),
	    cmocka_unit_test(any_varint_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
