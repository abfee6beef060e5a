/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Help, printed from the rows of the command table.
 */
#include <string.h>

#include "cli/command.h"

enum { HELP_COLUMN = 34 }; /* where the explanations start */

/* One row: the left part, padded, and its explanation; a long left part gets its own line. */
static void print_row(FILE *out, const char *left, const char *help)
{
	int width = fprintf(out, "  %s", left);
	if (width >= HELP_COLUMN) {
		fputc('\n', out);
		width = 0;
	}
	fprintf(out, "%*s%s\n", HELP_COLUMN - width, "", help);
}

static void print_option(FILE *out, const struct command_option *option)
{
	char left[128];
	snprintf(left, sizeof(left), "%s%s%s", option->name, option->metavar ? " " : "",
	    option->metavar ? option->metavar : "");
	print_row(out, left, option->help);
}

static void print_options(FILE *out, const char *title, const struct command_option *options)
{
	if (!options || !options->name)
		return;
	fprintf(out, "\n%s:\n", title);
	for (; options->name; options++)
		print_option(out, options);
}

static void format_command(const struct command *command, char *buf, size_t size)
{
	size_t used = (size_t)snprintf(buf, size, "%s%s%s", command->noun, command->verb ? " " : "",
	    command->verb ? command->verb : "");
	for (size_t i = 0; i < COMMAND_ARGUMENTS_MAX && command->arguments[i] && used < size; i++)
		used += (size_t)snprintf(buf + used, size - used, " %s", command->arguments[i]);
}

static void print_command(
    const struct command_table *table, const struct command *command, FILE *out)
{
	char line[256];
	format_command(command, line, sizeof(line));
	fprintf(out, "usage: %s %s", table->program, line);
	for (const struct command_option *o = command->options; o && o->name; o++)
		if (o->is_required)
			fprintf(out, " %s %s%s", o->name, o->metavar, o->is_repeated ? " ..." : "");
	bool has_more = false;
	for (const struct command_option *o = command->options; o && o->name; o++)
		has_more = has_more || !o->is_required;
	fprintf(out, "%s\n\n%s\n", has_more ? " [options]" : "", command->summary);
	print_options(out, "options", command->options);
	print_options(out, "options of every command", table->globals);
}

void command_print_help(
    const struct command_table *table, const struct command *command, const char *noun, FILE *out)
{
	if (command) {
		print_command(table, command, out);
		return;
	}
	fprintf(
	    out, "usage: %s [options] %s\n\ncommands:\n", table->program, noun ? noun : "COMMAND");
	for (const struct command *c = table->commands; c->noun; c++) {
		char line[256];
		if (noun && strcmp(noun, c->noun) != 0)
			continue;
		format_command(c, line, sizeof(line));
		print_row(out, line, c->summary);
	}
	print_options(out, "options", table->globals);
	fprintf(out,
	    "\nEach command has --help. Exit codes: 0 done, 1 failed, 2 usage, 3 not found, "
	    "4 control not reachable, 5 diff found a difference.\n");
}
