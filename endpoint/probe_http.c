/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Probes by HTTP and HTTPS: libcurl's multi interface in the loop, each on a connection of its own, to the
 * address that is asked and no other: no proxy, no redirect, no name resolution.
 */
#include "config.h"

#include "base/err.h"
#include "endpoint/http_judge.h"
#include "endpoint/probe_private.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Debian's ca-certificates. */
#define AUTHORITIES "/etc/ssl/certs/ca-certificates.crt"

enum { URL_BYTES = 3 * HEALTH_TEXT_BYTES, AUTHORITIES_CACHE_S = 3600 };

struct http_client {
	struct ev_loop *loop;
	CURLM *multi;
	ev_timer timer;
};

/* One of libcurl's sockets. */
struct watched {
	ev_io io;
	struct http_client *client;
};

struct probe_http {
	CURL *easy;
	struct curl_slist *connect_to;
	size_t length; /* of the body that came */
	char *body;    /* HTTP_BODY_MAX, where the check looks at it; else NULL */
};

/* ---- answers ---- */

static enum health_cause cause_of_connecting(CURL *easy)
{
	long system_error = 0;

	curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &system_error);
	if (system_error == ECONNREFUSED)
		return HEALTH_CAUSE_REFUSED;
	if (system_error == ENETUNREACH || system_error == EHOSTUNREACH)
		return HEALTH_CAUSE_UNREACHABLE;
	return HEALTH_CAUSE_SILENT;
}

/* It is ours, and says nothing of the backend. */
static bool is_local(CURL *easy, CURLcode result)
{
	long system_error = 0;

	switch (result) {
	case CURLE_INTERFACE_FAILED:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_OUT_OF_MEMORY:
	case CURLE_FAILED_INIT:
		return true;
	case CURLE_COULDNT_CONNECT:
		curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &system_error);
		return system_error == EMFILE || system_error == ENFILE || system_error == ENOBUFS
		       || system_error == ENOMEM || system_error == EADDRNOTAVAIL;
	default:
		return false;
	}
}

/* An answer that was cut, since it is long enough, is as good as a whole one. */
static enum health_cause judge(const struct probe *probe, CURLcode result)
{
	const struct probe_http *http = probe->http;
	long status = 0;

	if (is_local(http->easy, result))
		return HEALTH_CAUSE_NOT_PERMITTED;
	if (result == CURLE_COULDNT_CONNECT)
		return cause_of_connecting(http->easy);
	if (result == CURLE_OPERATION_TIMEDOUT)
		return HEALTH_CAUSE_SILENT;
	if (result != CURLE_OK && (result != CURLE_WRITE_ERROR || http->length < HTTP_BODY_MAX))
		return HEALTH_CAUSE_WRONG_ANSWER;
	curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &status);
	return http_judge(probe->request.check, status, http->body,
	    http->length < HTTP_BODY_MAX ? http->length : HTTP_BODY_MAX);
}

static void take_results(struct http_client *client)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(client->multi, &left))) {
		struct probe *probe = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&probe);
		probe_end(probe, judge(probe, message->data.result));
	}
}

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
	struct probe_http *http = context;
	size_t room = http->length < HTTP_BODY_MAX ? HTTP_BODY_MAX - http->length : 0;
	size_t length = size * count, taken = length < room ? length : room;

	if (http->body)
		memcpy(http->body + http->length, data, taken);
	http->length += taken;
	return http->length < HTTP_BODY_MAX ? length : 0; /* enough: libcurl ends it */
}

/* ---- libcurl in the loop ---- */

static void on_socket_ready(struct ev_loop *loop, ev_io *io, int events)
{
	struct http_client *client = ((struct watched *)io)->client;
	int running, action = 0;

	(void)loop;
	if (events & EV_READ)
		action |= CURL_CSELECT_IN;
	if (events & EV_WRITE)
		action |= CURL_CSELECT_OUT;
	curl_multi_socket_action(client->multi, io->fd, action, &running);
	take_results(client);
}

static int on_socket(CURL *easy, curl_socket_t socket, int what, void *context, void *per_socket)
{
	struct http_client *client = context;
	struct watched *watched = per_socket;
	int events = (what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0);

	(void)easy;
	if (watched)
		ev_io_stop(client->loop, &watched->io);
	if (what == CURL_POLL_REMOVE) {
		curl_multi_assign(client->multi, socket, NULL);
		free(watched);
		return 0;
	}
	if (!watched && !(watched = calloc(1, sizeof(*watched))))
		return -1;
	watched->client = client;
	curl_multi_assign(client->multi, socket, watched);
	ev_io_init(&watched->io, on_socket_ready, socket, events);
	ev_set_priority(&watched->io, PROBE_IO_PRIORITY);
	ev_io_start(client->loop, &watched->io);
	return 0;
}

static void on_due(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct http_client *client = timer->data;
	int running;

	(void)loop;
	(void)events;
	curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	take_results(client);
}

static int on_timer(CURLM *multi, long timeout_ms, void *context)
{
	struct http_client *client = context;

	(void)multi;
	ev_timer_stop(client->loop, &client->timer);
	if (timeout_ms < 0)
		return 0;
	ev_timer_set(&client->timer, (double)timeout_ms / 1000., 0.);
	ev_timer_start(client->loop, &client->timer);
	return 0;
}

/* ---- one question ---- */

static bool is_https(const struct probe *probe)
{
	return probe->request.kind == HEALTH_HTTPS;
}

static void set_trust(CURL *easy, const char *verify)
{
	bool is_pinned = strncmp(verify, "sha256//", 8) == 0;
	bool is_verified = !is_pinned && strcmp(verify, "off") != 0;

	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, is_verified ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, is_verified ? 2L : 0L);
	if (is_pinned)
		curl_easy_setopt(easy, CURLOPT_PINNEDPUBLICKEY, verify);
	/* One file and no folder: so libcurl keeps what it read for the next probes. */
	curl_easy_setopt(easy, CURLOPT_CAINFO, AUTHORITIES);
	curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, (long)AUTHORITIES_CACHE_S);
}

static void set_url(struct probe *probe)
{
	const struct probe_request *request = &probe->request;
	const char *host = request->check->host[0] ? request->check->host : request->host;
	bool is_ipv6 = strchr(host, ':') != NULL;
	char url[URL_BYTES], to[ADDR_TEXT_BYTES], connect_to[ADDR_TEXT_BYTES + 2];

	snprintf(url, sizeof(url), "%s://%s%s%s:%u%s", is_https(probe) ? "https" : "http",
	    is_ipv6 ? "[" : "", host, is_ipv6 ? "]" : "", request->to.port, request->check->path);
	snprintf(connect_to, sizeof(connect_to), "::%s", addr_format(&request->to, to, sizeof(to)));
	probe->http->connect_to = curl_slist_append(NULL, connect_to);
	curl_easy_setopt(probe->http->easy, CURLOPT_URL, url);
	curl_easy_setopt(probe->http->easy, CURLOPT_CONNECT_TO, probe->http->connect_to);
}

static void set_source(CURL *easy, const struct addr *source)
{
	char text[ADDR_TEXT_BYTES], interface[ADDR_TEXT_BYTES + 5];

	if (source->family == 0)
		return;
	snprintf(
	    interface, sizeof(interface), "host!%s", addr_format_ip(source, text, sizeof(text)));
	curl_easy_setopt(easy, CURLOPT_INTERFACE, interface);
}

static void set_options(struct probe *probe)
{
	CURL *easy = probe->http->easy;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, probe);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "trunkline-health/" PACKAGE_VERSION);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, probe->http);
	set_url(probe);
	set_source(easy, &probe->request.source);
	if (is_https(probe))
		set_trust(easy, probe->request.check->verify);
}

void probe_http_begin(struct probe *probe)
{
	struct http_client *client = probe->probes->http;
	struct probe_http *http = calloc(1, sizeof(*http));

	probe->http = http;
	if (http && probe->request.check->body[0])
		http->body = malloc(HTTP_BODY_MAX);
	if (!http || (probe->request.check->body[0] && !http->body)
	    || !(http->easy = curl_easy_init())) {
		probe_end(probe, HEALTH_CAUSE_NOT_PERMITTED);
		return;
	}
	set_options(probe);
	if (curl_multi_add_handle(client->multi, http->easy) != CURLM_OK)
		probe_end(probe, HEALTH_CAUSE_NOT_PERMITTED);
}

void probe_http_clear(struct probe *probe)
{
	struct probe_http *http = probe->http;

	probe->http = NULL;
	if (http->easy) {
		curl_multi_remove_handle(probe->probes->http->multi, http->easy);
		curl_easy_cleanup(http->easy);
	}
	curl_slist_free_all(http->connect_to);
	free(http->body);
	free(http);
}

/* ---- life ---- */

int http_client_new(struct http_client **out, struct ev_loop *loop)
{
	struct http_client *client = calloc(1, sizeof(*client));

	if (client && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
		client->multi = curl_multi_init();
	if (!client || !client->multi) {
		free(client);
		return ERR_NOMEM;
	}
	client->loop = loop;
	ev_init(&client->timer, on_due);
	client->timer.data = client;
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
	*out = client;
	return 0;
}

void http_client_free(struct http_client *client)
{
	if (!client)
		return;
	curl_multi_cleanup(client->multi);
	ev_timer_stop(client->loop, &client->timer);
	free(client);
}
