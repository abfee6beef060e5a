/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of cli/node.c: tokens, and nodes as a person sees them. */
#include "config.h"

#include "cli/commands.h"

#include "tests/unit/cli_fixture.h"

#define NODE                                                                                       \
	"\"name\": \"osl-1\", \"role\": \"endpoint\", \"region\": \"oslo\", \"pin\": \"abc\", "    \
	"\"state\": \"up\", \"drain\": \"off\", \"flows\": {\"tcp\": 12, \"udp\": 0}, "            \
	"\"addresses\": [\"192.0.2.2:7401\", \"[2001:db8::2]:7401\"], "                            \
	"\"slots\": 2, \"version\": \"0.1\", \"last_seen\": \"2020-02-03T04:05:06Z\""

/* Scripts take the token from stdout: nothing else may be there. */
static void test_a_token_is_all_that_is_printed(void **state)
{
	(void)state;
	cli_set(201, "{\"token\": \"trunkline-join-xyz\", \"expires\": \"2020-02-03T04:05:06Z\"}");
	assert_int_equal(cli_run("node token --role endpoint --region oslo --ttl 10m"), EXIT_DONE);
	cli_assert_printed("trunkline-join-xyz\n");
	assert_true(cli_was_asked("POST /v1/node-tokens "));
	assert_true(cli_was_asked("{\"role\":\"endpoint\",\"region\":\"oslo\",\"ttl_s\":600}"));
	assert_int_equal(cli_run("node token --role listener --region lima"), EXIT_DONE);
	assert_true(cli_was_asked("\"ttl_s\":3600"));
}

static void test_a_wrong_word_is_found_before_control_is_asked(void **state)
{
	static const char *const wrong[] = {
	    "node token --role king --region oslo",
	    "node token --role endpoint --region O!",
	    "node token --role endpoint --region oslo --ttl 0",
	    "node token --role endpoint --region oslo --ttl 31d",
	    "node show a/b",
	    "node remove ..",
	};

	(void)state;
	cli_assert_usage(wrong, sizeof wrong / sizeof *wrong);
}

static void test_nodes_are_a_table(void **state)
{
	(void)state;
	cli_set(200, "{\"items\": [{" NODE ", \"config\": {\"wanted\": 7, \"applied\": 7, "
	             "\"refused\": null}}]}");
	assert_int_equal(cli_run("node list"), EXIT_DONE);
	cli_assert_printed("NODE   ROLE      REGION  STATE  ADDRESSES                          "
	                   "WORKERS  VERSION  CONFIG  LAST SEEN\n"
	                   "osl-1  endpoint  oslo    up     192.0.2.2:7401,[2001:db8::2]:7401      "
	                   "  2  0.1      7       2020-02-03 04:05\n");
}

static void test_configs_have_colours(void **state)
{
	static const struct {
		const char *config, *colour;
	} cases[] = {
	    {"{\"wanted\": 7, \"applied\": 6, \"refused\": null}", "\033[1;33m6"},
	    {"{\"wanted\": 7, \"applied\": 6, \"refused\": {\"revision\": 7, \"reason\": "
	     "\"port\"}}",
	        "\033[31m6"},
	};
	char body[1024];

	(void)state;
	session.terminal =
	    (struct terminal){.is_terminal = true, .has_colours = true, .width = 200};
	for (size_t i = 0; i < 2; i++) {
		snprintf(body, sizeof body, "{\"items\": [{" NODE ", \"config\": %s}]}",
		    cases[i].config);
		cli_set(200, body);
		assert_int_equal(cli_run("node list"), EXIT_DONE);
		assert_non_null(strstr(printed, cases[i].colour));
	}
}

static void test_a_node_shows_the_counters_that_are_not_0(void **state)
{
	(void)state;
	cli_set(200,
	    "{" NODE ", \"config\": {\"wanted\": 7, \"applied\": null, \"refused\": null}, "
	    "\"reported\": \"2020-02-03T04:06:07.890Z\", "
	    "\"counters\": {\"tcp_flows\": 12, \"udp_flows\": 0}}");
	assert_int_equal(cli_run("node show osl-1"), EXIT_DONE);
	assert_true(cli_was_asked("GET /v1/nodes/osl-1 "));
	cli_assert_printed("name       osl-1\n"
	                   "role       endpoint\n"
	                   "region     oslo\n"
	                   "state      up\n"
	                   "drain      off\n"
	                   "pin        abc\n"
	                   "version    0.1\n"
	                   "flows      12 tcp, 0 udp flows\n"
	                   "addresses  192.0.2.2:7401,[2001:db8::2]:7401\n"
	                   "workers    2\n"
	                   "config     -, 7 is on its way\n"
	                   "last seen  2020-02-03 04:05\n"
	                   "reported   2020-02-03 04:06\n"
	                   "tcp_flows  12\n");
}

static void test_a_draining_node_is_seen_in_the_list(void **state)
{
	(void)state;
	cli_set(200, "{\"items\": [{\"name\": \"osl-1\", \"state\": \"up\", "
	             "\"drain\": \"draining\"}]}");
	assert_int_equal(cli_run("node list"), EXIT_DONE);
	assert_non_null(strstr(printed, "up, draining"));
}

static void test_a_removed_node_is_a_revision(void **state)
{
	(void)state;
	cli_set(200, "{\"revision\": 8}");
	assert_int_equal(cli_run("node remove osl-1"), EXIT_DONE);
	assert_true(cli_was_asked("DELETE /v1/nodes/osl-1 "));
	cli_assert_printed("node osl-1 removed (revision 8)\n");
	session.format = OUTPUT_JSON;
	assert_int_equal(cli_run("node remove osl-1"), EXIT_DONE);
	cli_assert_printed("{\n  \"revision\": 8\n}\n");
}

static void test_a_node_that_is_not_there(void **state)
{
	(void)state;
	cli_set(404, "{\"type\": \"x:not-found\", \"detail\": \"there is no node\"}");
	assert_int_equal(cli_run("node show osl-1"), EXIT_NOT_FOUND);
	cli_assert_printed("");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CLI_TEST(test_a_token_is_all_that_is_printed),
	    CLI_TEST(test_a_wrong_word_is_found_before_control_is_asked),
	    CLI_TEST(test_nodes_are_a_table),
	    CLI_TEST(test_configs_have_colours),
	    CLI_TEST(test_a_node_shows_the_counters_that_are_not_0),
	    CLI_TEST(test_a_draining_node_is_seen_in_the_list),
	    CLI_TEST(test_a_removed_node_is_a_revision),
	    CLI_TEST(test_a_node_that_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
