/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a congestion controller is to its path: a const table of functions over a state that the path
 * allocates.  Each ACK, loss and ECN mark is told once; the controller answers with a window and a
 * pacing rate.  Bytes are UDP payload of ack-eliciting packets.
 */
#ifndef TUNNEL_CC_H
#define TUNNEL_CC_H

#include "tunnel/path_share.h"
#include "tunnel/rate_sample.h"
#include "tunnel/rtt.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a controller begins with; zeros for what is not known. */
struct cc_start {
	uint64_t now_us;
	uint32_t packet_bytes;
	uint64_t rate_Bps; /* what the path carries, or (fixed) shall be sent with */
	uint64_t min_rtt_us;
};

struct cc_sent {
	uint64_t now_us;
	uint64_t bytes;
	uint64_t in_flight_bytes; /* before it */
};

/* One ACK frame that acknowledged something new. */
struct cc_ack {
	uint64_t now_us;
	uint64_t bytes;           /* newly acknowledged */
	uint64_t in_flight_bytes; /* after it */
	uint64_t used_bytes;      /* most in flight during this round trip and the one before */
	uint64_t largest_number;  /* newest packet newly acknowledged */
	uint64_t largest_sent_us; /* when it was sent */
	uint64_t next_number;     /* the next packet to be sent: ends a round */
	uint64_t rtt_sample_us;   /* 0: this ACK gave none */
	const struct rtt *rtt;
	struct rate_sample rate;
};

struct cc_loss {
	uint64_t now_us;
	uint64_t packets, bytes;  /* declared lost now */
	uint64_t in_flight_bytes; /* after it */
	uint64_t used_bytes;      /* as in struct cc_ack */
	uint64_t flows;           /* streams with bytes that are not acknowledged */
	uint64_t largest_sent_us; /* sending time of the newest of them */
	bool is_persistent;       /* RFC 9002 section 7.6 */
};

struct cc_ecn {
	uint64_t now_us;
	uint64_t ce_pkts; /* marks that this ACK added */
	uint64_t in_flight_bytes;
	uint64_t largest_sent_us; /* sending time of the newest packet acknowledged */
};

struct cc_ops {
	const char *name;
	size_t state_bytes;
	void (*init)(void *state, const struct cc_start *start);
	void (*on_sent)(void *state, const struct cc_sent *sent);
	void (*on_ack)(void *state, const struct cc_ack *ack);
	void (*on_loss)(void *state, const struct cc_loss *loss);
	/* A packet sent at `sent_us` and declared lost was acknowledged after all. */
	void (*on_spurious)(void *state, uint64_t sent_us, uint64_t now_us);
	void (*on_ecn)(void *state, const struct cc_ecn *ecn);
	/* Full packets are of that size from now on, as the path MTU was found or has changed. */
	void (*on_packet_bytes)(void *state, uint32_t packet_bytes);
	uint64_t (*window_bytes)(const void *state);
	/* Bytes a second; 0: do not pace. */
	uint64_t (*pacing_rate_Bps)(const void *state, const struct rtt *rtt);
	/* What it believes that the path carries; 0: it has not learned yet. */
	uint64_t (*path_rate_Bps)(const void *state, const struct rtt *rtt);
	/* It would learn from packets that are there for nothing else, see warm_up.h.  NULL: never. */
	bool (*wants_warm_up)(const void *state);
	/* Neither loss nor queue has shown yet what the path carries.  NULL: it was told. */
	bool (*is_starting)(const void *state);
	/* What the tunnel's other lanes tell: at the start, then before on_ack.  NULL: it shares nothing. */
	void (*on_siblings)(void *state, const struct path_share_view *view, uint64_t now_us);
	/* What it has to tell them: all but who and when, and what was delivered. */
	void (*tell)(const void *state, struct path_share_record *record);
};

#endif
