/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is a node ready for users, and if not, why?  That control is away is no reason: the node serves on.
 */
#ifndef NET_NODE_READY_H
#define NET_NODE_READY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NODE_READY_REASON_BYTES = 128, NODE_READY_REASONS_MAX = 16 };

/* What the answer is made of. */
struct node_ready_facts {
	bool is_listener;
	bool is_stopping; /* SIGTERM came */
	bool has_keys;    /* the keys process runs */
	bool has_joined;  /* control took it, now or before */
	bool has_config;
	bool is_config_waiting;            /* a saved config could not be opened yet */
	bool is_draining;                  /* control said so */
	unsigned workers, workers_serving; /* by the config in force */
	size_t accelerators;
	uint64_t lanes_up;
};

struct node_ready_reasons {
	size_t count; /* 0: ready */
	char list[NODE_READY_REASONS_MAX][NODE_READY_REASON_BYTES];
};

void node_ready_judge(const struct node_ready_facts *facts, struct node_ready_reasons *reasons);

#endif
