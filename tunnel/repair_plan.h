/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many repairs a number of packets needs: the fewest that leave no more than a target of them lost, at
 * the loss measured.  With w packets and r repairs a lost packet stays lost when at least r of the other
 * w + r - 1 are lost too, so what stays is loss x P(Binomial(w + r - 1, loss) >= r); losses of several packets in a row
 * count as losses of larger packets.
 */
#ifndef TUNNEL_REPAIR_PLAN_H
#define TUNNEL_REPAIR_PLAN_H

#include "tunnel/repair_limits.h"

#include <stdbool.h>
#include <stdint.h>

/* The answers for one loss and target, computed when they are asked for. */
struct repair_plan {
	double target;
	double loss, run;
	uint8_t needed[REPAIR_WINDOW_PKTS + 1]; /* plus one; 0: not computed */
	float pace[REPAIR_WINDOW_PKTS + 1];     /* plus one; 0: not computed */
};

void repair_plan_init(struct repair_plan *plan, double target);
/* Loss as a share, and the mean length of a loss in packets. Small changes change nothing. */
void repair_plan_set_loss(struct repair_plan *plan, double loss, double run);
/* Repairs for so many packets, 1 .. REPAIR_WINDOW_PKTS; never more than two a packet, and none without loss. */
unsigned repair_plan_needed(struct repair_plan *plan, unsigned packets);
/*
 * The same for a window that slides, on average and so with fractions. What stays
 * lost of it is less than the formula says, which is of blocks: measured by tests/sim/repair.
 */
double repair_plan_pace(struct repair_plan *plan, unsigned packets);

#endif
