/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The API's audit log: what of a request goes into it, and reading it. */
#include "control/api_audit.h"

#include "base/log.h"
#include "control/api_routes.h"
#include "control/audit.h"
#include "control/events.h"

#include <stdio.h>
#include <string.h>

enum { ENTRIES_DEFAULT = 100 };

/*
 * What a viewer may do is reading, by whatever method: a question is in the body of a POST as it
 * has a user's address in it, which is to be in no log, and neither is what is said of a body that is
 * cut.
 */
static bool is_reading(const struct api_request *request, const struct api_route *route)
{
	return strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0
	       || (route && route->least == API_ROLE_VIEWER);
}

/*
 * Reading is no change; who may not, or is nobody, is of interest whatever he wanted.  What was
 * done has a revision; without one nothing changed (a dry run, an answer given again), and
 * somebody who is known could fill the log with it.
 */
static bool is_of_interest(const struct api_request *request, const struct api_route *route,
    unsigned status, uint64_t revision)
{
	if (status == 401 || status == 403)
		return true;
	if (status == 429 || is_reading(request, route))
		return false;
	return status >= 400 || revision;
}

void api_audit(struct control *control, const struct api_request *request,
    const struct api_route *route, unsigned status, uint64_t revision, const char *detail)
{
	const struct api_caller *caller = &request->caller;
	char what[256], path[200];

	if (!is_of_interest(request, route, status, revision))
		return;
	snprintf(what, sizeof(what), "%.16s %s", request->method,
	    log_quote(path, sizeof(path), request->path));
	audit_write(control->audit,
	    &(struct audit_entry){.outcome = status == 401  ? AUDIT_STRANGER
	                                     : status < 400 ? AUDIT_DONE
	                                                    : AUDIT_REFUSED,
	        .who = caller->who,
	        .from = caller->from,
	        .role = caller->role ? api_role_names[caller->role] : NULL,
	        .what = what,
	        .status = status,
	        .revision = revision,
	        .detail = detail},
	    control_now_ms());
}

static void tell(void *context, json_t *entry)
{
	events_publish(context, EVENT_AUDIT, 0, entry);
}

void api_audit_tell(struct control *control)
{
	audit_tell(control->audit, tell, control->events);
}

int api_audit_list(
    struct control *control, const struct api_request *request, struct api_answer *answer)
{
	long limit;

	if (api_request_limit(request, ENTRIES_DEFAULT, AUDIT_ENTRIES_MAX, &limit, &answer->problem)
	    < 0)
		return -1;
	answer->body = json_pack("{s:o}", "items", audit_read(control->audit, (size_t)limit));
	return 0;
}
