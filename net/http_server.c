/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See http_server.h.  The daemon's epoll descriptor nests in libev; by itself it answers only some of
 * pipelined requests and never times out, so after each MHD_run() a timer takes over what
 * MHD_get_timeout() says.
 */
#include "config.h"

#include "net/http_server.h"

#include "base/err.h"
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

enum { CHECK_S = 1 };

uint64_t http_server_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- connections ---- */

struct http_peer *http_peer_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static struct http_peer *peer_new(struct http_server *server, struct MHD_Connection *connection)
{
	struct http_peer *peer = calloc(1, server->peer_bytes);
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	if (!peer || !info) {
		free(peer);
		return NULL;
	}
	peer->connection = connection;
	peer->descriptor = info->connect_fd;
	peer->due_ms = http_server_now_ms() + server->request_ms;
	if (server->callbacks->admit && !server->callbacks->admit(server->context, peer))
		shutdown(peer->descriptor, SHUT_RDWR);
	list_add_tail(&server->peers, &peer->node);
	return peer;
}

static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
    enum MHD_ConnectionNotificationCode code)
{
	struct http_peer *peer = *socket_context;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		*socket_context = peer_new(context, connection);
	} else if (peer) {
		list_del(&peer->node);
		free(peer);
		*socket_context = NULL;
	}
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
    const char *path, const char *method, const char *version, const char *data, size_t *length,
    void **request_context)
{
	struct http_server *server = context;

	if (!http_peer_of(connection)) /* no memory */
		return MHD_NO;
	return server->callbacks->request(
	    server->context, connection, path, method, version, data, length, request_context);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **request_context,
    enum MHD_RequestTerminationCode code)
{
	struct http_server *server = context;
	struct http_peer *peer = http_peer_of(connection);

	if (server->callbacks->completed)
		server->callbacks->completed(server->context, connection, request_context, code);
	if (peer) {
		peer->is_answering = false;
		peer->due_ms = http_server_now_ms() + server->request_ms;
	}
}

static void run(struct http_server *server)
{
	MHD_UNSIGNED_LONG_LONG timeout_ms;

	MHD_run(server->daemon);
	ev_timer_stop(server->loop, &server->due);
	if (MHD_get_timeout(server->daemon, &timeout_ms) != MHD_YES)
		return;
	ev_timer_set(&server->due, (double)timeout_ms / 1000, 0);
	ev_timer_start(server->loop, &server->due);
}

/* Those whose time is over; libmicrohttpd sees their end and closes them. */
static void on_check(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct http_server *server = timer->data;
	uint64_t now_ms = http_server_now_ms();

	(void)loop;
	(void)events;
	LIST_FOREACH (peer, &server->peers, struct http_peer, node) {
		if (peer->due_ms > now_ms)
			continue;
		peer->due_ms = UINT64_MAX;
		if (server->callbacks->too_slow)
			server->callbacks->too_slow(server->context, peer);
		shutdown(peer->descriptor, peer->is_answering ? SHUT_RDWR : SHUT_RD);
	}
	run(server);
}

/* ---- libmicrohttpd in libev ---- */

static void on_readable(struct ev_loop *loop, ev_io *watcher, int events)
{
	(void)loop;
	(void)events;
	run(watcher->data);
}

void http_server_wake(struct http_server *server)
{
	ev_timer_stop(server->loop, &server->due);
	ev_timer_set(&server->due, 0, 0);
	ev_timer_start(server->loop, &server->due);
}

static void on_due(struct ev_loop *loop, ev_timer *watcher, int events)
{
	(void)loop;
	(void)events;
	run(watcher->data);
}

/* libmicrohttpd's own words, of broken requests mostly. */
static void on_log(void *context, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));
static void on_log(void *context, const char *format, va_list arguments)
{
	char text[256], quoted[512];

	(void)context;
	vsnprintf(text, sizeof(text), format, arguments);
	log_debug("http", "text=%s", log_quote(quoted, sizeof(quoted), text));
}

static struct MHD_Daemon *start_daemon(
    struct http_server *server, const struct http_server_config *config)
{
	struct MHD_OptionItem none = {MHD_OPTION_END, 0, NULL};

	return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_ERROR_LOG | config->flags, 0, NULL, NULL,
	    on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL, MHD_OPTION_LISTEN_SOCKET,
	    config->descriptor, MHD_OPTION_CONNECTION_LIMIT, config->connections_max,
	    MHD_OPTION_CONNECTION_TIMEOUT, config->idle_s, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
	    config->header_bytes_max, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
	    MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_ARRAY,
	    config->options ? config->options : &none, MHD_OPTION_END);
}

int http_server_start(struct http_server *server, const struct http_server_config *config)
{
	const union MHD_DaemonInfo *info;

	*server = (struct http_server){
	    .loop = config->loop,
	    .request_ms = config->request_ms,
	    .peer_bytes = config->peer_bytes,
	    .callbacks = config->callbacks,
	    .context = config->context,
	};
	list_init(&server->peers);
	server->daemon = start_daemon(server, config);
	if (!server->daemon)
		return ERR_IO;
	info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	ev_io_init(&server->readable, on_readable, info->epoll_fd, EV_READ);
	ev_init(&server->due, on_due);
	ev_timer_init(&server->check, on_check, CHECK_S, CHECK_S);
	server->readable.data = server->due.data = server->check.data = server;
	ev_io_start(server->loop, &server->readable);
	ev_timer_start(server->loop, &server->check);
	run(server);
	return 0;
}

void http_server_stop(struct http_server *server)
{
	if (!server->daemon)
		return;
	ev_io_stop(server->loop, &server->readable);
	ev_timer_stop(server->loop, &server->check);
	ev_timer_stop(server->loop, &server->due);
	MHD_stop_daemon(server->daemon);
	server->daemon = NULL;
}
