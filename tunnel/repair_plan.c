/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many repairs so many packets need, see repair_plan.h. */
#include "tunnel/repair_plan.h"

#include <math.h>
#include <string.h>

enum { PER_PACKET_MAX = 2 };

#define CHANGE_NOTICEABLE 0.06 /* of the loss */
#define HOPELESS_LOSS     0.5
/* What the formula may leave where a window slides. */
#define PACE_FACTOR      0.7
#define PACE_FACTOR_LOSS 11
#define PACE_WINDOW_PKTS 12    /* less in smaller windows */
#define TINY             1e-15 /* keeps logarithms finite */

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
	memset(plan->pace, 0, sizeof(plan->pace));
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

/* What stays lost of `losses` units, which are packets or as many of them as are lost in a row. */
static double left_lost(const struct repair_plan *plan, unsigned losses, unsigned repairs)
{
	return plan->loss * binomial_tail(losses + repairs - 1, plan->loss, repairs);
}

/* The fewest repairs of so many units that meet the target. */
static unsigned fewest(const struct repair_plan *plan, unsigned losses, double target)
{
	unsigned repairs = 0;

	while (repairs < losses * PER_PACKET_MAX && left_lost(plan, losses, repairs) > target)
		repairs++;
	return repairs;
}

static unsigned units(const struct repair_plan *plan, unsigned packets)
{
	return (unsigned)ceil(packets / plan->run);
}

static double at_most(double value, double most)
{
	return value < most ? value : most;
}

static double compute_needed(const struct repair_plan *plan, unsigned packets)
{
	double most = packets * PER_PACKET_MAX;

	if (plan->loss >= HOPELESS_LOSS)
		return most;
	return at_most(ceil(fewest(plan, units(plan, packets), plan->target) * plan->run), most);
}

static double pace_target(const struct repair_plan *plan, unsigned packets)
{
	double target = plan->target * PACE_FACTOR * (1 + PACE_FACTOR_LOSS * plan->loss);

	return packets < PACE_WINDOW_PKTS ? target * packets / PACE_WINDOW_PKTS : target;
}

/* Between two whole numbers of repairs what stays lost falls evenly by its logarithm. */
static double compute_pace(const struct repair_plan *plan, unsigned packets)
{
	unsigned losses = units(plan, packets), above;
	double target = pace_target(plan, packets), most = packets * PER_PACKET_MAX;
	double with_more, with_less;

	if (plan->loss >= HOPELESS_LOSS)
		return most;
	above = fewest(plan, losses, target);
	if (above == 0)
		return 0;
	with_more = log(left_lost(plan, losses, above) + TINY);
	with_less = log(left_lost(plan, losses, above - 1) + TINY);
	return at_most(
	    plan->run
	        * (above - 1 + at_most((with_less - log(target)) / (with_less - with_more), 1)),
	    most);
}

unsigned repair_plan_needed(struct repair_plan *plan, unsigned packets)
{
	if (plan->needed[packets] == 0)
		plan->needed[packets] =
		    (uint8_t)(1 + at_most(compute_needed(plan, packets), UINT8_MAX - 1));
	return plan->needed[packets] - 1u;
}

double repair_plan_pace(struct repair_plan *plan, unsigned packets)
{
	if (plan->pace[packets] <= 0)
		plan->pace[packets] = (float)(1 + compute_pace(plan, packets));
	return plan->pace[packets] - 1.0;
}
