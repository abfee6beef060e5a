/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many repairs so many packets need, see repair_plan.h. */
#include "tunnel/repair_plan.h"

#include <math.h>
#include <string.h>

enum { PER_PACKET_MAX = 2 };

#define CHANGE_NOTICEABLE 0.06 /* of the loss */

void repair_plan_init(struct repair_plan *plan, double target)
{
	memset(plan, 0, sizeof(*plan));
	plan->target = target;
	plan->run = 1;
}

static bool differs(double a, double b)
{
	return fabs(a - b) > CHANGE_NOTICEABLE * (a < b ? a : b);
}

void repair_plan_set_loss(struct repair_plan *plan, double loss, double run)
{
	if (!differs(plan->loss, loss) && !differs(plan->run, run))
		return;
	plan->loss = loss;
	plan->run = run;
	memset(plan->needed, 0, sizeof(plan->needed));
}

/* P(Binomial(trials, p) >= least). */
static double binomial_tail(unsigned trials, double p, unsigned least)
{
	double term = pow(1 - p, trials);
	double below = 0;

	for (unsigned k = 0; k < least && k <= trials; k++) {
		below += term;
		term *= (double)(trials - k) / (k + 1) * p / (1 - p);
	}
	return below < 1 ? 1 - below : 0;
}

static unsigned compute(const struct repair_plan *plan, unsigned packets)
{
	unsigned losses = (unsigned)ceil(packets / plan->run); /* of `run` packets each */
	unsigned most = packets * PER_PACKET_MAX;
	unsigned needed = 0;

	if (plan->loss >= 0.5)
		return most;
	while (plan->loss * binomial_tail(losses + needed - 1, plan->loss, needed) > plan->target
	       && needed < most)
		needed++;
	needed = (unsigned)ceil(needed * plan->run);
	return needed < most ? needed : most;
}

unsigned repair_plan_needed(struct repair_plan *plan, unsigned packets)
{
	if (plan->needed[packets] == 0) {
		unsigned needed = compute(plan, packets);

		plan->needed[packets] =
		    (uint8_t)(1 + (needed < UINT8_MAX ? needed : UINT8_MAX - 1));
	}
	return plan->needed[packets] - 1u;
}
