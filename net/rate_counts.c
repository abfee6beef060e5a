/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See rate_counts.h. */
#include "net/rate_counts.h"

#define SECOND_US      UINT64_C(1000000)
#define SECOND_NS      UINT64_C(1000000000)
#define USED_BITS      40
#define USED_MAX_NS    ((UINT64_C(1) << USED_BITS) - 1)
#define NUMBER_MASK    ((UINT64_C(1) << (64 - USED_BITS)) - 1)
#define ROW_PLACE_BITS 16 /* of a place, of which a cell's number is the lower ones */

static uint64_t number_of(uint64_t now_us)
{
	return now_us / SECOND_US & NUMBER_MASK;
}

static size_t cell_of(uint64_t place, unsigned row)
{
	return place >> (row * ROW_PLACE_BITS) & (RATE_CELLS - 1);
}

/* Of that second; 0 when the window has another one's. */
static uint64_t used_in(const struct rate_cell *cell, uint64_t number)
{
	uint64_t window = __atomic_load_n(&cell->windows[number % 2], __ATOMIC_RELAXED);

	return window >> USED_BITS == number ? window & USED_MAX_NS : 0;
}

static uint64_t used_ns(const struct rate_cell *cell, uint64_t now_us)
{
	uint64_t number = number_of(now_us), left_us = SECOND_US - now_us % SECOND_US;
	uint64_t before_ns = used_in(cell, (number - 1) & NUMBER_MASK);

	return used_in(cell, number) + before_ns / SECOND_US * left_us
	       + before_ns % SECOND_US * left_us / SECOND_US;
}

static uint64_t own_ns(const struct rate_counts *counts, uint64_t place, uint64_t now_us)
{
	uint64_t least = UINT64_MAX;

	for (unsigned row = 0; row < RATE_ROWS; row++) {
		uint64_t used = used_ns(&counts->own->cells[row][cell_of(place, row)], now_us);

		least = used < least ? used : least;
	}
	return least;
}

static uint64_t others_ns(const struct rate_counts *counts, uint64_t place, uint64_t now_us)
{
	uint64_t least = UINT64_MAX;

	for (unsigned row = 0; row < RATE_ROWS; row++) {
		size_t cell = cell_of(place, row);
		uint64_t sum = 0;

		for (size_t i = 0; i < counts->other_count; i++)
			sum += used_ns(&counts->others[i]->cells[row][cell], now_us);
		least = sum < least ? sum : least;
	}
	return least;
}

static uint64_t rest(uint64_t whole, uint64_t used)
{
	return used < whole ? whole - used : 0;
}

uint64_t rate_counts_left(
    const struct rate_counts *counts, uint64_t place, uint64_t limit, uint64_t now_us)
{
	uint64_t own = own_ns(counts, place, now_us), others = others_ns(counts, place, now_us);
	uint64_t left = (rest(SECOND_NS, own + others) * limit + SECOND_NS - 1) / SECOND_NS;
	/* Rounded down: each of many workers may have no whole unit. */
	uint64_t assured = rest(SECOND_NS / (counts->other_count + 1) / RATE_ASSURED_PART, own)
	                   * limit / SECOND_NS;

	return left > assured ? left : assured;
}

static void use(struct rate_cell *cell, uint64_t number, uint64_t ns)
{
	uint64_t used = used_in(cell, number);

	used = ns < USED_MAX_NS - used ? used + ns : USED_MAX_NS;
	__atomic_store_n(&cell->windows[number % 2], number << USED_BITS | used, __ATOMIC_RELAXED);
}

void rate_counts_use(
    struct rate_counts *counts, uint64_t place, uint64_t limit, uint64_t units, uint64_t now_us)
{
	uint64_t ns = (units * SECOND_NS + limit - 1) / limit;

	for (unsigned row = 0; row < RATE_ROWS; row++)
		use(&counts->own->cells[row][cell_of(place, row)], number_of(now_us), ns);
}
