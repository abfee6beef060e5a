/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See node_admin.h. */
#include "config.h"

#include "net/node_admin.h"

#include "base/err.h"
#include "base/exposition.h"
#include "base/log.h"
#include "net/http_server.h"
#include "net/node_metrics.h"
#include "net/node_private.h"
#include "net/node_ready.h"
#include "net/tcp.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct node_admin {
	struct http_server http;
};

/* ---- the option ---- */

int node_admin_parse(const char *text, struct addr *address)
{
	struct addr other;
	char whole[64];

	if (*text && strspn(text, "0123456789") == strlen(text)) {
		snprintf(whole, sizeof(whole), "127.0.0.1:%s", text);
		text = whole;
	}
	/* A port that is left out becomes the default: two defaults tell. */
	if (addr_parse(text, 1, address) < 0 || addr_parse(text, 2, &other) < 0
	    || address->port != other.port || address->port == 0)
		return ERR_MALFORMED;
	return 0;
}

const char *node_admin_check(const void *text)
{
	struct addr address;

	return node_admin_parse(text, &address) < 0
	           ? "must be PORT, on 127.0.0.1, or ADDR:PORT, IPv6 in brackets"
	           : NULL;
}

const char *node_admin_check_remote(const char *text, bool may_be_remote)
{
	struct addr address;

	if (!text || may_be_remote || node_admin_parse(text, &address) < 0
	    || addr_is_loopback(&address))
		return NULL;
	return "admin must be on a loopback address, as it has neither TLS nor tokens; with "
	       "admin-remote everybody who reaches that address may read it";
}

/* ---- answers ---- */

struct answer {
	unsigned status;
	const char *type;
	char *text; /* owned */
};

static void answer_json(struct answer *answer, json_t *json)
{
	answer->type = "application/json";
	answer->text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
}

static void answer_health(struct node *node, struct answer *answer)
{
	(void)node;
	answer_json(answer, json_pack("{s:s}", "status", "ok"));
}

static unsigned workers_serving(const struct node *node)
{
	unsigned serving = 0;

	for (unsigned i = 0; i < node->workers; i++) {
		const struct process *worker =
		    supervisor_process(node->supervisor, PROCESS_WORKER, i);

		serving +=
		    worker && process_is_ready(worker)
		    && config_number_compare(&node->places[i].serving, &node->config.number) == 0;
	}
	return serving;
}

static void gather(const struct node *node, struct node_ready_facts *facts)
{
	const struct page *pages[NODE_WORKERS_MAX];
	const struct process *keys =
	    node->supervisor ? supervisor_process(node->supervisor, PROCESS_KEYS, 0) : NULL;

	for (unsigned i = 0; i < node->workers; i++)
		pages[i] = node->places[i].page;
	*facts = (struct node_ready_facts){
	    .is_listener = node->program->role == NODE_LISTENER,
	    .is_stopping = node->phase != NODE_SERVING,
	    .has_keys = keys && process_is_ready(keys),
	    .has_joined = node->is_enrolled,
	    .has_config = node->has_config,
	    .is_config_waiting = node->is_config_waiting,
	    .workers = node->workers,
	    .lanes_up = page_sum(pages, node->workers, PAGE_lanes_up),
	};
	if (!node->has_config)
		return;
	facts->is_draining = node->config.is_draining;
	facts->workers_serving = node->supervisor ? workers_serving(node) : 0;
	facts->accelerators = node->config.accelerator_count;
}

static void answer_readiness(struct node *node, struct answer *answer)
{
	struct node_ready_facts facts;
	struct node_ready_reasons reasons;
	json_t *list = json_array();

	gather(node, &facts);
	node_ready_judge(&facts, &reasons);
	for (size_t i = 0; i < reasons.count; i++)
		json_array_append_new(list, json_string(reasons.list[i]));
	if (reasons.count)
		answer->status = MHD_HTTP_SERVICE_UNAVAILABLE;
	answer_json(
	    answer, json_pack("{s:b, s:b, s:o}", "ready", reasons.count == 0, "control_connected",
	                node->control && control_client_is_open(node->control), "reasons", list));
}

static void answer_metrics(struct node *node, struct answer *answer)
{
	struct exposition exposition = {0};

	node_metrics_write(node, &exposition);
	answer->type = EXPOSITION_CONTENT_TYPE;
	answer->text = exposition.text;
	if (!exposition.has_failed)
		return;
	free(answer->text);
	answer->text = NULL;
}

static void answer_problem(struct answer *answer, unsigned status, const char *detail)
{
	answer->status = status;
	answer_json(answer, json_pack("{s:s, s:i, s:s}", "title", "Not here", "status", (int)status,
	                        "detail", detail));
	answer->type = "application/problem+json";
}

static const struct route {
	const char *path;
	void (*answer)(struct node *node, struct answer *answer);
} routes[] = {
    {"/healthz", answer_health},
    {"/readyz", answer_readiness},
    {"/metrics", answer_metrics},
};

static void answer_path(
    struct node *node, const char *method, const char *path, struct answer *answer)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (strcmp(path, routes[i].path) != 0)
			continue;
		if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
			routes[i].answer(node, answer);
		else
			answer_problem(answer, MHD_HTTP_METHOD_NOT_ALLOWED,
			    "the admin port is only read: GET or HEAD");
		return;
	}
	answer_problem(
	    answer, MHD_HTTP_NOT_FOUND, "the admin port has /healthz, /readyz and /metrics");
}

/* ---- libmicrohttpd ---- */

/* What cannot be answered for want of memory ends its connection. */
static enum MHD_Result respond(struct MHD_Connection *connection, struct answer *answer)
{
	struct MHD_Response *response;
	enum MHD_Result result;

	if (!answer->text)
		return MHD_NO;
	response = MHD_create_response_from_buffer(
	    strlen(answer->text), answer->text, MHD_RESPMEM_MUST_FREE);
	if (!response) {
		free(answer->text);
		return MHD_NO;
	}
	MHD_add_response_header(response, "Content-Type", answer->type);
	MHD_add_response_header(response, "Cache-Control", "no-store");
	/* One answer each, so that nobody holds the few connections for longer than their time. */
	MHD_add_response_header(response, "Connection", "close");
	if (answer->status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, "Allow", "GET, HEAD");
	result = MHD_queue_response(connection, answer->status, response);
	MHD_destroy_response(response);
	return result;
}

/* Called once with the headers, then with each part of a body, which is dropped, and at the end. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
    const char *path, const char *method, const char *version, const char *data, size_t *length,
    void **request_context)
{
	static char seen;
	struct answer answer = {.status = MHD_HTTP_OK};

	(void)version;
	(void)data;
	if (!*request_context) {
		*request_context = &seen;
		return MHD_YES;
	}
	if (*length) {
		*length = 0;
		return MHD_YES;
	}
	http_peer_of(connection)->is_answering = true;
	answer_path(context, method, path, &answer);
	return respond(connection, &answer);
}

static int failed(const struct addr *address, const char *reason)
{
	char text[ADDR_TEXT_BYTES];

	log_error("admin_failed", "address=%s error=\"%s\"",
	    addr_format(address, text, sizeof(text)), reason);
	return ERR_IO;
}

int node_admin_open(struct node *node)
{
	static const struct http_server_callbacks callbacks = {.request = on_request};
	struct http_server_config config = {
	    .loop = node->loop,
	    .connections_max = NODE_ADMIN_CONNECTIONS_MAX,
	    .idle_s = NODE_ADMIN_IDLE_S,
	    .request_ms = NODE_ADMIN_REQUEST_MS,
	    .header_bytes_max = NODE_ADMIN_HEADER_BYTES_MAX,
	    .peer_bytes = sizeof(struct http_peer),
	    .callbacks = &callbacks,
	    .context = node,
	};
	struct addr address;

	if (!node->options.admin)
		return 0;
	node_admin_parse(node->options.admin, &address); /* judged with the options */
	node->admin = calloc(1, sizeof(*node->admin));
	if (!node->admin)
		return failed(&address, err_text(ERR_NOMEM));
	if (tcp_listen(&address, false, &config.descriptor) < 0)
		return failed(&address, strerror(errno));
	if (http_server_start(&node->admin->http, &config) == 0)
		return 0;
	close(config.descriptor);
	return failed(&address, "libmicrohttpd does not start");
}

void node_admin_close(struct node *node)
{
	if (!node->admin)
		return;
	http_server_stop(&node->admin->http);
	free(node->admin);
	node->admin = NULL;
}
