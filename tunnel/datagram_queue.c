/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The store of datagrams and the queues over it.
 */
#include "config.h"

#include "tunnel/datagram_queue.h"

#include "base/err.h"
#include "tunnel/charged_chunk.h"

#include <string.h>

enum {
	ALIGN_BYTES = 8,
	/* A chunk with less room than this is left to those that lie in it already. */
	PIECE_MIN_BYTES = 256,
};

/* Bytes of a datagram in one chunk, which they hold a reference of. */
struct datagram_piece {
	struct datagram_piece *next;
	struct chunk *chunk;
	uint32_t length;
	uint8_t data[];
};

void datagram_store_init(
    struct datagram_store *store, struct chunk_pool *pool, struct budget *budget)
{
	*store = (struct datagram_store){.pool = pool, .budget = budget};
	list_init(&store->by_age);
}

void datagram_queue_init(struct datagram_queue *queue)
{
	*queue = (struct datagram_queue){0};
	list_init(&queue->waiting);
	list_init(&queue->kept);
}

static uint32_t cost_bytes(const struct datagram *datagram)
{
	return (uint32_t)sizeof(*datagram) + datagram->length;
}

/* The store's chunk with room for n bytes, a fresh one if need be. */
static struct chunk *chunk_with(struct datagram_store *store, size_t n)
{
	struct chunk *chunk = store->chunk;

	if (chunk)
		chunk->used_bytes = (chunk->used_bytes + ALIGN_BYTES - 1) & ~(ALIGN_BYTES - 1u);
	if (chunk && chunk->used_bytes + n <= CHUNK_BYTES)
		return chunk;
	if (chunk)
		charged_chunk_unref(chunk, store->budget);
	store->chunk = charged_chunk_get(store->pool, store->budget);
	return store->chunk;
}

/* A piece with as much of the data as fits, behind `head_bytes` for the caller. */
static struct datagram_piece *add_piece(
    struct datagram_store *store, size_t head_bytes, const uint8_t *data, size_t length)
{
	size_t before = head_bytes + sizeof(struct datagram_piece);
	size_t least = before + (length < PIECE_MIN_BYTES ? length : PIECE_MIN_BYTES);
	struct chunk *chunk = chunk_with(store, least);
	struct datagram_piece *piece;
	size_t part;

	if (!chunk)
		return NULL;
	piece = (void *)(chunk->data + chunk->used_bytes + head_bytes);
	part = chunk_left(chunk) - before < length ? chunk_left(chunk) - before : length;
	*piece = (struct datagram_piece){.chunk = chunk_ref(chunk), .length = (uint32_t)part};
	if (part)
		memcpy(piece->data, data, part);
	chunk->used_bytes += (uint32_t)(before + part);
	return piece;
}

static void free_pieces(struct datagram_store *store, struct datagram_piece *piece)
{
	while (piece) {
		struct datagram_piece *next = piece->next;

		charged_chunk_unref(piece->chunk, store->budget);
		piece = next;
	}
}

/* Without datagrams the store owns nothing. */
static void release_chunk(struct datagram_store *store)
{
	if (store->chunk && store->chunk->refs == 1) {
		charged_chunk_unref(store->chunk, store->budget);
		store->chunk = NULL;
	}
}

static struct datagram_piece *store_bytes(
    struct datagram_store *store, const uint8_t *data, size_t length)
{
	struct datagram_piece *first = add_piece(store, sizeof(struct datagram), data, length);
	struct datagram_piece *last = first;
	size_t done = first ? first->length : 0;

	while (last && done < length) {
		last->next = add_piece(store, 0, data + done, length - done);
		if (!last->next) {
			free_pieces(store, first);
			release_chunk(store);
			return NULL;
		}
		last = last->next;
		done += last->length;
	}
	return first;
}

int datagram_queue_push(struct datagram_store *store, struct datagram_queue *queue, uint32_t id,
    const uint8_t *data, size_t length, uint64_t now_us)
{
	size_t needed = sizeof(struct datagram) + length;
	struct datagram_piece *pieces;
	struct datagram *datagram;

	if (queue->bytes + store->bytes + needed > DATAGRAM_QUEUE_MAX_BYTES)
		return ERR_LIMIT;
	pieces = store_bytes(store, data, length);
	if (!pieces)
		return ERR_LIMIT;
	datagram = (struct datagram *)pieces - 1;
	*datagram = (struct datagram){
	    .queue = queue,
	    .pieces = pieces,
	    .queued_us = now_us,
	    .id = id,
	    .length = (uint32_t)length,
	    .to = (uint32_t)length,
	    .is_waiting = true,
	};
	list_init(&datagram->in_queue);
	list_init(&datagram->by_age);
	list_add_tail(&queue->waiting, &datagram->in_queue);
	list_add_tail(&store->by_age, &datagram->by_age);
	queue->bytes += (uint32_t)needed;
	store->bytes += (uint32_t)needed;
	return 0;
}

struct datagram *datagram_queue_head(const struct datagram_queue *queue)
{
	struct list_node *node = list_first(&queue->waiting);

	return node ? LIST_ENTRY(node, struct datagram, in_queue) : NULL;
}

struct datagram *datagram_store_oldest(const struct datagram_store *store)
{
	struct list_node *node = list_first(&store->by_age);

	return node ? LIST_ENTRY(node, struct datagram, by_age) : NULL;
}

void datagram_read(struct datagram *datagram, uint8_t *out, uint32_t n)
{
	const struct datagram_piece *piece = datagram->pieces;
	uint32_t skip = datagram->from;

	datagram->from += n;
	datagram->is_begun = true;
	list_del(&datagram->by_age);
	while (n > 0) {
		uint32_t part = skip < piece->length ? piece->length - skip : 0;

		if (part > n)
			part = n;
		if (part)
			memcpy(out, piece->data + skip, part);
		skip = part ? 0 : skip - piece->length;
		out += part;
		n -= part;
		piece = piece->next;
	}
}

/* Takes it out of its list and the sums. */
static void unlink_datagram(struct datagram_store *store, struct datagram *datagram)
{
	struct datagram_queue *queue = datagram->queue;
	uint32_t cost = cost_bytes(datagram);

	list_del(&datagram->in_queue);
	list_del(&datagram->by_age);
	if (datagram->is_kept) {
		queue->kept_count--;
		store->kept_bytes -= cost;
	} else {
		queue->bytes -= cost;
		store->bytes -= cost;
	}
}

void datagram_drop(struct datagram_store *store, struct datagram *datagram)
{
	unlink_datagram(store, datagram);
	free_pieces(store, datagram->pieces);
	release_chunk(store);
}

unsigned datagram_queue_clear(struct datagram_store *store, struct datagram_queue *queue)
{
	struct list_node *node;
	unsigned waited = 0;

	while ((node = list_first(&queue->waiting))) {
		datagram_drop(store, LIST_ENTRY(node, struct datagram, in_queue));
		waited++;
	}
	while ((node = list_first(&queue->kept)))
		datagram_drop(store, LIST_ENTRY(node, struct datagram, in_queue));
	return waited;
}

bool datagram_may_be_kept(const struct datagram_store *store, const struct datagram *datagram)
{
	return datagram->queue->kept_count < DATAGRAM_KEPT_MAX
	       && store->kept_bytes + cost_bytes(datagram) <= DATAGRAM_QUEUE_MAX_BYTES;
}

void datagram_sent(struct datagram_store *store, struct datagram *datagram)
{
	struct datagram_queue *queue = datagram->queue;

	if (datagram->frames == 0) {
		datagram_drop(store, datagram);
		return;
	}
	unlink_datagram(store, datagram);
	datagram->is_waiting = false;
	datagram->is_kept = true;
	list_add_tail(&queue->kept, &datagram->in_queue);
	queue->kept_count++;
	store->kept_bytes += cost_bytes(datagram);
}

static struct datagram *find(const struct list_node *list, uint32_t id)
{
	LIST_FOREACH (datagram, list, struct datagram, in_queue) {
		if (!datagram->is_begun)
			break;
		if (datagram->id == id)
			return datagram;
	}
	return NULL;
}

struct datagram *datagram_queue_find_sent(const struct datagram_queue *queue, uint32_t id)
{
	struct datagram *kept = find(&queue->kept, id);

	return kept ? kept : find(&queue->waiting, id);
}

void datagram_on_acked(struct datagram_store *store, struct datagram *datagram)
{
	if (datagram->frames > 0)
		datagram->frames--;
	if (!datagram->is_waiting && datagram->frames == 0)
		datagram_drop(store, datagram);
}

void datagram_on_lost(struct datagram_store *store, struct datagram *datagram, uint32_t from,
    uint32_t to, bool is_wanted)
{
	if (!is_wanted) {
		datagram_on_acked(store, datagram);
		return;
	}
	if (datagram->frames > 0)
		datagram->frames--;
	if (!datagram->is_waiting) {
		list_del(&datagram->in_queue);
		list_add_head(&datagram->queue->waiting, &datagram->in_queue);
		datagram->is_waiting = true;
		datagram->from = from;
		datagram->to = to;
	}
	if (datagram->from > from)
		datagram->from = from;
	if (datagram->to < to)
		datagram->to = to;
}
