/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Datagrams that wait to be sent, a queue for each flow over one store of the lane, and those that were
 * sent and may have to go again.  They lie one behind the other in pool chunks of the store, so that
 * queueing allocates nothing, a small datagram costs its bytes, and a flow without any owns nothing.
 *
 * A flow may fill no more than is left free for all (Choudhury and Hahne, dynamic thresholds, 1998), so
 * that one cannot shut the others out.
 */
#ifndef TUNNEL_DATAGRAM_QUEUE_H
#define TUNNEL_DATAGRAM_QUEUE_H

#include "base/chunk.h"
#include "base/list.h"
#include "tunnel/budget.h"
#include "tunnel/codel.h"
#include "tunnel/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct datagram_piece;
struct datagram_queue;

/*
 * Bytes [from, to) are to be sent: all of them at first, later what was lost.  `frames` counts the sent
 * ones whose fate is to be told: 0 for one that is not to be kept.
 */
struct datagram {
	struct list_node in_queue; /* waiting or kept */
	struct list_node by_age;   /* in the store, while it waits and is not begun */
	struct datagram_queue *queue;
	struct datagram_piece *pieces; /* the first is in the same chunk as this head */
	uint64_t queued_us;
	uint32_t id, length;
	uint32_t from, to, frames;
	bool is_waiting;
	bool is_begun; /* a part of it was sent at least */
	bool is_kept;  /* was sent, and counts as kept also while it waits to go again */
};

/* A flow's. */
struct datagram_queue {
	struct list_node waiting; /* in order, but for lost ones: they are in front */
	struct list_node kept;    /* sent, and may have to go again */
	struct codel codel;
	uint32_t bytes; /* of those never sent whole, with their heads */
	uint32_t kept_count;
};

/* The lane's. Holds chunks only while there are datagrams. */
struct datagram_store {
	struct chunk_pool *pool;
	struct budget *budget;
	struct chunk *chunk;     /* where the next one goes */
	struct list_node by_age; /* the waiting ones that are not begun, the oldest first */
	uint32_t bytes;          /* sums over the queues */
	uint32_t kept_bytes;
};

void datagram_store_init(
    struct datagram_store *store, struct chunk_pool *pool, struct budget *budget);
void datagram_queue_init(struct datagram_queue *queue);
/* Drops all of the queue's datagrams; returns how many waited. */
unsigned datagram_queue_clear(struct datagram_store *store, struct datagram_queue *queue);

/* Copies one in. 0, ERR_LIMIT (no room, or no memory in the budget). */
int datagram_queue_push(struct datagram_store *store, struct datagram_queue *queue, uint32_t id,
    const uint8_t *data, size_t length, uint64_t now_us);
/* The one whose turn it is, NULL when there is none. */
struct datagram *datagram_queue_head(const struct datagram_queue *queue);
/* The one that waits longest in all queues of the store and is not begun, NULL when there is none. */
struct datagram *datagram_store_oldest(const struct datagram_store *store);
/* Copies n bytes from datagram->from on out, and moves that on. */
void datagram_read(struct datagram *datagram, uint8_t *out, uint32_t n);
/* Forgets it, wherever it is. */
void datagram_drop(struct datagram_store *store, struct datagram *datagram);
/* There is room to keep it once it is sent; then each frame of it is to be counted in `frames`. */
bool datagram_may_be_kept(const struct datagram_store *store, const struct datagram *datagram);
/* All of it was sent: it is kept when it has frames, else dropped. */
void datagram_sent(struct datagram_store *store, struct datagram *datagram);
/* The sent one of that id, kept or to be sent again; NULL when there is none. */
struct datagram *datagram_queue_find_sent(const struct datagram_queue *queue, uint32_t id);
/* The fate of a frame of it: arrived; or lost, and then these bytes go again if that is wanted. */
void datagram_on_acked(struct datagram_store *store, struct datagram *datagram);
void datagram_on_lost(struct datagram_store *store, struct datagram *datagram, uint32_t from,
    uint32_t to, bool is_wanted);

static inline bool datagram_queue_is_empty(const struct datagram_queue *queue)
{
	return list_is_empty(&queue->waiting);
}

#endif
