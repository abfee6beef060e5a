/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Edit distance by the usual table of prefixes, three rows of it at a time.
 */
#include "base/suggest.h"

#include <string.h>

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Both lengths are at most SUGGEST_WORD_MAX. */
static size_t edit_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	size_t rows[3][SUGGEST_WORD_MAX + 1];
	size_t *before = rows[0], *last = rows[1], *now = rows[2], *unused;

	for (size_t j = 0; j <= b_length; j++)
		last[j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		now[0] = i;
		for (size_t j = 1; j <= b_length; j++) {
			now[j] = smaller(last[j], now[j - 1]) + 1;
			now[j] = smaller(now[j], last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = smaller(now[j], before[j - 2] + 1);
		}
		unused = before;
		before = last;
		last = now;
		now = unused;
	}
	return last[b_length];
}

void suggestion_begin(struct suggestion *suggestion, const char *word, size_t length)
{
	suggestion->word = word;
	suggestion->length = length;
	suggestion->best = NULL;
	/* A third of the letters, and one in short words, may be wrong. */
	suggestion->best_distance = (length < 3 ? 1 : length / 3) + 1;
}

void suggestion_offer(struct suggestion *suggestion, const char *candidate)
{
	size_t length = strlen(candidate), distance;

	if (suggestion->length > SUGGEST_WORD_MAX || length > SUGGEST_WORD_MAX)
		return;
	distance = edit_distance(suggestion->word, suggestion->length, candidate, length);
	/* A word that shares no letter with the candidate is no slip of it. */
	if (distance >= suggestion->best_distance || distance >= length)
		return;
	suggestion->best = candidate;
	suggestion->best_distance = distance;
}
