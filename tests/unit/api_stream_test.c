/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of control/api_stream.c, by way of GET /v1/events: an answer that goes on. */
#include "config.h"

#include "control/api_stream.h"

#include "tests/unit/api_fixture.h"

static char got[1 << 16];
static size_t length;

/* header is "" or ends in "\r\n". */
static int open_stream_with(const char *query, const char *header)
{
	char request[256];
	int descriptor = api_connect();
	int size = snprintf(request, sizeof request,
	    "GET /v1/events%s HTTP/1.1\r\nHost: c\r\n%s\r\n", query, header);

	length = 0;
	got[0] = '\0';
	assert_int_equal(send(descriptor, request, (size_t)size, 0), size);
	return descriptor;
}

static int open_stream(const char *query)
{
	return open_stream_with(query, "");
}

/* The fixture's nodes are revisions 1 and 2.  Until the text came; what stands before it is kept. */
static void wait_for(int descriptor, const char *text)
{
	for (int i = 0; i < 3000 && !strstr(got, text); i++) {
		ssize_t n;

		rounds_one(control.loop);
		n = recv(descriptor, got + length, sizeof got - 1 - length, MSG_DONTWAIT);
		length += n > 0 ? (size_t)n : 0;
		got[length] = '\0';
	}
	if (!strstr(got, text))
		fail_msg("no \"%s\" in \"%s\"", text, got);
}

static void change(const char *name)
{
	char body[256];

	snprintf(body, sizeof body, "{\"name\": \"%s\", \"role\": \"viewer\"}", name);
	assert_int_equal(api_ask("POST", "/v1/tokens", "", body), 201);
}

static void test_events_come_as_they_happen(void **state)
{
	int descriptor = open_stream("");

	(void)state;
	wait_for(descriptor, "event: hello\n");
	assert_non_null(strstr(got, "Content-Type: text/event-stream\r\n"));
	change("a");
	wait_for(descriptor, "id: 3\nevent: revision\n");
	change("b");
	wait_for(descriptor, "id: 4\nevent: revision\n");
	assert_int_equal(api_get("/v1/status"), 200);
	assert_int_equal(api_number("api/subscribers"), 1);
	close(descriptor);
	change("c"); /* the end is seen when there is something to say */
	change("d");
	for (int i = 0; i < 1000 && events_reader_count(control.events); i++)
		rounds_one(control.loop);
	assert_int_equal(events_reader_count(control.events), 0);
}

static void test_it_goes_on_behind_a_revision(void **state)
{
	int descriptor;

	(void)state;
	change("a");
	change("b");
	change("c");
	descriptor = open_stream("?since=3");
	wait_for(descriptor, "id: 3\nevent: hello\n");
	wait_for(descriptor, "id: 5\nevent: revision\n");
	assert_non_null(strstr(got, "id: 4\nevent: revision\n"));
	assert_null(strstr(got, "id: 3\nevent: revision\n"));
	close(descriptor);
	descriptor = open_stream("?since=99");
	wait_for(descriptor, "id: 5\nevent: reset\ndata: {\"since\":99,\"revision\":5}\n");
	close(descriptor);
	descriptor = open_stream("?kinds=node&since=3"); /* changes were not asked for */
	wait_for(descriptor, "event: hello\n");
	wait_for(descriptor, "\n\n\r\n");
	assert_null(strstr(got, "event: revision\n"));
	close(descriptor);
	assert_int_equal(api_get("/v1/events?since=-1"), 400);
	assert_int_equal(api_get("/v1/events?kinds=cook"), 400);
	assert_int_equal(api_get("/v1/events?kinds="), 400);
}

static void test_it_ends_with_its_token(void **state)
{
	char request[256];
	int descriptor;

	(void)state;
	change("ci");
	descriptor = api_connect();
	length = (size_t)snprintf(request, sizeof request,
	    "GET /v1/events HTTP/1.1\r\nHost: c\r\nAuthorization: Bearer %s\r\n\r\n",
	    api_text("token"));
	assert_int_equal(send(descriptor, request, length, 0), length);
	length = 0;
	wait_for(descriptor, "event: hello\n");
	assert_int_equal(api_ask("DELETE", "/v1/tokens/ci", "", ""), 200);
	wait_for(descriptor, "\r\n0\r\n\r\n");
	assert_null(strstr(got, "revoked"));
	close(descriptor);
}

static void test_there_is_a_most(void **state)
{
	int descriptors[64];
	char header[128];

	(void)state;
	for (int i = 0; i < 64; i++) {
		if (i % 16 == 0) {
			if (i) /* the one before may no more, others may */
				assert_int_equal(api_ask("GET", "/v1/events", header, ""), 429);
			snprintf(header, sizeof header, "t%d", i);
			change(header);
			snprintf(header, sizeof header, "Authorization: Bearer %s\r\n",
			    api_text("token"));
		}
		descriptors[i] = open_stream_with("", header);
		wait_for(descriptors[i], "event: hello\n");
	}
	assert_int_equal(api_get("/v1/events"), 429);
	assert_non_null(strstr(api_text("detail"), "64 listen to events"));
	assert_true(api_has_header("Retry-After: "));
	assert_int_equal(api_get("/v1/status"), 200);
	for (int i = 0; i < 64; i++)
		close(descriptors[i]);
}

/* The teardown stops the API under it. */
static void test_control_stops_while_somebody_listens(void **state)
{
	int idle = open_stream("");

	(void)state;
	wait_for(idle, "event: hello\n");
	api_stop(api);
	api = NULL;
	assert_true(recv(idle, got, sizeof got, MSG_DONTWAIT) >= 0);
	close(idle);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    API_TEST(test_events_come_as_they_happen),
	    API_TEST(test_it_goes_on_behind_a_revision),
	    API_TEST(test_it_ends_with_its_token),
	    API_TEST(test_there_is_a_most),
	    API_TEST(test_control_stops_while_somebody_listens),
	};

	if (api_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
