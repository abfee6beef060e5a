/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sorted ranges in one growing array: binary search to find, memmove to insert.
 */
#include "config.h"

#include "tunnel/range_set.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 4 };

void range_set_clear(struct range_set *set)
{
	free(set->ranges);
	*set = (struct range_set){0};
}

/* The first range that ends at or after `position`. */
static uint32_t find(const struct range_set *set, uint64_t position)
{
	uint32_t low = 0, high = set->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (set->ranges[middle].end < position)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int insert(struct range_set *set, uint32_t index, uint64_t start, uint64_t end)
{
	if (set->count == set->capacity) {
		uint32_t capacity = set->capacity ? 2 * set->capacity : FIRST_CAPACITY;
		struct range *ranges = realloc(set->ranges, capacity * sizeof(*ranges));

		if (!ranges)
			return ERR_NOMEM;
		set->ranges = ranges;
		set->capacity = capacity;
	}
	memmove(&set->ranges[index + 1], &set->ranges[index],
	    (set->count - index) * sizeof(*set->ranges));
	set->ranges[index] = (struct range){start, end};
	set->count++;
	return 0;
}

static void erase(struct range_set *set, uint32_t first, uint32_t last)
{
	memmove(
	    &set->ranges[first], &set->ranges[last], (set->count - last) * sizeof(*set->ranges));
	set->count -= last - first;
	if (set->count == 0)
		range_set_clear(set);
}

int range_set_add(struct range_set *set, uint64_t start, uint64_t end)
{
	uint32_t first, last;

	if (start >= end)
		return 0;
	first = find(set, start);
	if (first == set->count || set->ranges[first].start > end)
		return insert(set, first, start, end);
	for (last = first; last + 1 < set->count && set->ranges[last + 1].start <= end; last++)
		;
	if (set->ranges[first].start > start)
		set->ranges[first].start = start;
	set->ranges[first].end = set->ranges[last].end > end ? set->ranges[last].end : end;
	if (last > first)
		erase(set, first + 1, last + 1);
	return 0;
}

int range_set_remove(struct range_set *set, uint64_t start, uint64_t end)
{
	uint32_t first, last;

	if (start >= end)
		return 0;
	/* Ranges that end exactly at start are not touched. */
	first = find(set, start + 1);
	if (first == set->count || set->ranges[first].start >= end)
		return 0;
	if (set->ranges[first].start < start) {
		uint64_t old_end = set->ranges[first].end;

		if (old_end > end) {
			int rc = insert(set, first + 1, end, old_end);

			if (rc)
				return rc;
		}
		set->ranges[first].end = start;
		first++;
	}
	for (last = first; last < set->count && set->ranges[last].end <= end; last++)
		;
	if (last < set->count && set->ranges[last].start < end)
		set->ranges[last].start = end;
	if (last > first)
		erase(set, first, last);
	return 0;
}
