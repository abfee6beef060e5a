/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Congestion controllers on one line in virtual time: paths (packet numbers, loss detection, pacing, ACKs
 * as a lane makes them) without streams and encryption, so that minutes on fast lines take seconds.
 * It measures what each delivers, what is lost, and the queue that they leave.
 */
#ifndef TESTS_SIM_RACE_H
#define TESTS_SIM_RACE_H

#include "tests/sim/link.h"
#include "tunnel/cc.h"

#include <stdint.h>

enum { RACERS_MAX = 16 };

struct racer_config {
	const struct cc_ops *cc;
	unsigned tunnel; /* from 1 on: lanes of the same tunnel share what they learn; 0: alone */
	uint64_t start_us;
	uint64_t longer_us; /* that its ACKs take more than the others': it goes another way */
	/* Nothing: bulk.  Else so many bytes, and again that long after the last was acknowledged. */
	uint64_t request_bytes, pause_us;
	uint64_t first_bytes; /* of the first one; 0: as the others */
};

struct race_config {
	struct link_config forward, back; /* data and ACKs */
	struct racer_config racers[RACERS_MAX];
	unsigned count;
	uint64_t duration_us, measure_from_us;
	uint64_t seed;
	bool is_verbose; /* a line for each racer each 100 ms on stderr */
};

struct race_result {
	double goodput_Bps[RACERS_MAX]; /* delivered once, within the measured time */
	double total_Bps;
	double jain;     /* of the goodputs */
	double loss;     /* share of the packets sent that did not arrive */
	double spurious; /* share of the packets declared lost that did */
	uint64_t queue_p50_us, queue_p95_us;
	uint64_t request_p50_us; /* of all requests in the measured time */
	uint64_t packets;
};

void race_run(const struct race_config *config, struct race_result *result);
/* Jain's index of some of the goodputs. */
double race_jain(const double *values, unsigned count);

#endif
