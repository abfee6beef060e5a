/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See complete.h. */
#include "cli/complete.h"

#include <string.h>

#define SAFE                                                                                       \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"                           \
	"-_.,:=+/@[]"

struct complete {
	const struct command_table *table;
	struct invocation typed;
	size_t argument_count;
	const struct command_option *pending; /* wants the word as its value */
	bool takes_options;                   /* no "--" yet */
	complete_names_fn *names;
	FILE *out;
	const char *word;                 /* what is typed of it */
	char prefix[COMPLETE_WORD_BYTES]; /* of the word, stands before every offer */
	char suffix;                      /* behind every offer, or NUL */
	size_t offer_count;
	char offers[COMPLETE_OFFERS_MAX][COMPLETE_WORD_BYTES];
};

const struct invocation *complete_typed(const struct complete *complete)
{
	return &complete->typed;
}

const char *complete_word(const struct complete *complete)
{
	return complete->word;
}

/* ---- offers ---- */

static bool is_offered(const struct complete *complete, const char *text)
{
	for (size_t i = 0; i < complete->offer_count; i++)
		if (strcmp(complete->offers[i], text) == 0)
			return true;
	return false;
}

void complete_offer(struct complete *complete, const char *name, const char *help)
{
	char text[COMPLETE_WORD_BYTES];
	const char suffix[2] = {complete->suffix, '\0'};
	int length = snprintf(text, sizeof(text), "%s%s%s", complete->prefix, name, suffix);
	if (length >= COMPLETE_WORD_BYTES || !name[0] || text[strspn(text, SAFE)] != '\0'
	    || strncmp(text, complete->word, strlen(complete->word)) != 0
	    || complete->offer_count == COMPLETE_OFFERS_MAX || is_offered(complete, text))
		return;
	memcpy(complete->offers[complete->offer_count++], text, (size_t)length + 1);
	fprintf(complete->out, "%s\t%s\n", text, help);
}

/* ---- what stands before the word ---- */

static const struct command_option *find_option(
    const struct complete *complete, const char *name, size_t length)
{
	const struct command *command = complete->typed.command;
	const struct command_option *option =
	    command ? command_find_option(command->options, name, length) : NULL;
	return option ? option : command_find_option(complete->table->globals, name, length);
}

static void add_value(
    struct complete *complete, const struct command_option *option, const char *value)
{
	struct invocation *typed = &complete->typed;
	if (typed->value_count == COMMAND_VALUES_MAX)
		return;
	typed->values[typed->value_count].option = option;
	typed->values[typed->value_count++].value = value;
}

static void read_option(struct complete *complete, const char *word)
{
	size_t length = strncmp(word, "--", 2) == 0 ? strcspn(word, "=") : strlen(word);
	const struct command_option *option = find_option(complete, word, length);
	if (!option)
		return;
	if (!option->metavar || word[length] == '=')
		add_value(complete, option, word[length] == '=' ? word + length + 1 : "");
	else
		complete->pending = option;
}

static void read_word(struct complete *complete, const char *word)
{
	struct invocation *typed = &complete->typed;
	if (typed->command && !typed->command->verb && complete->argument_count == 0) {
		const struct command *longer =
		    command_find(complete->table, typed->command->noun, word);
		typed->command = longer ? longer : typed->command;
		if (longer)
			return;
	}
	if (typed->command) {
		if (complete->argument_count < COMMAND_ARGUMENTS_MAX)
			typed->arguments[complete->argument_count] = word;
		complete->argument_count++;
		return;
	}
	if (!typed->noun)
		typed->noun = word;
	typed->command =
	    command_find(complete->table, typed->noun, typed->noun == word ? NULL : word);
}

static void read_line(struct complete *complete, size_t count, char *const *words)
{
	complete->takes_options = true;
	for (size_t i = 0; i < count; i++) {
		if (complete->pending) {
			add_value(complete, complete->pending, words[i]);
			complete->pending = NULL;
		} else if (complete->takes_options && strcmp(words[i], "--") == 0) {
			complete->takes_options = false;
		} else if (complete->takes_options && words[i][0] == '-' && words[i][1]) {
			read_option(complete, words[i]);
		} else {
			read_word(complete, words[i]);
		}
	}
}

/* ---- what may follow ---- */

struct value_context {
	struct complete *complete;
	const char *help;
	bool wants_files;
};

static void offer_start(const struct metavar_start *start, void *context)
{
	struct value_context *value = context;
	struct complete *complete = value->complete;
	char text[COMPLETE_WORD_BYTES];
	if (metavar_start_is(start, "FILE")) {
		value->wants_files = true;
	} else if (start->is_name) {
		complete->suffix = start->suffix;
		complete->names(complete, start);
		complete->suffix = '\0';
	} else {
		snprintf(text, sizeof(text), "%.*s", (int)start->length, start->text);
		complete_offer(complete, text, value->help);
	}
}

/* The value that begins behind `skip` bytes of the word. */
static void offer_values(
    struct complete *complete, const char *metavar, const char *help, size_t skip)
{
	struct value_context value = {.complete = complete, .help = help};
	const char *comma = strrchr(complete->word + skip, ',');
	if (metavar_is_list(metavar) && comma)
		skip = (size_t)(comma + 1 - complete->word);
	if (skip >= sizeof(complete->prefix))
		return;
	snprintf(complete->prefix, sizeof(complete->prefix), "%.*s", (int)skip, complete->word);
	metavar_each(metavar, offer_start, &value);
	if (value.wants_files)
		fputs("files\n", complete->out);
}

static void offer_options(struct complete *complete, const struct command_option *options)
{
	for (; options && options->name; options++)
		if (options->is_repeated || !invocation_has(&complete->typed, options->name))
			complete_offer(complete, options->name, options->help);
}

/* The verbs of a noun with commas between. */
static void list_verbs(const struct complete *complete, const char *noun, char *text, size_t size)
{
	size_t used = 0;
	text[0] = '\0';
	for (const struct command *c = complete->table->commands; c->noun; c++)
		if (c->verb && strcmp(c->noun, noun) == 0 && used < size)
			used += (size_t)snprintf(
			    text + used, size - used, "%s%s", used ? ", " : "", c->verb);
}

/* Of a noun that is a command by itself, too. */
static void offer_verbs(struct complete *complete, const char *noun)
{
	for (const struct command *c = complete->table->commands; c->noun; c++)
		if (c->verb && strcmp(c->noun, noun) == 0)
			complete_offer(complete, c->verb, c->summary);
}

static void offer_commands(struct complete *complete)
{
	const char *noun = complete->typed.noun;
	char verbs[256];
	for (const struct command *c = complete->table->commands; c->noun; c++) {
		if (noun && (!c->verb || strcmp(c->noun, noun) != 0))
			continue;
		list_verbs(complete, c->noun, verbs, sizeof(verbs));
		complete_offer(
		    complete, noun ? c->verb : c->noun, !noun && c->verb ? verbs : c->summary);
	}
}

static void offer_argument(struct complete *complete)
{
	const struct command *command = complete->typed.command;
	const char *metavar = complete->argument_count < COMMAND_ARGUMENTS_MAX
	                          ? command->arguments[complete->argument_count]
	                          : NULL;
	if (!command->verb && complete->argument_count == 0)
		offer_verbs(complete, command->noun);
	if (metavar)
		offer_values(complete, metavar, "", 0);
	else if (!complete->word[0] && complete->takes_options)
		offer_options(complete, command->options);
}

static void offer_next(struct complete *complete)
{
	const char *word = complete->word;
	size_t length = strcspn(word, "=");
	if (complete->pending) {
		offer_values(complete, complete->pending->metavar, complete->pending->help, 0);
	} else if (complete->takes_options && word[0] == '-' && word[length] == '=') {
		const struct command_option *option = find_option(complete, word, length);
		if (option && option->metavar)
			offer_values(complete, option->metavar, option->help, length + 1);
	} else if (complete->takes_options && word[0] == '-') {
		if (complete->typed.command)
			offer_options(complete, complete->typed.command->options);
		offer_options(complete, complete->table->globals);
		complete_offer(complete, "--help", "what there is");
	} else if (complete->typed.command) {
		offer_argument(complete);
	} else {
		offer_commands(complete);
	}
}

void complete_line(const struct command_table *table, size_t count, char *const *words,
    complete_names_fn *names, FILE *out)
{
	static struct complete complete;
	memset(&complete, 0, sizeof(complete));
	complete.table = table;
	complete.names = names;
	complete.out = out;
	complete.word = count > 0 ? words[count - 1] : "";
	if (count > 0)
		read_line(&complete, count - 1, words);
	offer_next(&complete);
}
