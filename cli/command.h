/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands as a table: the same rows parse a command line, print the help, word the usage errors
 * and say what completes a line (metavar.h).  Knows nothing of what the commands do.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum {
	COMMAND_ARGUMENTS_MAX = 2,
	COMMAND_VALUES_MAX = 1024, /* options given on one command line */
	COMMAND_ERROR_BYTES = 512,
};

struct command_option {
	const char *name;    /* "--role" */
	const char *metavar; /* what help calls its value; NULL for a switch without one */
	const char *help;    /* one line */
	bool is_required;
	bool is_repeated;
};

struct session;
struct invocation;

struct command {
	const char *noun; /* "node" */
	const char *
	    verb; /* "token", or NULL where the noun is the whole command; a row with a verb goes before its arguments */
	const char *arguments
	    [COMMAND_ARGUMENTS_MAX]; /* "NODE"; "[NAME]" may be left out, and all behind it;
	                                "[WORD...]" takes the rest of the line as it is */
	const char *summary;         /* one line */
	const struct command_option *options; /* ends with a NULL name; may be NULL */
	int (*run)(struct session *session, const struct invocation *invocation);
};

/* All commands and the options that every command has; the arrays end with a NULL noun or name. */
struct command_table {
	const char *program;
	const struct command *commands;
	const struct command_option *globals;
};

/* One command line, parsed.  All strings point into argv. */
struct invocation {
	const struct command *command; /* NULL when only help or the version is asked for */
	const char *noun;              /* of a help request without a whole command, or NULL */
	const char *arguments[COMMAND_ARGUMENTS_MAX];
	size_t rest_count; /* of the words that "[WORD...]" took */
	char *const *rest;
	bool wants_help, wants_version;
	size_t value_count;
	struct {
		const struct command_option *option;
		const char *value; /* "" for a switch */
	} values[COMMAND_VALUES_MAX];
};

/*
 * Parses argv[1..].  False for a usage error; `error` (COMMAND_ERROR_BYTES) then has one line with
 * the bad word and the next step, without program name and newline.
 * Global options may stand anywhere, a command's own after it; "--name VALUE" and "--name=VALUE" are the same; "--" ends options.
 */
bool command_parse(const struct command_table *table, int argc, char *const *argv,
    struct invocation *invocation, char *error);

/* The row of a noun and a verb (NULL for a noun alone); NULL when there is none. */
const struct command *command_find(
    const struct command_table *table, const char *noun, const char *verb);

/* By its whole name of `length` bytes, "--role"; options may be NULL, as may be the answer. */
const struct command_option *command_find_option(
    const struct command_option *options, const char *name, size_t length);

/* The (first) value of an option; NULL when it was not given. */
const char *invocation_value(const struct invocation *invocation, const char *name);

/*
 * The values of a repeated option in their order: *cursor is 0 at first.  NULL when there are no
 * more.
 */
const char *invocation_next(const struct invocation *invocation, const char *name, size_t *cursor);

bool invocation_has(const struct invocation *invocation, const char *name);

/* Help for a command, a noun, or (both NULL) for everything. */
void command_print_help(
    const struct command_table *table, const struct command *command, const char *noun, FILE *out);

#endif
