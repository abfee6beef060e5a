/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A worker's UDP flows by accelerator, to find one that may give way to another flow of it.  They are in no order of
 * idleness, which would cost each datagram a move in a list: of a few that are looked at in turn the one that was idle
 * longest is taken, as caches do that sample (Psounis and Prabhakar, 2001).
 */
#ifndef LISTENER_UDP_QUEUES_H
#define LISTENER_UDP_QUEUES_H

#include "base/list.h"
#include "net/flow_life.h"

#include <stdint.h>

enum { UDP_QUEUE_SAMPLE = 16 };

struct udp_queue;

/* Part of the flow's struct; zeroed: in no queue. */
struct udp_queued {
	struct list_node node;
	struct udp_queue *queue;
	const struct flow_life *life;
};

/* By accelerator; NULL: there are none. */
struct udp_queues {
	struct udp_queue *table;
};

/* 0 or ERR_NOMEM. */
int udp_queues_enter(struct udp_queues *queues, uint32_t accelerator, struct udp_queued *flow,
    const struct flow_life *life);
/* One in no queue may leave too. */
void udp_queues_leave(struct udp_queues *queues, struct udp_queued *flow);
/*
 * Of the UDP_QUEUE_SAMPLE flows of the accelerator that are next the one that was idle longest; NULL when none of them
 * has been idle since that time.
 */
struct udp_queued *udp_queues_idle(
    const struct udp_queues *queues, uint32_t accelerator, uint64_t until_us);
/* These were looked at: others are next. */
void udp_queues_turn(struct udp_queues *queues, uint32_t accelerator);

#endif
