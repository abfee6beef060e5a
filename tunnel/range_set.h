/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A set of byte positions as sorted, disjoint, non-touching ranges [start, end).  It owns memory only
 * while it is not empty.  It has no cap of its own: its user bounds what is added.
 */
#ifndef TUNNEL_RANGE_SET_H
#define TUNNEL_RANGE_SET_H

#include <stdbool.h>
#include <stdint.h>

struct range {
	uint64_t start, end;
};

/* ranges[0 .. count), ascending: ranges[i].end < ranges[i + 1].start.  Zeroed is empty. */
struct range_set {
	struct range *ranges;
	uint32_t count, capacity;
};

/* Frees the memory and leaves the set empty. */
void range_set_clear(struct range_set *set);

/* Adds [start, end).  0 or ERR_NOMEM. */
int range_set_add(struct range_set *set, uint64_t start, uint64_t end);

/* Takes [start, end) out.  0 or ERR_NOMEM (when it splits a range). */
int range_set_remove(struct range_set *set, uint64_t start, uint64_t end);

static inline bool range_set_is_empty(const struct range_set *set)
{
	return set->count == 0;
}

#endif
