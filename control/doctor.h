/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is wrong with nodes, their machines and tunnels though they serve: judged from what each told
 * last, as findings (control/finding.h).  What keeps the installation from serving is attention.h's.
 */
#ifndef CONTROL_DOCTOR_H
#define CONTROL_DOCTOR_H

#include "control/node_server.h"
#include "control/tunnels.h"

#include <jansson.h>

enum {
	DOCTOR_CLOCK_MS = 2000,    /* of difference between two clocks, more is wrong */
	DOCTOR_FILES_MIN = 4096,   /* descriptors of a process, fewer are wrong */
	DOCTOR_FILES_GOOD = 65536, /* fewer limit the flows */
	DOCTOR_PORTS_GOOD = 16384, /* local ports, fewer limit the flows to one backend */
	DOCTOR_CONFIG_MS = 10000,  /* that a node has to apply a config */
	DOCTOR_MTU_MS = 10000,     /* after which a lane's search for packet sizes is over */
	DOCTOR_PACKET_V4 = 1472,   /* UDP payload of 1,500 bytes over IPv4 */
	DOCTOR_PACKET_V6 = 1452,   /* and over IPv6 */
};

/* One node that is up.  steady_ms is the clock of node_live's times. */
void doctor_node(json_t *findings, const struct node *node, const struct node_live *live,
    const char *version, uint64_t steady_ms);

/* What one side told of a tunnel, `clock_ms` being that side's clock when it did; NULL is no fault here. */
void doctor_tunnel(json_t *findings, const struct node *listener, const struct node *endpoint,
    enum node_role side, const struct tunnel_measurement *said, uint64_t clock_ms);

#endif
