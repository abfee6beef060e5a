/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See api.h: sockets, who connects, and what those are told who are too slow. */
#include "config.h"

#include "control/api_private.h"

#include "base/err.h"
#include "base/log.h"
#include "control/api_access.h"
#include "net/tcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { IPV6_NETWORK_BYTES = 8 };

/* ---- connections ---- */

struct api_peer *api_peer_of(struct MHD_Connection *connection)
{
	return (struct api_peer *)http_peer_of(connection);
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
	LIST_FOREACH (other, &api->http.peers, struct api_peer, http.node)
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
		    &peer->caller, peer->http.descriptor, api->groups, api->group_count);
		return;
	}
	info = MHD_get_connection_info(peer->http.connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	sockaddr = info ? info->client_addr : NULL;
	if (sockaddr)
		addr_from_sockaddr(&addr, sockaddr,
		    sockaddr->sa_family == AF_INET ? sizeof(struct sockaddr_in)
		                                   : sizeof(struct sockaddr_in6));
	api_caller_from_addr(&peer->caller, &addr);
}

static bool on_connection(void *context, struct http_peer *http)
{
	struct api *api = context;
	struct api_peer *peer = (struct api_peer *)http;

	name_peer(api, peer);
	if (api->is_tcp)
		tcp_allow_fin(http->descriptor);
	if (!is_crowded(api, peer))
		return true;
	api->control->access->counters.connections_refused++;
	return false;
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
		(void)!send(
		    peer->http.descriptor, text, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL);
		return;
	}
	info = MHD_get_connection_info(peer->http.connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	if (info)
		api_tls_say(info->tls_session, text, (size_t)length);
}

static void on_too_slow(void *context, struct http_peer *http)
{
	struct api *api = context;

	api->control->access->counters.too_slow++;
	if (!http->is_answering)
		say_too_slow(api, (struct api_peer *)http);
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

static int start_server(struct api *api, const struct api_tls *tls, int descriptor)
{
	static const struct http_server_callbacks callbacks = {
	    api_on_request, api_on_completed, on_connection, on_too_slow};
	struct MHD_OptionItem options[] = {
	    {MHD_OPTION_HTTPS_MEM_KEY, 0, tls ? tls->pem.key : NULL},
	    {MHD_OPTION_HTTPS_MEM_CERT, 0, tls ? tls->pem.certificate : NULL},
	    {MHD_OPTION_HTTPS_PRIORITIES, 0, API_TLS_PRIORITIES},
	    {MHD_OPTION_END, 0, NULL},
	};

	return http_server_start(
	    &api->http, &(struct http_server_config){
	                    .loop = api->control->loop,
	                    .descriptor = descriptor,
	                    .flags = MHD_ALLOW_SUSPEND_RESUME | (tls ? MHD_USE_TLS : 0U),
	                    .connections_max = API_CONNECTIONS_MAX,
	                    .idle_s = API_IDLE_S,
	                    .request_ms = API_REQUEST_MS,
	                    .header_bytes_max = API_HEADER_BYTES_MAX,
	                    .peer_bytes = sizeof(struct api_peer),
	                    .options = tls ? options : NULL,
	                    .callbacks = &callbacks,
	                    .context = api,
	                });
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
	if (start_server(api, config->socket_path ? NULL : config->tls, descriptor) == 0)
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
	list_init(&api->streams);
	result = listen_and_serve(api, config);
	if (result < 0) {
		free(api);
		return result;
	}
	*out = api;
	return 0;
}

void api_stop(struct api *api)
{
	if (!api)
		return;
	api_streams_end(api);
	http_server_stop(&api->http);
	if (api->path[0])
		unlink(api->path);
	free(api);
}
