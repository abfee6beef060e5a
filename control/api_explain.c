/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The API's answer to where a flow goes: what is asked, of which nodes, and the answer when it is there. */
#include "control/api_routes.h"
#include "control/api_stream.h"
#include "control/explain.h"
#include "control/node_server.h"
#include "model/name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The body of the request; what is not said is "" or 0. */
struct wanted {
	char user[ADDR_TEXT_BYTES];
	char to[NAME_BYTES]; /* a port, or an accelerator's name */
	char at[NAME_BYTES]; /* a listener */
	enum accelerator_protocol protocol;
};

static const char *check_protocol(const void *value)
{
	return *(const enum accelerator_protocol *)value == PROTOCOL_TCP_UDP ? "must be tcp or udp"
	                                                                     : NULL;
}

static const struct schema_field fields[] = {
    {SCHEMA_MEMBER("user", struct wanted, user), .type = SCHEMA_TEXT, .is_required = true,
        .check = explain_check_user},
    {SCHEMA_MEMBER("to", struct wanted, to), .type = SCHEMA_TEXT, .check = explain_check_name},
    {SCHEMA_MEMBER("at", struct wanted, at), .type = SCHEMA_TEXT, .check = explain_check_name},
    {SCHEMA_MEMBER("protocol", struct wanted, protocol), .type = SCHEMA_ENUM,
        .names = protocol_names, .check = check_protocol},
};
static const struct schema schema = SCHEMA(struct wanted, fields);

/* ---- to what ---- */

static bool is_number(const char *text)
{
	return text[0] && strspn(text, "0123456789") == strlen(text);
}

static bool has_port(const struct accelerator *accelerator, uint16_t port)
{
	for (size_t i = 0; i < accelerator->port_count; i++)
		if (accelerator->ports[i].first <= port && port <= accelerator->ports[i].last)
			return true;
	return false;
}

/* One that has the port, for that protocol (0: any), in the listener's region (NULL: any). */
static const struct accelerator *find_by_port(const struct installation *installation,
    uint16_t port, enum accelerator_protocol protocol, const struct node *at)
{
	for (size_t i = 0; i < installation->accelerator_count; i++) {
		const struct accelerator *accelerator = &installation->accelerators[i].accelerator;

		if (has_port(accelerator, port) && (!protocol || (accelerator->protocol & protocol))
		    && (!at || accelerator_listens_in(accelerator, at->region)))
			return accelerator;
	}
	return NULL;
}

static int fail_no_port(const struct wanted *wanted, const struct node *at, struct problem *problem)
{
	return problem_set(problem, PROBLEM_NOT_FOUND, "to",
	    "trunkctl accelerator list shows ports and regions",
	    "no accelerator has port %s%s%s%s%s", wanted->to, wanted->protocol ? "/" : "",
	    wanted->protocol ? protocol_text(wanted->protocol) : "", at ? " in " : "",
	    at ? at->region : "");
}

static int choose_protocol(const struct wanted *wanted, const struct accelerator *accelerator,
    struct explain_question *question, struct problem *problem)
{
	question->protocol = wanted->protocol                       ? wanted->protocol
	                     : accelerator->protocol & PROTOCOL_TCP ? PROTOCOL_TCP
	                                                            : PROTOCOL_UDP;
	if (accelerator->protocol & question->protocol)
		return 0;
	return problem_set(problem, PROBLEM_INVALID, "protocol", "leave it out",
	    "accelerator \"%s\" takes only %s", accelerator->name,
	    protocol_text(accelerator->protocol));
}

/* *found is NULL when a live flow is looked for, wherever it goes. */
static int find_target(const struct control *control, const struct wanted *wanted,
    const struct node *at, struct explain_question *question, const struct accelerator **found,
    struct problem *problem)
{
	const struct installation *installation = &control->installation;
	const struct stored_accelerator *stored;

	*found = NULL;
	if (!wanted->to[0])
		return 0;
	if (is_number(wanted->to)) {
		if (port_parse(wanted->to, false, &question->port) == 0)
			*found = find_by_port(installation, question->port, wanted->protocol, at);
		if (!*found)
			return fail_no_port(wanted, at, problem);
	} else {
		stored = installation_accelerator(installation, wanted->to);
		if (!stored)
			return problem_set(problem, PROBLEM_NOT_FOUND, "to",
			    "trunkctl accelerator list shows those that exist",
			    "there is no accelerator \"%s\"", wanted->to);
		*found = &stored->accelerator;
	}
	question->accelerator = (*found)->id;
	return choose_protocol(wanted, *found, question, problem);
}

/* ---- at which listeners ---- */

static int find_listener(const struct control *control, const struct wanted *wanted,
    const struct node **at, struct problem *problem)
{
	*at = NULL;
	if (!wanted->at[0])
		return 0;
	*at = installation_node(&control->installation, wanted->at);
	if (*at && (*at)->role == NODE_LISTENER)
		return 0;
	return problem_set(problem, PROBLEM_NOT_FOUND, "at",
	    "trunkctl node list shows those that exist", "there is no listener \"%s\"", wanted->at);
}

static size_t list_listeners(const struct control *control, const struct node *at,
    const struct accelerator *accelerator, struct name *names)
{
	size_t count = 0;

	for (size_t i = 0; i < control->installation.node_count; i++) {
		const struct node *node = &control->installation.nodes[i];

		if (node->role != NODE_LISTENER || count == EXPLAIN_LISTENERS_MAX
		    || (at && at != node)
		    || (accelerator && !accelerator_listens_in(accelerator, node->region))
		    || !node_server_live(control->nodes, node->id)->is_up)
			continue;
		snprintf(names[count++].text, NAME_BYTES, "%s", node->name);
	}
	return count;
}

/* ---- the answer, when it is there ---- */

struct reply {
	struct api_stream *stream;
	struct inquiry *inquiry;
	char *text;
	size_t length, sent;
};

static ssize_t on_read(void *context, char *out, size_t size)
{
	struct reply *reply = context;
	size_t left = reply->length - reply->sent;

	if (!reply->text)
		return reply->inquiry ? 0 : -1;
	if (left == 0)
		return -1;
	if (size > left)
		size = left;
	memcpy(out, reply->text + reply->sent, size);
	reply->sent += size;
	return (ssize_t)size;
}

static void on_free(void *context)
{
	struct reply *reply = context;

	if (reply->inquiry)
		explain_end(reply->inquiry);
	free(reply->text);
	free(reply);
}

static void on_done(void *context)
{
	struct reply *reply = context;
	json_t *json = explain_result(reply->inquiry);

	reply->text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	reply->length = reply->text ? strlen(reply->text) : 0;
	json_decref(json);
	explain_end(reply->inquiry);
	reply->inquiry = NULL;
	api_stream_wake(reply->stream);
}

static int begin(struct control *control, const struct explain_question *question,
    const struct name *listeners, size_t count, struct api_answer *answer)
{
	static const struct api_stream_source source = {"application/json", on_read, on_free};
	struct reply *reply = calloc(1, sizeof(*reply));

	if (reply)
		reply->inquiry =
		    explain_begin(control->explains, question, listeners, count, on_done, reply);
	if (reply && reply->inquiry && (reply->stream = api_stream_new(&source, reply))) {
		answer->stream = reply->stream;
		return 0;
	}
	if (reply && reply->inquiry)
		explain_end(reply->inquiry);
	free(reply);
	answer->problem.retry_after_s = 1;
	return problem_set(&answer->problem, PROBLEM_TOO_MANY, "", "ask again in a second",
	    "%d flows are being looked for already", EXPLAIN_INQUIRIES_MAX);
}

int api_explain_flow(
    struct control *control, const struct api_request *request, struct api_answer *answer)
{
	json_t *json = api_request_json(request, &answer->problem);
	struct explain_question question = {0};
	struct name listeners[EXPLAIN_LISTENERS_MAX];
	const struct accelerator *accelerator;
	const struct node *at;
	struct wanted wanted;
	struct schema_errors errors;
	int result;

	if (!json)
		return -1;
	result = schema_from_json(&schema, json, 0, &wanted, &errors);
	json_decref(json);
	if (result < 0)
		return problem_from_schema(&answer->problem, &errors);
	snprintf(question.user, sizeof(question.user), "%s", wanted.user);
	if (find_listener(control, &wanted, &at, &answer->problem) < 0
	    || find_target(control, &wanted, at, &question, &accelerator, &answer->problem) < 0)
		return -1;
	if (!accelerator)
		question.protocol = wanted.protocol;
	return begin(control, &question, listeners,
	    list_listeners(control, at, accelerator, listeners), answer);
}
