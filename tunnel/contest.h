/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Do the neighbours on a line make way?  Others of our kind ease when a queue or loss shows, as we do, and then it
 * falls.  Where it does not while we ease, somebody fills the line who does not ease (Linux's BBR, CUBIC), and who
 * only makes way would be left with little; so for some seconds we make none.
 */
#ifndef TUNNEL_CONTEST_H
#define TUNNEL_CONTEST_H

#include <stdbool.h>
#include <stdint.h>

struct contest {
	bool is_on;
	uint64_t until_us; /* then it is looked at again */
	uint64_t round_at_us, queue_us;
	bool was_queued;
	uint64_t queued_us; /* of easing with a queue, in which it fell by fell_us */
	double fell_us;
	uint64_t eased_us, lossy_us;
};

/* What a round trip showed. */
struct contest_round {
	uint64_t now_us;
	uint64_t queue_us;
	bool is_eased; /* we sent less than we might */
	bool is_queued, is_lossy;
};

void contest_on_round(struct contest *contest, const struct contest_round *round);

#endif
