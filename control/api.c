/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See api.h.  The daemon's epoll descriptor nests in libev; by itself it answers only some of
 * pipelined requests and never times out, so after each MHD_run() a timer takes over what
 * MHD_get_timeout() says.
 */
#include "config.h"

#include "control/api.h"

#include "base/err.h"
#include "base/log.h"
#include "control/api_routes.h"
#include "model/json_guard.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct api {
	struct control *control;
	struct MHD_Daemon *daemon;
	const struct api_group *groups;
	size_t group_count;
	ev_io readable;
	ev_timer due;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

/* A request while its body comes in. */
struct pending {
	char *body;
	size_t length;
	bool is_too_large, is_out_of_memory;
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

static struct MHD_Response *make_response(const json_t *json)
{
	char *text = json ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;

	if (!text)
		return NULL;
	return MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
}

static enum MHD_Result send_answer(struct MHD_Connection *connection, const char *path,
    const struct api_answer *answer, const char *content_type)
{
	struct MHD_Response *response = make_response(answer->body);
	char methods[64];
	enum MHD_Result result;

	if (!response)
		return MHD_NO; /* no memory: the connection ends */
	MHD_add_response_header(response, "Content-Type", content_type);
	MHD_add_response_header(response, "Cache-Control", "no-store");
	if (answer->etag[0])
		MHD_add_response_header(response, "ETag", answer->etag);
	if (answer->location[0])
		MHD_add_response_header(response, "Location", answer->location);
	if (answer->status == MHD_HTTP_METHOD_NOT_ALLOWED) {
		api_route_methods(path, methods, sizeof(methods));
		MHD_add_response_header(response, "Allow", methods);
	}
	result = MHD_queue_response(connection, answer->status, response);
	MHD_destroy_response(response);
	return result;
}

static int run_handler(struct control *control, struct api_request *request,
    const struct pending *pending, struct api_answer *answer)
{
	const struct api_route *route;

	if (pending->is_too_large)
		return problem_set(&answer->problem, PROBLEM_TOO_LARGE, "", "",
		    "the body is larger than %d bytes", API_BODY_BYTES_MAX);
	if (pending->is_out_of_memory)
		return problem_set(&answer->problem, PROBLEM_INTERNAL, "", "", "no memory");
	route = api_route_find(request, &answer->problem);
	if (!route || api_route_permits(route, &request->caller, &answer->problem) < 0)
		return -1;
	return route->handle(control, request, answer);
}

static void name_caller(
    const struct api *api, struct MHD_Connection *connection, struct api_caller *caller)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	api_caller_from_socket(caller, info ? info->connect_fd : -1, api->groups, api->group_count);
}

static enum MHD_Result answer_request(struct api *api, struct MHD_Connection *connection,
    const char *method, const char *path, const struct pending *pending)
{
	struct api_request request = {.method = method,
	    .path = path,
	    .body = pending->body ? pending->body : "",
	    .body_bytes = pending->length,
	    .connection = connection};
	struct api_answer answer = {.status = MHD_HTTP_OK};
	const char *content_type = "application/json";
	enum MHD_Result result;

	name_caller(api, connection, &request.caller);
	if (run_handler(api->control, &request, pending, &answer) == 0 && !answer.body)
		problem_set(&answer.problem, PROBLEM_INTERNAL, "", "", "no memory");
	if (answer.problem.kind) {
		json_decref(answer.body);
		answer.body = problem_to_json(&answer.problem);
		answer.status = problem_status(&answer.problem);
		answer.etag[0] = answer.location[0] = '\0';
		content_type = "application/problem+json";
	}
	result = send_answer(connection, path, &answer, content_type);
	json_decref(answer.body);
	return result;
}

/* What is over the cap is read and dropped, so that the answer reaches the sender. */
static void take_body(struct pending *pending, const char *data, size_t length)
{
	char *grown;

	if (pending->is_too_large || pending->length + length > API_BODY_BYTES_MAX) {
		pending->is_too_large = true;
		return;
	}
	grown = realloc(pending->body, pending->length + length + 1);
	if (!grown) {
		pending->is_out_of_memory = true;
		return;
	}
	pending->body = grown;
	memcpy(pending->body + pending->length, data, length);
	pending->length += length;
	pending->body[pending->length] = '\0';
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
    const char *path, const char *method, const char *version, const char *data, size_t *length,
    void **request_context)
{
	struct pending *pending = *request_context;

	(void)version;
	if (!pending) {
		*request_context = calloc(1, sizeof(*pending));
		return *request_context ? MHD_YES : MHD_NO;
	}
	if (*length) {
		take_body(pending, data, *length);
		*length = 0;
		return MHD_YES;
	}
	return answer_request(context, connection, method, path, pending);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **request_context,
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

static void run(struct api *api)
{
	MHD_UNSIGNED_LONG_LONG timeout_ms;

	MHD_run(api->daemon);
	ev_timer_stop(api->control->loop, &api->due);
	if (MHD_get_timeout(api->daemon, &timeout_ms) != MHD_YES)
		return;
	ev_timer_set(&api->due, (double)timeout_ms / 1000, 0);
	ev_timer_start(api->control->loop, &api->due);
}

static void on_readable(struct ev_loop *loop, ev_io *watcher, int events)
{
	(void)loop;
	(void)events;
	run(watcher->data);
}

static void on_due(struct ev_loop *loop, ev_timer *watcher, int events)
{
	(void)loop;
	(void)events;
	run(watcher->data);
}

/* The state's lock says that no other control serves there: an old socket may go, and nothing else. */
static void remove_old_socket(const char *path)
{
	struct stat status;

	if (lstat(path, &status) == 0 && S_ISSOCK(status.st_mode))
		unlink(path);
}

static int open_socket(const char *path, mode_t mode)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t mask;
	int result;

	if (descriptor < 0)
		return -1;
	memcpy(address.sun_path, path, strlen(path));
	remove_old_socket(path);
	mask = umask(~mode & 0777);
	result = bind(descriptor, (struct sockaddr *)&address, sizeof(address));
	umask(mask);
	if (result == 0 && listen(descriptor, API_CONNECTIONS_MAX) == 0)
		return descriptor;
	close(descriptor);
	return -1;
}

/* libmicrohttpd's own words, of broken requests mostly. */
static void on_log(void *context, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));
static void on_log(void *context, const char *format, va_list arguments)
{
	char text[256], quoted[512];

	(void)context;
	vsnprintf(text, sizeof(text), format, arguments);
	log_debug("api_http", "text=%s", log_quote(quoted, sizeof(quoted), text));
}

static struct MHD_Daemon *start_daemon(struct api *api, int descriptor)
{
	return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request, api,
	    MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL, MHD_OPTION_LISTEN_SOCKET, descriptor,
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)API_CONNECTIONS_MAX,
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)API_TIMEOUT_S, MHD_OPTION_NOTIFY_COMPLETED,
	    on_completed, NULL, MHD_OPTION_END);
}

static void watch(struct api *api)
{
	const union MHD_DaemonInfo *info =
	    MHD_get_daemon_info(api->daemon, MHD_DAEMON_INFO_EPOLL_FD);

	ev_io_init(&api->readable, on_readable, info->epoll_fd, EV_READ);
	ev_init(&api->due, on_due);
	api->readable.data = api->due.data = api;
	ev_io_start(api->control->loop, &api->readable);
	run(api);
}

int api_start(struct api **out, struct control *control, const struct api_config *config)
{
	const char *socket_path = config->socket_path;
	struct api *api = calloc(1, sizeof(*api));
	int descriptor;

	*out = NULL;
	if (!api)
		return ERR_NOMEM;
	api->control = control;
	api->groups = config->groups;
	api->group_count = config->group_count;
	if (strlen(socket_path) >= sizeof(api->path)) {
		log_error("api_failed",
		    "path=\"%s\" reason=\"longer than a UNIX socket's path may be\"", socket_path);
		free(api);
		return ERR_INVALID;
	}
	memcpy(api->path, socket_path, strlen(socket_path) + 1);
	descriptor = open_socket(api->path, api->group_count ? 0666 : 0600);
	api->daemon = descriptor >= 0 ? start_daemon(api, descriptor) : NULL;
	if (!api->daemon) {
		log_error("api_failed", "path=\"%s\" reason=\"%s\"", socket_path, strerror(errno));
		if (descriptor >= 0)
			close(descriptor);
		free(api);
		return ERR_IO;
	}
	watch(api);
	*out = api;
	return 0;
}

void api_stop(struct api *api)
{
	if (!api)
		return;
	ev_io_stop(api->control->loop, &api->readable);
	ev_timer_stop(api->control->loop, &api->due);
	MHD_stop_daemon(api->daemon);
	unlink(api->path);
	free(api);
}
