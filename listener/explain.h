/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a flow goes to its endpoint, by the listener's own choice; see model/explain.h. */
#ifndef LISTENER_EXPLAIN_H
#define LISTENER_EXPLAIN_H

#include "model/explain.h"

/* As struct worker_role has it. */
int listener_explain(
    void *state, const struct explain_question *question, struct explain_answer *answer);

#endif
