/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How far a node's drain is: an operator said that it is to take no new flows, and those that it
 * has may end by themselves.
 */
#ifndef CONTROL_NODE_DRAIN_H
#define CONTROL_NODE_DRAIN_H

#include "control/control.h"
#include "control/installation.h"

#include <jansson.h>
#include <stdint.h>

/* TCP and UDP flows that the node has by its last report; -1 where it has not told. */
struct node_flows {
	int64_t tcp, udp;
};
struct node_flows node_drain_flows(const struct control *control, const struct node *node);

/*
 * "off"; "draining"; or "drained": it is up and without flows, and reported so after all nodes
 * that could have sent it new ones had applied the config that says so.
 */
const char *node_drain_state(const struct control *control, const struct node *node);

/* {"tcp", "udp"}, or null where the node has not told; a new reference. */
json_t *node_drain_flows_json(const struct node_flows *flows);

/* What was told of a drain last; zero while there is none. */
struct drain_told {
	const char *state;
	struct node_flows flows;
};

/* After each report of the node: an event when there is something else to tell. */
void node_drain_tell(
    const struct control *control, const struct node *node, struct drain_told *told);

#endif
