/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of cli/terminal.c on a pseudo-terminal: what it is, how it is taken, and how it is put back. */
#include "config.h"

#include "cli/terminal.h"

#include "tests/unit/cmocka_all.h"

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { WIDTH = 97, HEIGHT = 31 };

static int screen; /* the other end of the terminal */

/* The child has the terminal at stdin and stdout; it exits with what `work` returns. */
static pid_t start(int (*work)(void))
{
	struct winsize size = {.ws_col = WIDTH, .ws_row = HEIGHT};
	pid_t child = forkpty(&screen, NULL, NULL, &size);

	assert_true(child >= 0);
	if (child == 0)
		_exit(work());
	return child;
}

static int end(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	close(screen);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Reads until the text was on the screen. */
static void wait_for(const char *text)
{
	char seen[4096];
	size_t length = 0;
	ssize_t n;

	do {
		n = read(screen, seen + length, sizeof seen - 1 - length);
		length += n > 0 ? (size_t)n : 0;
		seen[length] = '\0';
	} while (n > 0 && !strstr(seen, text));
	assert_non_null(strstr(seen, text));
}

/* ---- what it is ---- */

static int inspect(void)
{
	setenv("TERM", "xterm", 1);
	unsetenv("NO_COLOR");
	struct terminal terminal = terminal_inspect();

	if (!terminal.is_terminal || terminal.width != WIDTH || terminal.height != HEIGHT)
		return 1;
	if (!terminal.has_colours)
		return 2;
	setenv("NO_COLOR", "1", 1);
	if (terminal_inspect().has_colours)
		return 3;
	setenv("NO_COLOR", "", 1); /* no-color.org: empty does not count */
	if (!terminal_inspect().has_colours)
		return 4;
	setenv("TERM", "dumb", 1);
	return terminal_inspect().has_colours ? 5 : 0;
}

static void test_a_terminal_tells_its_size_and_colours(void **state)
{
	(void)state;
	assert_int_equal(end(start(inspect)), 0);
}

static int inspect_file(void)
{
	dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
	struct terminal terminal = terminal_inspect();

	return terminal.is_terminal || terminal.has_colours || terminal.width != 0;
}

static void test_a_file_has_no_width_and_no_colours(void **state)
{
	(void)state;
	assert_int_equal(end(start(inspect_file)), 0);
}

/* ---- taken and given back ---- */

static int take_and_wait(void)
{
	struct termios before, during, after;

	tcgetattr(STDIN_FILENO, &before);
	terminal_give_back(); /* not taken: nothing */
	if (terminal_take_screen() != 0)
		return 1;
	tcgetattr(STDIN_FILENO, &during);
	if (during.c_lflag & (ECHO | ICANON))
		return 2;
	fputs("ready", stdout);
	fflush(stdout);
	enum terminal_event event = terminal_wait(10000);
	terminal_give_back();
	tcgetattr(STDIN_FILENO, &after);
	if (after.c_lflag != before.c_lflag)
		return 3;
	fputs("after", stdout);
	fflush(stdout);
	return 10 + (int)event;
}

static void test_the_screen_is_put_back_as_it_was(void **state)
{
	pid_t child = start(take_and_wait);

	(void)state;
	wait_for("\033[?1049h\033[?25l\033[?7lready");
	assert_int_equal(write(screen, "xyq", 3), 3); /* only q ends it */
	wait_for("\033[?7h\033[?25h\033[?1049lafter");
	assert_int_equal(end(child), 10 + TERMINAL_QUIT);
}

static void test_a_signal_ends_the_wait(void **state)
{
	pid_t child = start(take_and_wait);

	(void)state;
	wait_for("ready");
	assert_int_equal(kill(child, SIGTERM), 0);
	assert_int_equal(end(child), 10 + TERMINAL_QUIT);
}

static void test_another_size_is_told(void **state)
{
	struct winsize size = {.ws_col = 50, .ws_row = 20};
	pid_t child = start(take_and_wait);

	(void)state;
	wait_for("ready");
	assert_int_equal(ioctl(screen, TIOCSWINSZ, &size), 0);
	assert_int_equal(end(child), 10 + TERMINAL_RESIZED);
}

/* ---- waiting without a screen ---- */

static int wait_shortly(void)
{
	if (terminal_wait(30) != TERMINAL_TIMEOUT || terminal_is_ending())
		return 1;
	terminal_heed_signals();
	raise(SIGINT);
	if (!terminal_is_ending())
		return 2;
	return terminal_wait(30) == TERMINAL_QUIT ? 0 : 3;
}

static void test_time_passes_and_signals_end_it(void **state)
{
	(void)state;
	assert_int_equal(end(start(wait_shortly)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_terminal_tells_its_size_and_colours),
	    cmocka_unit_test(test_a_file_has_no_width_and_no_colours),
	    cmocka_unit_test(test_the_screen_is_put_back_as_it_was),
	    cmocka_unit_test(test_a_signal_ends_the_wait),
	    cmocka_unit_test(test_another_size_is_told),
	    cmocka_unit_test(test_time_passes_and_signals_end_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
