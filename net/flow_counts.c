/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See flow_counts.h. */
#include "net/flow_counts.h"

uint64_t flow_counts_place(const struct flow_counts *counts, const void *key, size_t bytes)
{
	return keyed_hash_with(counts->key, key, bytes);
}

static size_t cell_of(uint64_t place, unsigned row)
{
	return place >> (row * COUNT_CELL_BITS) & (COUNT_CELLS - 1);
}

static uint32_t read_count(const uint32_t *count)
{
	return __atomic_load_n(count, __ATOMIC_RELAXED);
}

/* One writer: others need only never see half of it. */
static void change(uint32_t *count, uint32_t by)
{
	__atomic_store_n(count, *count + by, __ATOMIC_RELAXED);
}

static void change_all(struct flow_column *column, uint64_t place, uint32_t by)
{
	change(&column->total, by);
	for (unsigned row = 0; row < COUNT_ROWS; row++)
		change(&column->cells[row][cell_of(place, row)], by);
}

void flow_counts_add(struct flow_counts *counts, uint64_t place)
{
	change_all(counts->own, place, 1);
	/* Before the reads that follow: of two who add and read, one at least sees the other's. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void flow_counts_drop(struct flow_counts *counts, uint64_t place)
{
	change_all(counts->own, place, UINT32_MAX); /* - 1 */
}

uint64_t flow_counts_own(const struct flow_counts *counts, uint64_t place)
{
	uint64_t least = UINT64_MAX;

	for (unsigned row = 0; row < COUNT_ROWS; row++) {
		uint64_t count = read_count(&counts->own->cells[row][cell_of(place, row)]);

		if (count < least)
			least = count;
	}
	return least;
}

uint64_t flow_counts_others(const struct flow_counts *counts, uint64_t place)
{
	uint64_t least = UINT64_MAX;

	for (unsigned row = 0; row < COUNT_ROWS; row++) {
		size_t cell = cell_of(place, row);
		uint64_t sum = 0;

		for (size_t i = 0; i < counts->other_count; i++)
			sum += read_count(&counts->others[i]->cells[row][cell]);
		if (sum < least)
			least = sum;
	}
	return least;
}

uint64_t flow_counts_others_total(const struct flow_counts *counts)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < counts->other_count; i++)
		sum += read_count(&counts->others[i]->total);
	return sum;
}

bool flow_counts_fit(
    const struct flow_counts *counts, uint64_t own, uint64_t others, uint64_t limit)
{
	return own + others <= limit
	       || own <= limit / (counts->other_count + 1) / COUNT_ASSURED_PART;
}
