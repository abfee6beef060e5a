/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How lanes come and come back: the tunnel's handshake by the real wolfSSL, seeded, and lane starts,
 * over the same bad lines as everything else.  The listener dials as its workers do: at once, again
 * after a refusal, and beside a lane that is down; nodes restart when the scenario says so.
 */
#ifndef TESTS_SIM_DIAL_H
#define TESTS_SIM_DIAL_H

#include "tests/sim/world.h"

/* Makes both nodes' identities, sets the restart, and dials all lanes. */
void dial_init(struct world *world, uint64_t seed);
void dial_clear(struct world *world);
/* Listener: the lane is down or over; it is asked for soon. */
void dial_later(struct lane_end *end);
/* A packet of the handshake. It stays the caller's. */
void dial_receive(struct node *node, const struct sim_packet *packet);

#endif
