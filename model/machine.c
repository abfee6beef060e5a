/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See machine.h. */
#include "model/machine.h"

#include "model/limits.h"

#define SIZE_FIELD(key, member)                                                                    \
	{                                                                                          \
		SCHEMA_MEMBER(key, struct machine, member), .type = SCHEMA_U64, .max = INT64_MAX   \
	}
static const struct schema_field fields[] = {
    {SCHEMA_MEMBER("clock_ms", struct machine, clock_ms), .type = SCHEMA_U64, .max = TIME_MAX_MS},
    SIZE_FIELD("rmem_max_bytes", rmem_max_bytes),
    SIZE_FIELD("wmem_max_bytes", wmem_max_bytes),
    SIZE_FIELD("tunnel_buffer_bytes", tunnel_buffer_bytes),
    SIZE_FIELD("tunnel_granted_bytes", tunnel_granted_bytes),
    SIZE_FIELD("files_max", files_max),
    {SCHEMA_MEMBER("port_first", struct machine, port_first), .type = SCHEMA_U32,
        .max = UINT16_MAX},
    {SCHEMA_MEMBER("port_last", struct machine, port_last), .type = SCHEMA_U32, .max = UINT16_MAX},
    {SCHEMA_MEMBER("udp_gro", struct machine, has_udp_gro), .type = SCHEMA_BOOL},
    {SCHEMA_MEMBER("udp_segment", struct machine, has_udp_segment), .type = SCHEMA_BOOL},
};
const struct schema machine_schema = SCHEMA(struct machine, fields);
