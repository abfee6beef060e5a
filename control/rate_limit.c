/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See rate_limit.h.  A bucket is one time (the "virtual scheduling" of the generic cell rate
 * algorithm, ITU-T I.371): each request moves it on by a request's share of a second, and one that
 * would be further ahead than the burst has to wait.  Times are kept in microseconds.
 */
#include "control/rate_limit.h"

#include "base/keyed_hash.h"

static struct rate_bucket *find(struct rate_limits *limits, uint64_t key)
{
	struct rate_bucket *set = limits->buckets[key % RATE_LIMIT_SETS], *fullest = set;

	for (size_t i = 0; i < RATE_LIMIT_WAYS; i++) {
		if (set[i].key == key)
			return &set[i];
		if (set[i].full_us < fullest->full_us)
			fullest = &set[i];
	}
	*fullest = (struct rate_bucket){.key = key};
	return fullest;
}

uint64_t rate_limit_take(struct rate_limits *limits, const void *key, size_t length,
    const struct rate *rate, uint64_t now_ms)
{
	struct rate_bucket *bucket = find(limits, keyed_hash(key, length) | 1);
	uint64_t now_us = now_ms * 1000, share_us = 1000000 / rate->per_second;
	uint64_t full_us = bucket->full_us > now_us ? bucket->full_us : now_us;
	uint64_t latest_us = now_us + rate->burst * share_us;

	if (full_us + share_us > latest_us)
		return (full_us + share_us - latest_us + 999) / 1000;
	bucket->full_us = full_us + share_us;
	return 0;
}
