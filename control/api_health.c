/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /healthz, /readyz and /metrics: for what watches control, and not for trunkctl. */
#include "config.h"

#include "control/api_routes.h"
#include "control/audit.h"
#include "control/metrics.h"
#include "control/node_server.h"

#include <stdlib.h>

enum { STATUS_UNAVAILABLE = 503 };

/* That it is answered is the answer: the loop turns. */
int api_healthz(
    struct control *control, const struct api_request *request, struct api_answer *answer)
{
	(void)control;
	(void)request;
	answer->body = json_pack("{s:s}", "status", "ok");
	return 0;
}

static void add_reason(json_t *reasons, const char *text)
{
	json_array_append_new(reasons, json_string(text));
}

int api_readyz(
    struct control *control, const struct api_request *request, struct api_answer *answer)
{
	json_t *reasons = json_array();
	struct revision newest;

	(void)request;
	if (!node_server_figures(control->nodes).keys_pid)
		add_reason(reasons, "the keys process is down: no node can connect");
	if (store_list_revisions(control->store, &newest, 1) < 0)
		add_reason(reasons, "the state cannot be read: see control's log and disk");
	if (control->installation.restored_from_ms)
		add_reason(reasons, "the state was restored from a backup, and no change is taken "
		                    "before trunkctl adopt");
	if (!audit_is_open(control->audit))
		add_reason(reasons, "the audit log is not open");
	if (json_array_size(reasons))
		answer->status = STATUS_UNAVAILABLE;
	answer->body =
	    json_pack("{s:b, s:o}", "ready", json_array_size(reasons) == 0, "reasons", reasons);
	return 0;
}

int api_metrics(
    struct control *control, const struct api_request *request, struct api_answer *answer)
{
	struct exposition exposition = {0};

	(void)request;
	metrics_write(control, &exposition);
	if (exposition.has_failed) {
		free(exposition.text);
		return problem_set(&answer->problem, PROBLEM_INTERNAL, "", "", "no memory");
	}
	answer->text = exposition.text;
	return 0;
}
