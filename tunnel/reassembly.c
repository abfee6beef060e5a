/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fragments of datagrams, and datagram ids.
 */
#include "config.h"

#include "tunnel/reassembly.h"

#include <stdlib.h>
#include <string.h>

static struct partial *partial_of(struct list_node *node)
{
	return LIST_ENTRY(node, struct partial, node);
}

static uint64_t partial_cost(uint32_t total)
{
	return sizeof(struct partial) + total;
}

void reassembly_init(struct reassembly *reassembly)
{
	*reassembly = (struct reassembly){0};
	list_init(&reassembly->partials);
}

void reassembly_release(
    struct reassembly *reassembly, struct partial *partial, struct budget *budget)
{
	list_del(&partial->node);
	reassembly->count--;
	reassembly->bytes -= partial->total;
	budget_give(budget, partial_cost(partial->total));
	range_set_clear(&partial->present);
	free(partial);
}

static void give_up(struct reassembly *reassembly, struct partial *partial, struct budget *budget)
{
	reassembly->incomplete++;
	reassembly_release(reassembly, partial, budget);
}

void reassembly_clear(struct reassembly *reassembly, struct budget *budget)
{
	while (!list_is_empty(&reassembly->partials))
		reassembly_release(reassembly, partial_of(reassembly->partials.next), budget);
}

/* The newest are at the end, where the next fragment mostly belongs. */
static struct partial *find(struct reassembly *reassembly, uint64_t flow, uint32_t id)
{
	for (struct list_node *node = reassembly->partials.previous; node != &reassembly->partials;
	     node = node->previous) {
		struct partial *partial = partial_of(node);

		if (partial->id == id && partial->flow == flow)
			return partial;
	}
	return NULL;
}

static bool has_room(
    const struct reassembly *reassembly, const struct budget *budget, uint32_t total)
{
	return reassembly->count < REASSEMBLY_MAX_DATAGRAMS
	       && reassembly->bytes + total <= REASSEMBLY_MAX_BYTES
	       && budget_left(budget) >= partial_cost(total);
}

static struct partial *begin(struct reassembly *reassembly, struct budget *budget,
    const struct frame_datagram *fragment, uint64_t now_us)
{
	uint32_t total = (uint32_t)fragment->total;
	struct partial *partial;

	while (!has_room(reassembly, budget, total) && !list_is_empty(&reassembly->partials))
		give_up(reassembly, partial_of(reassembly->partials.next), budget);
	if (!has_room(reassembly, budget, total))
		return NULL;
	partial = malloc(sizeof(*partial) + total);
	if (!partial)
		return NULL;
	*partial = (struct partial){
	    .flow = fragment->flow, .began_us = now_us, .id = fragment->id, .total = total};
	budget_force(budget, partial_cost(total));
	list_init(&partial->node);
	list_add_tail(&reassembly->partials, &partial->node);
	reassembly->count++;
	reassembly->bytes += total;
	return partial;
}

struct partial *reassembly_add(struct reassembly *reassembly, struct budget *budget,
    const struct frame_datagram *fragment, uint64_t now_us)
{
	struct partial *partial = find(reassembly, fragment->flow, fragment->id);

	if (!partial)
		partial = begin(reassembly, budget, fragment, now_us);
	if (!partial || partial->total != fragment->total)
		return NULL;
	if (range_set_add(&partial->present, fragment->offset, fragment->offset + fragment->length)
	    || partial->present.count > REASSEMBLY_MAX_GAPS) {
		give_up(reassembly, partial, budget);
		return NULL;
	}
	memcpy(partial->data + fragment->offset, fragment->data, fragment->length);
	return partial->present.ranges[0].end - partial->present.ranges[0].start == partial->total
	           ? partial
	           : NULL;
}

void reassembly_expire(struct reassembly *reassembly, struct budget *budget, uint64_t now_us)
{
	while (reassembly_timer_us(reassembly) <= now_us)
		give_up(reassembly, partial_of(reassembly->partials.next), budget);
}

uint64_t reassembly_timer_us(const struct reassembly *reassembly)
{
	struct list_node *oldest = list_first(&reassembly->partials);

	return oldest ? partial_of(oldest)->began_us + REASSEMBLY_AGE_US : UINT64_MAX;
}

static void set_bit(struct datagram_ids *ids, uint32_t id)
{
	ids->bits[id / 64 % (DATAGRAM_ID_WINDOW / 64)] |= UINT64_C(1) << (id % 64);
}

static void clear_bit(struct datagram_ids *ids, uint32_t id)
{
	ids->bits[id / 64 % (DATAGRAM_ID_WINDOW / 64)] &= ~(UINT64_C(1) << (id % 64));
}

bool datagram_ids_is_seen(const struct datagram_ids *ids, uint32_t id)
{
	uint32_t behind = ids->highest - id;

	if (!ids->has_any || behind > INT32_MAX)
		return false;
	if (behind >= DATAGRAM_ID_WINDOW)
		return true;
	return ids->bits[id / 64 % (DATAGRAM_ID_WINDOW / 64)] >> (id % 64) & 1;
}

void datagram_ids_add(struct datagram_ids *ids, uint32_t id)
{
	uint32_t ahead = id - ids->highest;

	if (!ids->has_any || (ahead <= INT32_MAX && ahead >= DATAGRAM_ID_WINDOW))
		memset(ids->bits, 0, sizeof(ids->bits));
	else if (ahead <= INT32_MAX)
		for (uint32_t i = 1; i <= ahead; i++)
			clear_bit(ids, ids->highest + i);
	if (!ids->has_any || ahead <= INT32_MAX)
		ids->highest = id;
	ids->has_any = true;
	set_bit(ids, id);
}
