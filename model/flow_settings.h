/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the tunnel is to treat the flows of an accelerator: an operator states it, and both nodes of
 * a flow get it with their configs.
 */
#ifndef MODEL_FLOW_SETTINGS_H
#define MODEL_FLOW_SETTINGS_H

#include "base/schema.h"

#include <stdint.h>

enum traffic_class {
	TRAFFIC_AUTO, /* interactive for TCP, realtime for UDP */
	TRAFFIC_REALTIME,
	TRAFFIC_INTERACTIVE,
	TRAFFIC_BULK,
};

enum compression_kind { COMPRESSION_OFF, COMPRESSION_LZ4 };

enum {
	REPAIR_BUDGET_DEFAULT_PERCENT = 30,
	DEADLINE_MAX_MS = 10000,
};

struct flow_settings {
	enum traffic_class traffic_class;
	uint8_t repair_budget_percent;     /* of the lane's bytes; 0: no repair, to 100 */
	uint32_t deadline_ms;              /* a datagram that is older is of no use; 0: none */
	enum compression_kind compression; /* of TCP flows */
};

/* For schema tables and the command line; end with NULL. */
extern const char *const traffic_class_names[];
extern const char *const compression_names[];

/* The fields of a table whose struct has a `struct flow_settings flow_settings`. */
#define FLOW_SETTINGS_FIELDS(struct_type)                                                          \
	{SCHEMA_MEMBER("class", struct_type, flow_settings.traffic_class),                         \
	    .help = "how its flows are treated; auto: TCP interactive, UDP realtime",              \
	    .type = SCHEMA_ENUM, .names = traffic_class_names},                                    \
	    {SCHEMA_MEMBER(                                                                        \
	         "repair_budget_percent", struct_type, flow_settings.repair_budget_percent),       \
	        .help = "percent of a lane's bytes that may repair loss, 0 for none",              \
	        .type = SCHEMA_U8, .max = 100, .default_number = REPAIR_BUDGET_DEFAULT_PERCENT},   \
	    {SCHEMA_MEMBER("deadline_ms", struct_type, flow_settings.deadline_ms),                 \
	        .help = "milliseconds after which a datagram is of no use, 0 for none",            \
	        .type = SCHEMA_U32, .max = DEADLINE_MAX_MS},                                       \
	{                                                                                          \
		SCHEMA_MEMBER("compression", struct_type, flow_settings.compression),              \
		    .help = "of its TCP flows", .type = SCHEMA_ENUM, .names = compression_names    \
	}

#endif
