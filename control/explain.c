/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See explain.h. */
#include "control/explain.h"

#include "base/err.h"
#include "base/list.h"
#include "control/node_server.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A node that was asked, and its answer once has_answered. */
struct asked {
	char node[NAME_BYTES];
	bool has_answered;
	struct explain_answer answer;
};

struct inquiry {
	struct list_node node;
	struct explains *explains;
	struct explain_question question;
	struct asked listeners[EXPLAIN_LISTENERS_MAX];
	size_t listener_count;
	struct asked *spoken;  /* the listener that speaks; NULL: none did */
	struct asked endpoint; /* no name: none was asked */
	bool is_done;
	ev_timer due;
	void (*on_done)(void *context);
	void *context;
};

struct explains {
	struct control *control;
	struct list_node list;
	size_t count;
	uint64_t next_id;
};

struct explains *explains_new(struct control *control)
{
	struct explains *explains = calloc(1, sizeof(*explains));

	if (!explains)
		return NULL;
	explains->control = control;
	list_init(&explains->list);
	/* Answers to questions of a control before this one find none. */
	explains->next_id = (uint64_t)randombytes_random() << 16;
	return explains;
}

void explains_free(struct explains *explains)
{
	free(explains);
}

/* ---- asking ---- */

static void ask(struct inquiry *inquiry, struct asked *asked, const char *name)
{
	const struct control *control = inquiry->explains->control;
	const struct node *node = installation_node(&control->installation, name);
	struct message message = {.type = MESSAGE_EXPLAIN, .body.explain = inquiry->question};

	snprintf(asked->node, sizeof(asked->node), "%s", name);
	if (node)
		node_server_send(control->nodes, node->id, &message);
}

static void wait_for_answers(struct inquiry *inquiry)
{
	struct ev_loop *loop = inquiry->explains->control->loop;

	ev_timer_stop(loop, &inquiry->due);
	ev_timer_set(&inquiry->due, (double)EXPLAIN_MS / 1000, 0.);
	ev_timer_start(loop, &inquiry->due);
}

static void finish(struct inquiry *inquiry)
{
	ev_timer_stop(inquiry->explains->control->loop, &inquiry->due);
	inquiry->is_done = true;
	inquiry->on_done(inquiry->context);
}

/* ---- which listener speaks ---- */

/* The one that has the flow; else the first that would take it; else the first. */
static struct asked *choose_listener(struct inquiry *inquiry)
{
	struct asked *taken = NULL, *first = NULL;

	for (size_t i = 0; i < inquiry->listener_count; i++) {
		struct asked *asked = &inquiry->listeners[i];

		if (!asked->has_answered)
			continue;
		if (asked->answer.is_live)
			return asked;
		if (!taken && explain_is_taken(&asked->answer))
			taken = asked;
		if (!first)
			first = asked;
	}
	return taken ? taken : first;
}

/* An inquiry that ends in this is freed by its owner. */
static void ask_endpoint(struct inquiry *inquiry)
{
	const struct explain_answer *said;

	inquiry->spoken = choose_listener(inquiry);
	said = inquiry->spoken ? &inquiry->spoken->answer : NULL;
	if (!said || !explain_is_taken(said) || !said->endpoint[0]) {
		finish(inquiry);
		return;
	}
	inquiry->question.accelerator = said->accelerator;
	inquiry->question.protocol = said->protocol;
	inquiry->question.port = said->port;
	snprintf(inquiry->question.listener, sizeof(inquiry->question.listener), "%s",
	    inquiry->spoken->node);
	ask(inquiry, &inquiry->endpoint, said->endpoint);
	wait_for_answers(inquiry);
}

static void on_due(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct inquiry *inquiry = timer->data;

	(void)loop;
	(void)events;
	if (inquiry->endpoint.node[0])
		finish(inquiry);
	else
		ask_endpoint(inquiry);
}

static bool have_all_answered(const struct inquiry *inquiry)
{
	for (size_t i = 0; i < inquiry->listener_count; i++)
		if (!inquiry->listeners[i].has_answered)
			return false;
	return true;
}

static void put(struct asked *asked, struct explain_answer *answer)
{
	asked->has_answered = true;
	asked->answer = *answer;
	*answer = (struct explain_answer){0};
}

static void take_from_listener(
    struct inquiry *inquiry, const struct node *node, struct explain_answer *answer)
{
	for (size_t i = 0; i < inquiry->listener_count; i++) {
		struct asked *asked = &inquiry->listeners[i];

		if (asked->has_answered || strcmp(asked->node, node->name) != 0)
			continue;
		put(asked, answer);
		if (!inquiry->endpoint.node[0]
		    && (asked->answer.is_live || have_all_answered(inquiry)))
			ask_endpoint(inquiry);
		return;
	}
}

void explain_take(struct explains *explains, const struct node *node, struct explain_answer *answer)
{
	LIST_FOREACH (inquiry, &explains->list, struct inquiry, node) {
		if (inquiry->question.id != answer->id || inquiry->is_done)
			continue;
		if (strcmp(inquiry->endpoint.node, node->name) != 0) {
			take_from_listener(inquiry, node, answer);
		} else {
			put(&inquiry->endpoint, answer);
			finish(inquiry);
		}
		return;
	}
}

struct inquiry *explain_begin(struct explains *explains, const struct explain_question *question,
    const struct name *listeners, size_t count, void (*on_done)(void *context), void *context)
{
	struct inquiry *inquiry =
	    explains->count < EXPLAIN_INQUIRIES_MAX ? calloc(1, sizeof(*inquiry)) : NULL;

	if (!inquiry)
		return NULL;
	inquiry->explains = explains;
	inquiry->question = *question;
	inquiry->question.id = ++explains->next_id;
	inquiry->on_done = on_done;
	inquiry->context = context;
	ev_timer_init(&inquiry->due, on_due, 0., 0.);
	inquiry->due.data = inquiry;
	list_add_tail(&explains->list, &inquiry->node);
	explains->count++;
	for (size_t i = 0; i < count && i < EXPLAIN_LISTENERS_MAX; i++)
		ask(inquiry, &inquiry->listeners[inquiry->listener_count++], listeners[i].text);
	wait_for_answers(inquiry);
	return inquiry;
}

void explain_end(struct inquiry *inquiry)
{
	ev_timer_stop(inquiry->explains->control->loop, &inquiry->due);
	for (size_t i = 0; i < inquiry->listener_count; i++)
		schema_clear(&explain_answer_schema, &inquiry->listeners[i].answer);
	schema_clear(&explain_answer_schema, &inquiry->endpoint.answer);
	list_del(&inquiry->node);
	inquiry->explains->count--;
	sodium_memzero(&inquiry->question, sizeof(inquiry->question));
	free(inquiry);
}

/* ---- the result ---- */

/* What the whole answer says once, or the other kind of node tells, is left out. */
static json_t *node_json(const struct asked *asked, enum node_role role)
{
	static const char *const of_all[] = {"id", "accelerator", "protocol", "port", "has_lane"};
	static const char *const of_listener[] = {"lane", "groups", "endpoint", "endpoint_now"};
	json_t *json;

	if (!asked || !asked->has_answered)
		return json_null();
	json = schema_to_json(&explain_answer_schema, &asked->answer, 0);
	json_object_set_new(json, "node", json_string(asked->node));
	for (size_t i = 0; i < sizeof(of_all) / sizeof(of_all[0]); i++)
		json_object_del(json, of_all[i]);
	if (role == NODE_LISTENER) {
		json_object_del(json, "backends");
		if (!asked->answer.has_lane)
			json_object_set_new(json, "lane", json_null());
		return json;
	}
	for (size_t i = 0; i < sizeof(of_listener) / sizeof(of_listener[0]); i++)
		json_object_del(json, of_listener[i]);
	return json;
}

/* By its number; NULL when it was deleted meanwhile, or none was asked for. */
static const struct accelerator *accelerator_of(const struct inquiry *inquiry)
{
	const struct installation *installation = &inquiry->explains->control->installation;

	for (size_t i = 0; i < installation->accelerator_count; i++)
		if (installation->accelerators[i].accelerator.id == inquiry->question.accelerator)
			return &installation->accelerators[i].accelerator;
	return NULL;
}

static const char *verdict_of(const struct inquiry *inquiry)
{
	const struct accelerator *accelerator = accelerator_of(inquiry);
	const struct asked *listener = inquiry->spoken, *endpoint = &inquiry->endpoint;

	if (inquiry->listener_count == 0)
		return "no-listener";
	if (!listener || (endpoint->node[0] && !endpoint->has_answered))
		return "no-answer";
	if (listener->answer.verdict == EXPLAIN_UNKNOWN && accelerator && !accelerator->is_enabled)
		return "disabled"; /* no node knows it then */
	return explain_verdict_text(endpoint->has_answered && !explain_is_taken(&endpoint->answer)
	                                ? endpoint->answer.verdict
	                                : listener->answer.verdict);
}

static bool is_another(const struct inquiry *inquiry, const struct asked *asked)
{
	return asked != inquiry->spoken && asked->has_answered && explain_is_taken(&asked->answer);
}

/* Once one has the flow nobody waits for the others: they are not late. */
static bool is_silent(const struct inquiry *inquiry, const struct asked *asked)
{
	return !asked->has_answered && !(inquiry->spoken && inquiry->spoken->answer.is_live);
}

static json_t *listeners_json(const struct inquiry *inquiry,
    bool (*is_one)(const struct inquiry *inquiry, const struct asked *asked))
{
	json_t *names = json_array();

	for (size_t i = 0; i < inquiry->listener_count; i++)
		if (is_one(inquiry, &inquiry->listeners[i]))
			json_array_append_new(names, json_string(inquiry->listeners[i].node));
	return names;
}

static json_t *silent_json(const struct inquiry *inquiry)
{
	json_t *names = listeners_json(inquiry, is_silent);

	if (inquiry->endpoint.node[0] && !inquiry->endpoint.has_answered)
		json_array_append_new(names, json_string(inquiry->endpoint.node));
	return names;
}

json_t *explain_result(const struct inquiry *inquiry)
{
	const struct explain_question *question = &inquiry->question;
	const struct accelerator *accelerator = accelerator_of(inquiry);
	bool is_about_one = question->accelerator != 0;

	return json_pack("{s:s, s:s?, s:s?, s:o, s:b, s:s, s:o, s:o, s:o, s:o}", "user",
	    question->user, "accelerator", accelerator ? accelerator->name : NULL, "protocol",
	    is_about_one ? protocol_text(question->protocol) : NULL, "port",
	    is_about_one ? json_integer(question->port) : json_null(), "live",
	    inquiry->spoken && inquiry->spoken->answer.is_live, "verdict", verdict_of(inquiry),
	    "listener", node_json(inquiry->spoken, NODE_LISTENER), "endpoint",
	    node_json(&inquiry->endpoint, NODE_ENDPOINT), "other_listeners",
	    listeners_json(inquiry, is_another), "silent", silent_json(inquiry));
}
