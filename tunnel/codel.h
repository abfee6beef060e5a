/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CoDel (RFC 8289): a queue whose packets wait more than 5 ms for 100 ms on end drops one, and then more
 * and more often until the wait is short again.
 */
#ifndef TUNNEL_CODEL_H
#define TUNNEL_CODEL_H

#include <stdbool.h>
#include <stdint.h>

/* Zeroed is ready. */
struct codel {
	uint64_t
	    first_above_us; /* when the wait will have been long for an interval; 0: it is short */
	uint64_t drop_next_us;
	uint32_t count, last_count; /* drops since dropping began; at the last end of it */
	bool is_dropping;
};

/*
 * For each packet that leaves the queue: true when it is to be dropped instead, and the next one to be asked
 * for. `is_last`: no more than a packet is left, so the queue is short however long this one waited.
 */
bool codel_drops(struct codel *codel, uint64_t waited_us, bool is_last, uint64_t now_us);

#endif
