/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A real loop in real time, in rounds of at most 2 ms, between which a test moves what is not in it. */
#ifndef TESTS_SUPPORT_ROUNDS_H
#define TESTS_SUPPORT_ROUNDS_H

#include "tests/unit/cmocka_all.h"

#include <ev.h>

static inline void rounds_on_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)timer;
	(void)events;
}

static inline void rounds_one(struct ev_loop *loop)
{
	ev_timer tick;

	ev_timer_init(&tick, rounds_on_tick, 0.002, 0.);
	ev_timer_start(loop, &tick);
	ev_run(loop, EVRUN_ONCE);
	ev_timer_stop(loop, &tick);
}

/* Does `step` until the condition is true, or fails the test after 10 s or so. */
#define ROUNDS_UNTIL(step, condition)                                                              \
	for (int rounds_ = 0; !(condition); rounds_++) {                                           \
		if (rounds_ >= 5000)                                                               \
			fail_msg("not seen in time: %s", #condition);                              \
		step;                                                                              \
	}

#endif
