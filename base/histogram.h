/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log-linear histograms of 64-bit values (the idea of HdrHistogram): 64 buckets for each power of
 * two, so a percentile is right within 1/64 (1.6 %).  Values below 128 are exact; those of 2^36 and
 * more count in the last bucket.  Plain data of fixed size, fit for shared memory: a reader of a
 * histogram that is being written, or that holds nonsense, gets a number, nothing worse.
 */
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include <stdint.h>

enum {
	HISTOGRAM_SUB_BITS = 6, /* 2^6 buckets for each power of two */
	HISTOGRAM_VALUE_BITS = 36,
	HISTOGRAM_BUCKETS = (HISTOGRAM_VALUE_BITS - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS,
	HISTOGRAM_WINDOW_SLOTS = 6,
	HISTOGRAM_WINDOW_SLOT_US = 10000000,
};

/* All zero is empty.  Counts stay at their highest value rather than wrap. */
struct histogram {
	uint64_t min, max, sum; /* min and max mean nothing while the histogram is empty */
	uint32_t counts[HISTOGRAM_BUCKETS];
};
_Static_assert(sizeof(struct histogram) <= 16384, "a histogram fits 16 KiB");

void histogram_clear(struct histogram *histogram);
void histogram_add(struct histogram *histogram, uint64_t value);
void histogram_merge(struct histogram *into, const struct histogram *from);

/* The number of values in it. */
uint64_t histogram_count(const struct histogram *histogram);

/* The value that `percent` (0 to 100) of the values do not exceed; 0 when empty. */
uint64_t histogram_percentile(const struct histogram *histogram, double percent);

/* 0 when empty */
uint64_t histogram_mean(const struct histogram *histogram);

/*
 * The last minute, as a ring of 10-second histograms.  All zero is empty.
 * slot_numbers[i] is 1 + the time of slots[i] in units of 10 s, 0 while unused.
 */
struct window_histogram {
	uint64_t slot_numbers[HISTOGRAM_WINDOW_SLOTS];
	struct histogram slots[HISTOGRAM_WINDOW_SLOTS];
};

void window_histogram_add(struct window_histogram *window, uint64_t now_us, uint64_t value);

/* The values of the last 50 to 60 s. */
void window_histogram_read(
    const struct window_histogram *window, uint64_t now_us, struct histogram *out);

#endif
