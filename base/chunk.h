/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pool of reference-counted data chunks of one size, within a budget of bytes.  Streams and
 * queues hold slices of them, so data is copied into a chunk once and never again.
 * A pool and its chunks belong to one thread.  In a build with DEBUG_POOLS each chunk is its own
 * malloc, so that ASan sees misuse.
 */
#ifndef BASE_CHUNK_H
#define BASE_CHUNK_H

#include <stddef.h>
#include <stdint.h>

enum { CHUNK_BYTES = 16384 };

struct chunk_pool;

/*
 * used_bytes is the owner's fill mark: bytes in [0, used_bytes) never change while slices refer
 * to them, bytes after it may be written by whoever appends.  used_bytes <= CHUNK_BYTES.
 */
struct chunk {
	struct chunk_pool *pool;
	struct chunk *next_free;
	uint32_t refs;
	uint32_t used_bytes;
	_Alignas(64) uint8_t data[CHUNK_BYTES];
};

/* A part of a chunk: data[offset .. offset + length).  It holds a reference or borrows, as its user says. */
struct slice {
	struct chunk *chunk;
	uint32_t offset, length;
};

/* NULL without memory.  The limit counts CHUNK_BYTES for each chunk handed out. */
struct chunk_pool *chunk_pool_new(size_t limit_bytes);

/* Every chunk must have been given back. */
void chunk_pool_free(struct chunk_pool *pool);

size_t chunk_pool_used_bytes(const struct chunk_pool *pool);
size_t chunk_pool_limit_bytes(const struct chunk_pool *pool);

/* The highest chunk_pool_used_bytes() ever. */
size_t chunk_pool_peak_bytes(const struct chunk_pool *pool);

/* A chunk with one reference and used_bytes 0; NULL at the limit or without memory. */
struct chunk *chunk_get(struct chunk_pool *pool);

/* Gives up one reference; the last one returns the chunk to its pool.  NULL is allowed. */
void chunk_unref(struct chunk *chunk);

static inline struct chunk *chunk_ref(struct chunk *chunk)
{
	chunk->refs++;
	return chunk;
}

static inline size_t chunk_left(const struct chunk *chunk)
{
	return CHUNK_BYTES - chunk->used_bytes;
}

static inline uint8_t *slice_data(const struct slice *slice)
{
	return slice->chunk->data + slice->offset;
}

#endif
