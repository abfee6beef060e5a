/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much a path loses, for whoever must choose how much to repair: the share of packets, quick to rise and slow
 * to fall, and how many are lost in a row.  A path of which little is known counts as lossy.
 */
#ifndef TUNNEL_LOSS_METER_H
#define TUNNEL_LOSS_METER_H

#include <stdbool.h>
#include <stdint.h>

struct loss_meter {
	uint64_t samples;
	double slow, fast;  /* shares lost, averaged over more and fewer packets */
	double fast_begun;  /* share of packets that were lost where the one before was not */
	uint32_t slow_pkts; /* what the slow one is over */
	double lossy_share; /* the slow one at the last loss */
	double run;         /* packets of a loss, on average */
	uint64_t run_first, run_next; /* the loss under way: [run_first, run_next) */
	uint64_t low_since_us;        /* the share is below LOW_SHARE since then; 0: it is not */
	uint64_t clean_pkts, clean_since_us; /* since the last loss */
	bool is_lossy;
};

/* Samples until a path's loss counts as known. */
enum { LOSS_METER_KNOWN_PKTS = 200 };

void loss_meter_init(struct loss_meter *meter);
void loss_meter_on_acked(struct loss_meter *meter, uint64_t now_us);
void loss_meter_on_lost(struct loss_meter *meter, uint64_t number, uint64_t now_us);
/* A packet that was counted as lost arrived. */
void loss_meter_on_spurious(struct loss_meter *meter);
static inline bool loss_meter_is_known(const struct loss_meter *meter)
{
	return meter->samples >= LOSS_METER_KNOWN_PKTS;
}
/* False while there is nothing to repair: on a clean path. */
static inline bool loss_meter_is_lossy(const struct loss_meter *meter)
{
	return meter->is_lossy;
}
/* The share of packets to reckon with, 0 .. 1. */
double loss_meter_share(const struct loss_meter *meter);
/* The mean length of a loss in packets, 1 or more. */
double loss_meter_run(const struct loss_meter *meter);

#endif
