/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See worker_explain.h. */
#include "net/worker_explain.h"

#include "base/err.h"
#include "base/log.h"
#include "model/explain.h"
#include "net/worker_private.h"

#include <stdlib.h>
#include <string.h>

/* What cannot be said is left out: main waits for a while only. */
static void tell(struct worker *worker, const struct explain_answer *answer)
{
	json_t *json = schema_to_json(&explain_answer_schema, answer, 0);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	if (text && strlen(text) <= EXPLAIN_BYTES_MAX)
		worker_tell_main(worker, WORKER_MESSAGE_EXPLAINED, text, strlen(text));
	else
		log_limited(LOG_LEVEL_WARN, 1, "flow_not_explained", "reason=\"%s\"",
		    err_text(text ? ERR_TOO_LARGE : ERR_NOMEM));
	free(text);
}

int worker_explain(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct worker *worker = context;
	struct explain_answer answer = {0};
	struct explain_question question;

	(void)ipc;
	memcpy(&question, message->data, sizeof question);
	if (!worker->config) /* it started into a drain, and gets none */
		return 0;
	answer.id = question.id;
	answer.worker = worker->settings.index;
	if (worker->role->explain(worker->state, &question, &answer) == 0)
		tell(worker, &answer);
	schema_clear(&explain_answer_schema, &answer);
	return 0;
}
