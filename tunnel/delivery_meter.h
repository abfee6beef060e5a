/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rate at which a count of bytes has grown over the last so many microseconds.  For the deliveries of several
 * lanes together: rates that each measured by itself, at moments of its own, may add up to more than the line carries.
 */
#ifndef TUNNEL_DELIVERY_METER_H
#define TUNNEL_DELIVERY_METER_H

#include <stdint.h>

enum { DELIVERY_MARKS = 64 };

/* A ring of counts, the oldest at `next`; those with at_us 0 are not set. */
struct delivery_meter {
	struct delivery_mark {
		uint64_t at_us, bytes;
	} marks[DELIVERY_MARKS];
	unsigned next;
};

/*
 * Notes a count and answers the rate, in bytes a second, over `span_us` or somewhat more; 0: not known yet.  A count that
 * falls (a lane is gone) begins anew.
 */
double delivery_meter_note(
    struct delivery_meter *meter, uint64_t now_us, uint64_t bytes, uint64_t span_us);

#endif
