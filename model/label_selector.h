/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which objects are meant, by their labels: "env=prod,tier!=web", as Kubernetes's equality-based ones. */
#ifndef MODEL_LABEL_SELECTOR_H
#define MODEL_LABEL_SELECTOR_H

#include "model/notes.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	LABEL_TERMS_MAX = 16,
	LABEL_SELECTOR_BYTES = 448, /* of its text, with the NUL */
};

#define LABEL_SELECTOR_RULE "KEY=VALUE or KEY!=VALUE, with commas between"

struct label_term {
	struct label label;
	bool is_not; /* "!=", which holds for what has no such label too */
};

/* All of its terms hold for what it matches; without one everything matches. */
struct label_selector {
	struct label_term terms[LABEL_TERMS_MAX];
	size_t count;
};

/* ERR_MALFORMED with a sentence in reason. */
int label_selector_parse(
    const char *text, struct label_selector *selector, char reason[REASON_BYTES]);

bool label_selector_matches(const struct label_selector *selector, const struct notes *notes);

#endif
