/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "Did you mean ...?": the nearest of some words by edit distance (insert, delete, replace, swap
 * neighbours), if one is near enough to be a slip.
 */
#ifndef BASE_SUGGEST_H
#define BASE_SUGGEST_H

#include <stddef.h>

enum { SUGGEST_WORD_MAX = 40 }; /* longer words are near nothing */

/* best is NULL while no candidate is near enough. */
struct suggestion {
	const char *word;
	size_t length;
	const char *best;
	size_t best_distance;
};

/* word need not end with NUL, and must stay as long as candidates are offered. */
void suggestion_begin(struct suggestion *suggestion, const char *word, size_t length);
void suggestion_offer(struct suggestion *suggestion, const char *candidate);

#endif
