/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one side of a tunnel measured of it, once a second.  Each side knows only what it sent:
 * control puts the listener's and the endpoint's reports together, so that loss is shown each way.
 */
#ifndef MODEL_MEASUREMENT_H
#define MODEL_MEASUREMENT_H

#include "model/limits.h"

#include <stdint.h>

enum tunnel_state {
	TUNNEL_DOWN = 0,       /* no lane is up and no attempt is on its way */
	TUNNEL_CONNECTING = 1, /* no lane is up, a handshake is on its way */
	TUNNEL_DEGRADED = 2,   /* some lanes are up, or one is suspected */
	TUNNEL_UP = 3,         /* all lanes are up */
};

/* Times in microseconds; those of round trips are over the last 60 s and 0 when there was none. */
struct tunnel_measurement {
	char listener[NAME_BYTES];
	char endpoint[NAME_BYTES];
	enum tunnel_state state;
	uint64_t since_ms; /* of this state, UNIX time */
	uint32_t lanes_up, lanes_total;
	uint64_t rtt_us; /* smoothed, now */
	uint64_t rtt_min_us, rtt_p50_us, rtt_p99_us;
	uint64_t jitter_us; /* RFC 3550 section 6.4.1 */
	double loss_sent; /* share of packets sent by this side that were lost, 0 to 1, last 60 s */
	uint64_t tx_bps;  /* bits a second, of tunnel packets that this side sent, last second */
	uint64_t rx_bps;  /* and received */
	uint64_t flows;   /* now */
	uint64_t flows_total; /* since the tunnel was first up */
	uint64_t packets_sent, packets_lost;
	uint64_t bytes_sent, bytes_received;
};

/* "down", "connecting", "degraded" or "up". */
const char *tunnel_state_text(enum tunnel_state state);

#endif
