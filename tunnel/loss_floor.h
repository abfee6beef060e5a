/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The loss that a line has of its own, whatever is sent: counted where no queue of ours can be the cause,
 * and only the least of the last counts, since others may have sent too much during some.
 */
#ifndef TUNNEL_LOSS_FLOOR_H
#define TUNNEL_LOSS_FLOOR_H

#include <stdbool.h>

enum { LOSS_FLOOR_LOOKS = 4 };

/* Shares are of packets, 0 .. 1. */
struct loss_floor {
	double share;
	double looks[LOSS_FLOOR_LOOKS]; /* the last counts, `look_count` of them so far */
	unsigned look_count;
	double pkts, lost_pkts; /* of the count that goes on */
};

/* Notes packets of a calm time: acknowledged and lost ones. */
void loss_floor_note(struct loss_floor *floor, double acked_pkts, double lost_pkts);
/* The calm time is over; its count is taken once there are enough packets. */
void loss_floor_look(struct loss_floor *floor);
/* True when so many lost of so many are more than that share, and not by chance. */
bool loss_is_above(double share, double pkts, double lost_pkts);
/* The share above which loss means that too much is sent. */
double loss_floor_threshold(const struct loss_floor *floor);

#endif
