/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What became of users' flows, by address of a backend: gathered by each worker, and told to the health process
 * through main four times a second, which takes out backends that fail too many.
 */
#ifndef ENDPOINT_OUTCOMES_H
#define ENDPOINT_OUTCOMES_H

#include "model/node_config.h"
#include "net/health_messages.h"
#include "net/worker.h"

enum { OUTCOMES_MAX = 64 }; /* addresses, then they are told at once */

enum outcome {
	OUTCOME_SERVED,     /* the backend said something */
	OUTCOME_FAILED,     /* refused, unreachable, timed out, or reset before a byte */
	OUTCOME_UNANSWERED, /* of UDP: it may be a service that never answers */
};

struct outcomes {
	struct worker *worker;
	struct worker_timer timer;
	struct flow_outcomes pending[OUTCOMES_MAX];
	size_t count;
};

void outcomes_init(struct outcomes *outcomes, struct worker *worker);
void outcomes_stop(struct outcomes *outcomes);
void outcomes_add(struct outcomes *outcomes, uint32_t accelerator, const struct backend *backend,
    const struct addr *address, enum outcome outcome);

#endif
