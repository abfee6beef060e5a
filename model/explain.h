/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a flow goes, and why: what control asks a node about one flow, live or not, and what the node
 * answers.  A listener tells of groups, its endpoint and lane; an endpoint of backends.  The answers
 * are made by the code that chooses for real flows; nothing here decides.
 */
#ifndef MODEL_EXPLAIN_H
#define MODEL_EXPLAIN_H

#include "base/addr.h"
#include "base/schema.h"
#include "model/accelerator.h"
#include "model/health.h"
#include "model/limits.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	EXPLAIN_ENDPOINTS_MAX =
	    16, /* shown of a group; the one that the flow would get is among them */
	EXPLAIN_BYTES_MAX = 512 * 1024, /* of an answer as JSON */
};

/* About which flow.  With accelerator 0 only a live one is looked for, by the user's address alone. */
struct explain_question {
	uint64_t id; /* the answer has the same */
	uint32_t accelerator;
	enum accelerator_protocol protocol; /* PROTOCOL_TCP or PROTOCOL_UDP; 0 with accelerator 0 */
	char user[ADDR_TEXT_BYTES];         /* "ADDR:PORT" */
	uint16_t port; /* of the listener; 0: any, a new flow's is the accelerator's first */
	char listener[NAME_BYTES]; /* asked at an endpoint: the node that would open the flow */
};

/* What becomes of the flow at this node. */
enum explain_verdict {
	EXPLAIN_TAKEN,
	EXPLAIN_FAILED_OPEN, /* taken though no backend is healthy, as the accelerator has it */
	EXPLAIN_NOT_LIVE,    /* only a live flow was asked for, and there is none */
	EXPLAIN_UNKNOWN, /* the node's config gives this port of the accelerator to nobody, or not to that listener */
	EXPLAIN_DRAINING,   /* the node takes no new flows */
	EXPLAIN_DENIED,     /* the accelerator's lists of addresses are against the user */
	EXPLAIN_NO_LANE,    /* no endpoint of a group that takes flows has a lane that is up */
	EXPLAIN_UNHEALTHY,  /* those that have one have no healthy backend */
	EXPLAIN_NO_BACKEND, /* none with a weight that may be used */
	EXPLAIN_LIMIT, /* the source, the accelerator or each backend has as many flows as it may */
};

/* Which limit refuses it; of a flow that is taken, the one at which a UDP flow gives way to it. */
enum explain_limit {
	EXPLAIN_LIMIT_NONE,
	EXPLAIN_LIMIT_SOURCE_FLOWS,
	EXPLAIN_LIMIT_SOURCE_NEW_FLOWS,
	EXPLAIN_LIMIT_ACCELERATOR_FLOWS,
	EXPLAIN_LIMIT_ACCELERATOR_NEW_FLOWS,
	EXPLAIN_LIMIT_BACKEND_FLOWS,
	EXPLAIN_LIMIT_UDP_SOURCE, /* --udp-flows-per-source */
	EXPLAIN_LIMIT_UDP_NODE,   /* the node's UDP flows together */
};

/* What one group says to the flow; groups are asked in their order. */
enum explain_group_verdict {
	EXPLAIN_GROUP_NOT_ASKED,  /* one before took it */
	EXPLAIN_GROUP_TAKES,      /* the flow's share is below its dial */
	EXPLAIN_GROUP_TAKES_REST, /* it is not, but no group behind can take it */
	EXPLAIN_GROUP_PASSES,     /* it is not, and the next one is asked */
	EXPLAIN_GROUP_DIAL_0,
	EXPLAIN_GROUP_NO_ENDPOINT, /* none with a lane and a healthy backend */
};

struct explain_endpoint {
	char name[NAME_BYTES];
	bool has_lane; /* this worker's is up */
	enum health_state health;
	uint64_t rtt_us; /* of that lane, 0 without one */
};

struct explain_group {
	char region[NAME_BYTES];
	enum explain_group_verdict verdict;
	bool is_ranked;  /* an operator gave it its place; else the round trip did */
	uint64_t rtt_us; /* that its place came from, 0: never measured */
	uint8_t dial;    /* percent */
	uint8_t share;   /* of the flow, 0 to 99: the group takes those below its dial */
	char endpoint
	    [NAME_BYTES]; /* that the flow gets there, "" when none can or it was not asked */
	struct explain_endpoint *endpoints;
	size_t endpoint_count;
	uint32_t endpoint_total;
};

enum explain_backend_verdict {
	EXPLAIN_BACKEND_OTHER, /* the flow's hash chose another */
	EXPLAIN_BACKEND_TAKES,
	EXPLAIN_BACKEND_WEIGHT_0,
	EXPLAIN_BACKEND_UNHEALTHY,
	EXPLAIN_BACKEND_RETURNING, /* healthy again, gets its flows back by and by, and not this one yet */
	EXPLAIN_BACKEND_FULL, /* has as many flows as it may */
};

struct explain_backend {
	char host[ADDR_HOST_BYTES];
	uint16_t port; /* where it listens for this flow */
	uint32_t weight;
	enum health_state health;
	enum explain_backend_verdict verdict;
	char address[ADDR_TEXT_BYTES]; /* of it that this flow gets, "" when not resolved */
};

/* Where the lane's packets go. */
struct explain_lane {
	uint32_t lane; /* the listener's worker */
	bool is_up;
	char local[ADDR_TEXT_BYTES], remote[ADDR_TEXT_BYTES];
	uint64_t rtt_us, rtt_min_us;
	uint16_t packet_bytes;
};

/* Zeroed is an answer that says nothing. */
struct explain_answer {
	uint64_t id;
	enum explain_verdict verdict;
	enum explain_limit limit;
	bool is_live;    /* the flow is there now */
	uint32_t worker; /* that has it, or that answered for all */
	uint32_t workers,
	    alike; /* that answered, and that would send it to the same endpoint or backend */
	uint32_t accelerator;
	enum accelerator_protocol protocol;
	uint16_t port;
	enum client_affinity affinity;
	/* A listener: */
	char endpoint[NAME_BYTES];     /* that the flow is at, or would be; "" for none */
	char endpoint_now[NAME_BYTES]; /* that a new flow like it would get */
	bool has_lane;
	struct explain_lane lane; /* to `endpoint` */
	struct explain_group *groups;
	size_t group_count;
	/* An endpoint: */
	struct explain_backend *backends;
	size_t backend_count;
};

extern const struct schema explain_question_schema, explain_answer_schema;

/* Checks of a schema's text: "ADDR:PORT"; a name or nothing. */
const char *explain_check_user(const void *text);
const char *explain_check_name(const void *text);

/* "taken" and so on; "?" for what is none. */
const char *explain_verdict_text(enum explain_verdict verdict);

/* Did the flow get through there? */
bool explain_is_taken(const struct explain_answer *answer);

#endif
