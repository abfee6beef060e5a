/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much of a node an accelerator's users may take: an operator states it, and both nodes of a flow get it with
 * their configs.  Each node counts for itself, all its workers together: a listener by source (an address, or IPv6
 * /64) and for the accelerator, an endpoint by backend.  0 is no limit.
 */
#ifndef MODEL_ACCELERATOR_LIMITS_H
#define MODEL_ACCELERATOR_LIMITS_H

#include "base/schema.h"

#include <stdint.h>

enum { LIMIT_FLOWS_MAX = 1000 * 1000 * 1000 };
/* A second must take the largest datagram; ten times a port of 10 Gbit/s is more than a node carries. */
#define LIMIT_BYTES_MIN UINT64_C(65536)
#define LIMIT_BYTES_MAX UINT64_C(10000000000)

/* What one source, or the accelerator, may have at a listener node. */
struct user_limits {
	uint32_t flows;           /* at once; TCP and UDP count apart for a source, else together */
	uint32_t new_flows_per_s; /* that begin, likewise */
	uint64_t bytes_per_s; /* from users, and as much to them: TCP's is slowed, UDP's dropped */
};

/* What one backend may have from an endpoint node. */
struct backend_limits {
	uint32_t flows;
	uint64_t bytes_per_s; /* to it, and as much from it */
};

struct accelerator_limits {
	struct user_limits source, accelerator;
	struct backend_limits backend;
};

extern const struct schema accelerator_limits_schema;

/* The field of a table whose struct has a `struct accelerator_limits limits`. */
#define ACCELERATOR_LIMITS_FIELD(struct_type)                                                      \
	{                                                                                          \
		SCHEMA_MEMBER("limits", struct_type, limits),                                      \
		    .help = "what its users may take of a node; 0 is no limit",                    \
		    .type = SCHEMA_STRUCT, .schema = &accelerator_limits_schema                    \
	}

#endif
