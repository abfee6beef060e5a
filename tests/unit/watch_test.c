/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of cli/watch.c: a table each second where there is no terminal, the screen where there is one. */
#include "config.h"

#include "cli/commands.h"

#include "tests/unit/cli_fixture.h"

#include <pty.h>
#include <signal.h>
#include <sys/wait.h>

#define EVENT(data) "event: tunnels\ndata: " data "\n\n"

static const char one[] =
    EVENT("{\"items\": [{\"listener\": \"tyo-1\", \"endpoint\": \"osl-1\", \"state\": \"up\", "
          "\"flows\": 3, \"rtt_history_us\": [10000, 20000]}]}");

/* The server's thread is in this process; the command runs in the child. */
static pid_t start(int *output, enum output_format format, bool on_terminal)
{
	struct winsize size = {.ws_col = 120, .ws_row = 12};
	int ends[2] = {-1, -1};
	pid_t child;

	if (!on_terminal)
		assert_int_equal(pipe(ends), 0);
	child = on_terminal ? forkpty(output, NULL, NULL, &size) : fork();
	assert_true(child >= 0);
	if (child == 0) {
		if (!on_terminal)
			dup2(ends[1], STDOUT_FILENO);
		setenv("TERM", "xterm", 1);
		session.format = format;
		session.terminal = terminal_inspect();
		session.out = stdout;
		_exit(tunnel_watch(&session, NULL));
	}
	if (!on_terminal) {
		close(ends[1]);
		*output = ends[0];
	}
	return child;
}

static char seen[CLI_TEXT_BYTES];

/* Reads until the text came so many times; where reading was late, more. */
static void wait_for(int output, const char *text, unsigned times)
{
	size_t length = 0;
	unsigned count;
	ssize_t n;

	do {
		n = read(output, seen + length, sizeof seen - 1 - length);
		length += n > 0 ? (size_t)n : 0;
		seen[length] = '\0';
		count = 0;
		for (const char *at = seen; (at = strstr(at, text)); at++)
			count++;
	} while (n > 0 && count < times);
	assert_true(count >= times);
}

static int end(pid_t child, int output)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	close(output);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_each_second_is_a_line_of_json(void **state)
{
	int output;
	pid_t child;

	(void)state;
	cli_set(200, EVENT("{\"items\": []}"));
	child = start(&output, OUTPUT_JSON, false);
	wait_for(output, "{\"items\":[]}\n", 2);
	assert_int_equal(kill(child, SIGTERM), 0);
	assert_int_equal(end(child, output), EXIT_DONE);
}

static void test_without_a_terminal_tables_follow_each_other(void **state)
{
	int output;
	pid_t child;

	(void)state;
	cli_set(200, one);
	child = start(&output, OUTPUT_TABLE, false);
	wait_for(output, "tyo-1", 2);
	assert_null(strchr(seen, '\033'));
	assert_int_equal(kill(child, SIGINT), 0);
	assert_int_equal(end(child, output), EXIT_DONE);
}

static void test_a_failure_ends_it_without_a_terminal(void **state)
{
	int output;
	pid_t child;

	(void)state;
	cli_set(500, "{\"detail\": \"it is broken\"}");
	child = start(&output, OUTPUT_JSON, false);
	assert_int_equal(end(child, output), EXIT_FAILED);
}

/* The screen is drawn over, a failure is shown in it, and q gives it back. */
static void test_on_a_terminal_the_screen_is_drawn_anew(void **state)
{
	int output;
	pid_t child;

	(void)state;
	cli_set(200, one);
	child = start(&output, OUTPUT_TABLE, true);
	wait_for(output, "q ends", 1);
	wait_for(output, "FROM ms", 1);
	cli_set(500, "{\"detail\": \"it is broken\"}");
	wait_for(output, "it is broken", 1);
	cli_set(200, EVENT("{\"items\": []}"));
	wait_for(output, "There is no tunnel.", 1);
	assert_int_equal(write(output, "q", 1), 1);
	wait_for(output, "\033[?1049l", 1);
	assert_int_equal(end(child, output), EXIT_DONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CLI_TEST(test_each_second_is_a_line_of_json),
	    CLI_TEST(test_without_a_terminal_tables_follow_each_other),
	    CLI_TEST(test_a_failure_ends_it_without_a_terminal),
	    CLI_TEST(test_on_a_terminal_the_screen_is_drawn_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
