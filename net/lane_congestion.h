/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a tunnel's congestion control, as the config has it, to one of the lanes that share it: each
 * has a path of its own, so a fixed rate is divided among them.
 */
#ifndef NET_LANE_CONGESTION_H
#define NET_LANE_CONGESTION_H

#include "model/congestion.h"
#include "tunnel/lane.h"

/* What lane_config and lane_set_congestion() want. */
struct lane_congestion_share {
	enum lane_congestion kind;
	uint64_t rate_Bps; /* of UDP payload; 0 but for LANE_FIXED */
};

/*
 * lanes: how many share it, at least 1.  The rate of a line counts the headers of IP and UDP,
 * a lane's does not: what a packet of the least size with IPv6 headers leaves of it is the lane's.
 */
struct lane_congestion_share lane_congestion_share(
    const struct congestion *congestion, unsigned lanes);

#endif
