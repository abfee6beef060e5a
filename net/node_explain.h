/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Main's part in telling where a flow goes: control asks, each worker is asked, and what the one says
 * that has the flow, or else the first, goes back.  Main looks at no flow itself.
 */
#ifndef NET_NODE_EXPLAIN_H
#define NET_NODE_EXPLAIN_H

#include "model/explain.h"
#include "net/ipc.h"

/* A worker looks through its flows for each question, and carries nothing meanwhile. */
enum {
	NODE_EXPLAIN_MS = 500,          /* that workers have; those that are slower are left out */
	NODE_EXPLAIN_INTERVAL_MS = 200, /* between two questions to workers, */
	NODE_EXPLAIN_BURST = 5,         /* after so many at once */
	NODE_EXPLAIN_WAIT_MS = 900, /* at most for that; what had to wait longer is not answered */
	NODE_EXPLAIN_PENDING_MAX = 16, /* at once: more than come by these figures */
};

struct node;
struct node_explain;

/* NULL without memory. */
struct node_explain *node_explain_new(struct node *node);
/* Takes NULL. */
void node_explain_free(struct node_explain *explain);

/* From control. The answer goes out by itself, unless no worker serves or there are too many questions. */
void node_explain_ask(struct node_explain *explain, const struct explain_question *question);
/* For the rules of workers; the context is their process. */
int node_explain_on_told(struct ipc *ipc, void *context, struct ipc_message *message);

#endif
