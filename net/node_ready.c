/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See node_ready.h. */
#include "net/node_ready.h"

#include <stdarg.h>
#include <stdio.h>

static void add(struct node_ready_reasons *reasons, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void add(struct node_ready_reasons *reasons, const char *format, ...)
{
	va_list args;

	if (reasons->count == NODE_READY_REASONS_MAX)
		return;
	va_start(args, format);
	vsnprintf(reasons->list[reasons->count++], NODE_READY_REASON_BYTES, format, args);
	va_end(args);
}

static void judge_config(const struct node_ready_facts *facts, struct node_ready_reasons *reasons)
{
	if (facts->workers_serving < facts->workers)
		add(reasons, "%u of %u workers serve by the config in force",
		    facts->workers_serving, facts->workers);
	if (facts->is_draining)
		add(reasons, "an operator drains the node: it takes no new flows");
	if (facts->is_listener && facts->accelerators && !facts->lanes_up)
		add(reasons, "no lane to an endpoint is up");
}

void node_ready_judge(const struct node_ready_facts *facts, struct node_ready_reasons *reasons)
{
	reasons->count = 0;
	if (facts->is_stopping)
		add(reasons, "the daemon is ending: it takes no new flows");
	if (!facts->has_keys)
		add(reasons, "the keys process is down: no new lane can be opened");
	if (facts->has_config)
		judge_config(facts, reasons);
	else if (facts->is_config_waiting)
		add(reasons, "the saved config cannot be applied yet: see the log");
	else if (!facts->has_joined)
		add(reasons, "control has not let it join yet");
	else
		add(reasons, "there is no config: control has not sent one yet");
}
