/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Blocks of a compressed flow.  The first byte says how the stream is cut into pieces (0: not at all);
 * the rest is the stream of a peer, which may say anything.  The same bytes as data of a user must come back.
 */
#include "base/err.h"
#include "net/compression.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static uint8_t data[COMPRESSION_BLOCK_BYTES], out[COMPRESSION_BLOCK_BYTES];

/* The stream's bytes are appended to `result` (`room` bytes); how many, or -1 when it is malformed. */
static long read_stream(
    const uint8_t *stream, size_t size, size_t piece, uint8_t *result, size_t room)
{
	struct decompressor decompressor = {0};
	const uint8_t *bytes;
	size_t total = 0, length, taken;

	for (size_t at = 0; at < size; at += taken) {
		size_t part = piece && piece < size - at ? piece : size - at;
		int error = decompressor_take(&decompressor, stream + at, part, data, &taken);

		if (error < 0)
			return -1;
		if (taken == 0 || taken > part || (error == 0 && taken != part))
			abort();
		if (error == 0)
			continue;
		if (decompressor_finish(&decompressor, data, out, &bytes, &length) < 0)
			return -1;
		if (length == 0 || length > COMPRESSION_BLOCK_BYTES)
			abort();
		if (length <= room - total) {
			memcpy(result + total, bytes, length);
			total += length;
		}
	}
	return (long)total;
}

static void there_and_back(const uint8_t *input, size_t size, size_t piece)
{
	struct compressor compressor = {0};
	uint8_t *stream = malloc(2 * size + 64), *result = malloc(size + 1);
	size_t made = 0, block = piece ? 37 * piece : COMPRESSION_BLOCK_BYTES;

	for (size_t at = 0; at < size; at += block) {
		size_t part = block < size - at ? block : size - at;
		size_t length = compressor_block(&compressor, input + at, part, stream + made);

		if (length > part + COMPRESSION_STORED_BYTES)
			abort();
		made += length;
	}
	if (read_stream(stream, made, piece, result, size) != (long)size
	    || memcmp(result, input, size) != 0)
		abort();
	free(stream);
	free(result);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	if (size < 2)
		return 0;
	read_stream(input + 1, size - 1, input[0], out, 0);
	there_and_back(input + 1, size - 1, input[0]);
	return 0;
}
