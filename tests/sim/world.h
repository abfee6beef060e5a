/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A run of one scenario by one seed: two nodes, a line each way, lanes between them, and a pump that
 * does for lanes what a worker does: batches in, timers, batches out.
 */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include "base/chunk.h"
#include "base/rng.h"
#include "tests/sim/capture.h"
#include "tests/sim/event.h"
#include "tests/sim/link.h"
#include "tests/sim/plan.h"
#include "tests/sim/scenario.h"
#include "tunnel/lane.h"
#include "tunnel/start.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
	WORLD_LANES_MAX = 8,
	WORLD_INBOX_MAX = 64, /* packets of one batch */
};

struct world;
struct app;
struct handshake_node;

/* One end of a lane; the lane itself is replaced when it is started anew. */
struct lane_end {
	struct node *node;
	struct lane *lane; /* NULL: not started, or lost */
	unsigned index;
	struct lane_name name;
	uint32_t dialled_id;
	struct addr dialled;
	bool is_dialling, is_redial_set;
	uint32_t local_id;
	uint64_t timer_us; /* an event is set for then; UINT64_MAX: none */
	bool is_touched;   /* received something in this batch */
	bool is_over;
	enum reason over_reason;
	struct capture_end capture;
	uint64_t health_told, health_heard; /* states, of the lane that there is now */
	unsigned spins;                     /* timers due again at once, without a packet sent */
};

struct node {
	struct world *world;
	enum side side;
	struct chunk_pool *pool;
	struct link *out;
	struct handshake_node *handshake;
	uint64_t handshake_timer_us;
	uint32_t last_id; /* connection id given */
	struct lane_end lanes[WORLD_LANES_MAX];
	struct sim_packet *inbox[WORLD_INBOX_MAX];
	unsigned inbox_count;
	bool poll_is_set;
	bool *seen; /* by packet id: one copy was accepted */
	uint64_t seen_capacity;
};

struct world {
	const struct scenario *scenario;
	struct events events;
	struct rng link_rng, node_rng,
	    app_rng;              /* apart, so that one's draws do not move another's */
	struct link links[SIDES]; /* by the sending side */
	struct node nodes[SIDES];
	struct addr addresses[SIDES]; /* now */
	struct app *apps;
	unsigned app_count, apps_over;
	uint64_t digest;
	unsigned restarts;
	bool is_ending; /* lanes are closed for good */
	bool is_verbose;
	FILE *capture; /* NULL: none */
	bool has_failed;
	char failure[512];
};

struct world_result {
	uint64_t digest;
	uint64_t events, virtual_us, packets;
	uint64_t faults[FAULT_COUNT];
	uint64_t restarts;
	uint64_t memory_bytes; /* most chunks that a node held */
};

struct world_options {
	bool is_verbose;
	FILE *capture; /* of every packet, see capture.h; NULL: none */
};

/* Runs it; 0, or -1 with the failure told on stderr. */
int world_run(const struct scenario *scenario, uint64_t seed, const struct world_options *options,
    struct world_result *result);

/* For app.c and dial.c: */
/* Notes the first failure; the run ends. */
void world_fail(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A lane has something to send perhaps. */
void world_pump(struct lane_end *end);
/* Frees the lane as a crash would: the peer is not told. */
void world_drop_lane(struct lane_end *end);

#endif
