/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose turn it is.  Three classes: realtime first, up to 80 % of the bytes while others wait; then
 * interactive; bulk keeps 10 %.  Within a class lost bytes go before new ones, and flows take turns by
 * deficit round robin with new flows first, as RFC 8290 section 4 has it.  Shares are of bytes sent, so
 * no rate and no clock is needed.  It knows who waits, not what for.
 */
#ifndef TUNNEL_SCHEDULER_H
#define TUNNEL_SCHEDULER_H

#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

enum { SCHEDULER_CLASSES = 3 };

/*
 * A flow's place. A flow that has nothing more stays in the round until its turn has passed, so that one
 * that is emptied at once is not new again each time.
 */
struct schedule {
	struct list_node lost_node;
	struct list_node round_node;
	int32_t deficit_bytes;
	uint8_t class;
	bool has_new;
};

struct schedule_class {
	struct list_node lost;  /* with lost bytes, in turns */
	struct list_node fresh; /* new in the round */
	struct list_node rest;
	uint32_t waiting; /* flows that have_new */
};

struct scheduler {
	struct schedule_class classes[SCHEDULER_CLASSES];
	uint32_t quantum_bytes;
	/* What the classes below realtime, and bulk, may send before those above them. */
	uint32_t lower_credit, bulk_credit;
};

/* A turn: the flow may send about a packet. */
struct turn {
	struct schedule *flow; /* NULL: nobody's */
	bool is_lost;          /* lost bytes, else new ones */
};

void scheduler_init(struct scheduler *scheduler, uint32_t quantum_bytes);
/* A turn is about so many bytes from now on: packets have another size. */
void scheduler_set_quantum(struct scheduler *scheduler, uint32_t quantum_bytes);
void schedule_init(struct schedule *flow);
/* What the flow has to send, and in which class (0 .. SCHEDULER_CLASSES - 1). */
void scheduler_set(struct scheduler *scheduler, struct schedule *flow, unsigned class,
    bool has_lost, bool has_new);
/* Takes the flow out. */
void scheduler_remove(struct scheduler *scheduler, struct schedule *flow);
/* Whose turn it is among classes `from` and below. */
struct turn scheduler_next(struct scheduler *scheduler, unsigned from);
/* The flow whose turn it was sent so many bytes. */
void scheduler_on_sent(struct scheduler *scheduler, struct turn turn, uint32_t bytes);
bool scheduler_is_empty(const struct scheduler *scheduler);

#endif
