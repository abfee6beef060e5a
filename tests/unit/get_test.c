/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of cli/get.c. */
#include "config.h"

#include "cli/commands.h"

#include "tests/unit/cli_fixture.h"

static const char objects[] =
    "{\"revision\": 3, \"items\": [{\"kind\": \"Accelerator\", \"name\": \"web\", \"ports\": "
    "[\"80\"]},"
    " {\"kind\": \"Tunnel\", \"listener\": \"a\", \"endpoint\": \"b\", \"trace\": true}]}";

static void tables_and_documents(void **state)
{
	(void)state;
	cli_set(200, objects);
	assert_int_equal(cli_run("get"), EXIT_DONE);
	cli_assert_printed("KIND         NAME\nAccelerator  web\nTunnel       a/b\n");
	assert_true(cli_was_asked("GET /v1/objects "));
	session.format = OUTPUT_YAML;
	assert_int_equal(cli_run("get"), EXIT_DONE);
	cli_assert_printed("kind: Accelerator\nname: web\nports: [\"80\"]\n---\nkind: Tunnel\n"
	                   "listener: a\nendpoint: b\ntrace: true\n");
	assert_int_equal(cli_run("get tunnels a/b"), EXIT_DONE);
	cli_assert_printed("kind: Tunnel\nlistener: a\nendpoint: b\ntrace: true\n");
	session.format = OUTPUT_JSON;
	assert_int_equal(cli_run("get accelerator"), EXIT_DONE);
	assert_non_null(strstr(printed, "\"items\""));
	assert_null(strstr(printed, "Tunnel"));
}

static void what_is_not_there(void **state)
{
	(void)state;
	cli_set(200, objects);
	assert_int_equal(cli_run("get accelerator api"), EXIT_NOT_FOUND);
	assert_int_equal(cli_run("get pods"), EXIT_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CLI_TEST(tables_and_documents),
	    CLI_TEST(what_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
