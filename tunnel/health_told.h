/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an endpoint tells over a lane of its accelerators' health: the newest state of each, sent until it
 * arrived.  A state that changes before the one before it arrived takes its place.  Pure; the frame is HEALTH.
 */
#ifndef TUNNEL_HEALTH_TOLD_H
#define TUNNEL_HEALTH_TOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HEALTH_TOLD_MAX = 4096 }; /* accelerators of one lane */

struct told_health {
	uint32_t accelerator;
	uint8_t state;     /* of model/health.h, which is not known here */
	bool is_pending;   /* to be sent, for the first time or again */
	uint64_t sequence; /* of this state: higher is newer */
};

/* Invariant: items are in order of their accelerators; `pending` of them are pending. */
struct health_told {
	struct told_health *items;
	size_t count, allocated, pending, next; /* where the search for pending ones goes on */
	uint64_t sequence;
};

void health_told_clear(struct health_told *told);
/* Nothing when it is that already. 0, ERR_NOMEM or ERR_LIMIT. */
int health_told_set(struct health_told *told, uint32_t accelerator, uint8_t state);
/* It is told no more, and its place is free. */
void health_told_forget(struct health_told *told, uint32_t accelerator);
/* The next one to send, which is then not pending any more; NULL when there is none. */
const struct told_health *health_told_next(struct health_told *told);
/* The packet that bore it is lost: it goes again unless there is a newer one. */
void health_told_on_lost(struct health_told *told, uint32_t accelerator, uint64_t sequence);

#endif
