/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of cli/apply.c: what is sent, and how the answer ends the command. */
#include "config.h"

#include "cli/commands.h"

#include "tests/unit/cli_fixture.h"

static const char file[] = "/tmp/trunkctl-apply-test.yaml";
static const char answer_text[] =
    "{\"revision\": 9, \"dry_run\": false, \"changes\": [{\"kind\": \"Tunnel\", \"name\": \"a/b\","
    " \"action\": \"updated\", \"fields\": [{\"field\": \"trace\", \"before\": false,"
    " \"after\": true}]}]}";
static const char same_text[] =
    "{\"revision\": 9, \"dry_run\": true, \"changes\": [{\"kind\": \"Tunnel\", \"name\": \"a/b\","
    " \"action\": \"unchanged\", \"fields\": []}]}";

static void write_file(const char *text)
{
	FILE *out = fopen(file, "we");

	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static void applied(void **state)
{
	(void)state;
	write_file("kind: Tunnel\nlistener: a\nendpoint: no\ntrace: yes\n");
	cli_set(200, answer_text);
	assert_int_equal(cli_run("apply -f /tmp/trunkctl-apply-test.yaml --prune"), EXIT_DONE);
	cli_assert_printed("tunnel a/b updated\nrevision 9\n");
	assert_true(cli_was_asked("POST /v1/apply "));
	assert_true(cli_was_asked("\"items\":[{\"kind\":\"Tunnel\",\"listener\":\"a\","
	                          "\"endpoint\":\"no\",\"trace\":true}]"));
	assert_true(cli_was_asked("\"prune\":true"));
	assert_true(cli_was_asked("\"dry_run\":false"));
	assert_int_equal(cli_run("apply -f /tmp/trunkctl-apply-test.yaml --dry-run"), EXIT_DONE);
	cli_assert_printed("tunnel a/b would be updated\n");
	assert_true(cli_was_asked("\"dry_run\":true"));
	unlink(file);
}

static void differences_have_a_code(void **state)
{
	(void)state;
	write_file("kind: Tunnel\nlistener: a\nendpoint: b\n");
	cli_set(200, answer_text);
	assert_int_equal(cli_run("diff -f /tmp/trunkctl-apply-test.yaml"), EXIT_DIFFERS);
	cli_assert_printed("tunnel a/b updated\n- trace: false\n+ trace: true\n");
	assert_true(cli_was_asked("\"dry_run\":true"));
	cli_set(200, same_text);
	assert_int_equal(cli_run("diff -f /tmp/trunkctl-apply-test.yaml"), EXIT_DONE);
	cli_assert_printed("");
	unlink(file);
}

/* A text with an error of its own must never be done, however good control finds the rest. */
static void what_is_wrong_is_not_done(void **state)
{
	(void)state;
	write_file("kind: Tunnel\nlistener: a\nlistener: b\n");
	cli_set(200, answer_text);
	assert_int_equal(cli_run("apply -f /tmp/trunkctl-apply-test.yaml"), EXIT_FAILED);
	assert_true(cli_was_asked("\"dry_run\":true"));
	cli_assert_printed("");
	write_file("kind: Tunnel\n");
	cli_set(422,
	    "{\"detail\": \"x\", \"errors\": [{\"pointer\": \"/items/0\", \"detail\": \"y\"}]}");
	assert_int_equal(cli_run("apply -f /tmp/trunkctl-apply-test.yaml"), EXIT_FAILED);
	unsigned asked = cli_requests();
	write_file("# nothing\n");
	assert_int_equal(cli_run("apply -f /tmp/trunkctl-apply-test.yaml"), EXIT_FAILED);
	unlink(file);
	assert_int_equal(cli_run("apply -f /tmp/trunkctl-apply-test.yaml"), EXIT_FAILED);
	assert_int_equal(cli_requests(), asked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CLI_TEST(applied),
	    CLI_TEST(differences_have_a_code),
	    CLI_TEST(what_is_wrong_is_not_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
