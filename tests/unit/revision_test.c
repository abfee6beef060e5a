/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of cli/revision.c. */
#include "config.h"

#include "cli/commands.h"

#include "tests/unit/cli_fixture.h"

static const char list[] =
    "{\"items\": [{\"revision\": 2, \"when\": \"2020-02-03T04:05:06Z\", \"who\": \"me\","
    " \"what\": \"applied\"}]}";
static const char one[] =
    "{\"revision\": 2, \"when\": \"2020-02-03T04:05:06Z\", \"who\": \"me\", \"what\": "
    "\"applied\","
    " \"changes\": [{\"kind\": \"Accelerator\", \"name\": \"web\", \"action\": \"updated\","
    " \"fields\": [{\"field\": \"class\", \"before\": \"auto\", \"after\": \"bulk\"}]}]}";

static void history(void **state)
{
	(void)state;
	cli_set(200, list);
	assert_int_equal(cli_run("history"), EXIT_DONE);
	assert_true(cli_was_asked("GET /v1/revisions?limit=20 "));
	cli_assert_printed("REVISION  WHEN              WHO  WHAT\n"
	                   "       2  2020-02-03 04:05  me   applied\n");
	assert_int_equal(cli_run("history --limit 5"), EXIT_DONE);
	assert_true(cli_was_asked("GET /v1/revisions?limit=5 "));
	cli_set(200, one);
	assert_int_equal(cli_run("history 2"), EXIT_DONE);
	assert_true(cli_was_asked("GET /v1/revisions/2 "));
	cli_assert_printed("revision  2\nwhen      2020-02-03 04:05\nwho       me\n"
	                   "what      applied\n\naccelerator web updated\n- class: \"auto\"\n"
	                   "+ class: \"bulk\"\n");
}

static void rollback(void **state)
{
	(void)state;
	cli_set(200, "{\"revision\": 9, \"dry_run\": false, \"warnings\": [\"x is gone\"],"
	             " \"changes\": [{\"kind\": \"Tunnel\", \"name\": \"a/b\", \"action\": "
	             "\"deleted\", \"fields\": []}]}");
	assert_int_equal(cli_run("rollback 4 --now"), EXIT_DONE);
	assert_true(cli_was_asked("POST /v1/rollback "));
	assert_true(cli_was_asked("{\"revision\":4,\"dry_run\":false,\"now\":true}"));
	cli_assert_printed("tunnel a/b deleted\nrevision 9\n");
	assert_int_equal(cli_run("rollback 4 --dry-run"), EXIT_DONE);
	cli_assert_printed("tunnel a/b deleted\n");
}

static void confirm(void **state)
{
	(void)state;
	cli_set(200, "{\"revision\": 9, \"confirmed\": 8}");
	assert_int_equal(cli_run("confirm"), EXIT_DONE);
	assert_true(cli_was_asked("POST /v1/confirm "));
	cli_assert_printed("revision 8 confirmed (revision 9)\n");
	assert_int_equal(cli_run("confirm 8"), EXIT_DONE);
	assert_true(cli_was_asked("{\"revision\":8}"));
	assert_int_equal(cli_run("confirm x"), EXIT_USAGE);
	cli_set(404, "{\"type\": \"urn:trunkline:problem:not-found\", \"detail\": \"none\"}");
	assert_int_equal(cli_run("confirm"), EXIT_NOT_FOUND);
}

static void wrong_words(void **state)
{
	static const char *const lines[] = {"history x", "history 0", "history 7 --watch",
	    "history --limit 0", "rollback x", "rollback 0"};

	(void)state;
	cli_assert_usage(lines, sizeof lines / sizeof *lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CLI_TEST(history),
	    CLI_TEST(rollback),
	    CLI_TEST(confirm),
	    CLI_TEST(wrong_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
