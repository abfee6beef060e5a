/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers of packets that repairs brought back and that the peer is to be told of, each in a few ACKs so that
 * one lost ACK costs nothing.  The newest RECOVERED_MAX of them: for others the peer's own timers do.
 */
#ifndef TUNNEL_RECOVERED_H
#define TUNNEL_RECOVERED_H

#include "tunnel/ack.h"
#include "tunnel/repair_limits.h"

#include <stdbool.h>
#include <stdint.h>

/* Invariant: numbers descend. */
struct recovered {
	struct {
		uint64_t number;
		unsigned tells; /* so often it goes yet */
	} entries[RECOVERED_MAX];
	unsigned count;
};

void recovered_add(struct recovered *recovered, uint64_t number);
/* Fills largest and ranges; false when there is nothing to tell. */
bool recovered_fill(const struct recovered *recovered, struct ack_frame *frame);
/* The frame filled last goes out. */
void recovered_told(struct recovered *recovered);

#endif
