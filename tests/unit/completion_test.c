/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trunkctl completion: a script for each shell, and the words that they ask for.
 */
#include "tests/unit/cli_fixture.h"

static void a_script_for_each_shell(void **state)
{
	static const char *const lines[][2] = {
	    {"completion bash", "complete -o nosort -F _trunkctl trunkctl\n"},
	    {"completion zsh", "#compdef trunkctl\n"},
	    {"completion fish", "complete -c trunkctl "},
	};
	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		assert_int_equal(cli_run(lines[i][0]), EXIT_DONE);
		assert_non_null(strstr(printed, lines[i][1]));
		assert_non_null(strstr(printed, "command trunkctl completion words -- "));
	}
	assert_int_equal(cli_requests(), 0);
}

/* Whatever stands behind "--" belongs to the line that is completed. */
static void words_of_a_line(void **state)
{
	(void)state;
	assert_int_equal(cli_run("completion words -- -o json sta"), EXIT_DONE);
	cli_assert_printed("status\teverything at a glance, and what needs attention\n");
	assert_int_equal(cli_run("completion words -- node drain x --w"), EXIT_DONE);
	cli_assert_printed("--wait\tuntil it has no flows, telling how many are left\n");
	assert_int_equal(cli_run("completion words"), EXIT_DONE);
	assert_non_null(strstr(printed, "node\ttoken, list, show,"));
}

/* Each command of the table, and each of its options, is among the words. */
static void nothing_is_forgotten(void **state)
{
	char line[256], wanted[256];
	(void)state;
	for (const struct command *c = trunkctl_commands.commands; c->noun; c++) {
		snprintf(line, sizeof line, "completion words -- %s%s%s", c->noun,
		    c->verb ? " " : "", c->verb ? c->verb : "");
		snprintf(wanted, sizeof wanted, "%s\t", c->verb ? c->verb : c->noun);
		assert_int_equal(cli_run(line), EXIT_DONE);
		assert_non_null(strstr(printed, wanted));
		for (const struct command_option *o = c->options; o && o->name; o++) {
			snprintf(line, sizeof line, "completion words -- %s %s %s", c->noun,
			    c->verb ? c->verb : "", o->name);
			snprintf(wanted, sizeof wanted, "%s\t", o->name);
			assert_int_equal(cli_run(line), EXIT_DONE);
			assert_non_null(strstr(printed, wanted));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CLI_TEST(a_script_for_each_shell),
	    CLI_TEST(words_of_a_line),
	    CLI_TEST(nothing_is_forgotten),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
