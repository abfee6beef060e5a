/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of cli/client_stream.c: events, problems, and waiting. */
#include "config.h"

#include "cli/client_stream.h"

#include "tests/unit/cli_fixture.h"

static struct client_event event;
static struct reply reply;

static enum client_stream_result next(struct client_stream *stream)
{
	enum client_stream_result result;

	do {
		result = client_stream_next(stream, 1000, -1, &event, &reply);
	} while (result == CLIENT_STREAM_NONE);
	return result;
}

static void test_events_one_after_the_other(void **state)
{
	struct client_stream *stream;

	(void)state;
	cli_set(
	    200, ":\n\nid: 7\nevent: revision\ndata: {\"n\": 1}\n\n:\n\ndata: x\n\nevent: half");
	stream = client_stream_open(session.client, "/v1/events?since=6");
	assert_int_equal(next(stream), CLIENT_STREAM_EVENT);
	assert_string_equal(event.name, "revision");
	assert_string_equal(event.id, "7");
	assert_string_equal(event.data, "{\"n\": 1}");
	assert_int_equal(next(stream), CLIENT_STREAM_EVENT);
	assert_string_equal(event.name, "message");
	assert_string_equal(event.id, "");
	assert_string_equal(event.data, "x");
	assert_int_equal(next(stream), CLIENT_STREAM_OVER);
	assert_int_equal(reply.status, 200);
	assert_true(cli_was_asked("GET /v1/events?since=6 HTTP/1.1\r\n"));
	assert_true(cli_was_asked("Accept: text/event-stream\r\n"));
	client_stream_close(stream);
}

static void test_a_problem_is_told(void **state)
{
	struct client_stream *stream;

	(void)state;
	cli_set(403, "{\"detail\": \"you may not\", \"fix\": \"ask\"}");
	stream = client_stream_open(session.client, "/v1/events");
	assert_int_equal(next(stream), CLIENT_STREAM_OVER);
	assert_int_equal(reply.status, 403);
	assert_string_equal(reply.error, "you may not; ask");
	reply_free(&reply);
	client_stream_close(stream);
}

static void test_nothing_is_waited_for_longer_than_said(void **state)
{
	struct client_stream *stream;

	(void)state;
	server.is_silent = true;
	stream = client_stream_open(session.client, "/v1/events");
	assert_int_equal(client_stream_next(stream, 20, -1, &event, &reply), CLIENT_STREAM_NONE);
	client_stream_close(stream);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CLI_TEST(test_events_one_after_the_other),
	    CLI_TEST(test_a_problem_is_told),
	    CLI_TEST(test_nothing_is_waited_for_longer_than_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
