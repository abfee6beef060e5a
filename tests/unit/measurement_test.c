/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of model/measurement.c: what a node may say of its tunnels, there and back. */
#include "config.h"

#include "model/measurement.h"

#include "base/schema.h"
#include "tests/unit/cmocka_all.h"

#include <string.h>

static int decode(const char *json, struct tunnel_measurement *tunnel)
{
	struct schema_errors errors;

	return schema_from_json_text(
	    &tunnel_measurement_schema, json, strlen(json), 0, tunnel, &errors);
}

static void test_a_measurement_comes_back_as_it_was(void **state)
{
	struct lane_measurement lanes[] = {
	    {.lane = 1, .slot = 2, .is_up = true, .since_ms = 5, .rtt = {.p99_us = 99}}};
	struct tunnel_measurement tunnel = {.listener = "tyo-1",
	    .endpoint = "osl-1",
	    .state = TUNNEL_PARTIAL,
	    .since_ms = 1700000000000,
	    .lane_total = 2,
	    .rtt_last_second_us = 14000,
	    .rtt = {.now_us = 1, .min_us = 2, .p50_us = 3, .p99_us = 4, .jitter_us = 5},
	    .traffic = {.packets_sent = 6,
	        .packets_lost = 1,
	        .sent_bps = 7,
	        .received_bps = 8,
	        .flows = 9},
	    .congestion = CONGESTION_DEFAULT,
	    .lanes = lanes,
	    .lane_count = 1};
	struct tunnel_measurement back;
	json_t *json = schema_to_json(&tunnel_measurement_schema, &tunnel, 0);
	char *text = json_dumps(json, JSON_COMPACT);

	(void)state;
	assert_int_equal(decode(text, &back), 0);
	assert_string_equal(back.listener, "tyo-1");
	assert_int_equal(back.state, TUNNEL_PARTIAL);
	assert_int_equal(back.since_ms, tunnel.since_ms);
	assert_memory_equal(&back.rtt, &tunnel.rtt, sizeof back.rtt);
	assert_memory_equal(&back.traffic, &tunnel.traffic, sizeof back.traffic);
	assert_string_equal(back.congestion, CONGESTION_DEFAULT);
	assert_int_equal(back.lane_count, 1);
	assert_int_equal(back.lanes[0].slot, 2);
	assert_true(back.lanes[0].is_up);
	assert_int_equal(back.lanes[0].rtt.p99_us, 99);
	free(back.lanes);
	free(text);
	json_decref(json);
}

/* A node may be taken over: what it says is checked like a stranger's words. */
static void test_what_is_out_of_range_is_refused(void **state)
{
	static const char *const wrong[] = {
	    "{}",
	    "{\"listener\": \"a b\", \"endpoint\": \"b\", \"state\": \"up\"}",
	    "{\"listener\": \"a\", \"endpoint\": \"b\", \"state\": \"sideways\"}",
	    "{\"listener\": \"a\", \"endpoint\": \"b\", \"state\": \"up\", \"rtt\": {\"now_us\": "
	    "-1}}",
	    "{\"listener\": \"a\", \"endpoint\": \"b\", \"state\": \"up\", \"congestion\": "
	    "\"magic\"}",
	    "{\"listener\": \"a\", \"endpoint\": \"b\", \"state\": \"up\", \"lanes\": [{}]}",
	    "{\"listener\": \"a\", \"endpoint\": \"b\", \"state\": \"up\", \"mood\": 3}",
	};
	struct tunnel_measurement tunnel;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		if (decode(wrong[i], &tunnel) == 0)
			fail_msg("taken: %s", wrong[i]);
}

static void test_states_have_names(void **state)
{
	(void)state;
	assert_string_equal(tunnel_state_text(TUNNEL_DOWN), "down");
	assert_string_equal(tunnel_state_text(TUNNEL_PARTIAL), "partial");
	assert_string_equal(tunnel_state_text(TUNNEL_UP), "up");
	assert_string_equal(tunnel_state_text((enum tunnel_state)7), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_measurement_comes_back_as_it_was),
	    cmocka_unit_test(test_what_is_out_of_range_is_refused),
	    cmocka_unit_test(test_states_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
