/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Classes by shares, flows by deficit round robin.
 */
#include "config.h"

#include "tunnel/scheduler.h"

#include <stddef.h>

enum {
	REALTIME = 0,
	BULK = SCHEDULER_CLASSES - 1,
	/* Credits are in parts of a byte, so that shares of small pieces are exact. */
	PARTS = 36,
	LOWER_PARTS = PARTS / 4, /* 1 byte for 4 of realtime: 20 % */
	BULK_PARTS = PARTS / 9,  /* 1 byte for 9 of the others: 10 % */
	CREDIT_MAX_QUANTA = 4,
};

void scheduler_init(struct scheduler *scheduler, uint32_t quantum_bytes)
{
	*scheduler = (struct scheduler){.quantum_bytes = quantum_bytes};
	for (int i = 0; i < SCHEDULER_CLASSES; i++) {
		list_init(&scheduler->classes[i].lost);
		list_init(&scheduler->classes[i].fresh);
		list_init(&scheduler->classes[i].rest);
	}
}

void schedule_init(struct schedule *flow)
{
	*flow = (struct schedule){0};
	list_init(&flow->lost_node);
	list_init(&flow->round_node);
}

void scheduler_remove(struct scheduler *scheduler, struct schedule *flow)
{
	scheduler->classes[flow->class].waiting -= flow->has_new;
	flow->has_new = false;
	list_del(&flow->lost_node);
	list_del(&flow->round_node);
}

void scheduler_set(
    struct scheduler *scheduler, struct schedule *flow, unsigned class, bool has_lost, bool has_new)
{
	struct schedule_class *queue = &scheduler->classes[class];

	if (class != flow->class) {
		scheduler_remove(scheduler, flow);
		flow->class = (uint8_t) class;
	}
	if (has_lost && !list_is_linked(&flow->lost_node))
		list_add_tail(&queue->lost, &flow->lost_node);
	else if (!has_lost)
		list_del(&flow->lost_node);
	if (has_new && !list_is_linked(&flow->round_node)) {
		flow->deficit_bytes = (int32_t)scheduler->quantum_bytes;
		list_add_tail(&queue->fresh, &flow->round_node);
	}
	queue->waiting += (uint32_t)has_new - (uint32_t)flow->has_new;
	flow->has_new = has_new;
}

static bool class_waits(const struct schedule_class *queue)
{
	return queue->waiting > 0 || !list_is_empty(&queue->lost);
}

/* Some class from `from` on down waits. */
static bool waits_from(const struct scheduler *scheduler, unsigned from)
{
	for (unsigned i = from; i < SCHEDULER_CLASSES; i++)
		if (class_waits(&scheduler->classes[i]))
			return true;
	return false;
}

bool scheduler_is_empty(const struct scheduler *scheduler)
{
	return !waits_from(scheduler, REALTIME);
}

/* SCHEDULER_CLASSES: none. */
static unsigned next_class(const struct scheduler *scheduler, unsigned from)
{
	const struct schedule_class *classes = scheduler->classes;
	unsigned class = from;

	if (from <= BULK && class_waits(&classes[BULK])
	    && scheduler->bulk_credit >= scheduler->quantum_bytes * PARTS)
		return BULK;
	if (class == REALTIME && scheduler->lower_credit >= scheduler->quantum_bytes * PARTS
	    && waits_from(scheduler, REALTIME + 1))
		class = REALTIME + 1;
	while (class < SCHEDULER_CLASSES && !class_waits(&classes[class]))
		class ++;
	return class;
}

/* An emptied new flow goes through the round once, an emptied old one leaves it. */
static void pass_emptied(struct schedule_class *queue, struct schedule *flow, bool is_fresh)
{
	if (is_fresh && !list_is_empty(&queue->rest))
		list_move_tail(&queue->rest, &flow->round_node);
	else
		list_del(&flow->round_node);
}

static struct schedule *next_in_round(struct scheduler *scheduler, struct schedule_class *queue)
{
	for (;;) {
		bool is_fresh = !list_is_empty(&queue->fresh);
		struct list_node *node = list_first(is_fresh ? &queue->fresh : &queue->rest);
		struct schedule *flow;

		if (!node)
			return NULL;
		flow = LIST_ENTRY(node, struct schedule, round_node);
		if (!flow->has_new) {
			pass_emptied(queue, flow, is_fresh);
		} else if (flow->deficit_bytes <= 0) {
			flow->deficit_bytes += (int32_t)scheduler->quantum_bytes;
			list_move_tail(&queue->rest, node);
		} else {
			return flow;
		}
	}
}

struct turn scheduler_next(struct scheduler *scheduler, unsigned from)
{
	unsigned class = next_class(scheduler, from);
	struct list_node *lost;

	if (class == SCHEDULER_CLASSES)
		return (struct turn){NULL, false};
	lost = list_first(&scheduler->classes[class].lost);
	if (lost)
		return (struct turn){LIST_ENTRY(lost, struct schedule, lost_node), true};
	return (struct turn){next_in_round(scheduler, &scheduler->classes[class]), false};
}

void scheduler_set_quantum(struct scheduler *scheduler, uint32_t quantum_bytes)
{
	scheduler->quantum_bytes = quantum_bytes;
}

/* Those below get their parts of it, if they wait; what they send is taken off. */
static void settle(const struct scheduler *scheduler, uint32_t *credit, bool is_above, bool waits,
    uint32_t bytes, uint32_t parts)
{
	uint32_t most = CREDIT_MAX_QUANTA * scheduler->quantum_bytes * PARTS;

	if (!is_above)
		*credit -= bytes * PARTS < *credit ? bytes * PARTS : *credit;
	else if (!waits)
		*credit = 0;
	else
		*credit = *credit + bytes * parts < most ? *credit + bytes * parts : most;
}

void scheduler_on_sent(struct scheduler *scheduler, struct turn turn, uint32_t bytes)
{
	struct schedule *flow = turn.flow;
	int32_t least = -(int32_t)(CREDIT_MAX_QUANTA * scheduler->quantum_bytes);

	settle(scheduler, &scheduler->lower_credit, flow->class == REALTIME,
	    waits_from(scheduler, REALTIME + 1), bytes, LOWER_PARTS);
	settle(scheduler, &scheduler->bulk_credit, flow->class != BULK,
	    class_waits(&scheduler->classes[BULK]), bytes, BULK_PARTS);
	flow->deficit_bytes -= (int32_t)bytes;
	if (flow->deficit_bytes < least)
		flow->deficit_bytes = least;
	if (turn.is_lost && list_is_linked(&flow->lost_node))
		list_move_tail(&scheduler->classes[flow->class].lost, &flow->lost_node);
}
