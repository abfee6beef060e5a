/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of cli/accelerator.c: what is asked of control, and accelerators as a person sees them. */
#include "config.h"

#include "cli/commands.h"

#include "tests/unit/cli_fixture.h"

#define ACCELERATOR                                                                                \
	"\"id\": 3, \"name\": \"web\", \"protocol\": \"tcp\", \"ports\": [\"80\", \"443\"], "      \
	"\"listen\": [\"tokyo\"], \"endpoint_groups\": [{\"region\": \"oslo\", \"backends\": ["    \
	"{\"host\": \"10.0.0.1\", \"port\": 8080, \"weight\": 128}, "                              \
	"{\"host\": \"10.0.0.2\", \"port\": 0, \"weight\": 0}]}], "                                \
	"\"labels\": {\"env\": \"prod\"}, \"comment\": \"spare\", \"allow\": [\"10.0.0.0/8\"], "   \
	"\"deny\": [], \"tcp_idle_timeout_s\": 3600, "                                             \
	"\"udp_idle_timeout_s\": 60, \"revision\": 7, \"nodes\": ["                                \
	"{\"node\": \"osl-1\", \"role\": \"endpoint\", \"state\": \"applied\", \"reason\": null, " \
	"\"since\": null}, {\"node\": \"tyo-1\", \"role\": \"listener\", \"state\": \"refused\", " \
	"\"reason\": \"port 80 is in use\", \"since\": null}], \"health\": [{\"node\": "           \
	"\"osl-1\", "                                                                              \
	"\"region\": \"oslo\", \"accelerator\": \"web\", \"host\": \"10.0.0.1\", \"port\": 8080, " \
	"\"address\": \"10.0.0.1\", \"state\": \"unhealthy\", \"cause\": \"silent\", "             \
	"\"since\": \"2026-01-01T00:00:00Z\"}]"

static void test_a_new_one_is_asked_for(void **state)
{
	(void)state;
	cli_set(201, "{" ACCELERATOR "}");
	assert_int_equal(
	    cli_run("accelerator create web --protocol tcp --ports 80,443 --listen tokyo "
	            "--backend oslo=10.0.0.1:8080"),
	    EXIT_DONE);
	cli_assert_printed("accelerator web created (revision 7)\n");
	assert_true(cli_was_asked("POST /v1/accelerators "));
	assert_true(cli_was_asked("\"name\":\"web\""));
	assert_true(cli_was_asked("\"host\":\"10.0.0.1\""));
	assert_true(cli_was_asked("\"listen\":[\"tokyo\"]"));
}

static void test_accelerators_are_a_table(void **state)
{
	(void)state;
	cli_set(200, "{\"items\": [{" ACCELERATOR "}]}");
	assert_int_equal(cli_run("accelerator list"), EXIT_DONE);
	cli_assert_printed(
	    "ACCELERATOR  PROTOCOL  PORTS   LISTEN  BACKENDS  NODES                 REVISION\n"
	    "web          tcp       80,443  tokyo   oslo 2    1 applied, 1 refused         7\n");
	session.terminal =
	    (struct terminal){.is_terminal = true, .has_colours = true, .width = 200};
	assert_int_equal(cli_run("accelerator list"), EXIT_DONE);
	assert_non_null(strstr(printed, "\033[31m1 applied, 1 refused"));
}

static void test_one_is_shown_with_backends_and_nodes(void **state)
{
	(void)state;
	cli_set(200, "{" ACCELERATOR "}");
	assert_int_equal(cli_run("accelerator show web"), EXIT_DONE);
	assert_true(cli_was_asked("GET /v1/accelerators/web "));
	assert_non_null(strstr(printed, "10.0.0.1:8080"));
	assert_non_null(strstr(printed, "port 80 is in use"));
	assert_non_null(strstr(printed, "tcp idle timeout s"));
	assert_non_null(strstr(printed, "10.0.0.0/8\n"));
	assert_non_null(strstr(printed, "env=prod\n"));
	assert_non_null(strstr(printed, "spare\n"));
	assert_non_null(
	    strstr(printed, "osl-1     web          10.0.0.1:8080  10.0.0.1  unhealthy  silent"));
}

static void test_an_update_is_a_patch_of_what_is_named(void **state)
{
	(void)state;
	cli_set(200, "{" ACCELERATOR "}");
	assert_int_equal(cli_run("accelerator update web --ports 81"), EXIT_DONE);
	assert_true(cli_was_asked("PATCH /v1/accelerators/web"));
	assert_true(cli_was_asked("{\"ports\":[\"81\"]}"));
}

static void test_a_list_may_be_of_labels(void **state)
{
	(void)state;
	cli_set(200, "{\"items\": []}");
	assert_int_equal(cli_run("accelerator list --label env=prod,tier!=web"), EXIT_DONE);
	assert_true(cli_was_asked("GET /v1/accelerators?label=env=prod,tier!=web "));
}

static void test_one_is_disabled_and_enabled(void **state)
{
	(void)state;
	cli_set(200, "{" ACCELERATOR ", \"enabled\": false}");
	assert_int_equal(cli_run("accelerator disable web --now"), EXIT_DONE);
	assert_true(cli_was_asked("PATCH /v1/accelerators/web?now=true"));
	assert_true(cli_was_asked("{\"enabled\":false}"));
	cli_assert_printed("accelerator web is so already (revision 7)\n");
	assert_int_equal(cli_run("accelerator enable web"), EXIT_DONE);
	assert_true(cli_was_asked("PATCH /v1/accelerators/web "));
	assert_true(cli_was_asked("{\"enabled\":true}"));
	cli_set(200, "{\"items\": [{" ACCELERATOR ", \"enabled\": false}]}");
	assert_int_equal(cli_run("accelerator list"), EXIT_DONE);
	assert_non_null(strstr(printed, "disabled"));
}

static void test_a_deleted_one_may_go_at_once(void **state)
{
	(void)state;
	cli_set(200, "{\"revision\": 9}");
	assert_int_equal(cli_run("accelerator delete web"), EXIT_DONE);
	assert_true(cli_was_asked("DELETE /v1/accelerators/web "));
	cli_assert_printed("accelerator web deleted (revision 9)\n");
	assert_int_equal(cli_run("accelerator delete web --now"), EXIT_DONE);
	assert_true(cli_was_asked("DELETE /v1/accelerators/web?now=true "));
}

static void test_a_wrong_word_is_found_before_control_is_asked(void **state)
{
	static const char *const wrong[] = {
	    "accelerator create a/b --protocol tcp --ports 80 --listen t --backend o=h",
	    "accelerator create web --protocol sctp --ports 80 --listen t --backend o=h",
	    "accelerator create web --protocol tcp --ports 0 --listen t --backend o=h",
	    "accelerator create web --protocol tcp --ports 80 --listen t --backend h",
	    "accelerator update web",
	    "accelerator show ..",
	    "accelerator disable a/b",
	    "accelerator list --label env",
	    "accelerator list --label env=a&b",
	    "accelerator update web --remove-label a=b",
	    "accelerator enable ..",
	};

	(void)state;
	cli_assert_usage(wrong, sizeof wrong / sizeof *wrong);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CLI_TEST(test_a_new_one_is_asked_for),
	    CLI_TEST(test_accelerators_are_a_table),
	    CLI_TEST(test_one_is_shown_with_backends_and_nodes),
	    CLI_TEST(test_an_update_is_a_patch_of_what_is_named),
	    CLI_TEST(test_a_list_may_be_of_labels),
	    CLI_TEST(test_one_is_disabled_and_enabled),
	    CLI_TEST(test_a_deleted_one_may_go_at_once),
	    CLI_TEST(test_a_wrong_word_is_found_before_control_is_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
