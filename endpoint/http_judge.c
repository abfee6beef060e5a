/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See http_judge.h. */
#include "config.h"

#include "endpoint/http_judge.h"

#include <string.h>

enum { STATUS_FIRST = 200, STATUS_LAST = 399 };

enum health_cause http_judge(
    const struct health_check *check, long status, const void *body, size_t length)
{
	unsigned first = STATUS_FIRST, last = STATUS_LAST;

	if (check->status[0] && health_status_range(check->status, &first, &last) < 0)
		return HEALTH_CAUSE_WRONG_ANSWER;
	if (status < (long)first || status > (long)last)
		return HEALTH_CAUSE_WRONG_ANSWER;
	if (check->body[0] && !memmem(body, length, check->body, strlen(check->body)))
		return HEALTH_CAUSE_WRONG_ANSWER;
	return HEALTH_CAUSE_NONE;
}
