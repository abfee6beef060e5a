/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of cli/change_view.c. */
#include "config.h"

#include "cli/change_view.h"

#include "tests/unit/cli_fixture.h"

static const char changes_text[] =
    "[{\"kind\": \"Tunnel\", \"name\": \"a/b\", \"action\": \"unchanged\", \"fields\": []},"
    " {\"kind\": \"Accelerator\", \"name\": \"web\", \"action\": \"updated\", \"fields\":"
    " [{\"field\": \"class\", \"before\": \"auto\", \"after\": \"bulk\"},"
    "  {\"field\": \"x\", \"before\": null, \"after\": [1]}]}]";

static void what_is_printed(void **state)
{
	json_t *changes = json_loads(changes_text, 0, NULL);

	(void)state;
	assert_true(change_is_any(changes));
	cli_open_output();
	assert_true(change_print_list(&session, changes, false));
	assert_true(change_print_list(&session, changes, true));
	change_print_fields(&session, changes);
	session.terminal.has_colours = true;
	change_print_fields(&session, changes);
	fclose(session.out);
	cli_assert_printed("tunnel a/b unchanged\naccelerator web updated\n"
	                   "tunnel a/b unchanged\naccelerator web would be updated\n"
	                   "accelerator web updated\n- class: \"auto\"\n+ class: \"bulk\"\n"
	                   "+ x: [1]\n"
	                   "accelerator web updated\n\033[31m- class: \"auto\"\033[0m\n"
	                   "\033[32m+ class: \"bulk\"\033[0m\n\033[32m+ x: [1]\033[0m\n");
	json_array_remove(changes, 1);
	assert_false(change_is_any(changes));
	json_decref(changes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CLI_TEST(what_is_printed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
