/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of cli/tunnel_view.c: tunnels, lanes, figures and history as a person sees them. */
#include "config.h"

#include "cli/tunnel_view.h"

#include "tests/unit/cli_fixture.h"

#define MEASURES                                                                                   \
	"\"rtt_us\": {\"now\": 14230, \"min\": 12000, \"p50\": 15000, \"p99\": 187300}, "          \
	"\"jitter_us\": 120, \"loss\": {\"to_endpoint\": 0.0002, \"to_listener\": 0}, "            \
	"\"mbps\": {\"to_endpoint\": 12.5, \"to_listener\": 940}, \"flows\": 3, "                  \
	"\"since\": \"2020-02-03T04:05:06Z\""

static void show(void (*print)(struct session *session, const json_t *value), const char *json)
{
	json_t *value = json_loads(json, 0, NULL);

	assert_non_null(value);
	cli_open_output();
	print(&session, value);
	fclose(session.out);
	json_decref(value);
}

static void test_a_tunnel_is_a_line(void **state)
{
	(void)state;
	show(tunnel_print_list,
	    "[{\"listener\": \"tyo-1\", \"endpoint\": \"osl-1\", \"state\": \"up\", " MEASURES
	    "}]");
	cli_assert_printed("LISTENER  ENDPOINT  STATE  RTT ms   MIN   P50    P99  JITTER ms  LOSS% "
	                   "OUT  BACK  MBIT/s OUT  BACK  FLOWS  SINCE\n"
	                   "tyo-1     osl-1     up       14.2  12.0  15.0  187.3       0.12       "
	                   "0.02     0        12.5   940      3  2020-02-03 04:05\n");
}

static void test_what_is_not_known_is_a_dash(void **state)
{
	(void)state;
	show(tunnel_print_list,
	    "[{\"listener\": \"a\", \"endpoint\": \"b\", \"state\": \"unknown\", "
	    "\"rtt_us\": null, \"since\": null}]");
	cli_assert_printed("LISTENER  ENDPOINT  STATE    RTT ms  MIN  P50  P99  JITTER ms  LOSS% "
	                   "OUT  BACK  MBIT/s OUT  BACK  FLOWS  SINCE\n"
	                   "a         b         unknown       -    -    -    -          -          "
	                   "-     -           -     -      -  -\n");
	show(tunnel_print_list, "[]");
	cli_assert_printed("");
}

static void test_states_have_colours(void **state)
{
	(void)state;
	session.terminal =
	    (struct terminal){.is_terminal = true, .has_colours = true, .width = 200};
	show(tunnel_print_list,
	    "[{\"listener\": \"a\", \"endpoint\": \"b\", \"state\": \"up\"}, "
	    "{\"listener\": \"c\", \"endpoint\": \"d\", \"state\": \"down\"}, "
	    "{\"listener\": \"e\", \"endpoint\": \"f\", \"state\": \"partial\"}]");
	assert_non_null(strstr(printed, "\033[32mup"));
	assert_non_null(strstr(printed, "\033[31mdown"));
	assert_non_null(strstr(printed, "\033[1;33mpartial"));
}

static void test_a_lane_shows_its_packets(void **state)
{
	(void)state;
	show(tunnel_print_lanes, "[{\"lane\": 0, \"slot\": 1, \"state\": \"up\", \"packet_bytes\": "
	                         "{\"to_endpoint\": 1452, "
	                         "\"to_listener\": 1200}, " MEASURES "}]");
	cli_assert_printed("LANE  SLOT  STATE  PACKET OUT  BACK  RTT ms   MIN   P50    P99  JITTER "
	                   "ms  LOSS% OUT  BACK  MBIT/s OUT  BACK  FLOWS  SINCE\n"
	                   "   0     1  up           1452  1200    14.2  12.0  15.0  187.3       "
	                   "0.12       0.02     0        12.5   940      3  2020-02-03 04:05\n");
}

static void test_figures_that_are_0_are_left_out(void **state)
{
	(void)state;
	show(tunnel_print_figures, "{\"listener\": {\"sent\": 7, \"lost\": 0, \"late\": 0}, "
	                           "\"endpoint\": {\"sent\": 0, \"lost\": 0, \"late\": 2}}");
	cli_assert_printed("FIGURE  LISTENER  ENDPOINT\n"
	                   "sent           7         0\n"
	                   "late           0         2\n");
	show(tunnel_print_figures, "{\"listener\": null, \"endpoint\": {\"sent\": 5}}");
	cli_assert_printed("FIGURE  LISTENER  ENDPOINT\n"
	                   "sent           -         5\n");
}

static void test_history_is_a_line_of_bars(void **state)
{
	(void)state;
	show(tunnel_print_history,
	    "[{\"listener\": \"a\", \"endpoint\": \"b\", \"rtt_history_us\": [10000, null, "
	    "20000]}, "
	    "{\"listener\": \"c\", \"endpoint\": \"d\", \"rtt_history_us\": []}]");
	cli_assert_printed("LISTENER  ENDPOINT  RTT, LAST MINUTE  FROM ms  TO ms\n"
	                   "a         b         _ #                  10.0   20.0\n"
	                   "c         d                                 -      -\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CLI_TEST(test_a_tunnel_is_a_line),
	    CLI_TEST(test_what_is_not_known_is_a_dash),
	    CLI_TEST(test_states_have_colours),
	    CLI_TEST(test_a_lane_shows_its_packets),
	    CLI_TEST(test_figures_that_are_0_are_left_out),
	    CLI_TEST(test_history_is_a_line_of_bars),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
