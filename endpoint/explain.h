/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a flow goes to its backend, by the endpoint's own choice; see model/explain.h. */
#ifndef ENDPOINT_EXPLAIN_H
#define ENDPOINT_EXPLAIN_H

#include "model/explain.h"

/* As struct worker_role has it. */
int endpoint_explain(
    void *state, const struct explain_question *question, struct explain_answer *answer);

#endif
