/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See api.h: requests and their answers.  Who asks, and whether he may, is decided once the
 * headers are here; the body of one that is refused is read and dropped, so that the answer
 * reaches the sender.
 */
#include "config.h"

#include "control/api_private.h"

#include "base/err.h"
#include "base/exposition.h"
#include "control/api_access.h"
#include "control/api_audit.h"
#include "control/api_routes.h"
#include "control/idempotency.h"
#include "model/json_guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A request while its body comes in. */
struct pending {
	struct api_caller caller;
	struct problem problem; /* why it will be refused */
	const struct api_route *route;
	char parameters[API_PARAMETERS_MAX][NAME_BYTES];
	char *body;
	size_t length;
};

const char *api_request_header(const struct api_request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

const char *api_request_query(const struct api_request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

json_t *api_request_json(const struct api_request *request, struct problem *problem)
{
	json_error_t error;
	json_t *json;

	if (json_guard(request->body, request->body_bytes, JSON_DEPTH_MAX, JSON_VALUES_MAX) < 0) {
		problem_set(problem, PROBLEM_BAD_REQUEST, "", "",
		    "the body nests too deep or has too many values");
		return NULL;
	}
	json = json_loadb(request->body, request->body_bytes, JSON_REJECT_DUPLICATES, &error);
	if (!json) {
		problem_set(problem, PROBLEM_BAD_REQUEST, "", "",
		    "the body is no JSON: line %d, column %d: %s", error.line, error.column,
		    error.text);
	} else if (!json_is_object(json)) {
		problem_set(problem, PROBLEM_BAD_REQUEST, "", "", "the body must be an object");
		json_decref(json);
		json = NULL;
	}
	return json;
}

int api_request_flag(
    const struct api_request *request, const char *name, bool *value, struct problem *problem)
{
	const char *text = api_request_query(request, name);

	*value = text && strcmp(text, "true") == 0;
	if (!text || *value || strcmp(text, "false") == 0)
		return 0;
	return problem_set(problem, PROBLEM_BAD_REQUEST, name, "write true or false",
	    "the argument %s is neither true nor false", name);
}

static struct MHD_Response *respond_text(struct api_answer *answer)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
	    strlen(answer->text), answer->text, MHD_RESPMEM_MUST_FREE);

	if (response)
		answer->text = NULL;
	return response;
}

static const char *content_type(const struct api_answer *answer)
{
	return answer->problem.kind ? "application/problem+json"
	       : answer->stream     ? api_stream_media_type(answer->stream)
	       : answer->file.bytes ? "application/octet-stream"
	       : answer->body       ? "application/json"
	                            : EXPOSITION_CONTENT_TYPE;
}

static struct MHD_Response *respond_json(const json_t *json)
{
	char *text = json ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;

	if (!text)
		return NULL;
	return MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
}

static void add_headers(
    struct MHD_Response *response, const char *path, const struct api_answer *answer)
{
	char text[64];

	MHD_add_response_header(response, "Content-Type", content_type(answer));
	MHD_add_response_header(response, "Cache-Control", "no-store");
	if (answer->etag[0])
		MHD_add_response_header(response, "ETag", answer->etag);
	if (answer->location[0])
		MHD_add_response_header(response, "Location", answer->location);
	if (answer->status == MHD_HTTP_UNAUTHORIZED)
		MHD_add_response_header(response, "WWW-Authenticate", "Bearer realm=\"trunkline\"");
	if (answer->problem.retry_after_s) {
		snprintf(text, sizeof(text), "%u", answer->problem.retry_after_s);
		MHD_add_response_header(response, "Retry-After", text);
	}
	if (answer->status == MHD_HTTP_METHOD_NOT_ALLOWED) {
		api_route_methods(path, text, sizeof(text));
		MHD_add_response_header(response, "Allow", text);
	}
}

static struct MHD_Response *respond_file(const struct api_file *file)
{
	struct MHD_Response *response = MHD_create_response_from_fd(file->bytes, file->descriptor);

	if (!response)
		close(file->descriptor);
	return response;
}

/* To HEAD, libmicrohttpd would send the end of a stream, though nothing of it. */
static struct MHD_Response *respond(
    struct api *api, struct MHD_Connection *connection, bool is_head, struct api_answer *answer)
{
	if (answer->file.bytes)
		return respond_file(&answer->file);
	if (!answer->stream)
		return answer->text ? respond_text(answer) : respond_json(answer->body);
	if (is_head)
		return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	return api_stream_respond(answer->stream, api, connection);
}

/* What cannot be answered for want of memory ends its connection. */
static enum MHD_Result send_answer(struct api *api, struct MHD_Connection *connection,
    const struct api_request *request, struct api_answer *answer)
{
	bool is_head = strcmp(request->method, "HEAD") == 0;
	struct MHD_Response *response = respond(api, connection, is_head, answer);
	enum MHD_Result result;

	if (response)
		add_headers(response, request->path, answer);
	if (answer->stream && (is_head || !response))
		api_stream_free(answer->stream);
	else if (answer->stream)
		http_peer_of(connection)->due_ms = UINT64_MAX;
	else if (answer->file.bytes)
		http_peer_of(connection)->due_ms = control_steady_ms() + API_FILE_MS;
	if (!response)
		return MHD_NO;
	result = MHD_queue_response(connection, answer->status, response);
	MHD_destroy_response(response);
	return result;
}

static void count_refusal(struct api_counters *counters, enum problem_kind kind)
{
	if (kind == PROBLEM_UNAUTHENTICATED)
		counters->unauthenticated++;
	else if (kind == PROBLEM_FORBIDDEN)
		counters->forbidden++;
	else if (kind == PROBLEM_TOO_MANY)
		counters->limited++;
}

/* What the caller is told when it is a problem; his answer otherwise. */
static void run_handler(struct api *api, struct api_request *request, const struct pending *pending,
    struct api_answer *answer)
{
	answer->problem = pending->problem;
	if (!answer->problem.kind
	    && idempotency_run(api->control, request, pending->route->handle, answer) == 0
	    && !answer->body && !answer->text && !answer->stream && !answer->file.bytes)
		problem_set(&answer->problem, PROBLEM_INTERNAL, "", "", "no memory");
	if (!answer->problem.kind)
		return;
	count_refusal(&api->control->access->counters, answer->problem.kind);
	if (answer->file.bytes)
		close(answer->file.descriptor);
	answer->file.bytes = 0;
	json_decref(answer->body);
	answer->body = problem_to_json(&answer->problem);
	answer->status = problem_status(&answer->problem);
	answer->etag[0] = answer->location[0] = '\0';
}

static enum MHD_Result answer_request(struct api *api, struct MHD_Connection *connection,
    const char *method, const char *path, const struct pending *pending)
{
	struct api_request request = {.method = method,
	    .path = path,
	    .body = pending->body ? pending->body : "",
	    .body_bytes = pending->length,
	    .caller = pending->caller,
	    .connection = connection};
	struct api_answer answer = {.status = MHD_HTTP_OK};
	uint64_t before = api->control->installation.revision, now;
	enum MHD_Result result;

	memcpy(request.parameters, pending->parameters, sizeof(request.parameters));
	run_handler(api, &request, pending, &answer);
	now = api->control->installation.revision;
	api_audit(api->control, &request, pending->route, answer.status, now > before ? now : 0,
	    answer.problem.kind ? answer.problem.detail : NULL);
	result = send_answer(api, connection, &request, &answer);
	json_decref(answer.body);
	free(answer.text);
	return result;
}

/* Once the headers are here: who asks, and may he? */
static void admit(struct api *api, struct MHD_Connection *connection, const char *method,
    const char *path, struct pending *pending)
{
	const struct api_peer *peer = api_peer_of(connection);
	struct api_request request = {.method = method, .path = path};
	struct problem *problem = &pending->problem;

	api->control->access->counters.requests++;
	pending->caller = peer->caller;
	if (api_access_admit(api->control->access, &pending->caller,
	        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Authorization"),
	        control_steady_ms(), control_expiry_ms(api->control), problem)
	    < 0)
		return;
	pending->route = api_route_find(&request, problem);
	memcpy(pending->parameters, request.parameters, sizeof(pending->parameters));
	if (pending->route)
		api_route_permits(pending->route, &pending->caller, problem);
}

static void take_body(struct pending *pending, const char *data, size_t length)
{
	char *grown;

	if (pending->problem.kind)
		return;
	if (pending->length + length > API_BODY_BYTES_MAX) {
		problem_set(&pending->problem, PROBLEM_TOO_LARGE, "", "",
		    "the body is larger than %d bytes", API_BODY_BYTES_MAX);
		return;
	}
	grown = realloc(pending->body, pending->length + length + 1);
	if (!grown) {
		problem_set(&pending->problem, PROBLEM_INTERNAL, "", "", "no memory");
		return;
	}
	pending->body = grown;
	memcpy(pending->body + pending->length, data, length);
	pending->length += length;
	pending->body[pending->length] = '\0';
}

enum MHD_Result api_on_request(void *context, struct MHD_Connection *connection, const char *path,
    const char *method, const char *version, const char *data, size_t *length,
    void **request_context)
{
	struct pending *pending = *request_context;

	(void)version;
	if (!pending) {
		pending = *request_context = calloc(1, sizeof(*pending));
		if (!pending)
			return MHD_NO;
		admit(context, connection, method, path, pending);
		return MHD_YES;
	}
	if (*length) {
		take_body(pending, data, *length);
		*length = 0;
		return MHD_YES;
	}
	http_peer_of(connection)->is_answering = true;
	return answer_request(context, connection, method, path, pending);
}

void api_on_completed(void *context, struct MHD_Connection *connection, void **request_context,
    enum MHD_RequestTerminationCode code)
{
	struct pending *pending = *request_context;

	(void)context;
	(void)connection;
	(void)code;
	if (pending)
		free(pending->body);
	free(pending);
	*request_context = NULL;
}
