/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trunkctl manual: the man pages that are made of tables, in mdoc(7): trunkctl-commands(1) of the
 * command table, trunkline-fields(5) of the tables that decode objects.
 */
#include <string.h>

#include "cli/commands.h"
#include "cli/field_text.h"
#include "model/objects.h"

enum { PATH_BYTES = 256 };

static void print_head(FILE *out, const char *title, const char *name, const char *what)
{
	fprintf(out,
	    ".\\\" SPDX-License-Identifier: GPL-2.0-or-later\n"
	    ".\\\" Made by trunkctl manual.\n"
	    ".Dd November 21, 2026\n.Dt %s\n.Os\n.Sh NAME\n.Nm %s\n.Nd %s\n",
	    title, name, what);
}

/* A line of text, one for each sentence; nothing in it is a request. */
static void print_text(FILE *out, const char *text, const char *end)
{
	fputs("\\&", out);
	for (; *text; text++) {
		if (*text == '\\')
			fputs("\\e", out);
		else
			fputc(*text, out);
		if (strncmp(text, ". ", 2) == 0) {
			fputs("\n\\&", out);
			text++;
		}
	}
	fprintf(out, "%s\n", end);
}

/* ---- commands ---- */

static void print_option_words(FILE *out, const struct command_option *option)
{
	fprintf(out, "Fl %s", option->name + 1);
	if (option->metavar)
		fprintf(out, " Ar \"\\&%s\"", option->metavar);
}

static void print_options(FILE *out, const struct command_option *options)
{
	if (!options || !options->name)
		return;
	fputs(".Bl -tag -width Ds\n", out);
	for (; options->name; options++) {
		fputs(".It ", out);
		print_option_words(out, options);
		fputc('\n', out);
		print_text(out, options->help, options->is_repeated ? " (may be repeated)" : "");
	}
	fputs(".El\n", out);
}

static void print_synopsis(FILE *out, const struct command *command)
{
	fprintf(out, ".Nm trunkctl\n.Cm %s", command->noun);
	if (command->verb)
		fprintf(out, " %s", command->verb);
	fputc('\n', out);
	for (size_t i = 0; i < COMMAND_ARGUMENTS_MAX && command->arguments[i]; i++)
		fprintf(out, ".Ar \"\\&%s\"\n", command->arguments[i]);
	for (const struct command_option *o = command->options; o && o->name; o++) {
		fputs(o->is_required ? "." : ".Op ", out);
		print_option_words(out, o);
		fputs(o->is_repeated ? " ...\n" : "\n", out);
	}
}

static void print_command(FILE *out, const struct command *command)
{
	fprintf(out, ".Ss %s%s%s\n", command->noun, command->verb ? " " : "",
	    command->verb ? command->verb : "");
	print_synopsis(out, command);
	fputs(".Pp\n", out);
	print_text(out, command->summary, "");
	print_options(out, command->options);
}

int manual_commands(struct session *session, const struct invocation *invocation)
{
	FILE *out = session->out;
	(void)invocation;
	print_head(out, "TRUNKCTL-COMMANDS 1", "trunkctl-commands",
	    "every command of trunkctl and its options");
	fputs(".Sh SYNOPSIS\n.Nm trunkctl\n.Op Ar options\n.Ar command\n"
	      ".Sh DESCRIPTION\nWhat they mean, and how they belong together, is in\n"
	      ".Xr trunkctl 1 .\n.Sh COMMANDS\n",
	    out);
	for (const struct command *c = trunkctl_commands.commands; c->noun; c++)
		print_command(out, c);
	fputs(".Sh OPTIONS OF EVERY COMMAND\n", out);
	print_options(out, trunkctl_commands.globals);
	fputs(".Sh SEE ALSO\n.Xr trunkctl 1 ,\n.Xr trunkline-fields 5\n", out);
	return EXIT_DONE;
}

/* ---- fields ---- */

static void print_field(FILE *out, const char *path, const struct schema_field *field)
{
	char type[FIELD_TEXT_BYTES], limits[FIELD_TEXT_BYTES], standard[FIELD_TEXT_BYTES];
	fprintf(out, ".It Li \"\\&%s\"\n", path);
	print_text(out, field->help ? field->help : "", "");
	fprintf(out, ".br\n%s%s", field_type(field, type), field->is_required ? ", required" : "");
	if (field_limits(field, limits)[0])
		fprintf(out, "; %s", limits);
	if (field->is_array)
		fprintf(out, "; %zu to %zu of them", field->min_items, field->max_items);
	if (field_default(field, standard)[0])
		fprintf(out, "; without it %s", standard);
	fputc('\n', out);
}

/* Each level of objects in objects is one call deeper; the tables have four. */
static void print_fields(FILE *out, const struct schema *schema, const char *prefix)
{
	char path[PATH_BYTES];
	for (size_t i = 0; i < schema->field_count; i++) {
		const struct schema_field *field = &schema->fields[i];
		snprintf(path, sizeof(path), "%s%s%s", prefix, field->key,
		    field->is_array && field_members(field) ? "[]" : "");
		print_field(out, path, field);
		if (field_members(field)) {
			strncat(path, ".", sizeof(path) - strlen(path) - 1);
			print_fields(out, field_members(field), path);
		}
	}
}

int manual_fields(struct session *session, const struct invocation *invocation)
{
	FILE *out = session->out;
	(void)invocation;
	print_head(out, "TRUNKLINE-FIELDS 5", "trunkline-fields",
	    "every field of the objects that trunkctl applies");
	fputs(
	    ".Sh DESCRIPTION\nWhat a file of objects looks like is in\n.Xr trunkline-objects 5 ;\n"
	    ".Cm trunkctl explain\nsays the same of one kind or field.\n",
	    out);
	for (const struct object_kind *kind = object_kinds; kind->name; kind++) {
		fprintf(out, ".Ss %s\n", kind->name);
		print_text(out, kind->help, "");
		fputs(".Bl -tag -width Ds\n", out);
		print_fields(out, kind->schema, "");
		fputs(".El\n", out);
	}
	fputs(".Sh SEE ALSO\n.Xr trunkctl 1 ,\n.Xr trunkline-objects 5\n", out);
	return EXIT_DONE;
}
