/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See accelerator_limits.h. */
#include "model/accelerator_limits.h"

#include <stddef.h>

static const struct schema_field user_fields[] = {
    {SCHEMA_MEMBER("flows", struct user_limits, flows), .help = "flows at once, TCP and UDP",
        .type = SCHEMA_U32, .max = LIMIT_FLOWS_MAX},
};
static const struct schema user_schema = SCHEMA(struct user_limits, user_fields);

static const struct schema_field backend_fields[] = {
    {SCHEMA_MEMBER("flows", struct backend_limits, flows), .help = "flows at once, TCP and UDP",
        .type = SCHEMA_U32, .max = LIMIT_FLOWS_MAX},
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
