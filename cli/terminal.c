/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The terminal: its properties, and a display of the whole screen.  Signals only set a flag, so
 * that the screen is given back by ordinary code.
 */
#include "cli/terminal.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"

/* xterm: alternate screen, cursor, wrapping of long lines. */
#define SEQUENCE_TAKE "\033[?1049h\033[?25l\033[?7l"
#define SEQUENCE_GIVE "\033[?7h\033[?25h\033[?1049l"

static volatile sig_atomic_t is_ending, is_resized;
static bool is_taken, has_keys;
static struct termios before;

struct terminal terminal_inspect(void)
{
	struct terminal terminal = {0};
	struct winsize size;
	setlocale(LC_ALL, "");
	terminal.is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	terminal.is_terminal = isatty(STDOUT_FILENO);
	if (!terminal.is_terminal)
		return terminal;
	const char *no_colour = getenv("NO_COLOR");
	const char *kind = getenv("TERM");
	terminal.has_colours =
	    !(no_colour && no_colour[0]) && kind && kind[0] && strcmp(kind, "dumb") != 0;
	bool has_size = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
	terminal.width = has_size && size.ws_col > 0 ? size.ws_col : 80;
	terminal.height = has_size && size.ws_row > 0 ? size.ws_row : 24;
	return terminal;
}

static void on_signal(int number)
{
	if (number == SIGWINCH)
		is_resized = 1;
	else
		is_ending = 1;
}

void terminal_heed_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal};
	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

int terminal_keys_descriptor(void)
{
	return is_taken && has_keys ? STDIN_FILENO : -1;
}

bool terminal_is_ending(void)
{
	return is_ending != 0;
}

int terminal_take_screen(void)
{
	struct sigaction action = {.sa_handler = on_signal};
	sigemptyset(&action.sa_mask);
	sigaction(SIGWINCH, &action, NULL);
	terminal_heed_signals();
	has_keys = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0;
	if (has_keys) {
		struct termios raw = before;
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		raw.c_cc[VSUSP] = _POSIX_VDISABLE;
		raw.c_cc[VMIN] = 1;
		raw.c_cc[VTIME] = 0;
		if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) != 0)
			return ERR_IO;
	}
	fputs(SEQUENCE_TAKE, stdout);
	fflush(stdout);
	is_taken = true;
	return 0;
}

void terminal_give_back(void)
{
	if (!is_taken)
		return;
	is_taken = false;
	fputs(SEQUENCE_GIVE, stdout);
	fflush(stdout);
	if (has_keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

/* Reads one key; a terminal that is gone has no more. */
static bool key_is_quit(void)
{
	char key;
	ssize_t count = read(STDIN_FILENO, &key, 1);
	if (count <= 0) {
		has_keys = count < 0 && errno == EINTR;
		return false;
	}
	return key == 'q' || key == 'Q';
}

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

enum terminal_event terminal_wait(int timeout_ms)
{
	const int64_t end_ms = now_ms() + timeout_ms;
	for (;;) {
		if (is_ending)
			return TERMINAL_QUIT;
		if (is_resized) {
			is_resized = 0;
			return TERMINAL_RESIZED;
		}
		int64_t left_ms = end_ms - now_ms();
		struct pollfd keys = {.fd = STDIN_FILENO, .events = POLLIN};
		bool reads_keys = is_taken && has_keys;
		if (poll(&keys, reads_keys ? 1 : 0, left_ms > 0 ? (int)left_ms : 0) > 0
		    && key_is_quit())
			return TERMINAL_QUIT;
		if (left_ms <= 0)
			return TERMINAL_TIMEOUT;
	}
}
