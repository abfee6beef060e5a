/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose turn it is.  Three classes: realtime first, up to 80 % of the bytes while others wait; then
 * interactive; bulk keeps 10 %.  Within a class lost bytes go before new ones, and the less a flow has sent since it
 * began, the sooner is its turn: its first packet, then its first 32 KiB, then its first 256 KiB unless more than eight wait, each level in the order
 * in which flows came, since answers of a size that take turns would all be done only when the last is; what is longer
 * takes turns by deficit round robin (RFC 8290 section 4).  While several levels wait those below the first keep 20 %.
 * Shares are of bytes sent, so no rate and no clock is needed.  It knows who waits, not what for.
 */
#ifndef TUNNEL_SCHEDULER_H
#define TUNNEL_SCHEDULER_H

#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

enum { SCHEDULER_CLASSES = 3, SCHEDULER_LEVELS = 4 };

/*
 * A flow's place. One that had nothing for a moment goes on where it was: it is not new again each time, and one whose
 * bytes come in pieces is not put back.
 */
struct schedule {
	struct list_node lost_node;
	struct list_node round_node;
	int32_t deficit_bytes;
	uint32_t begun_bytes;   /* sent since it began, as far as that matters */
	uint32_t began;         /* its number in the order in which flows began, which may wrap */
	uint32_t left_at_bytes; /* what its class had sent when it had nothing more */
	uint8_t class, level;
};

struct schedule_class {
	struct list_node lost;                     /* with lost bytes, in turns */
	struct list_node levels[SCHEDULER_LEVELS]; /* the last is the round */
	uint32_t waiting;                          /* flows on them */
	uint32_t sent_bytes;                       /* new ones, so far; may wrap */
	uint32_t later_credit; /* what levels below the first may send before it */
	uint8_t last_below;    /* level that did so last */
};

struct scheduler {
	struct schedule_class classes[SCHEDULER_CLASSES];
	uint32_t quantum_bytes;
	/* What the classes below realtime, and bulk, may send before those above them. */
	uint32_t lower_credit, bulk_credit;
	uint32_t began; /* flows, so far */
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
/* Flows of that class wait. */
bool scheduler_has(const struct scheduler *scheduler, unsigned class);
/* Flows other than that one wait with new bytes. */
bool scheduler_has_others(const struct scheduler *scheduler, const struct schedule *flow);

#endif
