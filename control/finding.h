/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an operator should look at, one sentence each, with what to do about it: of status and doctor. */
#ifndef CONTROL_FINDING_H
#define CONTROL_FINDING_H

#include <jansson.h>
#include <stddef.h>

enum { FINDINGS_MAX = 1000 }; /* of a list; more are left out, and the last one says so */

enum finding_level {
	FINDING_WRONG,  /* something does not work as it was stated */
	FINDING_NOTICE, /* it works, but less well than it could */
};

/* What was looked at; the names are those of the API. */
enum finding_check {
	CHECK_REACHABILITY,
	CHECK_CONFIG,
	CHECK_VERSION,
	CHECK_CLOCK,
	CHECK_LIMITS,
	CHECK_MTU,
	CHECK_STATE,
};

/*
 * Appends one to the list.  node is its name, NULL for none in particular; fix is what to do.
 */
void finding_add(json_t *list, enum finding_level level, enum finding_check check, const char *node,
    const char *fix, const char *format, ...) __attribute__((format(printf, 6, 7)));

/* Those that are wrong first, otherwise in their order; how many those are. */
size_t finding_sort(json_t *list);

/* The names of the checks, in the order of enum finding_check; a new list. */
json_t *finding_checks_json(void);

#endif
