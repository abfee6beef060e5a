/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host at one end of a line in virtual time: its lane's packets and timer.  The way out may have outages, and the
 * host may nap: be busy with something else, so that packets and timers wait.
 */
#ifndef TESTS_SIM_HOST_H
#define TESTS_SIM_HOST_H

#include "base/rng.h"
#include "tests/sim/event.h"
#include "tests/sim/link.h"
#include "tunnel/lane.h"

#include <stdbool.h>
#include <stdint.h>

struct host_config {
	struct link_config line; /* the way out */
	uint64_t outage_us;      /* on average; 0: none */
	double outage_share;     /* of the time */
	uint64_t nap_us;         /* on average, a tenth of the time; 0: never */
};

struct host {
	struct events *events;
	struct rng *rng, *link_rng; /* of naps, of the line */
	struct host_config config;
	struct lane *lane;
	struct link link;
	uint64_t timer_us;
	uint64_t bytes; /* IP bytes sent */
	bool is_out;    /* the line is in an outage, or will be, from then on */
	uint64_t turn_us;
	bool is_napping; /* until wake_us; else it is awake until then */
	uint64_t wake_us;
};

/* The lane is the caller's, who sets it before the first packet.  All that is given must outlive the host. */
void host_init(struct host *host, const struct host_config *config, struct host *peer,
    struct events *events, struct rng *rng, struct rng *link_rng);
/* Until wake_us, when it does. */
bool host_is_napping(struct host *host);
/* Sends what the lane has to send. */
void host_pump(struct host *host);

#endif
