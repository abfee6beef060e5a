/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of cli/node_drain.c: what is asked for, and how long is waited. */
#include "config.h"

#include "cli/commands.h"

#include "tests/unit/cli_fixture.h"

static void test_a_drain_is_asked_for_and_undone(void **state)
{
	static const char *const wrong[] = {"node drain a/b", "node undrain ..",
	    "node drain osl-1 --timeout 5", "node drain osl-1 --wait --timeout soon"};

	(void)state;
	cli_assert_usage(wrong, sizeof wrong / sizeof *wrong);
	cli_set(200, "{\"name\": \"osl-1\", \"drain\": \"draining\"}");
	assert_int_equal(cli_run("node drain osl-1"), EXIT_DONE);
	assert_true(cli_was_asked("PATCH /v1/nodes/osl-1 "));
	assert_true(cli_was_asked("{\"draining\":true}"));
	cli_assert_printed("node osl-1 is draining\n");
	cli_set(200, "{\"name\": \"osl-1\", \"drain\": \"off\"}");
	assert_int_equal(cli_run("node undrain osl-1"), EXIT_DONE);
	assert_true(cli_was_asked("{\"draining\":false}"));
	cli_assert_printed("node osl-1 takes new flows\n");
}

static void test_a_drain_is_waited_for(void **state)
{
	(void)state;
	cli_set(200, "{\"drain\": \"drained\", \"flows\": {\"tcp\": 0, \"udp\": 0}}");
	assert_int_equal(cli_run("node drain osl-1 --wait"), EXIT_DONE);
	cli_assert_printed("node osl-1 is drained\n");
	cli_set(200, "{\"drain\": \"draining\", \"flows\": {\"tcp\": 2, \"udp\": 0}}");
	assert_int_equal(cli_run("node drain osl-1 --wait --timeout 1"), EXIT_FAILED);
	assert_true(cli_was_asked("GET /v1/nodes/osl-1 "));
	cli_assert_printed("");
	cli_set(200, "{\"drain\": \"off\"}"); /* somebody was faster */
	assert_int_equal(cli_run("node drain osl-1 --wait"), EXIT_FAILED);
}

/* After the first look the last flow ends: the events say so. */
static void *end_later(void *context)
{
	(void)context;
	cli_wait_requests(3);
	cli_set(200, "{\"drain\": \"drained\", \"flows\": {\"tcp\": 0, \"udp\": 0}}");
	cli_tell("event: drain\ndata: {}\n\n");
	return NULL;
}

/* The PATCH, then the events, a look when they begin and one when they tell of the drain. */
static void test_nothing_is_asked_between_events(void **state)
{
	pthread_t thread;

	(void)state;
	server.events = "event: hello\ndata: {}\n\n";
	cli_set(200, "{\"drain\": \"draining\", \"flows\": {\"tcp\": 2, \"udp\": 0}}");
	assert_int_equal(pthread_create(&thread, NULL, end_later, NULL), 0);
	assert_int_equal(cli_run("node drain osl-1 --wait --timeout 1h"), EXIT_DONE);
	pthread_join(thread, NULL);
	cli_assert_printed("node osl-1 is drained\n");
	assert_int_equal(cli_requests(), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CLI_TEST(test_a_drain_is_asked_for_and_undone),
	    CLI_TEST(test_a_drain_is_waited_for),
	    CLI_TEST(test_nothing_is_asked_between_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
