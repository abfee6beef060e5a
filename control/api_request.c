/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See api.h: what handlers ask of requests, apart from libmicrohttpd. */
#include "control/api.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *format_etag(uint64_t revision, char text[32])
{
	snprintf(text, 32, "\"%llu\"", (unsigned long long)revision);
	return text;
}

void api_answer_set_etag(struct api_answer *answer, uint64_t revision)
{
	format_etag(revision, answer->etag);
}

/* RFC 9110, section 13.1.1: a list of tags, of which one must be the current. */
static bool names_etag(const char *list, const char *etag)
{
	size_t length = strlen(etag);

	while (*list) {
		list += strspn(list, " \t,");
		if (*list == '*'
		    || (strncmp(list, etag, length) == 0 && strchr(" \t,", list[length])))
			return true;
		list += strcspn(list, ",");
	}
	return false;
}

int api_check_match(
    const struct api_request *request, uint64_t revision, const char *what, struct problem *problem)
{
	const char *wanted = api_request_header(request, "If-Match");
	char etag[32];

	if (!wanted || names_etag(wanted, format_etag(revision, etag)))
		return 0;
	return problem_set(problem, PROBLEM_CHANGED_MEANWHILE, "",
	    "look at it again, and send the change with its ETag of now",
	    "%s is at revision %s by now", what, etag);
}

int api_request_limit(
    const struct api_request *request, long usual, long max, long *limit, struct problem *problem)
{
	const char *text = api_request_query(request, "limit");
	char *end;

	*limit = usual;
	if (!text)
		return 0;
	errno = 0;
	*limit = strtol(text, &end, 10);
	if (errno == 0 && *text && !*end && *limit >= 1 && *limit <= max)
		return 0;
	return problem_set(problem, PROBLEM_BAD_REQUEST, "limit", "",
	    "the argument limit must be a number, 1..%ld", max);
}
