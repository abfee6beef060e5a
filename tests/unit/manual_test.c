/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of cli/manual.c: nothing of the tables is missing; mandoc judges the form, in tests/e2e. */
#include "tests/unit/cli_fixture.h"

#include "cli/field_text.h"
#include "model/objects.h"

static void assert_has(const char *text)
{
	if (!strstr(printed, text))
		fail_msg("not in the page: %s", text);
}

static void every_command_and_option(void **state)
{
	char wanted[256];
	(void)state;
	assert_int_equal(cli_run("manual commands"), EXIT_DONE);
	assert_has(".Dt TRUNKCTL-COMMANDS 1\n");
	for (const struct command *c = trunkctl_commands.commands; c->noun; c++) {
		snprintf(wanted, sizeof wanted, ".Ss %s%s%s\n", c->noun, c->verb ? " " : "",
		    c->verb ? c->verb : "");
		assert_has(wanted);
		for (const struct command_option *o = c->options; o && o->name; o++) {
			snprintf(wanted, sizeof wanted, ".It Fl %s", o->name + 1);
			assert_has(wanted);
			assert_has(o->help);
		}
	}
	assert_has(".Op Fl -ttl Ar \"\\&TIME\"\n");
	assert_has(".Fl -backend Ar \"\\&REGION=HOST[:PORT][,weight=N]\" ...\n");
	assert_int_equal(cli_requests(), 0);
}

static void every_field(void **state)
{
	char wanted[256];
	(void)state;
	assert_int_equal(cli_run("manual fields"), EXIT_DONE);
	for (const struct object_kind *kind = object_kinds; kind->name; kind++)
		for (size_t i = 0; i < kind->schema->field_count; i++) {
			const struct schema_field *field = &kind->schema->fields[i];
			snprintf(wanted, sizeof wanted, ".It Li \"\\&%s%s\"\n", field->key,
			    field->is_array && field_members(field) ? "[]" : "");
			assert_has(wanted);
		}
	assert_has(".It Li \"\\&endpoint_groups[].backends[].weight\"\n");
	assert_has("\nwhole number; 0..255; without it 128\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CLI_TEST(every_command_and_option),
	    CLI_TEST(every_field),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
