/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a flow goes, asked of the nodes themselves: first each listener that it may have come to, then the
 * endpoint that one of them names.  Everything ends within EXPLAIN_MS twice, answered or not.
 * A user's address is personal data: it is in the question, its answer, and nowhere else, no log, metric or store.
 */
#ifndef CONTROL_EXPLAIN_H
#define CONTROL_EXPLAIN_H

#include "control/control.h"
#include "model/explain.h"

#include <jansson.h>

enum {
	EXPLAIN_MS = 1500,          /* that nodes have for an answer */
	EXPLAIN_LISTENERS_MAX = 64, /* asked for one question */
	EXPLAIN_INQUIRIES_MAX = 16, /* at once */
};

struct explains; /* all of them */
struct inquiry;  /* one */

/* NULL without memory. */
struct explains *explains_new(struct control *control);
/* After the last inquiry.  Takes NULL. */
void explains_free(struct explains *explains);

/*
 * Asks.  question's id and listener are filled here; listeners are names of nodes.  on_done is called once, not before
 * this returns, unless explain_end() comes first.  NULL when there are too many, or without memory.
 */
struct inquiry *explain_begin(struct explains *explains, const struct explain_question *question,
    const struct name *listeners, size_t count, void (*on_done)(void *context), void *context);

/* After on_done: what the API answers, a new reference or NULL without memory. */
json_t *explain_result(const struct inquiry *inquiry);

void explain_end(struct inquiry *inquiry);

/* A node answered.  Takes what the answer owns, or leaves it when nobody asked. */
void explain_take(
    struct explains *explains, const struct node *node, struct explain_answer *answer);

#endif
