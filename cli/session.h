/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every command of trunkctl has at hand: control's API, the way of output, and how errors are
 * told.
 */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/table.h"
#include "cli/terminal.h"

enum { SESSION_PATH_BYTES = 512 };

struct session {
	struct client *client;               /* NULL for a command that asks control for nothing */
	const struct invocation *invocation; /* what was typed */
	enum output_format format;
	struct terminal terminal;
	FILE *out;
};

/* One line "trunkctl: ..." on stderr; returns the code. */
enum exit_code session_fail(enum exit_code code, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * What control refused: a line for each thing that it found wrong, with the option that brought it.
 * Returns the code.
 */
enum exit_code session_fail_reply(
    const struct session *session, enum exit_code code, const struct reply *reply);

/*
 * client_request; *answer is the caller's when it is EXIT_DONE, else NULL, and the error is told.
 */
enum exit_code session_request(struct session *session, const char *method, const char *path,
    const json_t *body, json_t **answer);

/* GET of `path` with up to two names behind it: "/v1/nodes", "tokyo-1".  NULL for no name. */
enum exit_code session_get(struct session *session, const char *path, const char *name,
    const char *second_name, json_t **answer);

/* Prints the value when JSON or YAML is asked for; false when a table is. */
bool session_print_value(struct session *session, const json_t *value);

/* Prints and frees a table as wide as the terminal. */
void session_print_table(struct session *session, struct table *table);

/* A table with a row for each of the answer's "items", as `add_row` makes it. */
void session_print_items(struct session *session, const struct table_column *columns,
    const json_t *answer, void (*add_row)(struct table *table, const json_t *item));

/* DELETE of a path; prints what control answers, or "NOUN NAME DONE (revision N)". */
enum exit_code session_delete(struct session *session, const char *path, const char *noun,
    const char *name, const char *done);

#endif
