/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See node_explain.h. */
#include "net/node_explain.h"

#include "base/err.h"
#include "model/json_guard.h"
#include "net/node_private.h"
#include "net/pacing_timer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHOICE_BYTES = NAME_BYTES };

/* A question on its way.  `best` is of the worker that speaks, once has_best. */
struct pending {
	struct node_explain *explain;
	bool is_used, has_best;
	struct explain_question question;
	unsigned asked, answered;                     /* workers; 0 asked: it waits for its turn */
	uint64_t heard;                               /* bit i: worker i answered */
	char choices[NODE_WORKERS_MAX][CHOICE_BYTES]; /* of each, "" for none */
	struct explain_answer best;
	ev_timer due;
};

struct node_explain {
	struct node *node;
	struct pending list[NODE_EXPLAIN_PENDING_MAX];
	uint64_t next_us; /* when one more goes to the workers, were there no burst */
};

_Static_assert(NODE_WORKERS_MAX <= 64, "a bit for each worker");

/* ---- one question ---- */

static void forget(struct pending *pending)
{
	ev_timer_stop(pending->explain->node->loop, &pending->due);
	schema_clear(&explain_answer_schema, &pending->best);
	pending->is_used = pending->has_best = false;
}

/* How many workers choose as the one that speaks. */
static uint32_t count_alike(const struct pending *pending)
{
	uint32_t count = 0;

	for (unsigned i = 0; i < NODE_WORKERS_MAX; i++)
		if (pending->heard >> i & 1)
			count += strcmp(pending->choices[i], pending->choices[pending->best.worker])
			         == 0;
	return count;
}

static void answer(struct pending *pending)
{
	struct message message = {.type = MESSAGE_EXPLAINED};

	if (pending->has_best) {
		pending->best.workers = pending->answered;
		pending->best.alike = count_alike(pending);
		message.body.explained = pending->best; /* lent */
		node_control_send(pending->explain->node, &message);
	}
	forget(pending);
}

static void note_choice(struct pending *pending, const struct explain_answer *told)
{
	char *choice = pending->choices[told->worker];

	snprintf(choice, CHOICE_BYTES, "%s", told->endpoint_now);
	for (size_t i = 0; i < told->backend_count; i++)
		if (told->backends[i].verdict == EXPLAIN_BACKEND_TAKES)
			snprintf(choice, CHOICE_BYTES, "%zu", i);
}

/* Takes what it owns. */
static void take(struct pending *pending, struct explain_answer *told)
{
	bool speaks = !pending->has_best || (told->is_live && !pending->best.is_live);

	note_choice(pending, told);
	pending->heard |= UINT64_C(1) << told->worker;
	pending->answered++;
	if (speaks) {
		schema_clear(&explain_answer_schema, &pending->best);
		pending->best = *told;
		pending->has_best = true;
		*told = (struct explain_answer){0};
	}
	if (pending->answered == pending->asked)
		answer(pending);
}

static struct pending *find(struct node_explain *explain, uint64_t id)
{
	for (unsigned i = 0; i < NODE_EXPLAIN_PENDING_MAX; i++) {
		struct pending *pending = &explain->list[i];

		if (pending->is_used && pending->asked > 0 && pending->question.id == id)
			return pending;
	}
	return NULL;
}

static struct pending *find_free(struct node_explain *explain)
{
	for (unsigned i = 0; i < NODE_EXPLAIN_PENDING_MAX; i++)
		if (!explain->list[i].is_used)
			return &explain->list[i];
	return NULL;
}

/* ---- main's calls ---- */

static unsigned ask_workers(struct node *node, const struct explain_question *question)
{
	unsigned asked = 0;

	for (unsigned i = 0; node->supervisor && i < node->workers; i++) {
		struct process *worker = supervisor_process(node->supervisor, PROCESS_WORKER, i);
		struct ipc *channel = process_channel(worker);

		if (channel && node->places[i].has_settings
		    && ipc_send(channel, WORKER_MESSAGE_EXPLAIN, question, sizeof(*question)) == 0)
			asked++;
	}
	return asked;
}

static void set_due(struct pending *pending, uint64_t ms)
{
	ev_timer_set(&pending->due, (double)ms / 1000, 0.);
	ev_timer_start(pending->explain->node->loop, &pending->due);
}

static void begin(struct pending *pending)
{
	pending->asked = ask_workers(pending->explain->node, &pending->question);
	if (pending->asked > 0)
		set_due(pending, NODE_EXPLAIN_MS);
	else
		forget(pending);
}

/* Its turn came, or the workers' time is over. */
static void on_due(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct pending *pending = timer->data;

	(void)loop;
	(void)events;
	if (pending->asked > 0)
		answer(pending);
	else
		begin(pending);
}

/* How long one more has to wait for its turn. */
static uint64_t wait_ms(struct node_explain *explain, uint64_t now_us)
{
	const uint64_t burst_us = (NODE_EXPLAIN_BURST - 1) * NODE_EXPLAIN_INTERVAL_MS * 1000;

	if (explain->next_us < now_us)
		explain->next_us = now_us;
	return explain->next_us > now_us + burst_us
	           ? (explain->next_us - now_us - burst_us + 999) / 1000
	           : 0;
}

void node_explain_ask(struct node_explain *explain, const struct explain_question *question)
{
	struct pending *pending = find_free(explain);
	uint64_t wait = wait_ms(explain, pacing_timer_now_us());

	if (!pending || wait > NODE_EXPLAIN_WAIT_MS)
		return;
	explain->next_us += NODE_EXPLAIN_INTERVAL_MS * 1000;
	pending->is_used = true;
	pending->question = *question;
	pending->asked = pending->answered = 0;
	pending->heard = 0;
	if (wait > 0)
		set_due(pending, wait);
	else
		begin(pending);
}

/* A worker may be taken over: it speaks for itself alone, once, and what it says has bounds. */
static int decode(const struct ipc_message *message, unsigned worker, struct explain_answer *told)
{
	const char *text = (const char *)message->data;
	int result;

	if (json_guard(text, message->length_bytes, JSON_DEPTH_MAX, JSON_VALUES_MAX) < 0)
		return ERR_MALFORMED;
	result = schema_from_json_text(
	    &explain_answer_schema, text, message->length_bytes, 0, told, NULL);
	if (result == 0)
		told->worker = worker;
	return result;
}

int node_explain_on_told(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct node *node = process_context(context);
	unsigned worker = process_index(context);
	struct explain_answer told;
	struct pending *pending;
	int result = decode(message, worker, &told);

	(void)ipc;
	if (result < 0)
		return result == ERR_NOMEM ? 0 : result;
	pending = find(node->explain, told.id);
	if (pending && !(pending->heard >> worker & 1))
		take(pending, &told);
	schema_clear(&explain_answer_schema, &told);
	return 0;
}

struct node_explain *node_explain_new(struct node *node)
{
	struct node_explain *explain = calloc(1, sizeof(*explain));

	if (!explain)
		return NULL;
	explain->node = node;
	for (unsigned i = 0; i < NODE_EXPLAIN_PENDING_MAX; i++) {
		explain->list[i].explain = explain;
		ev_timer_init(&explain->list[i].due, on_due, 0., 0.);
		explain->list[i].due.data = &explain->list[i];
	}
	return explain;
}

void node_explain_free(struct node_explain *explain)
{
	if (!explain)
		return;
	for (unsigned i = 0; i < NODE_EXPLAIN_PENDING_MAX; i++)
		forget(&explain->list[i]);
	free(explain);
}
