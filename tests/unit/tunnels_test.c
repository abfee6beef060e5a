/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reports of both sides put together, and what a node may not say. */
#include "tests/unit/installation_fixture.h"

#include "control/tunnels.h"

static struct tunnels *tunnels;
static json_t *shown;

static int set_up(void **state)
{
	tunnels = tunnels_new();
	return tunnels ? fixture_set_up(state) : -1;
}

static int tear_down(void **state)
{
	tunnels_free(tunnels);
	json_decref(shown);
	shown = NULL;
	return fixture_tear_down(state);
}

static size_t report(const char *from, const char *listener, const char *endpoint,
    struct traffic_measurement traffic, uint64_t now_ms)
{
	struct tunnel_measurement said = {.state = TUNNEL_PARTIAL,
	    .since_ms = 1700000000000,
	    .lane_total = 2,
	    .rtt_last_second_us = now_ms,
	    .rtt = {.now_us = 100}};
	struct message_report message = {.tunnels = &said, .tunnel_count = 1};
	size_t left_out;

	strcpy(said.listener, listener);
	strcpy(said.endpoint, endpoint);
	said.traffic = traffic;
	said.lane_count = 1;
	said.lanes = calloc(1, sizeof(*said.lanes));
	said.lanes[0] = (struct lane_measurement){.lane = 1,
	    .slot = 2,
	    .is_up = true,
	    .packet_bytes = strcmp(from, listener) == 0 ? 1452 : 1472,
	    .rtt = {.now_us = 90},
	    .traffic = traffic};
	left_out =
	    tunnels_report(tunnels, &fixture, installation_node(&fixture, from), &message, now_ms);
	free(said.lanes);
	return left_out;
}

static void show(enum tunnel_view view, uint64_t now_ms)
{
	json_decref(shown);
	shown = tunnels_to_json(tunnels, installation_node(&fixture, "tyo-1"),
	    installation_node(&fixture, "osl-1"), view, now_ms);
	assert_non_null(shown);
}

static json_t *at(const char *one, const char *two)
{
	return json_object_get(json_object_get(shown, one), two);
}

static json_int_t lane_packet_bytes(const char *way)
{
	const json_t *lane = json_array_get(json_object_get(shown, "lane_list"), 0);

	return json_integer_value(json_object_get(json_object_get(lane, "packet_bytes"), way));
}

static void unknown_before_the_first_report(void **state)
{
	(void)state;
	show(TUNNEL_VIEW_DETAIL, 1000);
	assert_string_equal(json_string_value(json_object_get(shown, "state")), "unknown");
	assert_true(json_is_null(at("rtt_us", "now")));
	assert_true(json_is_null(at("loss", "to_endpoint")));
	assert_int_equal(json_array_size(json_object_get(shown, "lane_list")), 0);
}

static void both_sides_together(void **state)
{
	const struct traffic_measurement up = {200, 2, 8000000, 1000000, 3};
	const struct traffic_measurement down = {100, 5, 2000000, 7000000, 3};

	(void)state;
	assert_int_equal(report("tyo-1", "tyo-1", "osl-1", up, 1000), 0);
	show(TUNNEL_VIEW_LIST, 1000);
	assert_true(json_real_value(at("loss", "to_endpoint")) == 0.01);
	assert_true(json_is_null(at("loss", "to_listener")));
	assert_true(json_real_value(at("mbps", "to_listener")) == 1.0);
	assert_int_equal(report("osl-1", "tyo-1", "osl-1", down, 1500), 0);
	show(TUNNEL_VIEW_DETAIL, 2000);
	assert_true(json_real_value(at("loss", "to_listener")) == 0.05);
	assert_true(json_real_value(at("mbps", "to_endpoint")) == 8.0);
	assert_true(json_real_value(at("mbps", "to_listener")) == 2.0);
	assert_int_equal(json_integer_value(at("rtt_us", "now")), 100);
	assert_true(json_is_null(at("rtt_us", "p50")));
	assert_int_equal(json_integer_value(json_object_get(shown, "lanes_up")), 1);
	assert_int_equal(json_integer_value(json_object_get(shown, "flows")), 3);
	assert_string_equal(
	    json_string_value(json_object_get(shown, "since")), "2023-11-14T22:13:20Z");
	assert_true(
	    json_real_value(json_object_get(
	        json_object_get(json_array_get(json_object_get(shown, "lane_list"), 0), "loss"),
	        "to_listener"))
	    == 0.05);
	assert_int_equal(lane_packet_bytes("to_endpoint"), 1452);
	assert_int_equal(lane_packet_bytes("to_listener"), 1472);
}

static void silence_is_unknown(void **state)
{
	const struct traffic_measurement traffic = {10, 0, 0, 0, 0};

	(void)state;
	report("tyo-1", "tyo-1", "osl-1", traffic, 1000);
	show(TUNNEL_VIEW_LIST, 5999);
	assert_string_equal(json_string_value(json_object_get(shown, "state")), "partial");
	show(TUNNEL_VIEW_LIST, 6000);
	assert_string_equal(json_string_value(json_object_get(shown, "state")), "unknown");
}

/* Only the other end's word counts, and it is remembered. */
static void when_a_lane_was_up_last(void **state)
{
	struct message_report message = {.tunnel_count = 1};
	struct tunnel_measurement said = {.state = TUNNEL_DOWN, .lane_total = 2};
	const struct node *listener = installation_node(&fixture, "tyo-1"),
	                  *endpoint = installation_node(&fixture, "osl-1");

	(void)state;
	assert_int_equal(tunnels_up_ms(tunnels, endpoint), 0);
	report("osl-1", "tyo-1", "osl-1", (struct traffic_measurement){0}, 900);
	assert_int_equal(tunnels_up_ms(tunnels, endpoint), 0);
	assert_int_equal(tunnels_up_ms(tunnels, listener), 900);
	report("tyo-1", "tyo-1", "osl-1", (struct traffic_measurement){0}, 1000);
	strcpy(said.listener, "tyo-1");
	strcpy(said.endpoint, "osl-1");
	message.tunnels = &said;
	tunnels_report(tunnels, &fixture, listener, &message, 2000);
	assert_int_equal(tunnels_up_ms(tunnels, endpoint), 1000);
	report("tyo-2", "tyo-2", "osl-1", (struct traffic_measurement){0}, 1500);
	assert_int_equal(tunnels_up_ms(tunnels, endpoint), 1500);
	assert_int_equal(tunnels_up_ms(tunnels, listener), 900);
}

static void history_keeps_a_minute(void **state)
{
	const struct traffic_measurement traffic = {0};
	json_t *history;

	(void)state;
	for (uint64_t second = 1; second <= 70; second++)
		report("tyo-1", "tyo-1", "osl-1", traffic, second);
	show(TUNNEL_VIEW_LIST, 70);
	history = json_object_get(shown, "rtt_history_us");
	assert_int_equal(json_array_size(history), 60);
	assert_int_equal(json_integer_value(json_array_get(history, 0)), 11);
	assert_int_equal(json_integer_value(json_array_get(history, 59)), 70);
}

static void nobody_speaks_for_others(void **state)
{
	const struct traffic_measurement traffic = {0};

	(void)state;
	assert_int_equal(report("tyo-2", "tyo-1", "osl-1", traffic, 1), 1);
	assert_int_equal(report("osl-1", "tyo-1", "osl-2", traffic, 1), 1);
	assert_int_equal(report("tyo-1", "tyo-1", "nowhere", traffic, 1), 1);
	assert_int_equal(report("tyo-1", "tyo-1", "tyo-2", traffic, 1), 1);
	show(TUNNEL_VIEW_LIST, 1);
	assert_string_equal(json_string_value(json_object_get(shown, "state")), "unknown");
}

/* Whatever the order in which they are first heard of. */
static void each_of_many_is_found(void **state)
{
	struct traffic_measurement traffic = {0};
	size_t count = fixture.node_count, found = 0;

	(void)state;
	for (size_t i = count * count; i-- > 0;) {
		const struct node *from = &fixture.nodes[i * 7 % (count * count) / count];
		const struct node *to = &fixture.nodes[i * 7 % (count * count) % count];

		traffic.flows = (uint64_t)(from - to + 100);
		if (installation_has_tunnel(&fixture, from, to))
			assert_int_equal(report(from->name, from->name, to->name, traffic, 1), 0);
	}
	for (size_t i = 0; i < count * count; i++) {
		const struct node *from = &fixture.nodes[i / count],
		                  *to = &fixture.nodes[i % count];
		const struct tunnel_measurement *said =
		    tunnels_said(tunnels, from, to, NODE_LISTENER, 2);

		assert_true(!!said == installation_has_tunnel(&fixture, from, to));
		if (said)
			assert_int_equal(said->traffic.flows, from - to + 100);
		found += said != NULL;
	}
	assert_true(found >= 3);
}

static void forgotten_with_the_accelerators(void **state)
{
	const struct traffic_measurement traffic = {0};

	(void)state;
	report("tyo-1", "tyo-1", "osl-1", traffic, 1);
	tunnels_forget(tunnels, &fixture);
	show(TUNNEL_VIEW_LIST, 1);
	assert_string_equal(json_string_value(json_object_get(shown, "state")), "partial");
	fixture.accelerator_count = 0;
	tunnels_forget(tunnels, &fixture);
	fixture.accelerator_count = 2;
	show(TUNNEL_VIEW_LIST, 1);
	assert_string_equal(json_string_value(json_object_get(shown, "state")), "unknown");
}

#define TUNNELS_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TUNNELS_TEST(unknown_before_the_first_report),
	    TUNNELS_TEST(both_sides_together),
	    TUNNELS_TEST(silence_is_unknown),
	    TUNNELS_TEST(when_a_lane_was_up_last),
	    TUNNELS_TEST(history_keeps_a_minute),
	    TUNNELS_TEST(nobody_speaks_for_others),
	    TUNNELS_TEST(each_of_many_is_found),
	    TUNNELS_TEST(forgotten_with_the_accelerators),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
