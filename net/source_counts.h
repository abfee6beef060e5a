/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many flows each source address has at all workers of a node.  Every worker writes a column of
 * counts in its own page and reads those of the others; a source's hash names one count in each
 * row, and the least of the rows' sums is its number: a count-min sketch (Cormode and
 * Muthukrishnan, 2005) of fixed size, which never tells too few.
 *
 * It tells too many by the flows of those sources that share a count with it in every row.  A full
 * node (200,000 flows of as many sources) makes that 9 flows or so; 200 sources of 1,000 flows each
 * hit all four counts of a given other one with a chance of 1 in 45 million.  The hash is keyed, so
 * nobody can choose whom he hits.
 *
 * What a worker reads of others may be anything, as they may have been taken over: the worst that
 * it can bring about is that nothing but the assured share is left (source_counts_fit()).
 */
#ifndef NET_SOURCE_COUNTS_H
#define NET_SOURCE_COUNTS_H

#include "base/addr.h"
#include "base/keyed_hash.h"
#include "model/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SOURCE_ROWS = 4,
	SOURCE_CELL_BITS = 14,
	SOURCE_CELLS = 1 << SOURCE_CELL_BITS,
	/* Of an equal share of a limit, this part is a worker's whatever the others say. */
	SOURCE_ASSURED_PART = 4,
};

/* Written by one worker alone. */
struct source_column {
	uint32_t total;
	uint32_t cells[SOURCE_ROWS][SOURCE_CELLS];
};

struct source_counts {
	uint8_t key[KEYED_HASH_KEY_BYTES]; /* the same in all workers of the node */
	struct source_column *own;
	const struct source_column *others[SLOTS_MAX];
	size_t other_count;
};

/* A source's place in every column; the port does not count. */
uint64_t source_counts_place(const struct source_counts *counts, const struct addr *source);

/* A flow of this worker is to begin, or ended. */
void source_counts_add(struct source_counts *counts, uint64_t place);
void source_counts_drop(struct source_counts *counts, uint64_t place);

/* The source's flows at the other workers, never too few but for what begins at this moment. */
uint64_t source_counts_others(const struct source_counts *counts, uint64_t place);
/* The flows of all sources at the other workers. */
uint64_t source_counts_others_total(const struct source_counts *counts);

/*
 * Do the flows of this worker, `own` with the new one that was added already, and those of the
 * others stay within a limit of the node?  Within its assured share, limit / workers /
 * SOURCE_ASSURED_PART, a worker's always do.  As everybody adds before he asks, workers that ask at
 * the same moment may both be told no, but never both yes: the limit is only exceeded by assured
 * shares, by a quarter of it at most, where a source's flows are spread very unevenly.
 */
bool source_counts_fit(
    const struct source_counts *counts, uint64_t own, uint64_t others, uint64_t limit);

#endif
