/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A daemon's options: one schema table (base/schema.h) says what there is, and serves both the
 * command line and the YAML config file, whose keys are the long options.  What the command line
 * says replaces what the file says.  Every error is reported, in a file with line and column.
 * --config, -t, --version and --help are known to every daemon.
 */
#ifndef NET_OPTIONS_H
#define NET_OPTIONS_H

#include "base/schema.h"

#include <stdbool.h>
#include <stddef.h>

/* One option: a field of the schema, of type bool (a switch), number, enum, string or text. */
struct option_help {
	const char *key;      /* "state" is --state; an array's may be given more than once */
	const char *argument; /* "DIR"; NULL for a switch */
	const char *text;     /* what it does, for --help */
	bool is_required;     /* here, not in the schema: the file alone need not have it */
};

struct options_usage {
	const char *program; /* "trunkline-listener" */
	const char *summary; /* one line for --help */
	const struct schema *schema;
	const struct option_help *options;
	size_t option_count;
};

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* What options_parse() may return beside an exit status. */
enum { OPTIONS_RUN = -1 };

/*
 * Reads the command line, and the file that it names, into *options, a struct of the schema.
 * OPTIONS_RUN: go on, schema_clear() frees it in the end.  Else the exit status, with everything
 * said already: EXIT_DONE after --help, --version and a -t without errors, EXIT_FAILED when the
 * file has errors, EXIT_USAGE when the command line has.  *options is then empty.
 */
int options_parse(const struct options_usage *usage, int argc, char **argv, void *options);

/* ---- checks for schema tables: NULL, or what is wrong; they take the text ---- */

/* "ADDR", "[ADDR]" or "ADDR:PORT", no names; any address allowed. */
const char *options_check_address(const void *text);
/* The same, and there must be a port. */
const char *options_check_address_port(const void *text);
/* "ADDR", without a port */
const char *options_check_address_only(const void *text);

/* A size as base/size_text.h reads it. */
const char *options_check_size(const void *text);

#endif
