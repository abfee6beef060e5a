/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Control, asked by anybody: requests of any method, path, query, If-Match, Idempotency-Key and body to the API's handlers,
 * and the first words of nodes that want to join, over a real store in memory.  Each gets an answer, JSON, text or a stream, with a status of
 * 2xx or 4xx (readyz: 503, as nothing listens for nodes); what was done with a key is answered again and not done again; what was stored loads
 * again, and compiles into every node's config.
 */
#include "config.h"

#include "base/bytes.h"
#include "base/keyed_hash.h"
#include "control/api_access.h"
#include "control/api_private.h"
#include "control/api_routes.h"
#include "control/compile.h"
#include "control/events.h"
#include "control/explain.h"
#include "control/idempotency.h"
#include "control/node_join.h"
#include "model/messages.h"
#include "tests/fuzz/require.h"

#include <microhttpd.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { REQUESTS_MAX = 12 };

static struct control control;
static char if_match[64], query[64], once_key[64];

uint64_t control_now_ms(void)
{
	return 1767225600000;
}

uint64_t control_steady_ms(void)
{
	return 5000;
}

/* The connection's headers and arguments: the link puts this in place of libmicrohttpd's. */
const char *__wrap_MHD_lookup_connection_value(
    struct MHD_Connection *connection, enum MHD_ValueKind kind, const char *name);
const char *__wrap_MHD_lookup_connection_value(
    struct MHD_Connection *connection, enum MHD_ValueKind kind, const char *name)
{
	(void)connection;
	if (kind == MHD_HEADER_KIND && strcmp(name, "Idempotency-Key") == 0)
		return once_key[0] ? once_key : NULL;
	if (kind == MHD_HEADER_KIND)
		return strcmp(name, "If-Match") == 0 && if_match[0] ? if_match : NULL;
	return query[0] ? query : NULL;
}

static bool is_status_right(const struct api_route *route, unsigned status)
{
	if (route && route->handle == api_readyz)
		return status == MHD_HTTP_SERVICE_UNAVAILABLE;
	return status / 100 == 2 || status / 100 == 4;
}

static char *text_of(struct api_answer *answer, int result)
{
	json_t *json = result == 0 ? json_incref(answer->body) : problem_to_json(&answer->problem);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	return !text && result == 0 && answer->text ? strdup(answer->text) : text;
}

static void check_answer(const struct api_route *route, struct api_answer *answer, int result)
{
	char *text = text_of(answer, result);

	require(text || answer->stream);
	require(is_status_right(
	    route, result == 0 ? answer->status : problem_status(&answer->problem)));
	require(memchr(answer->etag, '\0', sizeof(answer->etag))
	        && memchr(answer->location, '\0', sizeof(answer->location)));
	free(text);
}

static void free_answer(struct api_answer *answer)
{
	if (answer->stream)
		api_stream_free(answer->stream);
	free(answer->text);
	json_decref(answer->body);
}

/* The first answer once more, and no other revision; a long one is told of only. */
static void ask_again(const struct api_request *request, const struct api_route *route,
    const struct api_answer *first)
{
	uint64_t revision = control.installation.revision;
	struct api_answer again = {.status = MHD_HTTP_OK};
	int result = idempotency_run(&control, request, route->handle, &again);

	check_answer(route, &again, result);
	require(control.installation.revision == revision);
	if (result == 0)
		require(again.status == first->status && json_equal(again.body, first->body)
		        && strcmp(again.etag, first->etag) == 0
		        && strcmp(again.location, first->location) == 0);
	else
		require(again.problem.kind == PROBLEM_KEY_REUSED);
	free_answer(&again);
}

/* No backup: a store in memory has no folder for one. */
static void ask(const char *method, const char *path, const char *body)
{
	struct api_request request = {
	    .method = method, .path = path, .body = body, .body_bytes = strlen(body)};
	struct api_answer answer = {.status = MHD_HTTP_OK};
	const struct api_route *route = api_route_find(&request, &answer.problem);

	if (route && route->handle == api_backup)
		return;
	int result = route ? idempotency_run(&control, &request, route->handle, &answer) : -1;

	check_answer(route, &answer, result);
	if (result == 0 && once_key[0] && strcmp(method, "POST") == 0 && !answer.stream)
		ask_again(&request, route, &answer);
	free_answer(&answer);
}

/* A node that says hello, with the token of this program or none. */
static void join(uint8_t key, const char *text)
{
	char reason[REASON_BYTES] = "";
	uint8_t pin[PIN_BYTES];
	struct message message;
	struct model_error error;
	struct addr from;

	if (message_decode(text, strlen(text), &message, &error) < 0)
		return;
	memset(pin, key, sizeof(pin));
	addr_parse("192.0.2.77:1", 0, &from);
	if (message.type == MESSAGE_HELLO
	    && !node_join(&control, pin, &from, &message.body.hello, reason))
		require(reason[0]);
	message_clear(&message);
}

static void check_store(void)
{
	struct installation loaded = {0};

	require(store_load(control.store, &loaded) == 0);
	require(loaded.node_count == control.installation.node_count
	        && loaded.accelerator_count == control.installation.accelerator_count);
	for (size_t i = 0; i < loaded.node_count; i++) {
		struct node_config config;
		struct model_error error;
		size_t length;
		char *text;

		require(compile_node_config(&loaded, &loaded.nodes[i], &config) == 0);
		require(node_config_save(&config, &text, &length) == 0);
		node_config_clear(&config);
		require(node_config_load(text, length, &config, &error) == 0);
		node_config_clear(&config);
		free(text);
	}
	installation_clear(&loaded);
}

/* One line of the program: a letter, then what it takes. */
static void run_line(char *line)
{
	char *method, *path, *body;

	switch (line[0]) {
	case 'm':
		snprintf(if_match, sizeof(if_match), "%s", line + 1);
		break;
	case 'q':
		snprintf(query, sizeof(query), "%s", line + 1);
		break;
	case 'k':
		snprintf(once_key, sizeof(once_key), "%s", line + 1);
		break;
	case 'j':
		if (line[1])
			join((uint8_t)line[1], line + 2);
		break;
	default:
		method = strtok(line + 1, " ");
		path = strtok(NULL, " ");
		body = strtok(NULL, "");
		if (method && path)
			ask(method, path, body ? body : "");
	}
}

static void add_node(const char *name, enum node_role role, const char *region, uint8_t key)
{
	struct node node = {.role = role, .slots = 1, .version = "0.1"};

	strcpy(node.name, name);
	strcpy(node.region, region);
	memset(node.pin, key, sizeof(node.pin));
	if (role == NODE_ENDPOINT) {
		memset(node.door_secret, key, sizeof(node.door_secret));
		strcpy(node.addresses[0].text, "192.0.2.2:7401");
		node.address_count = 1;
	}
	require(store_put_node(control.store, &node) == 0);
}

static void add_token(enum node_role role, const char *region, uint8_t key)
{
	struct token token = {.role = role, .expires_ms = control_now_ms() + 60000};
	uint8_t secret[JOIN_SECRET_BYTES];

	memset(secret, key, sizeof(secret));
	strcpy(token.region, region);
	crypto_generichash(token.hash, sizeof(token.hash), secret, sizeof(secret), NULL, 0);
	require(store_add_token(control.store, &token) == 0);
}

/* A listener in tokyo, an endpoint in oslo, and a token for one more of each. */
static void begin(void)
{
	char reason[REASON_BYTES];

	control = (struct control){.join_addresses = {"192.0.2.9:7400"}, .join_address_count = 1};
	if_match[0] = query[0] = once_key[0] = '\0';
	control.loop = ev_default_loop(0);
	control.tunnels = tunnels_new();
	control.access = api_access_new(API_RATE_DEFAULT);
	control.events = events_new(&control);
	control.explains = explains_new(&control);
	require(control.access && control.events && control.explains);
	require(control.tunnels && store_open(&control.store, ":memory:", reason) == 0);
	require(store_begin(control.store) == 0);
	add_node("osl-1", NODE_ENDPOINT, "oslo", 1);
	add_node("tyo-1", NODE_LISTENER, "tokyo", 2);
	require(store_commit(control.store) == 0);
	add_token(NODE_LISTENER, "tokyo", 3);
	add_token(NODE_ENDPOINT, "rome", 4);
	require(store_load(control.store, &control.installation) == 0);
}

static void end(void)
{
	tunnels_free(control.tunnels);
	api_access_free(control.access);
	explains_free(control.explains);
	events_free(control.events);
	installation_clear(&control.installation);
	store_close(control.store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *program, *line, *rest;

	if (sodium_init() < 0 || keyed_hash_init() < 0)
		abort();
	program = malloc(size + 1);
	memcpy(program, data, size);
	program[size] = '\0';
	rest = program;
	begin();
	for (int i = 0; i < REQUESTS_MAX && (line = strsep(&rest, "\n")); i++)
		if (line[0])
			run_line(line);
	check_store();
	end();
	free(program);
	return 0;
}
