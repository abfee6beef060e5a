/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The chunk pool: a free list in front of malloc, kept short so that memory goes back after a rush.
 */
#include "config.h"

#include "base/chunk.h"

#include <assert.h>
#include <stdlib.h>

#ifdef DEBUG_POOLS
enum { FREE_CHUNKS_MAX = 0 };
#else
enum { FREE_CHUNKS_MAX = 128 };
#endif

/* used_bytes <= limit_bytes; free_count chunks lie on free_list, none of them counted as used. */
struct chunk_pool {
	size_t limit_bytes;
	size_t used_bytes;
	size_t peak_bytes;
	struct chunk *free_list;
	size_t free_count;
};

struct chunk_pool *chunk_pool_new(size_t limit_bytes)
{
	struct chunk_pool *pool = calloc(1, sizeof(*pool));

	if (pool)
		pool->limit_bytes = limit_bytes;
	return pool;
}

static struct chunk *free_list_pop(struct chunk_pool *pool)
{
	struct chunk *chunk = pool->free_list;

	if (chunk) {
		pool->free_list = chunk->next_free;
		pool->free_count--;
	}
	return chunk;
}

void chunk_pool_free(struct chunk_pool *pool)
{
	struct chunk *chunk;

	if (!pool)
		return;
	assert(pool->used_bytes == 0);
	while ((chunk = free_list_pop(pool)))
		free(chunk);
	free(pool);
}

size_t chunk_pool_used_bytes(const struct chunk_pool *pool)
{
	return pool->used_bytes;
}

size_t chunk_pool_limit_bytes(const struct chunk_pool *pool)
{
	return pool->limit_bytes;
}

size_t chunk_pool_peak_bytes(const struct chunk_pool *pool)
{
	return pool->peak_bytes;
}

struct chunk *chunk_get(struct chunk_pool *pool)
{
	struct chunk *chunk;

	if (pool->limit_bytes - pool->used_bytes < CHUNK_BYTES)
		return NULL;
	chunk = free_list_pop(pool);
	if (!chunk)
		chunk = aligned_alloc(_Alignof(struct chunk), sizeof(*chunk));
	if (!chunk)
		return NULL;
	chunk->pool = pool;
	chunk->next_free = NULL;
	chunk->refs = 1;
	chunk->used_bytes = 0;
	pool->used_bytes += CHUNK_BYTES;
	if (pool->used_bytes > pool->peak_bytes)
		pool->peak_bytes = pool->used_bytes;
	return chunk;
}

void chunk_unref(struct chunk *chunk)
{
	struct chunk_pool *pool;

	if (!chunk || --chunk->refs > 0)
		return;
	pool = chunk->pool;
	pool->used_bytes -= CHUNK_BYTES;
	if (pool->free_count + 1 > FREE_CHUNKS_MAX) {
		free(chunk);
		return;
	}
	chunk->next_free = pool->free_list;
	pool->free_list = chunk;
	pool->free_count++;
}
