/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lost packets whose frames do not go again yet, because a repair may bring them back: a queue by time.
 * Bounded; what finds no place is not held.
 */
#ifndef TUNNEL_HOLD_H
#define TUNNEL_HOLD_H

#include <stdbool.h>
#include <stdint.h>

enum { HOLD_MAX = 256 };

struct hold {
	struct {
		uint64_t number, due_us;
	} entries[HOLD_MAX];
	unsigned first, count;
};

/* False when it is full. A time before that of the one added last counts as that. */
bool hold_add(struct hold *hold, uint64_t number, uint64_t due_us);
/* Takes the oldest if it is due. */
bool hold_take(struct hold *hold, uint64_t now_us, uint64_t *number);
/* When the oldest is due; UINT64_MAX when none is held. */
static inline uint64_t hold_timer_us(const struct hold *hold)
{
	return hold->count ? hold->entries[hold->first].due_us : UINT64_MAX;
}

#endif
