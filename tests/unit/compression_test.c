/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of net/compression.c: what comes out is what went in, whatever the pieces; and what is refused. */
#include "tests/unit/cmocka_all.h"

#include "base/err.h"
#include "base/rng.h"
#include "net/compression.h"

#include <string.h>

static uint8_t raw[COMPRESSION_BLOCK_BYTES],
    block[COMPRESSION_BLOCK_BYTES + COMPRESSION_STORED_BYTES];
static uint8_t data[COMPRESSION_BLOCK_BYTES], out[COMPRESSION_BLOCK_BYTES];
static struct rng rng;

static void fill_with_text(size_t length)
{
	static const char words[] = "the quick brown fox jumps over the lazy dog; ";

	for (size_t i = 0; i < length; i++)
		raw[i] = (uint8_t)words[(i + rng_next(&rng) % 100 / 99) % (sizeof(words) - 1)];
}

static void fill_with_noise(size_t length)
{
	for (size_t i = 0; i < length; i++)
		raw[i] = (uint8_t)rng_next(&rng);
}

/* Hands a block over in pieces of that size at most, and compares. */
static void assert_there(size_t made, size_t length, size_t piece)
{
	struct decompressor decompressor = {0};
	const uint8_t *bytes;
	size_t at = 0, taken, got;
	int result = 0;

	while (at < made) {
		size_t part = piece < made - at ? piece : made - at;

		assert_int_equal(result, 0);
		result = decompressor_take(&decompressor, block + at, part, data, &taken);
		assert_int_equal(taken, part);
		at += taken;
		assert_false(decompressor_is_between(&decompressor));
	}
	assert_int_equal(result, 1);
	assert_int_equal(decompressor_finish(&decompressor, data, out, &bytes, &got), 0);
	assert_int_equal(got, length);
	assert_memory_equal(bytes, raw, length);
	assert_true(decompressor_is_between(&decompressor));
}

static void there_and_back(void **state)
{
	static const size_t lengths[] = {1, 2, 63, 64, 65, 1000, 16383, 16384};
	static const size_t pieces[] = {1, 3, 1200, SIZE_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		for (size_t k = 0; k < sizeof(pieces) / sizeof(pieces[0]); k++) {
			struct compressor compressor = {0};

			fill_with_text(lengths[i]);
			assert_there(compressor_block(&compressor, raw, lengths[i], block),
			    lengths[i], pieces[k]);
			fill_with_noise(lengths[i]);
			assert_there(compressor_block(&compressor, raw, lengths[i], block),
			    lengths[i], pieces[k]);
		}
}

static void text_shrinks_and_noise_costs_two_bytes(void **state)
{
	struct compressor compressor = {0};

	(void)state;
	fill_with_text(16384);
	assert_true(compressor_block(&compressor, raw, 16384, block) < 8192);
	fill_with_noise(16384);
	assert_int_equal(compressor_block(&compressor, raw, 16384, block), 16386);
}

/* After a failure one block is stored untried, then two, then four, ... then 64; a success ends it. */
static void what_does_not_shrink_is_tried_rarely(void **state)
{
	struct compressor compressor = {0};
	unsigned untried = 0, pauses[9] = {0}, tries = 0;

	(void)state;
	fill_with_noise(4096);
	while (tries < 9) {
		bool is_tried = compressor.pause == 0;

		compressor_block(&compressor, raw, 4096, block);
		if (is_tried && tries)
			pauses[tries] = untried;
		tries += is_tried;
		untried = is_tried ? 0 : untried + 1;
	}
	for (unsigned i = 1; i < 9; i++)
		assert_int_equal(pauses[i], i < 7 ? 1u << (i - 1) : 64);
	while (compressor.pause)
		compressor_block(&compressor, raw, 4096, block);
	fill_with_text(4096);
	assert_true(compressor_block(&compressor, raw, 4096, block) < 4096);
	fill_with_noise(4096);
	compressor_block(&compressor, raw, 4096, block);
	assert_int_equal(compressor.pause, 1);
}

/* Short writes say nothing of how the flow's data shrinks. */
static void short_blocks_are_no_try(void **state)
{
	struct compressor compressor = {0};

	(void)state;
	fill_with_noise(COMPRESSION_TRY_MIN_BYTES - 1);
	for (int i = 0; i < 10; i++)
		compressor_block(&compressor, raw, COMPRESSION_TRY_MIN_BYTES - 1, block);
	assert_int_equal(compressor.last_pause, 0);
}

static int take(const char *bytes, size_t length)
{
	struct decompressor decompressor = {0};
	const uint8_t *result;
	size_t taken, got;
	int error = decompressor_take(&decompressor, (const uint8_t *)bytes, length, data, &taken);

	return error == 1 ? decompressor_finish(&decompressor, data, out, &result, &got) : error;
}

static void malformed(void **state)
{
	(void)state;
	assert_int_equal(take("\x00\x01x", 3), 0);
	assert_int_equal(take("\x00\x00", 2), ERR_MALFORMED);         /* empty */
	assert_int_equal(take("\x40\x01", 2), ERR_MALFORMED);         /* 16,385 bytes */
	assert_int_equal(take("\x80\x00\x00\x05", 4), ERR_MALFORMED); /* empty, compressed */
	assert_int_equal(take("\x80\x05\x00\x05", 4), ERR_MALFORMED); /* not shorter */
	assert_int_equal(take("\x80\x05\x40\x01", 4), ERR_MALFORMED); /* to 16,385 bytes */
	assert_int_equal(take("\xff\xff\xff\xff", 4), ERR_MALFORMED);
	assert_int_equal(take("\x80\x02\x00\x05\x10x", 6), ERR_MALFORMED); /* to 1 byte, not 5 */
	assert_int_equal(take("\x80\x04\x00\x09\xf0\x00zz", 8), ERR_MALFORMED);
	assert_int_equal(
	    take("\x80\x05\x00\x10\x1fx\x05\x00\x00", 9), ERR_MALFORMED); /* before it */
}

/* A block that says less than it holds must not write beyond, nor one that says more pass. */
static void a_wrong_size_is_malformed(void **state)
{
	struct compressor compressor = {0};
	struct decompressor decompressor;
	const uint8_t *bytes;
	size_t made, taken, got;

	(void)state;
	fill_with_text(8000);
	made = compressor_block(&compressor, raw, 8000, block);
	for (int by = -1; by <= 1; by++) {
		decompressor = (struct decompressor){0};
		block[2] = (uint8_t)((8000 + by) >> 8);
		block[3] = (uint8_t)(8000 + by);
		assert_int_equal(decompressor_take(&decompressor, block, made, data, &taken), 1);
		assert_int_equal(decompressor_finish(&decompressor, data, out, &bytes, &got),
		    by ? ERR_MALFORMED : 0);
	}
}

static void blocks_follow_each_other(void **state)
{
	static const uint8_t two[] = {0, 2, 'a', 'b', 0, 1, 'c'};
	struct decompressor decompressor = {0};
	const uint8_t *bytes;
	size_t taken, got;

	(void)state;
	assert_int_equal(decompressor_take(&decompressor, two, sizeof(two), data, &taken), 1);
	assert_int_equal(taken, 4);
	assert_int_equal(decompressor_finish(&decompressor, data, out, &bytes, &got), 0);
	assert_int_equal(got, 2);
	assert_int_equal(decompressor_take(&decompressor, two + 4, 3, data, &taken), 1);
	assert_int_equal(decompressor_finish(&decompressor, data, out, &bytes, &got), 0);
	assert_int_equal(bytes[0], 'c');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(there_and_back),
	    cmocka_unit_test(text_shrinks_and_noise_costs_two_bytes),
	    cmocka_unit_test(what_does_not_shrink_is_tried_rarely),
	    cmocka_unit_test(short_blocks_are_no_try),
	    cmocka_unit_test(malformed),
	    cmocka_unit_test(a_wrong_size_is_malformed),
	    cmocka_unit_test(blocks_follow_each_other),
	};

	rng_seed(&rng, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
