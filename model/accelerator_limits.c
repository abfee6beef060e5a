/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See accelerator_limits.h. */
#include "model/accelerator_limits.h"

#include <stddef.h>

static const char *check_bytes(const void *value)
{
	uint64_t bytes = *(const uint64_t *)value;

	return bytes == 0 || bytes >= LIMIT_BYTES_MIN ? NULL
	                                              : "must be 0 for no limit, or 65536 and more";
}

#define BYTES_FIELD(struct_type)                                                                   \
	{                                                                                          \
		SCHEMA_MEMBER("bytes_per_s", struct_type, bytes_per_s),                            \
		    .help = "bytes a second each way; TCP above it is slowed, UDP dropped",        \
		    .type = SCHEMA_U64, .max = LIMIT_BYTES_MAX, .check = check_bytes               \
	}

static const struct schema_field user_fields[] = {
    {SCHEMA_MEMBER("flows", struct user_limits, flows), .help = "flows at once, TCP and UDP",
        .type = SCHEMA_U32, .max = LIMIT_FLOWS_MAX},
    {SCHEMA_MEMBER("new_flows_per_s", struct user_limits, new_flows_per_s),
        .help = "flows that may begin in a second", .type = SCHEMA_U32, .max = LIMIT_FLOWS_MAX},
    BYTES_FIELD(struct user_limits),
};
static const struct schema user_schema = SCHEMA(struct user_limits, user_fields);

static const struct schema_field backend_fields[] = {
    {SCHEMA_MEMBER("flows", struct backend_limits, flows), .help = "flows at once, TCP and UDP",
        .type = SCHEMA_U32, .max = LIMIT_FLOWS_MAX},
    BYTES_FIELD(struct backend_limits),
};
static const struct schema backend_schema = SCHEMA(struct backend_limits, backend_fields);

static const struct schema_field limits_fields[] = {
    {SCHEMA_MEMBER("source", struct accelerator_limits, source),
        .help = "of one user address, or IPv6 /64, at a listener node", .type = SCHEMA_STRUCT,
        .schema = &user_schema},
    {SCHEMA_MEMBER("accelerator", struct accelerator_limits, accelerator),
        .help = "of all users together at a listener node", .type = SCHEMA_STRUCT,
        .schema = &user_schema},
    {SCHEMA_MEMBER("backend", struct accelerator_limits, backend),
        .help = "of one backend at an endpoint node", .type = SCHEMA_STRUCT,
        .schema = &backend_schema},
};
const struct schema accelerator_limits_schema = SCHEMA(struct accelerator_limits, limits_fields);
