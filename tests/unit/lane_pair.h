/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two lanes joined in memory under a virtual clock, for the tests of tunnel/: a wire with delay, loss,
 * reordering and duplication, and an application on each side that checks each byte it gets.
 */
#ifndef TESTS_UNIT_LANE_PAIR_H
#define TESTS_UNIT_LANE_PAIR_H

#include "base/chunk.h"
#include "base/rng.h"
#include "tunnel/lane.h"

#include <stdbool.h>
#include <stdint.h>

/* One flow as one side's application sees it; freed with the pair. */
struct app_flow {
	struct flow *flow; /* NULL once closed */
	struct app_flow *next;
	struct app_side *side;
	uint64_t id;
	enum flow_kind kind;
	uint64_t written, to_write; /* the stream that this side sends */
	bool finish_when_written;
	uint64_t last_us, longest_gap_us; /* between two on_data */
	uint64_t received;                /* bytes of the peer's stream, each checked */
	uint64_t take_limit;              /* on_data takes no more than up to here */
	unsigned datagrams;               /* received, each checked */
	uint64_t datagram_bytes;
	bool got_finish, got_reset, got_stop, is_closed;
	enum reason reset_reason, stop_reason, closed_reason;
};

struct app_side {
	struct pair *pair;
	struct lane *lane;
	struct chunk_pool *pool;
	struct app_flow *flows;
	unsigned opened, closed;
	enum reason refuse_with; /* on_open's answer */
	uint64_t take_limit;     /* for flows opened from now on */
	enum lane_state state;
	enum reason over_reason;
	char over_text[200];
	unsigned rtt_samples;
	bool echo; /* sends back what it gets, and finishes when the peer does */
	/* The wire towards this side. */
	double loss, duplication, reordering;
	bool is_cut;
	uint64_t packets, drop_next;
	struct addr address; /* where packets reach this side, and which they bear */
	unsigned moves;      /* that its lane told of */
	uint8_t health[8];   /* that was told of accelerators 0 to 7 */
	uint64_t health_sequence[8];
	unsigned healths; /* that came */
};

struct wire_packet {
	struct wire_packet *next;
	uint64_t at_us;
	struct app_side *to;
	struct addr from;
	size_t length;
	uint8_t data[];
};

struct pair {
	uint64_t now_us, delay_us;
	uint64_t seed;
	struct rng rng;
	struct app_side listener, endpoint;
	struct wire_packet *wire; /* by time */
	uint8_t *batch;
};

struct pair_options {
	uint64_t seed, delay_us;
	uint64_t memory_bytes;         /* 0: 64 MiB */
	uint32_t max_flows;            /* 0: 20,000 */
	enum aead_kind aead;           /* 0: ChaCha20 */
	uint64_t epoch_pkts;           /* as in struct lane_config */
	uint16_t packet_bytes;         /* 0: the least */
	bool is_idle;                  /* do not wait for the lanes to be up */
	struct path_siblings siblings; /* of the listener's lane */
};

void pair_init(struct pair *pair, const struct pair_options *options);
/* Frees all, and fails the test when a chunk is left. */
void pair_free(struct pair *pair);
/* Lets the time pass. */
void pair_run(struct pair *pair, uint64_t us);
/* Until both applications are idle and all flows closed, at most so long; false when that time is over. */
bool pair_run_until_closed(struct pair *pair, uint64_t us);

/* Opens a flow at the listener. */
struct app_flow *pair_open(struct pair *pair, enum flow_kind kind);
/* The flow of that id at the side, NULL when there is none. */
struct app_flow *side_find(struct app_side *side, uint64_t id);
/* Lets this side write so many more bytes of its stream, as there is room. */
void app_write(struct app_flow *app, uint64_t bytes, bool finish);
/* Sends a datagram with a pattern by its length. */
int app_send_datagram(struct app_flow *app, size_t length);

#endif
