/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Chunks that the lane fills with small pieces of many owners: each costs the budget a whole chunk until
 * the last reference is given up.
 */
#ifndef TUNNEL_CHARGED_CHUNK_H
#define TUNNEL_CHARGED_CHUNK_H

#include "base/chunk.h"
#include "tunnel/budget.h"

/* NULL when the budget or the pool is used up. */
static inline struct chunk *charged_chunk_get(struct chunk_pool *pool, struct budget *budget)
{
	struct chunk *chunk;

	if (!budget_take(budget, CHUNK_BYTES))
		return NULL;
	chunk = chunk_get(pool);
	if (!chunk)
		budget_give(budget, CHUNK_BYTES);
	return chunk;
}

/* Gives up a reference. */
static inline void charged_chunk_unref(struct chunk *chunk, struct budget *budget)
{
	if (chunk->refs == 1)
		budget_give(budget, CHUNK_BYTES);
	chunk_unref(chunk);
}

#endif
