/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The congestion control of a worker's lanes: as the config has it for their tunnels, and changed
 * while they run.  A fixed rate is the tunnel's: the lanes that send share it evenly, whichever
 * workers they are of, and one that begins to send has its part within two of the worker's ticks.
 */
#ifndef NET_WORKER_CONGESTION_H
#define NET_WORKER_CONGESTION_H

#include "model/congestion.h"
#include "tunnel/lane.h"

#include <stdbool.h>
#include <stdint.h>

struct carried;

/* Of one lane. */
struct worker_congestion {
	struct congestion set; /* of the tunnel */
	uint64_t rate_Bps;     /* the lane's part of a fixed rate, else 0 */
	uint64_t sent_before;  /* its bytes, at the last tick */
	bool is_sending;       /* more than a little of its part since then */
};

/* A lane is about to be made for that peer. */
void worker_congestion_begin(struct carried *carried, struct lane_config *config);
/* The config may have changed. */
void worker_congestion_renew(struct carried *carried);
/* Every WORKER_TICK_US, with the lane's bytes sent so far. */
void worker_congestion_tick(struct carried *carried, uint64_t bytes_sent);

#endif
