/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much of its limit per second each key uses at all workers of a node.  Amounts are kept as time: what N units of
 * a limit of L a second take is N/L seconds, so that keys of different limits may share a count.  A worker's column
 * has for each cell what was used in this second and in the one before; a key may use what is left of one second after
 * this one's use and the part of the last one's that is not over yet (a sliding window).  That is what a token
 * bucket of one second allows, but for a burst at the end of a second, after which half a second's more may follow; and it needs no
 * state that several would write.  As in net/flow_counts.h four cells bear a key, the least of which
 * counts: of n other keys in use, each at a part p of its limit, it is told n*p/16,384 too much in a row on average.
 *
 * What others say may be anything: a worker may always use its assured share, a quarter of an equal one.
 * Pure: the time is given; it is the same clock for all workers.
 */
#ifndef NET_RATE_COUNTS_H
#define NET_RATE_COUNTS_H

#include "model/limits.h"

#include <stddef.h>
#include <stdint.h>

enum {
	RATE_ROWS = 4,
	RATE_CELL_BITS = 14,
	RATE_CELLS = 1 << RATE_CELL_BITS,
	RATE_ASSURED_PART = 4,
};

/* Each window: its second's number in the upper 24 bits, and nanoseconds used; of even and of odd seconds. */
struct rate_cell {
	uint64_t windows[2];
};

/* Written by one worker alone. */
struct rate_column {
	struct rate_cell cells[RATE_ROWS][RATE_CELLS];
};

struct rate_counts {
	struct rate_column *own;
	const struct rate_column *others[SLOTS_MAX];
	size_t other_count;
};

/*
 * How many units the key at that place (a keyed hash) may use now of `limit` (1 to 10^10) a second; above 0 while anything is left.
 * Who uses more than that has less the next time.
 */
uint64_t rate_counts_left(
    const struct rate_counts *counts, uint64_t place, uint64_t limit, uint64_t now_us);

/* The key used so many, less than 2^32. */
void rate_counts_use(
    struct rate_counts *counts, uint64_t place, uint64_t limit, uint64_t units, uint64_t now_us);

#endif
