/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line: what trunkctl's own table takes, and the words of every usage error.
 */
#include "tests/unit/cmocka_all.h"

#include <string.h>

#include "cli/commands.h"

enum { WORDS_MAX = 32 };

static struct invocation invocation;
static char error[COMMAND_ERROR_BYTES];
static char line_copy[1024];

/* Parses a line of words with single spaces between. */
static bool parse(const char *line)
{
	static char program[] = "trunkctl";
	char *words[WORDS_MAX] = {program};
	int count = 1;
	snprintf(line_copy, sizeof(line_copy), "%s", line);
	for (char *w = strtok(line_copy, " "); w && count < WORDS_MAX; w = strtok(NULL, " "))
		words[count++] = w;
	error[0] = '\0';
	return command_parse(&trunkctl_commands, count, words, &invocation, error);
}

static void assert_refused(const char *line, const char *wanted)
{
	if (parse(line))
		fail_msg("taken: trunkctl %s", line);
	assert_string_equal(error, wanted);
}

static void commands_of_the_contract(void **state)
{
	static const char *const lines[] = {
	    "node token --role listener --region tokyo",
	    "node token --role endpoint --region tokyo --ttl 1h",
	    "node list",
	    "node show tokyo-1",
	    "node remove tokyo-1",
	    "accelerator create web --protocol tcp --ports 80 --listen tokyo --backend a=b",
	    "accelerator list",
	    "accelerator show web",
	    "accelerator update web --ports 81",
	    "accelerator delete web",
	    "accelerator delete web --now",
	    "tunnel list",
	    "tunnel show tokyo-1 fra-1",
	    "tunnel update tokyo-1 fra-1 --congestion fixed:200mbit --trace on",
	    "tunnel watch",
	    "apply -f x --dry-run --prune",
	    "apply -f -",
	    "apply -f - --confirm 60s",
	    "confirm",
	    "history",
	    "history 7",
	    "rollback 7",
	    "wait --revision 7 --timeout 10s",
	    "diff -f x",
	    "get",
	    "get accelerator web",
	    "explain",
	    "explain tunnel",
	    "explain flow 192.0.2.1:4000 --to 443 --at tokyo-1 --protocol udp",
	    "status",
	    "-o json status",
	    "status -o json",
	    "--control unix:/x node list",
	    "node --control=unix:/x list",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (!parse(lines[i]))
			fail_msg("trunkctl %s: %s", lines[i], error);
}

static void values_come_in_order(void **state)
{
	size_t cursor = 0;
	(void)state;
	assert_true(parse("accelerator create web --protocol=tcp --ports 80 --listen tokyo "
	                  "--backend a=b --backend=c=d -o yaml"));
	assert_string_equal(invocation.arguments[0], "web");
	assert_string_equal(invocation_value(&invocation, "--protocol"), "tcp");
	assert_string_equal(invocation_next(&invocation, "--backend", &cursor), "a=b");
	assert_string_equal(invocation_next(&invocation, "--backend", &cursor), "c=d");
	assert_null(invocation_next(&invocation, "--backend", &cursor));
	assert_string_equal(invocation_value(&invocation, "-o"), "yaml");
	assert_null(invocation_value(&invocation, "--idle-timeout"));
}

static void later_options_and_commands_are_unknown(void **state)
{
	(void)state;
	assert_refused("accelerator create web --client-ip ppv2",
	    "unknown option \"--client-ip\"; see trunkctl accelerator create --help");
	assert_refused("node evict x", "unknown command \"node evict\"; see trunkctl node --help");
}

static void a_slip_gets_a_suggestion(void **state)
{
	(void)state;
	assert_refused("nodes list", "unknown command \"nodes\"; did you mean \"node\"?");
	assert_refused("node lsit", "unknown command \"node lsit\"; did you mean \"node list\"?");
	assert_refused(
	    "tunnel wacth", "unknown command \"tunnel wacth\"; did you mean \"tunnel watch\"?");
	assert_refused(
	    "node token --roel listener", "unknown option \"--roel\"; did you mean \"--role\"?");
	assert_refused(
	    "node token --reigon=x", "unknown option \"--reigon=x\"; did you mean \"--region\"?");
}

static void what_is_missing_is_named(void **state)
{
	(void)state;
	assert_refused("", "no command; see trunkctl --help");
	assert_refused("node", "node what? see trunkctl node --help");
	assert_refused("node show", "node show wants NODE; see trunkctl node show --help");
	assert_refused(
	    "tunnel show a", "tunnel show wants ENDPOINT; see trunkctl tunnel show --help");
	assert_refused("node token --role listener",
	    "node token wants --region REGION; see trunkctl node token --help");
	assert_refused("node token --region --role listener",
	    "--region wants a value: REGION; see trunkctl node token --help");
	assert_refused("node token --region",
	    "--region wants a value: REGION; see trunkctl node token --help");
}

static void what_is_too_much_is_named(void **state)
{
	(void)state;
	assert_refused("status now", "\"now\" is one word too many; see trunkctl status --help");
	assert_refused(
	    "tunnel show a b c", "\"c\" is one word too many; see trunkctl tunnel show --help");
	assert_refused("accelerator delete a --now=1",
	    "--now takes no value; see trunkctl accelerator delete --help");
	assert_refused("node token --role a --role b --region c",
	    "--role is given twice; see trunkctl node token --help");
}

static void options_end(void **state)
{
	(void)state;
	assert_true(parse("node show -- -x"));
	assert_string_equal(invocation.arguments[0], "-x");
}

static void too_many_options_are_refused(void **state)
{
	static char *words[COMMAND_VALUES_MAX + 8];
	static char option[] = "--backend=a=b", first[] = "trunkctl", noun[] = "accelerator",
	            verb[] = "create";
	int count = 0;
	(void)state;
	words[count++] = first;
	words[count++] = noun;
	words[count++] = verb;
	for (int i = 0; i <= COMMAND_VALUES_MAX; i++)
		words[count++] = option;
	assert_false(command_parse(&trunkctl_commands, count, words, &invocation, error));
	assert_string_equal(
	    error, "more than 1024 options; see trunkctl accelerator create --help");
}

static void help_names_every_command(void **state)
{
	char *text = NULL;
	size_t length;
	(void)state;
	assert_true(parse("--help"));
	assert_true(invocation.wants_help);
	assert_true(parse("accelerator create -h"));
	assert_true(invocation.wants_help);
	assert_true(parse("node --help"));
	assert_string_equal(invocation.noun, "node");
	FILE *out = open_memstream(&text, &length);
	command_print_help(&trunkctl_commands, NULL, NULL, out);
	fclose(out);
	for (const struct command *c = trunkctl_commands.commands; c->noun; c++) {
		assert_non_null(strstr(text, c->noun));
		assert_non_null(strstr(text, c->summary));
		for (const struct command_option *o = c->options; o && o->name; o++)
			assert_true(o->is_required ? o->metavar != NULL : o->help != NULL);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(commands_of_the_contract),
	    cmocka_unit_test(values_come_in_order),
	    cmocka_unit_test(later_options_and_commands_are_unknown),
	    cmocka_unit_test(a_slip_gets_a_suggestion),
	    cmocka_unit_test(what_is_missing_is_named),
	    cmocka_unit_test(what_is_too_much_is_named),
	    cmocka_unit_test(options_end),
	    cmocka_unit_test(too_many_options_are_refused),
	    cmocka_unit_test(help_names_every_command),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
