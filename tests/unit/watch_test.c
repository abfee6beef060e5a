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
static pid_t start(const char *line, int *output, enum output_format format, bool on_terminal)
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
		_exit(cli_run_to(stdout, line));
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
	child = start("tunnel watch", &output, OUTPUT_JSON, false);
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
	child = start("tunnel watch", &output, OUTPUT_TABLE, false);
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
	child = start("tunnel watch", &output, OUTPUT_JSON, false);
	assert_int_equal(end(child, output), EXIT_FAILED);
}

/* The screen is drawn over, a failure is shown in it, and q gives it back. */
static void test_on_a_terminal_the_screen_is_drawn_anew(void **state)
{
	int output;
	pid_t child;

	(void)state;
	cli_set(200, one);
	child = start("tunnel watch", &output, OUTPUT_TABLE, true);
	wait_for(output, "q ends", 1);
	wait_for(output, "FROM ms", 1);
	cli_set(500, "{\"detail\": \"it is broken\"}");
	wait_for(output, "it is broken", 1);
	cli_set(200, EVENT("{\"items\": []}"));
	wait_for(output, "There is no tunnel:", 1);
	assert_int_equal(write(output, "q", 1), 1);
	wait_for(output, "\033[?1049l", 1);
	assert_int_equal(end(child, output), EXIT_DONE);
}

#define NODES(state)                                                                               \
	"{\"items\":[{\"name\":\"tyo-1\",\"role\":\"listener\",\"state\":\"" state "\"}]}"

static void tell(const char *event)
{
	pthread_mutex_lock(&server.lock);
	assert_true(server.stream >= 0);
	dprintf(server.stream, "event: %s\ndata: {}\n\n", event);
	pthread_mutex_unlock(&server.lock);
}

/* Asked for at first and at each event; what is as it was is not printed again. */
static void test_a_list_is_printed_when_it_changes(void **state)
{
	int output;
	pid_t child;
	unsigned asked;

	(void)state;
	server.events = "event: hello\ndata: {}\n\n";
	cli_set(200, NODES("up"));
	child = start("node list --watch", &output, OUTPUT_JSON, false);
	wait_for(output, NODES("up") "\n", 1);
	asked = cli_requests();
	tell("tunnels");
	while (cli_requests() == asked)
		usleep(1000);
	cli_set(200, NODES("down"));
	tell("node");
	wait_for(output, NODES("down") "\n", 1);
	assert_null(strstr(seen, NODES("up")));
	assert_int_equal(kill(child, SIGTERM), 0);
	assert_int_equal(end(child, output), EXIT_DONE);
}

/* A list that may not be read ends it, though events come. */
static void test_a_list_that_does_not_come_ends_it(void **state)
{
	int output;
	pid_t child;

	(void)state;
	server.events = "event: hello\ndata: {}\n\n";
	cli_set(403, "{\"detail\": \"you may not\"}");
	child = start("status --watch", &output, OUTPUT_TABLE, false);
	assert_int_equal(end(child, output), EXIT_FAILED);
}

static void test_history_and_tokens_are_watched(void **state)
{
	static const char *const lines[][2] = {
	    {"history --limit 3 --watch", "GET /v1/revisions?limit=3 "},
	    {"token list --watch", "GET /v1/tokens "},
	};

	(void)state;
	server.events = "event: hello\ndata: {}\n\n";
	cli_set(200, "{\"items\":[]}");
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		int output;
		pid_t child = start(lines[i][0], &output, OUTPUT_JSON, false);
		wait_for(output, "{\"items\":[]}\n", 1);
		assert_true(cli_was_asked(lines[i][1]));
		assert_int_equal(kill(child, SIGTERM), 0);
		assert_int_equal(end(child, output), EXIT_DONE);
	}
}

static void test_accelerators_on_a_terminal(void **state)
{
	int output;
	pid_t child;

	(void)state;
	server.events = "event: hello\ndata: {}\n\n";
	cli_set(200, "{\"items\": []}");
	child = start("accelerator list --watch", &output, OUTPUT_TABLE, true);
	wait_for(output, "Accelerators at ", 1);
	cli_set(200, "{\"items\": [{\"name\": \"web\", \"protocol\": \"tcp\"}]}");
	tell("revision");
	wait_for(output, "web", 1);
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
	    CLI_TEST(test_a_list_is_printed_when_it_changes),
	    CLI_TEST(test_a_list_that_does_not_come_ends_it),
	    CLI_TEST(test_history_and_tokens_are_watched),
	    CLI_TEST(test_accelerators_on_a_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
