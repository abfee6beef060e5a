/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A flow's share of its lane, second by second.
 */
#include "config.h"

#include "tunnel/usage.h"

#include "tunnel/limits.h"

void usage_set_waiting(struct usage *usage, bool is_waiting, uint64_t now_us)
{
	if (is_waiting && usage->idle_since_us) {
		if (now_us - usage->idle_since_us >= HEAVY_IDLE_US)
			*usage = (struct usage){0};
		usage->idle_since_us = 0;
	} else if (!is_waiting && !usage->idle_since_us) {
		usage->idle_since_us = now_us;
	}
}

bool usage_on_sent(struct usage *usage, uint64_t bytes, uint64_t lane_rate_Bps, uint64_t now_us)
{
	uint64_t elapsed_us;
	bool is_much;

	if (usage->is_heavy)
		return false;
	if (usage->began_us == 0) {
		usage->began_us = now_us;
		usage->bytes = 0;
	}
	usage->bytes += bytes;
	elapsed_us = now_us - usage->began_us;
	if (elapsed_us < HEAVY_AFTER_US)
		return false;
	is_much = usage->bytes > lane_rate_Bps * elapsed_us / 1000000 / HEAVY_PART;
	usage->began_us = now_us;
	usage->bytes = 0;
	usage->is_heavy = is_much;
	return is_much;
}
