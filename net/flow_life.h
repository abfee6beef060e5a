/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long a flow may live: an idle timeout, moved on by each byte, and an end that comes whatever
 * it does once its accelerator or backend was removed.  One coarse timer serves both.
 */
#ifndef NET_FLOW_LIFE_H
#define NET_FLOW_LIFE_H

#include "net/worker.h"
#include "tunnel/reason.h"

#include <stdbool.h>
#include <stdint.h>

/* Part of the flow's struct. */
struct flow_life {
	struct worker *worker;
	struct worker_timer timer;
	uint64_t idle_timeout_us;
	uint64_t
	    active_us;    /* when something was carried last; 0 before that, and once it stopped */
	uint64_t ends_us; /* UINT64_MAX while nothing of it was removed */
	void (*expired)(struct flow_life *life, enum reason reason);
};

/* expired is called once with REASON_IDLE or REASON_REMOVED; the timer starts with the first call below. */
void flow_life_init(struct flow_life *life, struct worker *worker, uint64_t idle_timeout_us,
    void (*expired)(struct flow_life *life, enum reason reason));
/* Something was carried just now. */
void flow_life_active(struct flow_life *life);
/* Another timeout, from when something was carried last. */
void flow_life_set_idle_timeout(struct flow_life *life, uint64_t idle_timeout_us);
/*
 * Whether the config still wants the flow: if not, it ends in drain_s seconds from the first such
 * call, unless it is wanted again before.
 */
void flow_life_set_wanted(struct flow_life *life, bool is_wanted, uint32_t drain_s);
void flow_life_stop(struct flow_life *life);

#endif
