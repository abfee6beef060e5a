/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A coarse timer wheel for many timeouts that mostly never happen, such as idle flows (the hashed
 * wheel of Varghese and Lauck).  A timer fires up to one tick late, never early.  Adding, moving
 * and deleting are O(1); moving a deadline to later only writes a number.
 * The caller advances it, about once a tick.  Timers are part of the caller's structs.
 */
#ifndef BASE_WHEEL_H
#define BASE_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

enum { WHEEL_SLOTS = 256 };

/* Initialise by wheel_timer_init(); deadline_us is for reading only. */
struct wheel_timer {
	struct list_node node;
	uint64_t deadline_us;
	uint64_t placed_tick; /* the tick at which it is looked at next */
};

/*
 * Ticks up to and including `tick` were looked at.  A timer lies in
 * slots[placed_tick % WHEEL_SLOTS] with tick < placed_tick < tick + WHEEL_SLOTS, or on `due`.
 */
struct wheel {
	uint64_t tick_us;
	uint64_t tick;
	size_t count;
	struct list_node due; /* taken from their slots, not yet looked at */
	struct list_node slots[WHEEL_SLOTS];
};

/* The timer is off the wheel when this is called; it may be added again or freed. */
typedef void wheel_fn(void *context, struct wheel_timer *timer);

void wheel_init(struct wheel *wheel, uint64_t now_us, uint64_t tick_us);

static inline void wheel_timer_init(struct wheel_timer *timer)
{
	list_init(&timer->node);
}

static inline bool wheel_timer_is_set(const struct wheel_timer *timer)
{
	return list_is_linked(&timer->node);
}

/* Sets a timer, set already or not, to fire at deadline_us or within a tick after it. */
void wheel_add(struct wheel *wheel, struct wheel_timer *timer, uint64_t deadline_us);

/* The same; inline for the usual case of a timer that is set and moves to later. */
static inline void wheel_rearm(struct wheel *wheel, struct wheel_timer *timer, uint64_t deadline_us)
{
	if (wheel_timer_is_set(timer) && deadline_us >= timer->deadline_us)
		timer->deadline_us = deadline_us;
	else
		wheel_add(wheel, timer, deadline_us);
}

/* Does nothing when the timer is not set. */
void wheel_del(struct wheel *wheel, struct wheel_timer *timer);

/*
 * Calls `expired` for timers whose deadline is not after now_us, looking at no more than max_timers
 * timers.  True when there was more to do: call again soon.  A callback may add, move and delete
 * any timer of the wheel.  Its cost is bounded however long the wheel was left alone.
 */
bool wheel_advance(
    struct wheel *wheel, uint64_t now_us, size_t max_timers, wheel_fn *expired, void *context);

#endif
