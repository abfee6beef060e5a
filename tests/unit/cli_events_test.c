/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of cli/events.c: what is asked for, and going on after a break. */
#include "config.h"

#include "tests/unit/cli_fixture.h"

#include <signal.h>
#include <sys/wait.h>

static void test_events_that_may_not_be_read_end_the_command(void **state)
{
	(void)state;
	cli_set(403, "{\"detail\": \"you may not\"}");
	assert_int_equal(cli_run("events --kinds node,config --since 4"), EXIT_FAILED);
	assert_true(cli_was_asked("GET /v1/events?kinds=node,config&since=4 HTTP/1.1\r\n"));
	assert_int_equal(cli_run("events --kinds x&y"), EXIT_USAGE);
	assert_int_equal(cli_run("events --since -1"), EXIT_USAGE);
}

/* Each behind its time; the same again after the break.  Tunnels have no line. */
static void expect_lines(const char *text)
{
	static const char *const wanted[] = {"revision 8: it , by me\n", "listener tyo-1 is down\n",
	    "tyo-1 refused revision 8: port in  use\n"};

	for (size_t i = 0; *text; i = (i + 1) % 3) {
		assert_int_equal(strspn(text, "0123456789:"), 8);
		text += strlen("15:04:05 ");
		assert_int_equal(strncmp(text, wanted[i], strlen(wanted[i])), 0);
		text += strlen(wanted[i]);
	}
}

/* The fixture answers once and ends; the command comes again behind what it has seen. */
static void test_it_goes_on_where_it_was(void **state)
{
	(void)state;
	cli_set(200,
	    "id: 8\nevent: revision\ndata: {\"revision\": 8, \"who\": \"me\", \"what\": "
	    "\"it\\u001b\"}\n\nevent: node\ndata: {\"node\": \"tyo-1\", \"role\": \"listener\","
	    " \"state\": \"down\"}\n\nevent: config\ndata: {\"node\": \"tyo-1\", \"revision\": 8,"
	    " \"state\": \"refused\", \"reason\": \"port in \\u001buse\"}\n\n"
	    "event: tunnels\ndata: {\"items\": []}\n\n");
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		int code = cli_run("events");

		if (write(ends[1], printed, strlen(printed)) < 0)
			code = EXIT_FAILED;
		_exit(code);
	}
	for (int i = 0; i < 500 && !cli_was_asked("GET /v1/events?since=8 HTTP/1.1\r\n"); i++)
		usleep(20000);
	assert_true(cli_was_asked("GET /v1/events?since=8 HTTP/1.1\r\n"));
	kill(child, SIGTERM);
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(WEXITSTATUS(status), EXIT_DONE);
	char text[4096];
	ssize_t length = read(ends[0], text, sizeof text - 1);
	assert_true(length > 0);
	text[length] = '\0';
	expect_lines(text);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CLI_TEST(test_events_that_may_not_be_read_end_the_command),
	    CLI_TEST(test_it_goes_on_where_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
