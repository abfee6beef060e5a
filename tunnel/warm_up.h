/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When a new lane sends padding to learn the rate of its path, before anybody waits for it: trains of full packets, a
 * round trip apart, while no flow is open and the congestion controller still wants them.  Without them the first
 * users' answers go through slow start, some seven round trips.  How fast and how many at once, pacer and
 * window say as ever, but for the first round trip; a train that they spread over more than half a round trip shows
 * nothing, so no rest follows it.  It knows when and how many; the lane sends them.
 */
#ifndef TUNNEL_WARM_UP_H
#define TUNNEL_WARM_UP_H

#include <stdint.h>

struct warm_up {            /* all zeros at first */
	uint64_t began_us;  /* the train under way, or the last */
	uint64_t next_us;   /* the next train begins then */
	uint32_t left_pkts; /* of the train under way */
	uint64_t sent_bytes;
};

/* When a packet is due: 0 for at once, UINT64_MAX for never again. */
uint64_t warm_up_timer_us(const struct warm_up *warm_up);
/* A packet of the train went. */
void warm_up_on_sent(
    struct warm_up *warm_up, uint64_t bytes, uint64_t smoothed_rtt_us, uint64_t now_us);

#endif
