/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trunkctl: parses the command line by the table, opens the API, runs the command.
 */
#include "config.h"

#include <string.h>

#include "cli/commands.h"
#include "cli/value.h"

static bool choose_format(
    const struct invocation *invocation, enum output_format *format, char *error)
{
	static const char *const words[] = {"table", "json", "yaml", NULL};
	static const enum output_format formats[] = {OUTPUT_TABLE, OUTPUT_JSON, OUTPUT_YAML};
	const char *word = invocation_value(invocation, "-o");
	if (!word)
		word = "table";
	if (!value_word("-o", word, words, error))
		return false;
	for (size_t i = 0; words[i]; i++)
		if (strcmp(words[i], word) == 0)
			*format = formats[i];
	return true;
}

static enum exit_code open_client(struct session *session, const struct invocation *invocation)
{
	char error[TARGET_ERROR_BYTES], client_error[CLIENT_ERROR_BYTES];
	struct target target;
	if (!target_choose(invocation, &target, error))
		return session_fail(EXIT_USAGE, "%s", error);
	session->client = client_open(&target, client_error);
	target_clear(&target);
	return session->client ? EXIT_DONE : session_fail(EXIT_USAGE, "%s", client_error);
}

/* Completion asks the control that the completed line names, and works where none is. */
static bool asks_control(const struct command *command)
{
	return strcmp(command->noun, "completion") != 0 && strcmp(command->noun, "manual") != 0;
}

static enum exit_code run(const struct invocation *invocation)
{
	char error[VALUE_ERROR_BYTES];
	struct session session = {
	    .invocation = invocation, .terminal = terminal_inspect(), .out = stdout};
	if (!choose_format(invocation, &session.format, error))
		return session_fail(EXIT_USAGE, "%s", error);
	if (asks_control(invocation->command) && open_client(&session, invocation) != EXIT_DONE)
		return EXIT_USAGE;
	enum exit_code code = (enum exit_code)invocation->command->run(&session, invocation);
	client_close(session.client);
	if (fflush(stdout) != 0 && code == EXIT_DONE)
		return session_fail(EXIT_FAILED, "cannot write to stdout");
	return code;
}

int main(int argc, char **argv)
{
	static struct invocation invocation;
	char error[COMMAND_ERROR_BYTES];
	if (!command_parse(&trunkctl_commands, argc, argv, &invocation, error))
		return session_fail(EXIT_USAGE, "%s", error);
	if (invocation.wants_version) {
		puts("trunkctl " PACKAGE_VERSION);
		return EXIT_DONE;
	}
	if (invocation.wants_help) {
		command_print_help(&trunkctl_commands, invocation.command, invocation.noun, stdout);
		return EXIT_DONE;
	}
	return run(&invocation);
}
