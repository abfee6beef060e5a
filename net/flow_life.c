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

/* At whichever end comes first, if there is one. */
static void arm(struct flow_life *life)
{
	uint64_t idle_us = life->active_us ? life->active_us + life->idle_timeout_us : UINT64_MAX;
	uint64_t deadline_us = idle_us < life->ends_us ? idle_us : life->ends_us;

	if (deadline_us == UINT64_MAX)
		worker_timer_stop(life->worker, &life->timer);
	else
		worker_timer_set(life->worker, &life->timer, deadline_us);
}

void flow_life_active(struct flow_life *life)
{
	life->active_us = worker_now_us(life->worker);
	arm(life);
}

void flow_life_set_idle_timeout(struct flow_life *life, uint64_t idle_timeout_us)
{
	bool is_new = life->idle_timeout_us != idle_timeout_us;

	life->idle_timeout_us = idle_timeout_us;
	if (is_new && life->active_us)
		arm(life);
}

void flow_life_set_wanted(struct flow_life *life, bool is_wanted, uint32_t drain_s)
{
	bool was_wanted = life->ends_us == UINT64_MAX;

	if (is_wanted == was_wanted)
		return;
	life->ends_us =
	    is_wanted ? UINT64_MAX : worker_now_us(life->worker) + (uint64_t)drain_s * 1000000;
	arm(life);
}

void flow_life_stop(struct flow_life *life)
{
	life->active_us = 0;
	worker_timer_stop(life->worker, &life->timer);
}
