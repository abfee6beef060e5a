/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The order in which a listener asks the endpoint groups of an accelerator: first those that an
 * operator ranked, then the others, nearest first by measured RTT.  A group moves before another
 * only when it was 10 % nearer at every look for 10 s, so that jitter does not make users wander.
 * Groups keep their places while they have no lane: whether one can be used is not asked here.
 */
#ifndef LISTENER_GROUP_ORDER_H
#define LISTENER_GROUP_ORDER_H

#include "model/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	GROUP_ORDER_LOOK_US = 1000000,    /* how often RTTs are worth a look */
	GROUP_ORDER_STEADY_US = 10000000, /* how long a group must have been nearer */
	GROUP_ORDER_NEARER_PERCENT = 10,  /* by how much */
};

/* at[] is a permutation of 0 to count - 1, and at[0] to at[ranked - 1] are those numbers themselves. */
struct group_order {
	uint8_t count, ranked;
	uint8_t at[GROUPS_MAX]; /* the groups' indexes in the order to ask them */
	struct {
		uint64_t rtt_us; /* as last known; 0: never */
		/* Bits of groups before it that it was nearer than at every look since since_us. */
		uint64_t rivals;
		uint64_t since_us;
	} groups[GROUPS_MAX]; /* by index */
	uint64_t looked_us;
	bool has_looked;
};

/* count is at most GROUPS_MAX; the first `ranked` groups are to stay in this order. */
void group_order_init(struct group_order *order, size_t count, size_t ranked);

/*
 * Goes on with what `before` knew: group i is was[i] there, or -1 when it is new.  Call it after
 * group_order_init().  A group that was ranked before has to show its RTT anew.
 */
void group_order_inherit(
    struct group_order *order, const struct group_order *before, const int *was);

/* Is it time to look? */
bool group_order_is_due(const struct group_order *order, uint64_t now_us);

/* The RTT of each group now, 0 where it has no lane. */
void group_order_look(struct group_order *order, const uint64_t *rtt_us, uint64_t now_us);

#endif
