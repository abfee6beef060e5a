/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What becomes of an accelerator's flows when backends fail: an operator states it, both nodes of a flow get it. */
#ifndef MODEL_FAILOVER_H
#define MODEL_FAILOVER_H

#include "base/schema.h"

/* With no healthy backend in any group. */
enum all_unhealthy {
	ALL_UNHEALTHY_REFUSE,    /* TCP is reset at once, UDP dropped */
	ALL_UNHEALTHY_FAIL_OPEN, /* as if all were healthy */
};

struct failover {
	enum all_unhealthy all_unhealthy;
};

/* For schema tables and the command line; ends with NULL. */
extern const char *const all_unhealthy_names[];

/* The fields of a table whose struct has a `struct failover failover`. */
#define FAILOVER_FIELDS(struct_type)                                                               \
	{                                                                                          \
		SCHEMA_MEMBER("all_unhealthy", struct_type, failover.all_unhealthy),               \
		    .help = "without a healthy backend anywhere: refuse new flows, or fail-open: " \
		            "send them as if all were healthy",                                    \
		    .type = SCHEMA_ENUM, .names = all_unhealthy_names                              \
	}

#endif
