/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See relay_blocks.h. */
#include "net/relay_blocks.h"

#include "base/err.h"
#include "tunnel/charged_chunk.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

_Static_assert((int)COMPRESSION_BLOCK_BYTES <= (int)CHUNK_BYTES, "a chunk holds a block");

/* ---- from the socket ---- */

static size_t total_of(const struct iovec *pieces, int count)
{
	size_t total = 0;

	for (int i = 0; i < count; i++)
		total += pieces[i].iov_len;
	return total;
}

/* How much may be read, so that its blocks fit the room even when all are stored. */
static size_t read_limit(size_t room)
{
	const size_t stored = COMPRESSION_BLOCK_BYTES + COMPRESSION_STORED_BYTES;
	size_t blocks = (room + stored - 1) / stored;
	size_t limit = room - blocks * COMPRESSION_STORED_BYTES;

	return limit < RELAY_BLOCKS_READ_BYTES ? limit : RELAY_BLOCKS_READ_BYTES;
}

/* A place in pieces that are filled or read one after the other. */
struct place {
	const struct iovec *pieces;
	int index;
	size_t offset; /* in the piece of that index */
};

static void put(struct place *place, const uint8_t *data, size_t length)
{
	while (length > 0) {
		const struct iovec *piece = &place->pieces[place->index];
		size_t part = piece->iov_len - place->offset;

		part = part < length ? part : length;
		memcpy((uint8_t *)piece->iov_base + place->offset, data, part);
		data += part;
		length -= part;
		place->offset += part;
		if (place->offset == piece->iov_len) {
			place->index++;
			place->offset = 0;
		}
	}
}

ssize_t relay_blocks_read(struct relay_blocks *blocks, struct relay_scratch *scratch,
    int descriptor, const struct iovec *room, int count, size_t *made)
{
	struct place place = {.pieces = room};
	ssize_t length = read(descriptor, scratch->bytes, read_limit(total_of(room, count)));
	size_t block;

	*made = 0;
	for (ssize_t at = 0; at < length; at += (ssize_t)block) {
		size_t size;

		block = (size_t)(length - at);
		if (block > COMPRESSION_BLOCK_BYTES)
			block = COMPRESSION_BLOCK_BYTES;
		size = compressor_block(
		    &blocks->compressor, scratch->bytes + at, block, scratch->block);
		put(&place, scratch->block, size);
		*made += size;
	}
	return length;
}

/* ---- to the socket ---- */

/* How many bytes the socket took; ERR_AGAIN when not all of them, ERR_IO. */
static int write_bytes(int descriptor, const uint8_t *bytes, size_t length, size_t *done)
{
	ssize_t written = write(descriptor, bytes, length);

	*done = written > 0 ? (size_t)written : 0;
	if (written < 0 && errno != EAGAIN && errno != EINTR)
		return ERR_IO;
	return *done < length ? ERR_AGAIN : 0;
}

static void drop_chunk(struct relay_blocks *blocks, struct budget *budget)
{
	if (blocks->chunk)
		charged_chunk_unref(blocks->chunk, budget);
	blocks->chunk = NULL;
}

/* What is left of the block before; then its last byte, the first of the pieces, is taken. */
static int write_rest(
    struct relay_blocks *blocks, int descriptor, struct relay_blocks_written *result)
{
	size_t done;
	int error;

	if (!blocks->is_holding)
		return 0;
	error = write_bytes(
	    descriptor, blocks->chunk->data + blocks->rest_offset, blocks->rest_length, &done);
	blocks->rest_offset = (uint16_t)(blocks->rest_offset + done);
	blocks->rest_length = (uint16_t)(blocks->rest_length - done);
	result->written += done;
	if (error)
		return error;
	blocks->is_holding = false;
	result->taken++;
	return 0;
}

/*
 * The block is whole.  What the socket does not take stays in the chunk, and the block's last byte in the
 * lane: so the lane goes on with this flow, and tells no end of it, before the rest is written.
 */
static int write_block(struct relay_blocks *blocks, struct relay_scratch *scratch, int descriptor,
    struct relay_blocks_written *result)
{
	const uint8_t *bytes;
	size_t length, done;
	int error = decompressor_finish(
	    &blocks->decompressor, blocks->chunk->data, scratch->bytes, &bytes, &length);

	if (error)
		return error;
	error = write_bytes(descriptor, bytes, length, &done);
	result->written += done;
	if (error != ERR_AGAIN)
		return error;
	memmove(blocks->chunk->data, bytes + done, length - done);
	blocks->rest_offset = 0;
	blocks->rest_length = (uint16_t)(length - done);
	blocks->is_holding = true;
	result->taken--;
	return ERR_AGAIN;
}

/* Takes what one piece has, up to a block that the socket does not take. */
static int write_piece(struct relay_blocks *blocks, struct relay_scratch *scratch,
    const struct relay_memory *memory, int descriptor, const uint8_t *data, size_t length,
    size_t most, struct relay_blocks_written *result)
{
	int error = 0;
	size_t taken;

	while (!error && length > 0 && result->written < most) {
		if (!blocks->chunk
		    && !(blocks->chunk = charged_chunk_get(memory->pool, memory->budget)))
			return ERR_NOMEM;
		error = decompressor_take(
		    &blocks->decompressor, data, length, blocks->chunk->data, &taken);
		data += taken;
		length -= taken;
		result->taken += taken;
		if (error == 1)
			error = write_block(blocks, scratch, descriptor, result);
	}
	return error;
}

struct relay_blocks_written relay_blocks_write(struct relay_blocks *blocks,
    struct relay_scratch *scratch, const struct relay_memory *memory, int descriptor,
    const struct iovec *pieces, int count, size_t most)
{
	struct relay_blocks_written result = {0};
	size_t skip;

	result.error = write_rest(blocks, descriptor, &result);
	skip = result.taken;
	for (int i = 0; !result.error && i < count; i++) {
		size_t part = pieces[i].iov_len < skip ? pieces[i].iov_len : skip;

		skip -= part;
		result.error = write_piece(blocks, scratch, memory, descriptor,
		    (const uint8_t *)pieces[i].iov_base + part, pieces[i].iov_len - part, most,
		    &result);
	}
	if (relay_blocks_is_whole(blocks))
		drop_chunk(blocks, memory->budget);
	return result;
}

bool relay_blocks_is_whole(const struct relay_blocks *blocks)
{
	return !blocks->is_holding && decompressor_is_between(&blocks->decompressor);
}

void relay_blocks_clear(struct relay_blocks *blocks, struct budget *budget)
{
	drop_chunk(blocks, budget);
}
