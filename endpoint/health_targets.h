/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which addresses of which backends are asked, and when: every address that a backend's name has is a
 * target with a state of its own, asked by one probe at a time.  The first round comes at a random moment of
 * the first interval (a second at most), and each later one up to a tenth earlier or later, so that
 * many backends are not asked at once.  What changed is told in batches.
 */
#ifndef ENDPOINT_HEALTH_TARGETS_H
#define ENDPOINT_HEALTH_TARGETS_H

#include "endpoint/probe.h"
#include "model/node_config.h"
#include "net/backend_states.h"

#include <stddef.h>

enum {
	TARGETS_MAX = 4096, /* addresses; what is beyond is not asked, and stays unknown */
};

struct health_targets;

/* The states that changed since the last call; at most once a round of the loop. */
typedef void targets_told_fn(void *context, const struct backend_health *changes, size_t count);

/* ERR_NOMEM or ERR_IO. Reads files, so before the sandbox. */
int health_targets_new(
    struct health_targets **targets, struct ev_loop *loop, targets_told_fn *told, void *context);
void health_targets_free(struct health_targets *targets);

/* Addresses to probe from, in turn. */
void health_targets_sources(
    struct health_targets *targets, const struct addr *sources, size_t count);

/* What a predecessor found: where targets that come by the next config begin. */
void health_targets_remember(
    struct health_targets *targets, const struct backend_health *known, size_t count);

/* Takes over what config owns. Backends whose check stayed the same keep their state and their time. */
void health_targets_config(struct health_targets *targets, struct node_config *config);

/* What workers say of flows; of what is no target nothing is taken. */
void health_targets_flows(
    struct health_targets *targets, const struct flow_outcomes *outcomes, size_t count);

#endif
