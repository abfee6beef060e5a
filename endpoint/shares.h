/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many flows each listener may have at an endpoint's worker, where every flow holds a descriptor:
 * no more than there are descriptors left for flows (the dynamic thresholds of Choudhury and Hahne,
 * 1998).  So one listener gets at most half, n greedy ones an n+1st each, and there is always as
 * much left for one that comes later.  A listener that is the endpoint's only one gets all.
 */
#ifndef ENDPOINT_SHARES_H
#define ENDPOINT_SHARES_H

#include "base/pin.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One listener's. */
struct share;

struct shares {
	struct share *table; /* by the listener's pin, of those that have flows */
	size_t capacity;     /* flows of all; set by the owner, all else is zero at first */
	size_t taken;
};

/*
 * A place for one more flow of the listener; NULL when it has its share, or without memory.
 * is_alone: the config has no other listener.
 */
struct share *shares_take(struct shares *shares, const uint8_t pin[PIN_BYTES], bool is_alone);

/* The flow is over.  The last one frees the share.  Takes NULL. */
void shares_give_back(struct shares *shares, struct share *share);

#endif
