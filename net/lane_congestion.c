/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See lane_congestion.h. */
#include "net/lane_congestion.h"

#include "tunnel/limits.h"

enum { BITS = 8, HEADER_BYTES = 40 + 8 /* IPv6, UDP */ };

static enum lane_congestion kind_of(enum congestion_kind kind)
{
	switch (kind) {
	case CONGESTION_CUBIC:
		return LANE_CUBIC;
	case CONGESTION_FIXED:
		return LANE_FIXED;
	case CONGESTION_BBR:
		break;
	}
	return LANE_BBR;
}

struct lane_congestion_share lane_congestion_share(
    const struct congestion *congestion, unsigned lanes)
{
	uint64_t line_Bps = congestion->rate_bps / BITS / lanes;

	return (struct lane_congestion_share){
	    .kind = kind_of(congestion->kind),
	    .rate_Bps = line_Bps * PACKET_MIN_BYTES / (PACKET_MIN_BYTES + HEADER_BYTES),
	};
}
