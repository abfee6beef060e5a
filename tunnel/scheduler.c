/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Classes by shares; flows by what they have sent since they began, the last of them by deficit round robin.
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
	LATER_PARTS = PARTS / 4, /* 1 byte for 4 of those that began later: 20 % */
	CREDIT_MAX_QUANTA = 4,
	ROUND = SCHEDULER_LEVELS - 1,
	SMALL_BYTES = 32768,   /* a page: before all that is larger */
	MEDIUM_BYTES = 262144, /* until then a flow need not share */
	/* More take turns: a peer whose users do not read could not keep a MEDIUM_BYTES of each. */
	MEDIUM_FLOWS_MAX = 8,
	PAUSE_BYTES = 65536, /* of others; after a longer pause a flow begins anew */
};

void scheduler_init(struct scheduler *scheduler, uint32_t quantum_bytes)
{
	*scheduler = (struct scheduler){.quantum_bytes = quantum_bytes};
	for (int i = 0; i < SCHEDULER_CLASSES; i++) {
		list_init(&scheduler->classes[i].lost);
		for (int k = 0; k < SCHEDULER_LEVELS; k++)
			list_init(&scheduler->classes[i].levels[k]);
	}
}

void schedule_init(struct schedule *flow)
{
	*flow = (struct schedule){0};
	list_init(&flow->lost_node);
	list_init(&flow->round_node);
}

static bool has_new(const struct schedule *flow)
{
	return list_is_linked(&flow->round_node);
}

/* The first level from that on in which somebody waits; SCHEDULER_LEVELS: none. */
static unsigned next_level(const struct schedule_class *queue, unsigned from)
{
	while (from < SCHEDULER_LEVELS && list_is_empty(&queue->levels[from]))
		from++;
	return from;
}

static bool class_has_new(const struct schedule_class *queue)
{
	return queue->waiting > 0;
}

static unsigned level_of(const struct scheduler *scheduler, const struct schedule *flow)
{
	const struct schedule_class *queue = &scheduler->classes[flow->class];

	if (flow->begun_bytes < scheduler->quantum_bytes)
		return 0;
	if (flow->begun_bytes < SMALL_BYTES)
		return 1;
	return flow->begun_bytes < MEDIUM_BYTES && queue->waiting <= MEDIUM_FLOWS_MAX ? 2 : ROUND;
}

static void begin(struct scheduler *scheduler, struct schedule *flow)
{
	flow->begun_bytes = 0;
	flow->began = scheduler->began++;
	flow->deficit_bytes = (int32_t)scheduler->quantum_bytes;
}

/* It began before the one at `node`; false when that is the list's head. */
static bool begins_before(
    const struct schedule *flow, const struct list_node *node, const struct list_node *head)
{
	if (node == head)
		return false;
	return (int32_t)(flow->began - LIST_ENTRY(node, struct schedule, round_node)->began) < 0;
}

/*
 * One that had nothing for a moment has its place again, behind those that began before it; where very many wait,
 * only one that began before all of them.
 */
static void take_place(
    const struct scheduler *scheduler, struct schedule_class *queue, struct schedule *flow)
{
	unsigned level = level_of(scheduler, flow);
	struct list_node *list = &queue->levels[level];
	struct list_node *place = list;

	flow->level = (uint8_t)level;
	queue->waiting++;
	if (level == ROUND || !begins_before(flow, list->previous, list)) {
		list_add_tail(list, &flow->round_node);
		return;
	}
	if (begins_before(flow, list->next, list)) {
		list_add_head(list, &flow->round_node);
		return;
	}
	for (int i = 0; i < MEDIUM_FLOWS_MAX && begins_before(flow, place->previous, list); i++)
		place = place->previous;
	list_insert_before(place, &flow->round_node);
}

static void set_new(struct scheduler *scheduler, struct schedule *flow, bool is_new)
{
	struct schedule_class *queue = &scheduler->classes[flow->class];

	if (is_new == has_new(flow))
		return;
	if (!is_new) {
		list_del(&flow->round_node);
		queue->waiting--;
		flow->left_at_bytes = queue->sent_bytes;
		return;
	}
	if (!class_has_new(queue) || queue->sent_bytes - flow->left_at_bytes > PAUSE_BYTES
	    || flow->begun_bytes == 0)
		begin(scheduler, flow);
	take_place(scheduler, queue, flow);
}

void scheduler_remove(struct scheduler *scheduler, struct schedule *flow)
{
	scheduler->classes[flow->class].waiting -= has_new(flow);
	list_del(&flow->lost_node);
	list_del(&flow->round_node);
	flow->begun_bytes = 0;
}

void scheduler_set(
    struct scheduler *scheduler, struct schedule *flow, unsigned class, bool has_lost, bool is_new)
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
	set_new(scheduler, flow, is_new);
}

static bool class_waits(const struct schedule_class *queue)
{
	return class_has_new(queue) || !list_is_empty(&queue->lost);
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

bool scheduler_has(const struct scheduler *scheduler, unsigned class)
{
	return class_waits(&scheduler->classes[class]);
}

bool scheduler_has_others(const struct scheduler *scheduler, const struct schedule *flow)
{
	uint32_t waiting = 0;

	for (int i = 0; i < SCHEDULER_CLASSES; i++)
		waiting += scheduler->classes[i].waiting;
	return waiting > has_new(flow);
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

/* The next one that waits below the first, after the one that had its turn last; SCHEDULER_LEVELS: none. */
static unsigned next_below(const struct schedule_class *queue, unsigned first)
{
	unsigned after = queue->last_below > first ? queue->last_below : first;
	unsigned below = next_level(queue, after + 1);

	return below < SCHEDULER_LEVELS ? below : next_level(queue, first + 1);
}

/* Whose turn it is among the levels: the first's, or of those below it by turns. */
static unsigned choose_level(const struct scheduler *scheduler, const struct schedule_class *queue)
{
	unsigned first = next_level(queue, 0);
	unsigned below = first < ROUND ? next_below(queue, first) : SCHEDULER_LEVELS;

	if (below == SCHEDULER_LEVELS || queue->later_credit < scheduler->quantum_bytes * PARTS)
		return first;
	return below;
}

/* True when it is not that flow's turn any more in its level. */
static bool pass_on(
    struct scheduler *scheduler, struct schedule_class *queue, struct schedule *flow)
{
	unsigned level = level_of(scheduler, flow);

	if (level > flow->level) {
		flow->level = (uint8_t)level;
		flow->deficit_bytes = (int32_t)scheduler->quantum_bytes;
	} else if (flow->level == ROUND && flow->deficit_bytes <= 0) {
		flow->deficit_bytes += (int32_t)scheduler->quantum_bytes;
	} else {
		return false;
	}
	list_move_tail(&queue->levels[flow->level], &flow->round_node);
	return true;
}

static struct schedule *next_flow(struct scheduler *scheduler, struct schedule_class *queue)
{
	for (;;) {
		unsigned level = choose_level(scheduler, queue);
		struct schedule *flow;

		if (level == SCHEDULER_LEVELS)
			return NULL;
		flow = LIST_ENTRY(list_first(&queue->levels[level]), struct schedule, round_node);
		if (!pass_on(scheduler, queue, flow))
			return flow;
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
	return (struct turn){next_flow(scheduler, &scheduler->classes[class]), false};
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

/* Within its class: those that began earlier get their part, too. */
static void settle_levels(struct scheduler *scheduler, struct schedule *flow, uint32_t bytes)
{
	struct schedule_class *queue = &scheduler->classes[flow->class];
	bool is_first = next_level(queue, 0) >= flow->level;

	settle(scheduler, &queue->later_credit, is_first,
	    next_level(queue, flow->level + 1u) < SCHEDULER_LEVELS, bytes, LATER_PARTS);
	if (!is_first)
		queue->last_below = flow->level;
}

void scheduler_on_sent(struct scheduler *scheduler, struct turn turn, uint32_t bytes)
{
	struct schedule *flow = turn.flow;
	int32_t least = -(int32_t)(CREDIT_MAX_QUANTA * scheduler->quantum_bytes);

	settle(scheduler, &scheduler->lower_credit, flow->class == REALTIME,
	    waits_from(scheduler, REALTIME + 1), bytes, LOWER_PARTS);
	settle(scheduler, &scheduler->bulk_credit, flow->class != BULK,
	    class_waits(&scheduler->classes[BULK]), bytes, BULK_PARTS);
	if (!turn.is_lost) {
		settle_levels(scheduler, flow, bytes);
		scheduler->classes[flow->class].sent_bytes += bytes;
		flow->begun_bytes += bytes < MEDIUM_BYTES - flow->begun_bytes
		                         ? bytes
		                         : MEDIUM_BYTES - flow->begun_bytes;
	}
	flow->deficit_bytes -= (int32_t)bytes;
	if (flow->deficit_bytes < least)
		flow->deficit_bytes = least;
	if (turn.is_lost && list_is_linked(&flow->lost_node))
		list_move_tail(&scheduler->classes[flow->class].lost, &flow->lost_node);
}
