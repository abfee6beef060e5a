/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flow lookup by id.
 */
#include "config.h"

#include "tunnel/flow_table.h"

#include "base/err.h"
#include "tunnel/lane_private.h"

#include <stdlib.h>

enum { FIRST_SLOTS = 16 };

static struct flow **slot_of(const struct flow_table *table, uint64_t id)
{
	return &table->slots[id & (table->slot_count - 1)];
}

struct flow *flow_table_find(const struct flow_table *table, uint64_t id)
{
	struct flow *flow;

	if (table->count == 0)
		return NULL;
	for (flow = *slot_of(table, id); flow && flow->id != id; flow = flow->table_next)
		;
	return flow;
}

static void insert(struct flow_table *table, struct flow *flow)
{
	struct flow **slot = slot_of(table, flow->id);

	flow->table_next = *slot;
	*slot = flow;
}

static int grow(struct flow_table *table)
{
	struct flow_table bigger = {
	    .slot_count = table->slot_count ? 2 * table->slot_count : FIRST_SLOTS,
	    .count = table->count,
	};

	bigger.slots = calloc(bigger.slot_count, sizeof(struct flow *));
	if (!bigger.slots)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < table->slot_count; i++) {
		struct flow *next;

		for (struct flow *flow = table->slots[i]; flow; flow = next) {
			next = flow->table_next;
			insert(&bigger, flow);
		}
	}
	free(table->slots);
	*table = bigger;
	return 0;
}

int flow_table_add(struct flow_table *table, struct flow *flow)
{
	if (table->count == table->slot_count) {
		int rc = grow(table);

		if (rc)
			return rc;
	}
	insert(table, flow);
	table->count++;
	return 0;
}

void flow_table_remove(struct flow_table *table, struct flow *flow)
{
	struct flow **link = slot_of(table, flow->id);

	while (*link != flow)
		link = &(*link)->table_next;
	*link = flow->table_next;
	if (--table->count == 0) {
		free(table->slots);
		*table = (struct flow_table){0};
	}
}

struct flow *flow_table_any(const struct flow_table *table, uint32_t *hint)
{
	for (; *hint < table->slot_count; ++*hint)
		if (table->slots[*hint])
			return table->slots[*hint];
	return NULL;
}
