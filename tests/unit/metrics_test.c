/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of control/metrics.c: what is counted of the installation, and of what nodes report. */
#include "config.h"

#include "control/metrics.h"

#include "tests/unit/api_fixture.h"

static struct exposition scraped;

static void scrape(void)
{
	free(scraped.text);
	scraped = (struct exposition){0};
	metrics_write(&control, &scraped);
	assert_false(scraped.has_failed);
}

static bool has(const char *line)
{
	const char *found = strstr(scraped.text, line);

	return found && found[-1] == '\n' && found[strlen(line)] == '\n';
}

static void test_nodes_and_their_configs(void **state)
{
	(void)state;
	scrape();
	assert_true(has("trunkline_control_nodes{role=\"listener\",state=\"down\"} 1"));
	assert_true(has("trunkline_control_nodes{role=\"endpoint\",state=\"up\"} 0"));
	assert_true(
	    has("trunkline_control_node_up{node=\"osl-1\",role=\"endpoint\",region=\"oslo\"} 0"));
	assert_true(
	    has("trunkline_control_node_config_applied_revision{node=\"tyo-1\",role=\"listener\","
	        "region=\"tokyo\"} 0"));
	assert_true(has("trunkline_control_revision 2"));
	assert_true(has("trunkline_control_change_unconfirmed 0"));
	assert_int_equal(api_ask("PATCH", "/v1/nodes/osl-1", "", "{\"draining\": true}"), 200);
	scrape();
	assert_true(has(
	    "trunkline_control_node_draining{node=\"osl-1\",role=\"endpoint\",region=\"oslo\"} 1"));
}

static void test_the_api_counts_requests(void **state)
{
	(void)state;
	assert_int_equal(api_get("/v1/nodes"), 200);
	assert_int_equal(api_ask("GET", "/v1/nodes", "Authorization: Bearer wrong\r\n", ""), 401);
	scrape();
	assert_true(has("trunkline_control_api_requests_total 2"));
	assert_true(
	    has("trunkline_control_api_requests_refused_total{reason=\"unauthenticated\"} 1"));
	assert_true(has("trunkline_control_api_requests_refused_total{reason=\"forbidden\"} 0"));
}

static void report(const char *name, uint64_t sent, uint64_t lost)
{
	struct lane_measurement *lanes = calloc(2, sizeof(*lanes));
	struct tunnel_measurement said = {.listener = "tyo-1",
	    .endpoint = "osl-1",
	    .state = TUNNEL_PARTIAL,
	    .lane_total = 2,
	    .lane_count = 2,
	    .lanes = lanes,
	    .rtt = {.p50_us = 110500, .p99_us = 250000},
	    .traffic = {.packets_sent = sent, .packets_lost = lost, .flows = 7}};
	struct message_report message = {.tunnels = &said, .tunnel_count = 1};

	lanes[1].is_up = true;
	assert_int_equal(
	    tunnels_report(control.tunnels, &control.installation,
	        installation_node(&control.installation, name), &message, control_steady_ms()),
	    0);
}

static void test_tunnels_are_what_their_nodes_measure(void **state)
{
	(void)state;
	control_add_accelerator("web", 80, "tokyo", "oslo");
	scrape();
	assert_true(has("trunkline_control_tunnels{state=\"unknown\"} 1"));
	assert_null(strstr(scraped.text, "trunkline_control_tunnel_lanes_up{"));
	report("tyo-1", 200, 50);
	report("osl-1", 1000, 10);
	scrape();
#define TUNNEL "{listener=\"tyo-1\",endpoint=\"osl-1\""
	assert_true(has("trunkline_control_tunnels{state=\"partial\"} 1"));
	assert_true(has("trunkline_control_tunnels{state=\"unknown\"} 0"));
	assert_true(has("trunkline_control_tunnel_lanes_up" TUNNEL "} 1"));
	assert_true(has("trunkline_control_tunnel_lanes_wanted" TUNNEL "} 2"));
	assert_true(has("trunkline_control_tunnel_flows" TUNNEL "} 7"));
	assert_true(has("trunkline_control_tunnel_rtt_median_seconds" TUNNEL "} 0.1105"));
	assert_true(has("trunkline_control_tunnel_rtt_p99_seconds" TUNNEL "} 0.25"));
	assert_true(
	    has("trunkline_control_tunnel_loss_ratio" TUNNEL ",direction=\"to_endpoint\"} 0.25"));
	assert_true(
	    has("trunkline_control_tunnel_loss_ratio" TUNNEL ",direction=\"to_listener\"} 0.01"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    API_TEST(test_nodes_and_their_configs),
	    API_TEST(test_the_api_counts_requests),
	    API_TEST(test_tunnels_are_what_their_nodes_measure),
	};
	int failed = api_init() ? 1 : cmocka_run_group_tests(tests, NULL, NULL);

	free(scraped.text);
	return failed;
}
