/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See flow_life.h. */
#include "net/flow_life.h"

static void on_timer(struct worker_timer *timer)
{
	struct flow_life *life = LIST_ENTRY(timer, struct flow_life, timer);
	bool is_over = worker_now_us(life->worker) >= life->ends_us;

	life->expired(life, is_over ? REASON_REMOVED : REASON_IDLE);
}

void flow_life_init(struct flow_life *life, struct worker *worker, uint64_t idle_timeout_us,
    void (*expired)(struct flow_life *life, enum reason reason))
{
	life->worker = worker;
	life->idle_timeout_us = idle_timeout_us;
	life->ends_us = UINT64_MAX;
	life->expired = expired;
	worker_timer_init(&life->timer, on_timer);
}

void flow_life_active(struct flow_life *life)
{
	uint64_t idle_us = worker_now_us(life->worker) + life->idle_timeout_us;

	worker_timer_set(
	    life->worker, &life->timer, idle_us < life->ends_us ? idle_us : life->ends_us);
}

void flow_life_set_wanted(struct flow_life *life, bool is_wanted, uint32_t drain_s)
{
	if (is_wanted) {
		life->ends_us = UINT64_MAX;
	} else if (life->ends_us == UINT64_MAX) {
		life->ends_us = worker_now_us(life->worker) + (uint64_t)drain_s * 1000000;
		worker_timer_set(life->worker, &life->timer, life->ends_us);
	}
}

void flow_life_stop(struct flow_life *life)
{
	worker_timer_stop(life->worker, &life->timer);
}
