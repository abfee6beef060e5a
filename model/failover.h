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

/* What becomes of UDP flows whose backend, or endpoint, serves no more. */
enum udp_failover {
	UDP_FAILOVER_ON,  /* they go on at another one */
	UDP_FAILOVER_OFF, /* they stay, and end by their idle timeout */
};

struct failover {
	enum udp_failover udp_failover;
	enum all_unhealthy all_unhealthy;
};

/* For schema tables and the command line; ends with NULL. */
extern const char *const all_unhealthy_names[];
extern const char *const udp_failover_names[];

/* The fields of a table whose struct has a `struct failover failover`. */
#define FAILOVER_FIELDS(struct_type)                                                               \
	{SCHEMA_MEMBER("udp_failover", struct_type, failover.udp_failover),                        \
	    .help = "on: UDP flows whose backend or endpoint fails go on at another one",          \
	    .type = SCHEMA_ENUM, .names = udp_failover_names},                                     \
	{                                                                                          \
		SCHEMA_MEMBER("all_unhealthy", struct_type, failover.all_unhealthy),               \
		    .help = "without a healthy backend anywhere: refuse new flows, or fail-open: " \
		            "send them as if all were healthy",                                    \
		    .type = SCHEMA_ENUM, .names = all_unhealthy_names                              \
	}

#endif
