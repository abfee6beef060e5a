/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of cli/wait.c. */
#include "config.h"

#include "cli/commands.h"

#include "tests/unit/cli_fixture.h"

#define NODE(name, state)                                                                          \
	"{\"node\": \"" name "\", \"role\": \"listener\", \"state\": \"" state                     \
	"\", \"reason\": null, \"since\": null}"

static void done(void **state)
{
	(void)state;
	cli_set(200, "{\"revision\": 7, \"done\": true, \"nodes\": [" NODE("a", "applied") "]}");
	assert_int_equal(cli_run("wait"), EXIT_DONE);
	assert_true(cli_was_asked("GET /v1/rollout?revision=7 "));
	cli_assert_printed("revision 7 is applied by all nodes\n");
	assert_int_equal(cli_run("wait --revision 5"), EXIT_DONE);
	assert_true(cli_was_asked("GET /v1/rollout?revision=5 "));
}

static void not_in_time(void **state)
{
	(void)state;
	cli_set(200, "{\"revision\": 7, \"done\": false, \"nodes\": [" NODE(
	                 "a", "applied") "," NODE("b", "pending") "]}");
	assert_int_equal(cli_run("wait --revision 7 --timeout 1s"), EXIT_FAILED);
	assert_true(cli_requests() > 2);
}

/* Half a second later the last node has it: the events say so. */
static void *apply_later(void *context)
{
	(void)context;
	usleep(500000);
	cli_set(200, "{\"revision\": 7, \"done\": true, \"nodes\": [" NODE("b", "applied") "]}");
	pthread_mutex_lock(&server.lock);
	dprintf(server.stream, "event: config\ndata: {}\n\nevent: config\ndata: {}\n\n");
	pthread_mutex_unlock(&server.lock);
	return NULL;
}

/* It asks at first, when the events begin, and when they tell of a node; not in between. */
static void it_waits_for_events(void **state)
{
	pthread_t thread;

	(void)state;
	server.events = "event: hello\ndata: {}\n\n";
	cli_set(200, "{\"revision\": 7, \"done\": false, \"nodes\": [" NODE("b", "pending") "]}");
	assert_int_equal(pthread_create(&thread, NULL, apply_later, NULL), 0);
	assert_int_equal(cli_run("wait --revision 7 --timeout 1h"), EXIT_DONE);
	pthread_join(thread, NULL);
	cli_assert_printed("revision 7 is applied by all nodes\n");
	assert_in_range(cli_requests(), 4, 5);
}

/* Events that say nothing do not keep it longer than it was told to wait. */
static void a_quiet_stream_ends_in_time(void **state)
{
	(void)state;
	server.events = "event: hello\ndata: {}\n\n";
	cli_set(200, "{\"revision\": 7, \"done\": false, \"nodes\": [" NODE("b", "down") "]}");
	assert_int_equal(cli_run("wait --revision 7 --timeout 1s"), EXIT_FAILED);
	assert_int_equal(cli_requests(), 4);
}

/* Nobody waits for a node that has said no. */
static void refused(void **state)
{
	(void)state;
	cli_set(200, "{\"revision\": 7, \"done\": false, \"nodes\": [" NODE(
	                 "a", "applied") "," NODE("b", "refused") "]}");
	assert_int_equal(cli_run("wait --revision 7 --timeout 1h"), EXIT_FAILED);
	assert_int_equal(cli_requests(), 1);
}

static void wrong_words(void **state)
{
	static const char *const lines[] = {"wait --revision x", "wait --timeout 0"};

	(void)state;
	cli_assert_usage(lines, sizeof lines / sizeof *lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CLI_TEST(done),
	    CLI_TEST(not_in_time),
	    CLI_TEST(it_waits_for_events),
	    CLI_TEST(a_quiet_stream_ends_in_time),
	    CLI_TEST(refused),
	    CLI_TEST(wrong_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
