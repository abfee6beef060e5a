/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two lanes over a line of known rate, in virtual time, and simple users of them: downloads, questions
 * with answers, streams of datagrams.  For what is a matter of bounds: shares, delays, turns.
 */
#ifndef TESTS_SIM_RIG_H
#define TESTS_SIM_RIG_H

#include "base/chunk.h"
#include "base/rng.h"
#include "tests/sim/event.h"
#include "tests/sim/link.h"
#include "tunnel/budget.h"
#include "tunnel/lane.h"

#include <stdbool.h>
#include <stdint.h>

enum { RIG_SOURCES_MAX = 256, RIG_SIDES = 2, RIG_LISTENER = 0, RIG_ENDPOINT = 1 };

enum source_kind {
	SOURCE_DOWNLOAD, /* the endpoint writes as much as there is room for */
	SOURCE_QUESTIONS, /* the listener writes `bytes` each period, the endpoint sends as many back */
	SOURCE_DATAGRAMS, /* the endpoint sends a datagram of `bytes` each period */
};

struct rig;

/* One flow and its two ends. */
struct source {
	struct rig *rig;
	enum source_kind kind;
	struct flow_policy policy;
	uint64_t bytes, period_us, start_us, stop_us;
	bool is_unread; /* the listener takes nothing */

	struct flow *flows[RIG_SIDES]; /* NULL: not open, or closed */
	bool is_refused;
	bool is_pausing;           /* a download that writes nothing for a while */
	uint64_t sent;             /* bytes or datagrams */
	uint64_t received;         /* at the listener */
	uint64_t mark;             /* of `received`, by rig_mark() */
	uint64_t asked_us;         /* of the question that is not answered yet */
	uint64_t owed_bytes;       /* of answers that the endpoint could not write yet */
	uint64_t answer_bytes;     /* of it that came */
	uint64_t worst_us, sum_us; /* delays: of an answer, or of a datagram's way */
	uint64_t delays;
	uint64_t most_kept_bytes; /* at the endpoint */
};

struct rig_side {
	struct rig *rig;
	int side;
	struct lane *lane;
	struct chunk_pool *pool;
	struct budget memory;
	struct link link; /* that it sends into */
	uint64_t timer_us;
};

struct rig_config {
	uint64_t delay_us; /* one way */
	uint64_t rate_Bps; /* of the line */
	uint64_t queue_bytes;
	double loss;
	uint64_t fixed_Bps;    /* of the lanes' congestion control, 0: BBR */
	uint64_t memory_bytes; /* of each side, 0: ample */
	uint64_t seed;
};

struct rig {
	struct rig_config config;
	struct events events;
	struct rng rng;
	struct rig_side sides[RIG_SIDES];
	struct source sources[RIG_SOURCES_MAX];
	unsigned source_count;
};

/* Lanes are up when it returns. */
void rig_init(struct rig *rig, const struct rig_config *config);
void rig_free(struct rig *rig);
/* Adds a source that starts at start_us from now; the rest as it says. */
struct source *rig_add(struct rig *rig, const struct source *source);
void rig_run(struct rig *rig, uint64_t us);
/* From here on worst_us, sum_us, delays, and source_since() count anew. */
void rig_mark(struct rig *rig);
/* Bytes or datagrams received since the mark. */
uint64_t source_since(const struct source *source);
/* A paused download goes on. */
void source_resume(struct source *source);

#endif
