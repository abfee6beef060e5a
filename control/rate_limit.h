/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Token buckets for many clients in a table of fixed size.  A client's bucket may be forgotten
 * when others come, the fullest of its few neighbours first; it then starts full, so somebody with
 * many addresses can only make limits looser, and nothing grows.  Which buckets are neighbours is
 * decided by a keyed hash.  No clock of its own.
 */
#ifndef CONTROL_RATE_LIMIT_H
#define CONTROL_RATE_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RATE_LIMIT_SETS = 512, RATE_LIMIT_WAYS = 8 };

struct rate {
	uint32_t per_second; /* at least 1 */
	uint32_t burst;      /* at least 1 */
};

struct rate_bucket {
	uint64_t key;     /* hashed; 0: free */
	uint64_t full_us; /* when it is full again: what it lacks is the time until then */
};

struct rate_limits {
	struct rate_bucket buckets[RATE_LIMIT_SETS][RATE_LIMIT_WAYS];
};

/*
 * Takes one from the bucket of the client named by key.  0, or after how many milliseconds there
 * will be one.  now_ms is of any clock that does not go back.  The same key always has the same
 * rate.
 */
uint64_t rate_limit_take(struct rate_limits *limits, const void *key, size_t length,
    const struct rate *rate, uint64_t now_ms);

#endif
