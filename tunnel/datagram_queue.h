/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The datagrams of a lane that wait to be sent, first in first out: records and data one behind the
 * other in pool chunks, so that queueing allocates nothing and a small datagram costs its bytes.  Each
 * is sent within DATAGRAM_QUEUE_AGE_US or dropped, but once begun it is sent whole.
 */
#ifndef TUNNEL_DATAGRAM_QUEUE_H
#define TUNNEL_DATAGRAM_QUEUE_H

#include "base/chunk.h"
#include "tunnel/budget.h"
#include "tunnel/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct datagram_record {
	uint64_t flow;
	uint64_t queued_us;
	uint32_t id;
	uint32_t length;
};

enum { DATAGRAM_QUEUE_MAX_CHUNKS = 512 };
_Static_assert(DATAGRAM_QUEUE_MAX_CHUNKS *CHUNK_BYTES > DATAGRAM_QUEUE_MAX_BYTES + 2 * CHUNK_BYTES,
    "the ring holds a full queue");

/*
 * Chunks [first, first + count) of the ring hold the queue from read_offset in the first on;
 * `bytes` counts records and data.  Once has_head, `head` was read and `done` bytes of its data.
 */
struct datagram_queue {
	struct chunk **chunks; /* allocated while there is something */
	uint32_t first, count;
	uint32_t read_offset;
	uint64_t bytes;
	bool has_head;
	struct datagram_record head;
	uint32_t done;
};

void datagram_queue_clear(struct datagram_queue *queue, struct budget *budget);
/* Copies one in. 0, ERR_LIMIT (full) or ERR_NOMEM. */
int datagram_queue_push(struct datagram_queue *queue, struct chunk_pool *pool,
    struct budget *budget, const struct datagram_record *record, const uint8_t *data);
/* The one at the front, NULL when there is none; queue->done bytes of it were read. */
const struct datagram_record *datagram_queue_head(
    struct datagram_queue *queue, struct budget *budget);
/* Copies the next n bytes of the front one out; n is at most what is left of it. */
void datagram_queue_read(
    struct datagram_queue *queue, struct budget *budget, uint8_t *out, uint32_t n);
/* Drops the front one, or what is left of it. */
void datagram_queue_pop(struct datagram_queue *queue, struct budget *budget);

static inline bool datagram_queue_is_empty(const struct datagram_queue *queue)
{
	return queue->bytes == 0 && !queue->has_head;
}

#endif
