/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See compression.h. */
#include "net/compression.h"

#include "base/err.h"

#include <lz4.h>
#include <string.h>

enum {
	COMPRESSED = 0x8000, /* of the header's first two bytes; the rest is the length */
	GAIN_SHARE = 8,      /* a block must lose an eighth, or it is stored */
};

static void put_u16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static uint16_t get_u16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* ---- sending ---- */

static bool is_worth_a_try(struct compressor *compressor, size_t length)
{
	if (length < COMPRESSION_TRY_MIN_BYTES)
		return false;
	if (compressor->pause == 0)
		return true;
	compressor->pause--;
	return false;
}

static void note_failure(struct compressor *compressor)
{
	unsigned pause = compressor->last_pause ? 2u * compressor->last_pause : 1;

	compressor->last_pause =
	    (uint8_t)(pause < COMPRESSION_PAUSE_MAX ? pause : COMPRESSION_PAUSE_MAX);
	compressor->pause = compressor->last_pause;
}

/* The whole block's length, 0 when it did not shrink enough. */
static size_t try_block(
    struct compressor *compressor, const uint8_t *data, size_t length, uint8_t *out)
{
	size_t limit = length - length / GAIN_SHARE - COMPRESSION_HEADER_BYTES;
	int compressed = LZ4_compress_default(
	    (const char *)data, (char *)out + COMPRESSION_HEADER_BYTES, (int)length, (int)limit);

	if (compressed <= 0) {
		note_failure(compressor);
		return 0;
	}
	compressor->last_pause = 0;
	put_u16(out, COMPRESSED | (size_t)compressed);
	put_u16(out + 2, length);
	return COMPRESSION_HEADER_BYTES + (size_t)compressed;
}

size_t compressor_block(
    struct compressor *compressor, const uint8_t *data, size_t length, uint8_t *out)
{
	size_t made = 0;

	if (is_worth_a_try(compressor, length))
		made = try_block(compressor, data, length, out);
	if (made)
		return made;
	put_u16(out, length);
	memcpy(out + COMPRESSION_STORED_BYTES, data, length);
	return COMPRESSION_STORED_BYTES + length;
}

/* ---- receiving ---- */

/* Once the header is whole: one form for each block, and nothing beyond the caps. */
static int read_header(struct decompressor *d)
{
	uint16_t first = get_u16(d->header);

	d->is_compressed = first & COMPRESSED;
	if (d->is_compressed && d->header_length < COMPRESSION_HEADER_BYTES)
		return 0;
	d->wanted = first & (COMPRESSED - 1);
	d->size = d->is_compressed ? get_u16(d->header + 2) : d->wanted;
	if (d->wanted == 0 || d->size > COMPRESSION_BLOCK_BYTES
	    || (d->is_compressed && d->wanted >= d->size))
		return ERR_MALFORMED;
	return 0;
}

/* Bytes of the header, one by one; how many. */
static int take_header(struct decompressor *d, const uint8_t *stream, size_t length, size_t *taken)
{
	int error = 0;

	while (!error && !d->wanted && *taken < length) {
		d->header[d->header_length++] = stream[(*taken)++];
		if (d->header_length >= COMPRESSION_STORED_BYTES)
			error = read_header(d);
	}
	return error;
}

int decompressor_take(
    struct decompressor *d, const uint8_t *stream, size_t length, uint8_t *data, size_t *taken)
{
	int error;
	size_t part;

	*taken = 0;
	error = take_header(d, stream, length, taken);
	if (error)
		return error;
	part = (size_t)d->wanted - d->filled;
	if (part > length - *taken)
		part = length - *taken;
	memcpy(data + d->filled, stream + *taken, part);
	d->filled = (uint16_t)(d->filled + part);
	*taken += part;
	return d->wanted && d->filled == d->wanted;
}

int decompressor_finish(struct decompressor *d, const uint8_t *data, uint8_t *out,
    const uint8_t **bytes, size_t *length)
{
	bool is_right = true;

	*bytes = d->is_compressed ? out : data;
	*length = d->size;
	if (d->is_compressed)
		is_right = LZ4_decompress_safe(
		               (const char *)data, (char *)out, d->wanted, COMPRESSION_BLOCK_BYTES)
		           == d->size;
	*d = (struct decompressor){0};
	return is_right ? 0 : ERR_MALFORMED;
}

bool decompressor_is_between(const struct decompressor *d)
{
	return d->header_length == 0;
}
