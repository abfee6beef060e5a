/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an ACK frame says, decoded: which packet numbers arrived, how long the acknowledgement was held
 * back, and how many packets bore which ECN mark (RFC 9000 section 19.3).
 */
#ifndef TUNNEL_ACK_H
#define TUNNEL_ACK_H

#include "tunnel/path_limits.h"

#include <stdbool.h>
#include <stdint.h>

struct ack_range {
	uint64_t first, last; /* both arrived, and all between */
};

/* Ranges descend and neither touch nor overlap; ranges[0].last is `largest`; range_count is at least 1. */
struct ack_frame {
	uint64_t largest;
	uint64_t delay_us; /* from the arrival of `largest` to the sending of this */
	unsigned range_count;
	struct ack_range ranges[ACK_RANGES_MAX];
	bool has_ecn;
	uint64_t ecn_ect0, ecn_ect1, ecn_ce; /* packets since the lane began */
};

#endif
