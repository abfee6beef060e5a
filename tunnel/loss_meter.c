/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much a path loses, see loss_meter.h. */
#include "tunnel/loss_meter.h"

#include <string.h>

enum {
	SLOW_PKTS = 1000, /* the slow average's memory */
	FAST_PKTS = 100,
	CLEAN_PKTS = 1000, /* without a loss mean less than LOW_SHARE */
	/* So many losses that did not come, of those that the share before had made, are no chance: e^-16, or e^-9 when that share was seen too high. */
	CLEAN_LOSSES = 16,
	RUN_LOSSES = 50, /* how many losses the mean length of one is over */
	RUN_MAX_PKTS = 32,
};

/* Repair ends when the share was below this for so long. */
#define LOW_SHARE      0.001
#define LOW_US         UINT64_C(10000000)
#define CLEAN_US       UINT64_C(4000000) /* and for so long, since losses may come in spells */
#define UNKNOWN_SHARE  0.01              /* of a path of which nothing is known */
#define FAST_DISCOUNT  0.5               /* the fast average is noisy */
#define RISE_SIGMAS    3.0 /* what a hundred packets differ by chance, once in some ten thousands */
#define RUN_NOTICEABLE 1.3 /* shorter means are what independent losses make */

void loss_meter_init(struct loss_meter *meter)
{
	*meter = (struct loss_meter){.run = 1, .run_next = UINT64_MAX, .is_lossy = true};
}

static double average(double mean, double value, uint64_t samples, uint64_t most)
{
	return mean + (value - mean) / (double)(samples < most ? samples : most);
}

static double seen_share(const struct loss_meter *meter)
{
	double fast = meter->fast * FAST_DISCOUNT;

	return fast > meter->slow ? fast : meter->slow;
}

static void judge(struct loss_meter *meter, uint64_t now_us)
{
	if (!loss_meter_is_known(meter))
		return;
	if (seen_share(meter) >= LOW_SHARE) {
		meter->is_lossy = true;
		meter->low_since_us = 0;
		return;
	}
	if (!meter->low_since_us)
		meter->low_since_us = now_us;
	/* One that never lost anything need not wait. */
	if (now_us - meter->low_since_us >= LOW_US || meter->slow <= 0)
		meter->is_lossy = false;
}

static bool is_clean(const struct loss_meter *meter, uint64_t clean_us)
{
	if (meter->clean_pkts >= CLEAN_PKTS && clean_us >= LOW_US)
		return true;
	return clean_us >= CLEAN_US
	       && (double)meter->clean_pkts * meter->lossy_share >= CLEAN_LOSSES * meter->run;
}

/* Nothing was lost for so long that the share cannot be what the slow average remembers. */
static void note_clean(struct loss_meter *meter, uint64_t now_us)
{
	if (meter->clean_pkts++ == 0)
		meter->clean_since_us = now_us;
	if (!is_clean(meter, now_us - meter->clean_since_us))
		return;
	meter->slow = meter->fast = meter->fast_begun = 0;
	meter->is_lossy = false;
}

/*
 * More losses began in the last hundred packets than chance makes of the slow average: the path has changed, and what
 * was before says nothing. What an outage loses in a row is one loss here, and no such change; a queue that a paced
 * sender overflows loses one or two packets at a time, and looks like one.
 */
static void note_rise(struct loss_meter *meter)
{
	double above = meter->fast_begun - meter->slow;
	double variance = meter->fast_begun * (1 - meter->fast_begun) / (2 * FAST_PKTS);

	if (above <= 0 || above * above < RISE_SIGMAS * RISE_SIGMAS * variance)
		return;
	meter->slow = meter->fast;
	meter->slow_pkts = FAST_PKTS;
}

static void count(struct loss_meter *meter, double lost, double begun, uint64_t now_us)
{
	meter->samples++;
	if (meter->slow_pkts < SLOW_PKTS)
		meter->slow_pkts++;
	meter->slow = average(meter->slow, lost, meter->slow_pkts, SLOW_PKTS);
	meter->fast = average(meter->fast, lost, meter->samples, FAST_PKTS);
	meter->fast_begun = average(meter->fast_begun, begun, meter->samples, FAST_PKTS);
	note_rise(meter);
	judge(meter, now_us);
}

void loss_meter_on_acked(struct loss_meter *meter, uint64_t now_us)
{
	count(meter, 0, 0, now_us);
	note_clean(meter, now_us);
}

static void end_run(struct loss_meter *meter)
{
	uint64_t length = meter->run_next - meter->run_first;

	if (length > RUN_MAX_PKTS)
		length = RUN_MAX_PKTS;
	meter->run = average(meter->run, (double)length, RUN_LOSSES, RUN_LOSSES);
}

void loss_meter_on_lost(struct loss_meter *meter, uint64_t number, uint64_t now_us)
{
	bool begins = number != meter->run_next;

	if (begins) {
		if (meter->run_next != UINT64_MAX)
			end_run(meter);
		meter->run_first = number;
	}
	meter->run_next = number + 1;
	meter->clean_pkts = 0;
	count(meter, 1, begins, now_us);
	meter->lossy_share = meter->slow;
}

static double at_least_none(double share)
{
	return share > 0 ? share : 0;
}

void loss_meter_on_spurious(struct loss_meter *meter)
{
	double weight = 1.0 / (meter->slow_pkts ? meter->slow_pkts : 1.0);

	meter->slow = at_least_none(meter->slow - weight);
	meter->fast = at_least_none(meter->fast - 1.0 / FAST_PKTS);
	meter->fast_begun = at_least_none(meter->fast_begun - 1.0 / FAST_PKTS);
}

double loss_meter_share(const struct loss_meter *meter)
{
	double share = seen_share(meter);

	if (!loss_meter_is_known(meter) && share < UNKNOWN_SHARE)
		return UNKNOWN_SHARE;
	return share;
}

double loss_meter_run(const struct loss_meter *meter)
{
	return meter->run < RUN_NOTICEABLE ? 1 : meter->run;
}
