/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See udp_queues.h. */
#include "listener/udp_queues.h"

#include "base/err.h"
#include "base/table.h"

#include <stdlib.h>

/* Of an accelerator that has flows. */
struct udp_queue {
	uint32_t accelerator;
	struct list_node flows;
	UT_hash_handle hh;
};

static struct udp_queue *find(const struct udp_queues *queues, uint32_t accelerator)
{
	struct udp_queue *queue;

	HASH_FIND(hh, queues->table, &accelerator, sizeof accelerator, queue);
	return queue;
}

static struct udp_queue *find_or_make(struct udp_queues *queues, uint32_t accelerator)
{
	struct udp_queue *queue = find(queues, accelerator);

	if (queue || !(queue = calloc(1, sizeof *queue)))
		return queue;
	queue->accelerator = accelerator;
	list_init(&queue->flows);
	HASH_ADD(hh, queues->table, accelerator, sizeof queue->accelerator, queue);
	if (TABLE_HAS(queue))
		return queue;
	free(queue);
	return NULL;
}

int udp_queues_enter(struct udp_queues *queues, uint32_t accelerator, struct udp_queued *flow,
    const struct flow_life *life)
{
	flow->queue = find_or_make(queues, accelerator);
	if (!flow->queue)
		return ERR_NOMEM;
	flow->life = life;
	list_add_tail(&flow->queue->flows, &flow->node);
	return 0;
}

void udp_queues_leave(struct udp_queues *queues, struct udp_queued *flow)
{
	struct udp_queue *queue = flow->queue;

	if (!queue)
		return;
	flow->queue = NULL;
	list_del(&flow->node);
	if (!list_is_empty(&queue->flows))
		return;
	HASH_DEL(queues->table, queue);
	free(queue);
}

struct udp_queued *udp_queues_idle(
    const struct udp_queues *queues, uint32_t accelerator, uint64_t until_us)
{
	const struct udp_queue *queue = find(queues, accelerator);
	struct udp_queued *idle = NULL;
	unsigned count = 0;

	if (!queue)
		return NULL;
	LIST_FOREACH (flow, &queue->flows, struct udp_queued, node) {
		if (count++ == UDP_QUEUE_SAMPLE)
			break;
		if (flow->life->active_us <= until_us
		    && (!idle || flow->life->active_us < idle->life->active_us))
			idle = flow;
	}
	return idle;
}

void udp_queues_turn(struct udp_queues *queues, uint32_t accelerator)
{
	struct udp_queue *queue = find(queues, accelerator);

	for (unsigned i = 0; queue && i < UDP_QUEUE_SAMPLE; i++)
		list_move_tail(&queue->flows, list_first(&queue->flows));
}
