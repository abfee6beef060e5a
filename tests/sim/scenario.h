/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of scenarios: which lines, which flows, how long it may take, how much memory, what must strike. */
#ifndef TESTS_SIM_SCENARIO_H
#define TESTS_SIM_SCENARIO_H

#include "tests/sim/link.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAULT_BIT(fault) (1u << (fault))

/* What flows there are; percentages are of the TCP flows, each drawn by the seed. */
struct flow_mix {
	unsigned tcp, udp;
	uint64_t bytes_min;
	uint64_t bytes_max;     /* of one direction of a TCP flow; sizes are spread by magnitude */
	uint64_t up_bytes_max;  /* instead, of the listener's direction; 0: the same */
	unsigned echo_percent;  /* the endpoint sends back what comes */
	unsigned talk_percent;  /* written in small pieces with pauses */
	unsigned slow_percent;  /* one side reads slowly */
	unsigned reset_percent; /* one side resets midway */
	unsigned refused_percent; /* the endpoint refuses it */
	unsigned datagrams_max;   /* of one direction of a UDP flow */
	uint64_t datagram_bytes_max;
	uint64_t start_spread_us; /* flows start within that time */
	uint64_t idle_us;         /* talking flows pause up to so long */
};

enum restart {
	RESTART_NONE,
	RESTART_LISTENER,
	RESTART_ENDPOINT,
	RESTART_WORKER, /* the endpoint's of lane 0: its lane is gone, the tunnel's secret is not */
};

enum { MOVES_MAX = 3 };

/* A side's address is another one from then on: what was sent to the old one goes astray. */
struct move {
	uint64_t at_us; /* 0: none */
	bool is_endpoint;
	bool is_port_only;
};

struct scenario {
	const char *name;
	struct link_config up, down; /* listener to endpoint, endpoint to listener */
	unsigned lanes;
	uint16_t packet_bytes;
	struct flow_mix mix;
	uint64_t duration_us;            /* all flows are over by then */
	uint64_t lane_memory_bytes;      /* the lane's budget, kept by it */
	uint64_t pool_bytes;             /* bound of the chunks of one node */
	unsigned must_fire;              /* FAULT_BIT()s that must strike in either direction */
	unsigned datagram_share_percent; /* of the datagrams at least so many arrive */
	bool may_refuse;                 /* new flows, when memory is exhausted */
	bool lanes_die; /* a cut or restart outlives them: flows may end with the lane */
	enum restart restart;
	uint64_t restart_us;
	/* In the end packets have so many bytes at least; 0: not checked. Links with mtus only. */
	uint16_t found_bytes;
	unsigned black_holes; /* so many each side notices at least; 0 with found_bytes: none may */
	struct move moves[MOVES_MAX];
	uint64_t epoch_pkts; /* as in struct lane_config */
	unsigned least_key_changes;
	bool keys_change; /* it lasts long enough for new keys */
};

extern const struct scenario scenarios[];
extern const size_t scenario_count;

/* NULL when there is none of that name. */
const struct scenario *scenario_find(const char *name);

#endif
