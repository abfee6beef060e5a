/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log-linear histograms.  Bucket i < 2^7 holds the value i; after that, the top 7 bits of a value
 * (of which the first is 1) and its size give the bucket.
 */
#include "base/histogram.h"

#include <stddef.h>
#include <string.h>

enum { SUB_BUCKETS = 1 << HISTOGRAM_SUB_BITS };

static unsigned bucket_of(uint64_t value)
{
	unsigned shift;

	if (value < SUB_BUCKETS)
		return (unsigned)value;
	if (value >> HISTOGRAM_VALUE_BITS)
		return HISTOGRAM_BUCKETS - 1;
	shift = 63 - (unsigned)__builtin_clzll(value) - HISTOGRAM_SUB_BITS;
	return (shift << HISTOGRAM_SUB_BITS) + (unsigned)(value >> shift);
}

/* The middle of the values that a bucket holds. */
static uint64_t bucket_value(unsigned bucket)
{
	unsigned shift;
	uint64_t first;

	if (bucket < 2 * SUB_BUCKETS)
		return bucket;
	shift = (bucket >> HISTOGRAM_SUB_BITS) - 1;
	first = (uint64_t)(bucket - (shift << HISTOGRAM_SUB_BITS)) << shift;
	return first + (UINT64_C(1) << shift) / 2;
}

static uint32_t add_saturated(uint32_t a, uint32_t b)
{
	return a + b < a ? UINT32_MAX : a + b;
}

void histogram_clear(struct histogram *histogram)
{
	memset(histogram, 0, sizeof(*histogram));
}

/* max is 0 only while nothing, or only zeros, were added; then min is 0 or free to be set. */
static void widen(struct histogram *histogram, uint64_t low, uint64_t high, uint64_t count)
{
	if (count == 0 || low < histogram->min)
		histogram->min = low;
	if (count == 0 || high > histogram->max)
		histogram->max = high;
}

void histogram_add(struct histogram *histogram, uint64_t value)
{
	uint32_t *count = &histogram->counts[bucket_of(value)];

	/* Empty is told by max and the zero bucket, so that adding needs no counter of its own. */
	widen(histogram, value, value, histogram->max | histogram->counts[0]);
	*count = add_saturated(*count, 1);
	histogram->sum += value;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
	if (!(from->max | from->counts[0]))
		return;
	widen(into, from->min, from->max, into->max | into->counts[0]);
	into->sum += from->sum;
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		into->counts[i] = add_saturated(into->counts[i], from->counts[i]);
}

uint64_t histogram_count(const struct histogram *histogram)
{
	uint64_t count = 0;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		count += histogram->counts[i];
	return count;
}

static uint64_t clamp(const struct histogram *histogram, uint64_t value)
{
	if (value < histogram->min)
		return histogram->min;
	return value > histogram->max ? histogram->max : value;
}

uint64_t histogram_percentile(const struct histogram *histogram, double percent)
{
	uint64_t count = histogram_count(histogram), seen = 0, rank;
	double exact = percent / 100 * (double)count;

	if (count == 0)
		return 0;
	if (exact >= (double)count)
		return histogram->max;
	rank = exact > 0 ? (uint64_t)exact : 0;
	if ((double)rank < exact || rank == 0)
		rank++;
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += histogram->counts[i];
		if (seen >= rank)
			return i == HISTOGRAM_BUCKETS - 1 ? histogram->max
			                                  : clamp(histogram, bucket_value(i));
	}
	return histogram->max;
}

uint64_t histogram_mean(const struct histogram *histogram)
{
	uint64_t count = histogram_count(histogram);

	return count ? histogram->sum / count : 0;
}

static uint64_t slot_number(uint64_t now_us)
{
	return now_us / HISTOGRAM_WINDOW_SLOT_US + 1;
}

void window_histogram_add(struct window_histogram *window, uint64_t now_us, uint64_t value)
{
	uint64_t number = slot_number(now_us);
	size_t i = number % HISTOGRAM_WINDOW_SLOTS;

	if (window->slot_numbers[i] != number) {
		histogram_clear(&window->slots[i]);
		window->slot_numbers[i] = number;
	}
	histogram_add(&window->slots[i], value);
}

void window_histogram_read(
    const struct window_histogram *window, uint64_t now_us, struct histogram *out)
{
	uint64_t number = slot_number(now_us);

	histogram_clear(out);
	for (size_t i = 0; i < HISTOGRAM_WINDOW_SLOTS; i++)
		if (window->slot_numbers[i]
		    && number - window->slot_numbers[i] < HISTOGRAM_WINDOW_SLOTS)
			histogram_merge(out, &window->slots[i]);
}
