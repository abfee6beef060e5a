/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The worker of unit tests: net/worker.h's functions over a real loop, pool, wheel and page under a
 * clock that the test moves, and lanes that are real but for their packets, which are handed over in
 * memory.  Sockets of the test are real ones on loopback.  A program that links it has no other worker.
 */
#ifndef TESTS_SUPPORT_WORKER_DOUBLE_H
#define TESTS_SUPPORT_WORKER_DOUBLE_H

#include "base/rng.h"
#include "net/flow_counts.h"
#include "net/flow_limits.h"
#include "net/worker.h"

enum { DOUBLE_SOURCES = 4 };

struct worker {
	uint64_t now_us;
	struct ev_loop *loop;
	struct chunk_pool *pool;
	struct udp_receiver *receiver;
	struct udp_outbox *outbox;
	struct wheel wheel;
	struct page *page;
	struct rng rng;
	struct list_node joints;
	struct flow_counts udp_sources; /* the test may add others */
	struct node_limits limits;      /* likewise */
	/* The newest message to main, or its beginning. */
	uint16_t told_type;
	size_t told_bytes;
	uint8_t told[4096];
	/* The test's to set. */
	const struct node_config *config;
	void *role_state;
	struct addr sources[DOUBLE_SOURCES];
	unsigned source_count;
	char user_congestion[16]; /* "" at first */
	unsigned count;           /* of workers; 1 at first */
	bool is_draining;
};

/* Once in a program, before any test. 0. */
int double_init(void);
void double_start(struct worker *worker);
/* Every joint was closed before. */
void double_stop(struct worker *worker);
/* So many rounds of the loop, each a virtual millisecond: events, lanes, timers. */
void double_run(struct worker *worker, unsigned ms);

/* A lane of the worker and what is at its other end. */
struct joint {
	struct list_node node;
	struct worker *worker;
	struct worker_lane near; /* the worker's end; it is the context of its callbacks */
	struct lane *far;
	bool is_cut; /* packets are lost while it is true */
	struct lane_callbacks near_callbacks, far_callbacks;
};

struct joint_options {
	const char *peer_name;
	enum lane_role role; /* of the worker's end; the other one has the other */
	uint32_t max_flows;  /* 0: 10 */
	const struct lane_callbacks *near, *far; /* copied; on_state and on_rtt are not asked for */
	void *far_context;
};

enum { JOINT_LANE_BYTES = 16 * 1024 * 1024 }; /* memory of each lane */

/* Both ends are up when it returns. */
void joint_open(struct joint *joint, struct worker *worker, const struct joint_options *options);
/* Frees what is left of both ends. Takes a zeroed one. */
void joint_close(struct joint *joint);
/* The worker's end is gone, as when its process ended. */
void joint_lose_near(struct joint *joint);

#endif
