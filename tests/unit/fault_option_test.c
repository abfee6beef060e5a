/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of cli/fault_option.c: the option by which a wrong field was stated. */
#include "config.h"

#include "cli/fault_option.h"

#include "cli/commands.h"
#include "tests/unit/cmocka_all.h"

#include <string.h>

static struct invocation invocation;

static void parse(const char *line)
{
	static char program[] = "trunkctl", copy[1024];
	char *words[32] = {program}, error[COMMAND_ERROR_BYTES];
	int count = 1;

	snprintf(copy, sizeof copy, "%s", line);
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		words[count++] = word;
	assert_true(command_parse(&trunkctl_commands, count, words, &invocation, error));
}

static void an_option_is_named_for_its_field_and_all_below(void **state)
{
	(void)state;
	parse("accelerator create web --protocol tcp --ports 80 --listen x --backend y=[::1]");
	assert_string_equal(fault_option(&invocation, "/ports"), "--ports");
	assert_string_equal(fault_option(&invocation, "/ports/17"), "--ports");
	assert_string_equal(fault_option(&invocation, "/endpoint_groups/0/region"), "--backend");
	assert_string_equal(
	    fault_option(&invocation, "/endpoint_groups/12/backends/3/weight"), "--backend");
	assert_null(fault_option(&invocation, "/portsmouth"));
	assert_null(fault_option(&invocation, "/name"));
	assert_null(fault_option(&invocation, ""));
}

static void an_option_that_was_not_given_is_not_named(void **state)
{
	(void)state;
	parse("accelerator update web --weight y=[::1],weight=5 --add-backend z=[::2]");
	assert_null(fault_option(&invocation, "/listen/0"));
	assert_string_equal(
	    fault_option(&invocation, "/endpoint_groups/0/backends/0/weight"), "--weight");
	assert_string_equal(
	    fault_option(&invocation, "/endpoint_groups/1/region"), "--add-backend");
	assert_null(fault_option(&invocation, "/comment"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_option_is_named_for_its_field_and_all_below),
	    cmocka_unit_test(an_option_that_was_not_given_is_not_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
