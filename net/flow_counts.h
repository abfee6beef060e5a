/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many flows there are of each key, such as a source address, at all workers of a node.  Every worker writes a
 * column of counts in its own page and reads those of the others; a key's hash names one count in each
 * row, and the least of the rows' sums is its number: a count-min sketch (Cormode and
 * Muthukrishnan, 2005) of fixed size, which never tells too few.
 *
 * It tells too many by the flows of those keys that share a count with it in every row.  A full
 * node (200,000 flows of as many keys) makes that 1 or 2 flows; 200 keys of 1,000 flows each
 * hit all four counts of a given other one with a chance of 1 in 10 billion.  The hash is keyed, so
 * nobody can choose whom he hits.
 *
 * What a worker reads of others may be anything, as they may have been taken over: the worst that
 * it can bring about is that nothing but the assured share is left (flow_counts_fit()).
 */
#ifndef NET_FLOW_COUNTS_H
#define NET_FLOW_COUNTS_H

#include "base/keyed_hash.h"
#include "model/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	COUNT_ROWS = 4,
	COUNT_CELL_BITS = 16,
	COUNT_CELLS = 1 << COUNT_CELL_BITS,
	/* Of an equal share of a limit, this part is a worker's whatever the others say. */
	COUNT_ASSURED_PART = 4,
};

/* Written by one worker alone. */
struct flow_column {
	uint32_t total;
	uint32_t cells[COUNT_ROWS][COUNT_CELLS];
};

struct flow_counts {
	uint8_t key[KEYED_HASH_KEY_BYTES]; /* the same in all workers of the node */
	struct flow_column *own;
	const struct flow_column *others[SLOTS_MAX];
	size_t other_count;
};

/* A key's place in every column. */
uint64_t flow_counts_place(const struct flow_counts *counts, const void *key, size_t bytes);

/* A flow of this worker is to begin, or ended. */
void flow_counts_add(struct flow_counts *counts, uint64_t place);
void flow_counts_drop(struct flow_counts *counts, uint64_t place);

/* The key's flows at this worker, never too few. */
uint64_t flow_counts_own(const struct flow_counts *counts, uint64_t place);
/* Those at the other workers, never too few but for what begins at this moment. */
uint64_t flow_counts_others(const struct flow_counts *counts, uint64_t place);
/* The flows of all keys at the other workers. */
uint64_t flow_counts_others_total(const struct flow_counts *counts);

/*
 * Do the flows of this worker, `own` with the new one that was added already, and those of the
 * others stay within a limit of the node?  Within its assured share, limit / workers /
 * COUNT_ASSURED_PART, a worker's always do.  As everybody adds before he asks, workers that ask at
 * the same moment may both be told no, but never both yes: the limit is only exceeded by assured
 * shares, by a quarter of it at most, where a key's flows are spread very unevenly.  Of a limit below COUNT_ASSURED_PART x workers
 * nothing is assured: one flow for each worker, were it given, would be more than the quarter, and more than a
 * limit of 1 at all.
 */
bool flow_counts_fit(
    const struct flow_counts *counts, uint64_t own, uint64_t others, uint64_t limit);

#endif
