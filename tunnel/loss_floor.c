/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loss that a line has of its own, see loss_floor.h. */
#include "tunnel/loss_floor.h"

#include "tunnel/path_limits.h"

#include <math.h>

void loss_floor_note(struct loss_floor *floor, double acked_pkts, double lost_pkts)
{
	floor->pkts += acked_pkts + lost_pkts;
	floor->lost_pkts += lost_pkts;
}

void loss_floor_look(struct loss_floor *floor)
{
	unsigned known;

	if (floor->pkts < BBR_LOSS_LOOK_PKTS)
		return;
	floor->looks[floor->look_count++ % LOSS_FLOOR_LOOKS] = floor->lost_pkts / floor->pkts;
	floor->pkts = floor->lost_pkts = 0;
	known = floor->look_count < LOSS_FLOOR_LOOKS ? floor->look_count : LOSS_FLOOR_LOOKS;
	floor->share = floor->looks[0];
	for (unsigned i = 1; i < known; i++)
		floor->share = fmin(floor->share, floor->looks[i]);
}

bool loss_is_above(double share, double pkts, double lost_pkts)
{
	return lost_pkts > share * pkts + BBR_LOSS_DEVIATIONS * sqrt(share * pkts) + 1;
}

double loss_floor_threshold(const struct loss_floor *floor)
{
	return fmin(floor->share + BBR_LOSS_MARGIN, BBR_LOSS_MOST);
}
