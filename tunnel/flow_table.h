/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flows of a lane by their ids: chains under a table that doubles.  Ids rise one by one, so their
 * low bits spread well; only an authenticated peer chooses them, within FLOW_ID_WINDOW.
 */
#ifndef TUNNEL_FLOW_TABLE_H
#define TUNNEL_FLOW_TABLE_H

#include <stdint.h>

struct flow;

/* Zeroed is empty; memory only while there are flows. */
struct flow_table {
	struct flow **slots; /* slot_count, a power of two */
	uint32_t slot_count;
	uint32_t count;
};

/* NULL when there is none. */
struct flow *flow_table_find(const struct flow_table *table, uint64_t id);
/* Adds a flow whose id is not there yet. 0 or ERR_NOMEM. */
int flow_table_add(struct flow_table *table, struct flow *flow);
/* Takes out a flow that is there. */
void flow_table_remove(struct flow_table *table, struct flow *flow);
/* Some flow, to empty the table with; NULL when there is none. `*hint` starts at 0. */
struct flow *flow_table_any(const struct flow_table *table, uint32_t *hint);

#endif
