/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Main's part in health checks of backends, where the role has a health process: it hands that the
 * config, keeps what it found, and tells the workers.  It judges nothing.
 */
#ifndef NET_NODE_HEALTH_H
#define NET_NODE_HEALTH_H

#include "net/ipc.h"
#include "net/supervisor.h"

#include <stddef.h>

struct message_report;
struct node;

/* What main takes from the health process. */
extern const struct ipc_rule node_health_rules[];
extern const size_t node_health_rule_count;

/* ERR_NOMEM. Nothing where the role has no health process. */
int node_health_open(struct node *node);
void node_health_close(struct node *node);
/* The health process runs (again). */
void node_health_started(struct node *node, struct process *health);
/* The config in force changed. */
void node_health_config(struct node *node);
/* For the rules of workers: what they say of flows goes to the health process. */
int node_health_on_flows(struct ipc *ipc, void *context, struct ipc_message *message);
/* Fills the report's backends, which are then its owner's to free(). */
void node_health_report(const struct node *node, struct message_report *report);
/* A worker has its config: it gets all that is known. */
void node_health_tell_worker(struct node *node, struct process *worker);

#endif
