/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of net/http_server.c, over loopback: answers, limits of connections and of time. */
#include "config.h"

#include "net/http_server.h"

#include "base/addr.h"
#include "net/tcp.h"
#include "tests/support/rounds.h"
#include "tests/unit/cmocka_all.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROUNDS = 20000, REQUEST_MS = 30000, SHORT_MS = 300, IDLE_S = 60, CONNECTIONS_MAX = 3 };

static struct ev_loop *loop;
static struct http_server server;
static struct sockaddr_in where;
static unsigned asked, refused, slow;
static bool is_closed_to_new;

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
    const char *path, const char *method, const char *version, const char *data, size_t *length,
    void **request_context)
{
	static char text[] = "hello";
	struct MHD_Response *response;
	enum MHD_Result result;

	(void)method;
	(void)version;
	(void)data;
	assert_ptr_equal(context, &server);
	if (!*request_context || *length) {
		*request_context = text;
		*length = 0;
		return MHD_YES;
	}
	asked++;
	assert_string_equal(path, "/x");
	http_peer_of(connection)->is_answering = true;
	response = MHD_create_response_from_buffer(sizeof(text) - 1, text, MHD_RESPMEM_PERSISTENT);
	result = MHD_queue_response(connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return result;
}

static bool admit(void *context, struct http_peer *peer)
{
	(void)context;
	assert_true(peer->descriptor > 0);
	refused += is_closed_to_new;
	return !is_closed_to_new;
}

static void on_too_slow(void *context, struct http_peer *peer)
{
	(void)context;
	assert_false(peer->is_answering);
	slow++;
}

static int start(unsigned request_ms)
{
	static const struct http_server_callbacks callbacks = {
	    .request = on_request, .admit = admit, .too_slow = on_too_slow};
	struct http_server_config config = {.connections_max = CONNECTIONS_MAX,
	    .idle_s = IDLE_S,
	    .request_ms = request_ms,
	    .header_bytes_max = 4096,
	    .peer_bytes = sizeof(struct http_peer),
	    .callbacks = &callbacks,
	    .context = &server};
	socklen_t length = sizeof(where);
	struct addr any;

	loop = ev_default_loop(0);
	config.loop = loop;
	asked = refused = slow = 0;
	is_closed_to_new = false;
	addr_parse("127.0.0.1:0", 0, &any);
	assert_int_equal(tcp_listen(&any, false, &config.descriptor), 0);
	assert_int_equal(getsockname(config.descriptor, (struct sockaddr *)&where, &length), 0);
	assert_int_equal(http_server_start(&server, &config), 0);
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	return start(REQUEST_MS);
}

static int set_up_short(void **state)
{
	(void)state;
	return start(SHORT_MS);
}

static int tear_down(void **state)
{
	(void)state;
	http_server_stop(&server);
	http_server_stop(&server); /* one that does not run */
	return 0;
}

static int client(void)
{
	int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(descriptor, (struct sockaddr *)&where, sizeof(where)), 0);
	return descriptor;
}

static void say(int descriptor, const char *text)
{
	assert_int_equal(send(descriptor, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* What comes until `until`, or to the end when it is NULL; a reset is an end. */
static const char *hear(int descriptor, const char *until)
{
	static char text[4096];
	size_t length = 0;
	ssize_t n = -1;

	text[0] = '\0';
	for (int i = 0; i < ROUNDS && n != 0 && !(until && strstr(text, until)); i++) {
		rounds_one(loop);
		n = recv(descriptor, text + length, sizeof(text) - 1 - length, MSG_DONTWAIT);
		if (n < 0 && errno == ECONNRESET)
			n = 0;
		length += n > 0 ? (size_t)n : 0;
		text[length] = '\0';
	}
	assert_true(until ? strstr(text, until) != NULL : n == 0);
	return text;
}

static void test_pipelined_requests_are_all_answered(void **state)
{
	int descriptor = client();

	(void)state;
	say(descriptor, "GET /x HTTP/1.1\r\nHost: a\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n"
	                "Connection: close\r\n\r\n");
	assert_non_null(strstr(hear(descriptor, NULL), "200 OK"));
	assert_int_equal(asked, 2);
	close(descriptor);
}

/* A byte now and then is no silence, and still its time is over. */
static void test_who_is_too_slow_is_closed(void **state)
{
	int descriptor = client();
	uint64_t began = http_server_now_ms();

	(void)state;
	say(descriptor, "GET /x HT");
	hear(descriptor, NULL);
	assert_int_equal(slow, 1);
	assert_int_equal(asked, 0);
	assert_true(http_server_now_ms() - began >= SHORT_MS);
	close(descriptor);
}

static void test_connections_are_limited(void **state)
{
	int descriptors[CONNECTIONS_MAX + 1];

	(void)state;
	for (int i = 0; i <= CONNECTIONS_MAX; i++)
		descriptors[i] = client();
	for (int i = 0; i < CONNECTIONS_MAX; i++) {
		say(descriptors[i], "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
		hear(descriptors[i], "hello");
	}
	close(descriptors[0]);
	say(descriptors[CONNECTIONS_MAX], "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
	for (int i = 1; i < CONNECTIONS_MAX; i++)
		close(descriptors[i]);
	close(descriptors[CONNECTIONS_MAX]);
	for (int i = 0; i < ROUNDS && !list_is_empty(&server.peers); i++)
		rounds_one(loop);
	assert_true(list_is_empty(&server.peers));
	descriptors[0] = client();
	say(descriptors[0], "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
	hear(descriptors[0], "hello");
	close(descriptors[0]);
}

static void test_the_owner_may_refuse_a_connection(void **state)
{
	int descriptor;

	(void)state;
	is_closed_to_new = true;
	descriptor = client();
	hear(descriptor, NULL);
	assert_int_equal(refused, 1);
	assert_int_equal(asked, 0);
	close(descriptor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
	        test_pipelined_requests_are_all_answered, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        test_who_is_too_slow_is_closed, set_up_short, tear_down),
	    cmocka_unit_test_setup_teardown(test_connections_are_limited, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        test_the_owner_may_refuse_a_connection, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
