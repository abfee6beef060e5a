/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a node tells control, with each report, of the machine that it runs on: its clock, and what its kernel
 * lets it have.
 */
#ifndef MODEL_MACHINE_H
#define MODEL_MACHINE_H

#include "base/schema.h"

#include <stdbool.h>
#include <stdint.h>

/* All zero from a node that told nothing; a size of 0 is one that could not be read. */
struct machine {
	uint64_t clock_ms;                 /* UNIX time when the report was made */
	uint64_t rmem_max_bytes;           /* net.core.rmem_max */
	uint64_t wmem_max_bytes;           /* net.core.wmem_max */
	uint64_t tunnel_buffer_bytes;      /* wanted for a tunnel's socket, each way */
	uint64_t tunnel_granted_bytes;     /* that the kernel gave, the least of all */
	uint64_t files_max;                /* descriptors of a process (RLIMIT_NOFILE) */
	uint32_t port_first, port_last;    /* net.ipv4.ip_local_port_range */
	bool has_udp_gro, has_udp_segment; /* the kernel knows UDP_GRO and UDP_SEGMENT */
};

extern const struct schema machine_schema;

#endif
