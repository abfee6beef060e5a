/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of the API's requests goes into the audit log (control/audit.h). */
#ifndef CONTROL_API_AUDIT_H
#define CONTROL_API_AUDIT_H

#include "control/api.h"

struct api_route;

/*
 * After each request: writes those that changed something, wanted to, or were refused for who
 * asked.  route is NULL when there is none or who asked was not let in; revision is what the change became, 0 for none; detail why it was refused, or NULL.
 */
void api_audit(struct control *control, const struct api_request *request,
    const struct api_route *route, unsigned status, uint64_t revision, const char *detail);

/* Entries of the audit log, which is open, are events from now on; the events outlive it. */
void api_audit_tell(struct control *control);

#endif
