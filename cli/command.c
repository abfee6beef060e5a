/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands as a table: parsing and usage errors.  Help is in command_help.c.
 */
#include "cli/command.h"

#include <stdarg.h>
#include <string.h>

#include "base/suggest.h"
#include "cli/metavar.h"

/* The state of one parse. */
struct parse {
	const struct command_table *table;
	struct invocation *invocation;
	char *error;
	size_t argument_count;
	const char *noun; /* seen, its verb not yet */
};

static bool fail(struct parse *parse, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool fail(struct parse *parse, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(parse->error, COMMAND_ERROR_BYTES, format, arguments);
	va_end(arguments);
	return false;
}

/* "; see trunkctl node drain --help": the next step of every other error. */
static bool fail_command_line(struct parse *parse, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool fail_command_line(struct parse *parse, const char *format, ...)
{
	const struct command *command = parse->invocation->command;
	const char *verb = command && command->verb ? command->verb : "";
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(parse->error, COMMAND_ERROR_BYTES, format, arguments);
	va_end(arguments);
	if (length < COMMAND_ERROR_BYTES)
		snprintf(parse->error + length, (size_t)(COMMAND_ERROR_BYTES - length),
		    "; see %s%s%s%s%s --help", parse->table->program, command ? " " : "",
		    command ? command->noun : "", verb[0] ? " " : "", verb);
	return false;
}

static bool fail_command(struct parse *parse, const char *word)
{
	struct suggestion suggestion;
	const char *noun = parse->noun ? parse->noun : "";
	const char *space = parse->noun ? " " : "";
	suggestion_begin(&suggestion, word, strlen(word));
	for (const struct command *c = parse->table->commands; c->noun; c++) {
		if (!parse->noun)
			suggestion_offer(&suggestion, c->noun);
		else if (c->verb && strcmp(c->noun, parse->noun) == 0)
			suggestion_offer(&suggestion, c->verb);
	}
	if (suggestion.best)
		return fail(parse, "unknown command \"%s%s%.100s\"; did you mean \"%s%s%s\"?", noun,
		    space, word, noun, space, suggestion.best);
	return fail(parse, "unknown command \"%s%s%.100s\"; see %s %s%s--help", noun, space, word,
	    parse->table->program, noun, space);
}

static void offer_options(struct suggestion *suggestion, const struct command_option *options)
{
	for (; options && options->name; options++)
		suggestion_offer(suggestion, options->name + strspn(options->name, "-"));
}

static bool fail_option(struct parse *parse, const char *name)
{
	struct suggestion suggestion;
	const struct command *command = parse->invocation->command;
	const char *letters = name + strspn(name, "-");
	suggestion_begin(&suggestion, letters, strcspn(letters, "="));
	offer_options(&suggestion, parse->table->globals);
	if (command)
		offer_options(&suggestion, command->options);
	if (suggestion.best && strlen(suggestion.best) > 1)
		return fail(parse, "unknown option \"%.100s\"; did you mean \"--%s\"?", name,
		    suggestion.best);
	return fail_command_line(parse, "unknown option \"%.100s\"", name);
}

const struct command_option *command_find_option(
    const struct command_option *options, const char *name, size_t length)
{
	for (; options && options->name; options++)
		if (strlen(options->name) == length && strncmp(options->name, name, length) == 0)
			return options;
	return NULL;
}

static const struct command_option *find_option(
    const struct parse *parse, const char *name, size_t length)
{
	const struct command *command = parse->invocation->command;
	const struct command_option *option = NULL;
	if (command)
		option = command_find_option(command->options, name, length);
	return option ? option : command_find_option(parse->table->globals, name, length);
}

static bool add_value(struct parse *parse, const struct command_option *option, const char *value)
{
	struct invocation *invocation = parse->invocation;
	if (!option->is_repeated && invocation_has(invocation, option->name))
		return fail_command_line(parse, "%s is given twice", option->name);
	if (invocation->value_count == COMMAND_VALUES_MAX)
		return fail_command_line(parse, "more than %d options", COMMAND_VALUES_MAX);
	invocation->values[invocation->value_count].option = option;
	invocation->values[invocation->value_count].value = value;
	invocation->value_count++;
	return true;
}

/* Takes argv[*index], an option, and its value; moves *index to the last word taken. */
static bool take_option(struct parse *parse, int argc, char *const *argv, int *index)
{
	const char *word = argv[*index];
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
		parse->invocation->wants_help = true;
		return true;
	}
	if (strcmp(word, "--version") == 0) {
		parse->invocation->wants_version = true;
		return true;
	}
	const char *equals = strncmp(word, "--", 2) == 0 ? strchr(word, '=') : NULL;
	size_t length = equals ? (size_t)(equals - word) : strlen(word);
	const struct command_option *option = find_option(parse, word, length);
	if (!option)
		return fail_option(parse, word);
	if (!option->metavar) {
		if (equals)
			return fail_command_line(parse, "%s takes no value", option->name);
		return add_value(parse, option, "");
	}
	if (equals)
		return add_value(parse, option, equals + 1);
	if (*index + 1 >= argc || strncmp(argv[*index + 1], "--", 2) == 0)
		return fail_command_line(
		    parse, "%s wants a value: %s", option->name, option->metavar);
	*index += 1;
	return add_value(parse, option, argv[*index]);
}

const struct command *command_find(
    const struct command_table *table, const char *noun, const char *verb)
{
	for (const struct command *c = table->commands; c->noun; c++)
		if (strcmp(c->noun, noun) == 0
		    && (verb ? c->verb && strcmp(c->verb, verb) == 0 : !c->verb))
			return c;
	return NULL;
}

static bool noun_is_known(const struct command_table *table, const char *noun)
{
	for (const struct command *c = table->commands; c->noun; c++)
		if (strcmp(c->noun, noun) == 0)
			return true;
	return false;
}

static bool take_command_word(struct parse *parse, const char *word)
{
	const char *noun = parse->noun ? parse->noun : word;
	const struct command *command = command_find(parse->table, noun, parse->noun ? word : NULL);
	if (!command && (parse->noun || !noun_is_known(parse->table, word)))
		return fail_command(parse, word);
	parse->invocation->command = command;
	parse->noun = command ? NULL : word;
	return true;
}

/* Is the next argument one that takes whatever follows? */
static bool takes_rest(const struct parse *parse)
{
	const struct command *command = parse->invocation->command;
	return command && parse->argument_count < COMMAND_ARGUMENTS_MAX
	       && command->arguments[parse->argument_count]
	       && metavar_is_rest(command->arguments[parse->argument_count]);
}

static bool take_word(struct parse *parse, const char *word)
{
	struct invocation *invocation = parse->invocation;
	const struct command *command = invocation->command;
	if (!command)
		return take_command_word(parse, word);
	if (!command->verb && parse->argument_count == 0
	    && (command = command_find(parse->table, command->noun, word))) {
		invocation->command = command;
		return true;
	}
	if (parse->argument_count == COMMAND_ARGUMENTS_MAX
	    || !invocation->command->arguments[parse->argument_count])
		return fail_command_line(parse, "\"%.100s\" is one word too many", word);
	invocation->arguments[parse->argument_count++] = word;
	return true;
}

static bool check_complete(struct parse *parse)
{
	const struct invocation *invocation = parse->invocation;
	const struct command *command = invocation->command;
	if (!command && parse->noun)
		return fail(parse, "%s what? see %s %s --help", parse->noun, parse->table->program,
		    parse->noun);
	if (!command)
		return fail(parse, "no command; see %s --help", parse->table->program);
	if (parse->argument_count < COMMAND_ARGUMENTS_MAX
	    && command->arguments[parse->argument_count]
	    && command->arguments[parse->argument_count][0] != '[')
		return fail_command_line(parse, "%s%s%s wants %s", command->noun,
		    command->verb ? " " : "", command->verb ? command->verb : "",
		    command->arguments[parse->argument_count]);
	for (const struct command_option *o = command->options; o && o->name; o++)
		if (o->is_required && !invocation_has(invocation, o->name))
			return fail_command_line(parse, "%s%s%s wants %s %s", command->noun,
			    command->verb ? " " : "", command->verb ? command->verb : "", o->name,
			    o->metavar);
	return true;
}

bool command_parse(const struct command_table *table, int argc, char *const *argv,
    struct invocation *invocation, char *error)
{
	struct parse parse = {.table = table, .invocation = invocation, .error = error};
	memset(invocation, 0, sizeof(*invocation));
	bool takes_options = true;
	for (int i = 1; i < argc; i++) {
		bool is_taken;
		if (takes_options && strcmp(argv[i], "--") == 0) {
			takes_options = false;
			continue;
		}
		if (takes_options && argv[i][0] == '-' && argv[i][1] != '\0')
			is_taken = take_option(&parse, argc, argv, &i);
		else if (takes_rest(&parse)) {
			invocation->rest = &argv[i];
			invocation->rest_count = (size_t)(argc - i);
			break;
		} else
			is_taken = take_word(&parse, argv[i]);
		if (!is_taken)
			return false;
	}
	invocation->noun = parse.noun;
	if (invocation->wants_help || invocation->wants_version)
		return true;
	return check_complete(&parse);
}

const char *invocation_next(const struct invocation *invocation, const char *name, size_t *cursor)
{
	while (*cursor < invocation->value_count) {
		size_t i = (*cursor)++;
		if (strcmp(invocation->values[i].option->name, name) == 0)
			return invocation->values[i].value;
	}
	return NULL;
}

const char *invocation_value(const struct invocation *invocation, const char *name)
{
	size_t cursor = 0;
	return invocation_next(invocation, name, &cursor);
}

bool invocation_has(const struct invocation *invocation, const char *name)
{
	return invocation_value(invocation, name) != NULL;
}
