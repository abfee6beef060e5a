/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of cli/tunnel.c: a tunnel shown with what belongs to it, and what is set for one. */
#include "config.h"

#include "cli/commands.h"

#include "tests/unit/cli_fixture.h"

#define TUNNEL                                                                                     \
	"\"listener\": \"tyo-1\", \"endpoint\": \"osl-1\", \"state\": \"up\", \"flows\": 3, "      \
	"\"congestion\": \"bbr\", \"congestion_in_use\": {\"listener\": \"bbr\", \"endpoint\": "   \
	"null}, \"rtt_history_us\": [10000, 20000]"

static void test_tunnels_are_listed(void **state)
{
	(void)state;
	cli_set(200, "{\"items\": [{" TUNNEL "}]}");
	assert_int_equal(cli_run("tunnel list"), EXIT_DONE);
	assert_true(cli_was_asked("GET /v1/tunnels "));
	assert_non_null(strstr(printed, "tyo-1"));
	session.format = OUTPUT_YAML;
	assert_int_equal(cli_run("tunnel list"), EXIT_DONE);
	assert_non_null(strstr(printed, "- listener: tyo-1\n"));
}

static void test_one_is_shown_with_its_lanes_and_figures(void **state)
{
	(void)state;
	cli_set(200, "{" TUNNEL ", \"lane_list\": [{\"lane\": 0, \"slot\": 1, \"state\": \"up\"}], "
	             "\"figures\": {\"listener\": {\"sent\": 7}, \"endpoint\": {\"sent\": 5}}}");
	assert_int_equal(cli_run("tunnel show tyo-1 osl-1"), EXIT_DONE);
	assert_true(cli_was_asked("GET /v1/tunnels/tyo-1/osl-1 "));
	assert_non_null(
	    strstr(printed, "congestion        bbr; in use: listener bbr, endpoint -\n"));
	assert_non_null(strstr(printed, "RTT, last minute  "));
	assert_non_null(strstr(printed, "LANE"));
	assert_non_null(strstr(printed, "FIGURE"));
}

static void test_congestion_control_is_set(void **state)
{
	(void)state;
	cli_set(200, "{" TUNNEL "}");
	assert_int_equal(cli_run("tunnel update tyo-1 osl-1 --congestion bbr"), EXIT_DONE);
	assert_true(cli_was_asked("PATCH /v1/tunnels/tyo-1/osl-1 "));
	assert_true(cli_was_asked("{\"congestion\":\"bbr\"}"));
	cli_assert_printed("tunnel from tyo-1 to osl-1 updated: congestion bbr, trace off\n");
}

static void test_a_wrong_word_is_found_before_control_is_asked(void **state)
{
	static const char *const wrong[] = {
	    "tunnel show a/b osl-1",
	    "tunnel show tyo-1 ..",
	    "tunnel update tyo-1 osl-1 --congestion reno",
	};

	(void)state;
	cli_assert_usage(wrong, sizeof wrong / sizeof *wrong);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CLI_TEST(test_tunnels_are_listed),
	    CLI_TEST(test_one_is_shown_with_its_lanes_and_figures),
	    CLI_TEST(test_congestion_control_is_set),
	    CLI_TEST(test_a_wrong_word_is_found_before_control_is_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
