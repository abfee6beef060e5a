/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the command table's metavars let people type: "tcp|udp" two words, "REGION=HOST[:PORT]" the
 * name of a region and then more, "nearest|REGION[,...]" a word or a list of names.
 */
#ifndef CLI_METAVAR_H
#define CLI_METAVAR_H

#include <stdbool.h>
#include <stddef.h>

/* How a value may begin; points into the metavar. */
struct metavar_start {
	const char *text; /* "tcp", "fixed:" as it is typed; "REGION" for a name of that sort */
	size_t length;
	char suffix;     /* stands behind a name: '=' in "REGION=HOST"; else NUL */
	bool is_name;    /* in capitals */
	bool has_fields; /* "[.FIELD]" may follow */
};

typedef void metavar_fn(const struct metavar_start *start, void *context);

/* Calls `each` for every way in which a value of the metavar may begin, from left to right. */
void metavar_each(const char *metavar, metavar_fn *each, void *context);

/* Does it end in "[,...]": several of them with commas between? */
bool metavar_is_list(const char *metavar);

/* Is it "[NAME...]": the rest of the command line, whatever it is? */
bool metavar_is_rest(const char *metavar);

bool metavar_start_is(const struct metavar_start *start, const char *name);

#endif
