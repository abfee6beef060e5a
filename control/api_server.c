/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See api.h: sockets, connections, and libmicrohttpd in libev.  The daemon's epoll descriptor
 * nests in libev; by itself it answers only some of pipelined requests and never times out, so
 * after each MHD_run() a timer takes over what MHD_get_timeout() says.  It measures silence alone:
 * who sends a byte now and then is ended by our own clock, a request at a time.
 */
#include "config.h"

#include "control/api_private.h"

#include "base/err.h"
#include "base/log.h"
#include "control/api_access.h"
#include "net/tcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHECK_S = 1, IPV6_NETWORK_BYTES = 8 };

/* ---- connections ---- */

struct api_peer *api_peer_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

/* The same user, the same IPv4 address or the same /64. */
static bool is_same_client(const struct api_caller *a, const struct api_caller *b)
{
	size_t length = a->addr.family == 4 ? sizeof(a->addr.ip) : IPV6_NETWORK_BYTES;

	if (a->addr.family != b->addr.family)
		return false;
	if (a->addr.family == 0)
		return a->uid == b->uid;
	return memcmp(a->addr.ip, b->addr.ip, length) == 0;
}

static bool is_crowded(const struct api *api, const struct api_peer *peer)
{
	size_t count = 0;

	if (peer->caller.role == API_ROLE_ADMIN)
		return false;
	LIST_FOREACH (other, &api->peers, struct api_peer, node)
		count += is_same_client(&peer->caller, &other->caller);
	return count >= API_CLIENT_CONNECTIONS_MAX;
}

static void name_peer(struct api *api, struct api_peer *peer)
{
	const union MHD_ConnectionInfo *info;
	const struct sockaddr *sockaddr;
	struct addr addr = {0};

	if (!api->is_tcp) {
		api_caller_from_socket(
		    &peer->caller, peer->descriptor, api->groups, api->group_count);
		return;
	}
	info = MHD_get_connection_info(peer->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	sockaddr = info ? info->client_addr : NULL;
	if (sockaddr)
		addr_from_sockaddr(&addr, sockaddr,
		    sockaddr->sa_family == AF_INET ? sizeof(struct sockaddr_in)
		                                   : sizeof(struct sockaddr_in6));
	api_caller_from_addr(&peer->caller, &addr);
}

static struct api_peer *peer_new(struct api *api, struct MHD_Connection *connection)
{
	struct api_peer *peer = calloc(1, sizeof(*peer));
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	if (!peer || !info) {
		free(peer);
		return NULL;
	}
	peer->connection = connection;
	peer->descriptor = info->connect_fd;
	peer->due_ms = control_steady_ms() + API_REQUEST_MS;
	name_peer(api, peer);
	if (api->is_tcp)
		tcp_allow_fin(peer->descriptor);
	if (is_crowded(api, peer)) {
		api->control->access->counters.connections_refused++;
		shutdown(peer->descriptor, SHUT_RDWR);
	}
	list_add_tail(&api->peers, &peer->node);
	return peer;
}

static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
    enum MHD_ConnectionNotificationCode code)
{
	struct api_peer *peer = *socket_context;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		*socket_context = peer_new(context, connection);
	} else if (peer) {
		list_del(&peer->node);
		free(peer);
		*socket_context = NULL;
	}
}

/* An answer to a request that is not whole yet, which libmicrohttpd has no way for. */
static void say_too_slow(const struct api *api, const struct api_peer *peer)
{
	const union MHD_ConnectionInfo *info;
	struct problem problem = {0};
	json_t *json;
	char *body, text[1024];
	int length;

	problem_set(&problem, PROBLEM_TOO_SLOW, "", "send it in one go",
	    "the request was not whole after %d s", API_REQUEST_MS / 1000);
	json = problem_to_json(&problem);
	body = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	if (!body)
		return;
	length = snprintf(text, sizeof(text),
	    "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nRetry-After: 1\r\n"
	    "Content-Type: application/problem+json\r\nContent-Length: %zu\r\n\r\n%s",
	    strlen(body), body);
	free(body);
	if (!api->is_tcp) {
		(void)!send(peer->descriptor, text, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL);
		return;
	}
	info = MHD_get_connection_info(peer->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	if (info)
		api_tls_say(info->tls_session, text, (size_t)length);
}

/* Those whose time is over; libmicrohttpd sees their end and closes them. */
static void on_check(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct api *api = timer->data;
	uint64_t now_ms = control_steady_ms();

	(void)loop;
	(void)events;
	LIST_FOREACH (peer, &api->peers, struct api_peer, node) {
		if (peer->due_ms > now_ms)
			continue;
		peer->due_ms = UINT64_MAX;
		api->control->access->counters.too_slow++;
		if (!peer->is_answering)
			say_too_slow(api, peer);
		shutdown(peer->descriptor, peer->is_answering ? SHUT_RDWR : SHUT_RD);
	}
	api_run(api);
}

/* ---- libmicrohttpd in libev ---- */

void api_run(struct api *api)
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
	api_run(watcher->data);
}

static void on_due(struct ev_loop *loop, ev_timer *watcher, int events)
{
	(void)loop;
	(void)events;
	api_run(watcher->data);
}

/* ---- listening ---- */

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
	if (result == 0 && listen(descriptor, API_BACKLOG) == 0)
		return descriptor;
	close(descriptor);
	return -1;
}

static int open_tcp(const struct addr *address)
{
	int descriptor;

	return tcp_listen(address, false, &descriptor) < 0 ? -1 : descriptor;
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

static struct MHD_Daemon *start_daemon(struct api *api, const struct api_tls *tls, int descriptor)
{
	struct MHD_OptionItem options[] = {
	    {MHD_OPTION_HTTPS_MEM_KEY, 0, tls ? tls->pem.key : NULL},
	    {MHD_OPTION_HTTPS_MEM_CERT, 0, tls ? tls->pem.certificate : NULL},
	    {MHD_OPTION_HTTPS_PRIORITIES, 0, API_TLS_PRIORITIES},
	    {MHD_OPTION_END, 0, NULL},
	};

	return MHD_start_daemon(
	    MHD_USE_EPOLL | MHD_USE_ERROR_LOG | MHD_ALLOW_SUSPEND_RESUME | (tls ? MHD_USE_TLS : 0),
	    0, NULL, NULL, api_on_request, api, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
	    MHD_OPTION_LISTEN_SOCKET, descriptor, MHD_OPTION_CONNECTION_LIMIT,
	    (unsigned)API_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)API_IDLE_S,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)API_HEADER_BYTES_MAX,
	    MHD_OPTION_NOTIFY_CONNECTION, on_connection, api, MHD_OPTION_NOTIFY_COMPLETED,
	    api_on_completed, api, MHD_OPTION_ARRAY, tls ? options : &options[3], MHD_OPTION_END);
}

static void watch(struct api *api)
{
	const union MHD_DaemonInfo *info =
	    MHD_get_daemon_info(api->daemon, MHD_DAEMON_INFO_EPOLL_FD);

	ev_io_init(&api->readable, on_readable, info->epoll_fd, EV_READ);
	ev_init(&api->due, on_due);
	ev_timer_init(&api->check, on_check, CHECK_S, CHECK_S);
	api->readable.data = api->due.data = api->check.data = api;
	ev_io_start(api->control->loop, &api->readable);
	ev_timer_start(api->control->loop, &api->check);
	api_run(api);
}

static int failed(const struct api_config *config, const char *reason)
{
	char address[ADDR_TEXT_BYTES], quoted[2 * REASON_BYTES];

	log_error("api_failed", "at=%s reason=%s",
	    log_quote(quoted, sizeof(quoted) / 2,
	        config->socket_path ? config->socket_path
	                            : addr_format(config->address, address, sizeof(address))),
	    log_quote(quoted + sizeof(quoted) / 2, sizeof(quoted) / 2, reason));
	return ERR_IO;
}

static int listen_and_serve(struct api *api, const struct api_config *config)
{
	int descriptor;

	if (config->socket_path) {
		if (strlen(config->socket_path) >= sizeof(api->path)) {
			failed(config, "longer than a UNIX socket's path may be");
			return ERR_INVALID;
		}
		memcpy(api->path, config->socket_path, strlen(config->socket_path) + 1);
		descriptor = open_socket(api->path, api->group_count ? 0666 : 0600);
	} else {
		descriptor = open_tcp(config->address);
	}
	if (descriptor < 0)
		return failed(config, strerror(errno));
	api->daemon = start_daemon(api, config->socket_path ? NULL : config->tls, descriptor);
	if (api->daemon)
		return 0;
	close(descriptor);
	return failed(config, "libmicrohttpd does not start");
}

int api_start(struct api **out, struct control *control, const struct api_config *config)
{
	struct api *api = calloc(1, sizeof(*api));
	int result;

	*out = NULL;
	if (!api)
		return ERR_NOMEM;
	api->control = control;
	api->groups = config->groups;
	api->group_count = config->group_count;
	api->is_tcp = !config->socket_path;
	list_init(&api->peers);
	list_init(&api->streams);
	result = listen_and_serve(api, config);
	if (result < 0) {
		free(api);
		return result;
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
	ev_timer_stop(api->control->loop, &api->check);
	api_streams_end(api);
	ev_timer_stop(api->control->loop, &api->due);
	MHD_stop_daemon(api->daemon);
	if (api->path[0])
		unlink(api->path);
	free(api);
}
