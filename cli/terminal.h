/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The terminal at stdout and stdin: whether there is one, its width, colours and characters; and a
 * full-screen display that is put back as it was on every way out.
 */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

/* What a program's output may use. */
struct terminal {
	bool is_terminal;
	bool has_colours; /* a terminal, and NO_COLOR (no-color.org) is not set */
	bool is_utf8;     /* by the locale */
	size_t width;     /* columns, 0 where it is no terminal */
	size_t height;
};

/* Looks at stdout and the environment; sets the locale. */
struct terminal terminal_inspect(void);

/*
 * Takes the screen: alternate screen, no cursor, no wrapping, no echo, keys at once; from then on SIGINT,
 * SIGTERM and SIGHUP only end terminal_wait.  0 or ERR_IO.
 */
int terminal_take_screen(void);

/* Puts everything back; nothing when the screen was not taken. */
void terminal_give_back(void);

enum terminal_event { TERMINAL_TIMEOUT, TERMINAL_QUIT, TERMINAL_RESIZED };

/* Waits for q, an ending signal, another size of the window, or timeout_ms. */
enum terminal_event terminal_wait(int timeout_ms);

/* What terminal_wait heeds for output that is no terminal: only the ending signals. */
void terminal_heed_signals(void);

/* Where keys come from while the screen is taken, -1 for nowhere. */
int terminal_keys_descriptor(void);

/* Has an ending signal come? */
bool terminal_is_ending(void);

#endif
