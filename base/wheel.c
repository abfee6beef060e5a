/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The timer wheel.  A timer whose deadline is beyond the wheel's turn, or was moved to later, is
 * looked at when its slot comes up, and placed anew.
 */
#include "base/wheel.h"

void wheel_init(struct wheel *wheel, uint64_t now_us, uint64_t tick_us)
{
	wheel->tick_us = tick_us;
	wheel->tick = now_us / tick_us;
	wheel->count = 0;
	list_init(&wheel->due);
	for (int i = 0; i < WHEEL_SLOTS; i++)
		list_init(&wheel->slots[i]);
}

/* The first tick that begins at the deadline or after it, within this turn of the wheel. */
static uint64_t tick_for(const struct wheel *wheel, uint64_t deadline_us)
{
	uint64_t tick = deadline_us / wheel->tick_us + (deadline_us % wheel->tick_us != 0);

	if (tick <= wheel->tick)
		return wheel->tick + 1;
	return tick < wheel->tick + WHEEL_SLOTS ? tick : wheel->tick + WHEEL_SLOTS - 1;
}

static void place(struct wheel *wheel, struct wheel_timer *timer)
{
	timer->placed_tick = tick_for(wheel, timer->deadline_us);
	list_add_tail(&wheel->slots[timer->placed_tick % WHEEL_SLOTS], &timer->node);
}

void wheel_add(struct wheel *wheel, struct wheel_timer *timer, uint64_t deadline_us)
{
	if (list_is_linked(&timer->node))
		list_del(&timer->node);
	else
		wheel->count++;
	timer->deadline_us = deadline_us;
	place(wheel, timer);
}

void wheel_del(struct wheel *wheel, struct wheel_timer *timer)
{
	if (!list_is_linked(&timer->node))
		return;
	list_del(&timer->node);
	wheel->count--;
}

/* Looks at up to *budget due timers. */
static void look_at_due(
    struct wheel *wheel, uint64_t now_us, size_t *budget, wheel_fn *expired, void *context)
{
	struct list_node *node;

	while (*budget > 0 && (node = list_pop(&wheel->due))) {
		struct wheel_timer *timer = LIST_ENTRY(node, struct wheel_timer, node);

		--*budget;
		if (timer->deadline_us > now_us) {
			place(wheel, timer);
			continue;
		}
		wheel->count--;
		expired(context, timer);
	}
}

bool wheel_advance(
    struct wheel *wheel, uint64_t now_us, size_t max_timers, wheel_fn *expired, void *context)
{
	uint64_t target = now_us / wheel->tick_us;
	size_t budget = max_timers;

	/* After a long pause every slot is due: one turn finds all timers. */
	if (target > wheel->tick + WHEEL_SLOTS)
		wheel->tick = target - WHEEL_SLOTS;
	for (;;) {
		look_at_due(wheel, now_us, &budget, expired, context);
		if (!list_is_empty(&wheel->due))
			return true;
		if (wheel->tick >= target)
			return false;
		wheel->tick++;
		list_splice_tail(&wheel->due, &wheel->slots[wheel->tick % WHEEL_SLOTS]);
	}
}
