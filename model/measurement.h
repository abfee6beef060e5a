/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one side of a tunnel measured of it, once a second.  Each side knows only what it sent:
 * control puts the listener's and the endpoint's reports together, so that loss is shown each way.
 */
#ifndef MODEL_MEASUREMENT_H
#define MODEL_MEASUREMENT_H

#include "base/schema.h"
#include "model/congestion.h"
#include "model/lane_figures.h"
#include "model/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tunnel_state {
	TUNNEL_DOWN = 0,    /* no lane is up */
	TUNNEL_PARTIAL = 1, /* some lanes are up */
	TUNNEL_UP = 2,      /* all lanes are up */
};

/* Round trips in microseconds, over every sample of the last 60 s; 0 when there was none. */
struct rtt_measurement {
	uint64_t now_us; /* smoothed */
	uint64_t min_us, p50_us, p99_us;
	uint64_t jitter_us; /* RFC 3550 section 6.4.1 */
};

/* One direction's packets of the last 60 s, bits of the last second, and flows now. */
struct traffic_measurement {
	uint64_t packets_sent; /* by this side, last 60 s */
	uint64_t packets_lost; /* of these */
	uint64_t sent_bps; /* bits a second of tunnel packets that this side sent, last second */
	uint64_t received_bps; /* and that it received */
	uint64_t flows;        /* now */
};

struct lane_measurement {
	uint32_t lane; /* the listener's worker */
	uint32_t slot; /* the endpoint's worker */
	bool is_up;
	uint64_t since_ms;     /* of that state, UNIX time */
	uint64_t packet_bytes; /* UDP payload of the largest packets that this side sends */
	struct rtt_measurement rtt;
	struct traffic_measurement traffic;
};

struct tunnel_measurement {
	char listener[NAME_BYTES];
	char endpoint[NAME_BYTES];
	enum tunnel_state state;
	uint64_t since_ms;           /* of this state, UNIX time */
	uint32_t lane_total;         /* lanes that there are to be */
	uint64_t rtt_last_second_us; /* median of the newest complete second, 0 without samples */
	struct rtt_measurement rtt;  /* over all lanes */
	struct traffic_measurement traffic;     /* sum over all lanes */
	struct lane_figures figures;            /* sum over the lanes that there are now */
	char congestion[CONGESTION_TEXT_BYTES]; /* in use at this side, "" without a lane */
	struct lane_measurement *lanes;         /* owned by whoever made the report */
	size_t lane_count;
};

extern const struct schema tunnel_measurement_schema;

/* "down", "partial" or "up"; the table is indexed by enum tunnel_state. */
extern const char *const tunnel_state_names[];
const char *tunnel_state_text(enum tunnel_state state);

#endif
