/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a node tells Prometheus: itself, its config, what its workers count, each tunnel, and (an endpoint)
 * its backends.  A new value of the page is here by its line in net/page.h alone.  Labels are
 * names of nodes, regions, accelerators and backends, which control bounds: nothing of users.
 */
#ifndef NET_NODE_METRICS_H
#define NET_NODE_METRICS_H

#include "base/exposition.h"

struct node;

void node_metrics_write(struct node *node, struct exposition *exposition);

#endif
