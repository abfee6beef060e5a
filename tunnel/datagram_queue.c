/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The queue of datagrams as one run of bytes over a ring of chunks.
 */
#include "config.h"

#include "tunnel/datagram_queue.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>

static struct chunk **chunk_slot(const struct datagram_queue *queue, uint32_t index)
{
	return &queue->chunks[(queue->first + index) % DATAGRAM_QUEUE_MAX_CHUNKS];
}

static void drop_first_chunk(struct datagram_queue *queue, struct budget *budget)
{
	chunk_unref(*chunk_slot(queue, 0));
	budget_give(budget, CHUNK_BYTES);
	queue->first = (queue->first + 1) % DATAGRAM_QUEUE_MAX_CHUNKS;
	queue->count--;
	queue->read_offset = 0;
}

void datagram_queue_clear(struct datagram_queue *queue, struct budget *budget)
{
	while (queue->count)
		drop_first_chunk(queue, budget);
	free(queue->chunks);
	*queue = (struct datagram_queue){0};
}

static int add_chunk(struct datagram_queue *queue, struct chunk_pool *pool, struct budget *budget)
{
	struct chunk *chunk;

	if (queue->count == DATAGRAM_QUEUE_MAX_CHUNKS || !budget_take(budget, CHUNK_BYTES))
		return ERR_LIMIT;
	chunk = chunk_get(pool);
	if (!chunk) {
		budget_give(budget, CHUNK_BYTES);
		return ERR_NOMEM;
	}
	*chunk_slot(queue, queue->count++) = chunk;
	return 0;
}

static void drop_last_chunk(struct datagram_queue *queue, struct budget *budget)
{
	chunk_unref(*chunk_slot(queue, --queue->count));
	budget_give(budget, CHUNK_BYTES);
}

/* Writes into the chunk that has room, and the ones after it. */
static void put(struct datagram_queue *queue, uint32_t *index, const void *bytes, size_t length)
{
	const uint8_t *from = bytes;

	while (length > 0) {
		struct chunk *chunk = *chunk_slot(queue, *index);
		size_t n = chunk_left(chunk);

		if (n == 0) {
			++*index;
			continue;
		}
		if (n > length)
			n = length;
		memcpy(chunk->data + chunk->used_bytes, from, n);
		chunk->used_bytes += (uint32_t)n;
		from += n;
		length -= n;
	}
}

int datagram_queue_push(struct datagram_queue *queue, struct chunk_pool *pool,
    struct budget *budget, const struct datagram_record *record, const uint8_t *data)
{
	size_t needed = sizeof(*record) + record->length;
	uint32_t had = queue->count;
	uint32_t index = had ? had - 1 : 0;
	size_t room = had ? chunk_left(*chunk_slot(queue, index)) : 0;
	int rc = 0;

	if (queue->bytes + needed > DATAGRAM_QUEUE_MAX_BYTES)
		return ERR_LIMIT;
	if (!queue->chunks) {
		queue->chunks = calloc(DATAGRAM_QUEUE_MAX_CHUNKS, sizeof(struct chunk *));
		if (!queue->chunks)
			return ERR_NOMEM;
	}
	for (; rc == 0 && room < needed; room += CHUNK_BYTES)
		rc = add_chunk(queue, pool, budget);
	if (rc) {
		while (queue->count > had)
			drop_last_chunk(queue, budget);
		return rc;
	}
	put(queue, &index, record, sizeof(*record));
	put(queue, &index, data, record->length);
	queue->bytes += needed;
	return 0;
}

/* Reads n bytes off the front; `out` NULL to skip them. */
static void take(struct datagram_queue *queue, struct budget *budget, uint8_t *out, size_t n)
{
	queue->bytes -= n;
	while (n > 0) {
		struct chunk *chunk = *chunk_slot(queue, 0);
		size_t length = chunk->used_bytes - queue->read_offset;

		if (length > n)
			length = n;
		if (out) {
			memcpy(out, chunk->data + queue->read_offset, length);
			out += length;
		}
		queue->read_offset += (uint32_t)length;
		n -= length;
		if (queue->read_offset == CHUNK_BYTES)
			drop_first_chunk(queue, budget);
	}
	if (queue->bytes == 0)
		while (queue->count)
			drop_first_chunk(queue, budget);
}

const struct datagram_record *datagram_queue_head(
    struct datagram_queue *queue, struct budget *budget)
{
	if (!queue->has_head) {
		if (queue->bytes == 0)
			return NULL;
		take(queue, budget, (uint8_t *)&queue->head, sizeof(queue->head));
		queue->has_head = true;
		queue->done = 0;
	}
	return &queue->head;
}

void datagram_queue_read(
    struct datagram_queue *queue, struct budget *budget, uint8_t *out, uint32_t n)
{
	take(queue, budget, out, n);
	queue->done += n;
}

void datagram_queue_pop(struct datagram_queue *queue, struct budget *budget)
{
	take(queue, budget, NULL, queue->head.length - queue->done);
	queue->has_head = false;
	if (queue->bytes == 0) {
		free(queue->chunks);
		queue->chunks = NULL;
	}
}
