/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each message there and back, and what is refused. */
#include "tests/unit/cmocka_all.h"

#include "base/err.h"
#include "model/messages.c"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

static struct model_error error;

/* Encodes and decodes; the result is the caller's to clear. */
static struct message round_trip(const struct message *message)
{
	struct message again;
	size_t length;
	char *text;

	assert_int_equal(message_encode(message, &text, &length), 0);
	assert_int_equal(strlen(text), length);
	if (message_decode(text, length, &again, &error) < 0)
		fail_msg("%s: %s", error.field, error.reason);
	assert_int_equal(again.type, message->type);
	free(text);
	return again;
}

static void hello(void **state)
{
	struct name binds[] = {{"192.0.2.9"}};
	struct message again, message = {.type = MESSAGE_HELLO,
	                          .body.hello = {.protocol = CONTROL_PROTOCOL,
	                              .role = NODE_LISTENER,
	                              .name = "tyo-1",
	                              .secret = {1, 2, 3},
	                              .slots = 2,
	                              .binds = binds,
	                              .bind_count = 1,
	                              .instance = INT64_MAX,
	                              .version = "0.1",
	                              .config = {5, 6}}};

	(void)state;
	again = round_trip(&message);
	assert_string_equal(again.body.hello.name, "tyo-1");
	assert_memory_equal(again.body.hello.secret, message.body.hello.secret, JOIN_SECRET_BYTES);
	assert_true(again.body.hello.instance == INT64_MAX);
	assert_int_equal(again.body.hello.config.revision, 6);
	assert_string_equal(again.body.hello.binds[0].text, "192.0.2.9");
	message_clear(&again);
}

static void report(void **state)
{
	struct lane_measurement lanes[] = {{.lane = 0,
	    .slot = 1,
	    .is_up = true,
	    .packet_bytes = 1472,
	    .rtt = {.now_us = 100},
	    .traffic = {.packets_sent = 5, .packets_lost = 1}}};
	struct tunnel_measurement tunnels[] = {{.listener = "tyo-1",
	    .endpoint = "fra-1",
	    .state = TUNNEL_PARTIAL,
	    .since_ms = 1700000000000,
	    .lane_total = 2,
	    .lanes = lanes,
	    .lane_count = 1}};
	struct counter counters[] = {{"flows_refused", 3}};
	struct message again, message = {.type = MESSAGE_REPORT,
	                          .body.report = {.tunnels = tunnels,
	                              .tunnel_count = 1,
	                              .counters = counters,
	                              .counter_count = 1,
	                              .machine = {.clock_ms = 1700000000001},
	                              .made_us = 5}};

	(void)state;
	again = round_trip(&message);
	assert_int_equal(again.body.report.tunnels[0].state, TUNNEL_PARTIAL);
	assert_int_equal(again.body.report.tunnels[0].lanes[0].traffic.packets_lost, 1);
	assert_int_equal(again.body.report.counters[0].value, 3);
	assert_true(again.body.report.machine.clock_ms == 1700000000001);
	assert_int_equal(again.body.report.made_us, 5);
	message_clear(&again);
	message.body.report = (struct message_report){0};
	again = round_trip(&message);
	message_clear(&again);
}

static void short_ones(void **state)
{
	struct message applied = {.type = MESSAGE_APPLIED, .body.applied = {{7, 8}}};
	struct message refused = {
	    .type = MESSAGE_REFUSED, .body.refused = {{7, 8}, "port 80 is in use"}};
	struct message welcome = {.type = MESSAGE_WELCOME, .body.welcome = {4, "tyo-1", "tokyo"}};
	struct message denied = {.type = MESSAGE_DENIED, .body.denied = {"the token expired"}};
	struct message removed = {.type = MESSAGE_REMOVED, .body.removed = {"by root"}};
	struct name nodes[] = {{"fra-1"}, {"fra-2"}};
	struct message gone = {.type = MESSAGE_GONE, .body.gone = {9, nodes, 2}};
	struct message again;

	(void)state;
	again = round_trip(&applied);
	assert_int_equal(again.body.applied.number.revision, 8);
	again = round_trip(&refused);
	assert_string_equal(again.body.refused.reason, "port 80 is in use");
	again = round_trip(&welcome);
	assert_string_equal(again.body.welcome.region, "tokyo");
	again = round_trip(&denied);
	assert_string_equal(again.body.denied.reason, "the token expired");
	again = round_trip(&removed);
	assert_int_equal(again.type, MESSAGE_REMOVED);
	again = round_trip(&gone);
	assert_int_equal(again.body.gone.report_us, 9);
	assert_int_equal(again.body.gone.node_count, 2);
	assert_string_equal(again.body.gone.nodes[1].text, "fra-2");
	message_clear(&again);
}

static void config(void **state)
{
	struct message again,
	    message = {.type = MESSAGE_CONFIG,
	        .body.config = {
	            .number = {1, 2}, .node_name = "a", .region = "b", .role = NODE_ENDPOINT}};

	(void)state;
	again = round_trip(&message);
	assert_int_equal(again.body.config.number.revision, 2);
	message_clear(&again);
}

/* Many short blocks are few bytes and many values, of which a reader takes so many. */
static void what_is_encoded_is_decoded(void **state)
{
	enum { ACCELERATORS = 200 };
	static struct cidr_text blocks[ACCELERATORS][2 * ACCESS_ENTRIES_MAX];
	static struct config_accelerator accelerators[ACCELERATORS];
	struct port_range port = {80, 80};
	struct message again,
	    message = {.type = MESSAGE_CONFIG,
	        .body.config = {
	            .number = {1, 2}, .node_name = "a", .region = "b", .role = NODE_LISTENER}};
	size_t length;
	char *text;

	(void)state;
	for (size_t i = 0; i < ACCELERATORS; i++) {
		struct config_accelerator *accelerator = &accelerators[i];

		for (size_t j = 0; j < 2 * ACCESS_ENTRIES_MAX; j++)
			snprintf(blocks[i][j].text, sizeof blocks[i][j].text, "10.%zu.%zu.0/24",
			    j / 256, j % 256);
		*accelerator = (struct config_accelerator){.id = (uint32_t)i + 1,
		    .protocol = PROTOCOL_TCP,
		    .ports = &port,
		    .port_count = 1,
		    .tcp_idle_timeout_s = 1,
		    .udp_idle_timeout_s = 1,
		    .udp_flows_per_source = 1,
		    .connect_timeout_ms = 1000,
		    .access = {blocks[i], ACCESS_ENTRIES_MAX, blocks[i] + ACCESS_ENTRIES_MAX,
		        ACCESS_ENTRIES_MAX}};
		health_check_default(&accelerator->health);
		snprintf(accelerator->name, sizeof accelerator->name, "a%zu", i);
	}
	message.body.config.accelerators = accelerators;
	message.body.config.accelerator_count = ACCELERATORS;
	assert_int_equal(message_encode(&message, &text, &length), ERR_TOO_LARGE);
	assert_null(text);
	message.body.config.accelerator_count = ACCELERATORS / 2;
	assert_int_equal(message_encode(&message, &text, &length), 0);
	if (message_decode(text, length, &again, &error) < 0)
		fail_msg("%s: %s", error.field, error.reason);
	message_clear(&again);
	free(text);
}

static void expect_refused(const char *text, int result)
{
	struct message message;

	assert_int_equal(message_decode(text, strlen(text), &message, &error), result);
	assert_int_equal(message.type, 0);
	assert_true(error.reason[0]);
}

static void refuses_what_is_none(void **state)
{
	(void)state;
	expect_refused("", ERR_MALFORMED);
	expect_refused("{", ERR_MALFORMED);
	expect_refused("[]", ERR_UNSUPPORTED);
	expect_refused("{}", ERR_UNSUPPORTED);
	expect_refused("{\"type\": \"sudo\"}", ERR_UNSUPPORTED);
	expect_refused("{\"type\": \"applied\", \"type\": \"applied\"}", ERR_MALFORMED);
	expect_refused("{\"type\": \"applied\"}", ERR_MALFORMED);
	expect_refused(
	    "{\"type\": \"applied\", \"incarnation\": -1, \"revision\": 1}", ERR_MALFORMED);
	expect_refused("{\"type\": \"applied\", \"incarnation\": 1, \"revision\": 1, \"x\": 1}",
	    ERR_MALFORMED);
	expect_refused("{\"type\":[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]}", ERR_MALFORMED);
}

/* What of a table the other end must agree on. */
static void add_schema(crypto_generichash_state *hash, const struct schema *schema)
{
	char text[256];

	for (size_t i = 0; i < schema->field_count; i++) {
		const struct schema_field *field = &schema->fields[i];
		bool is_of_size = field->type == SCHEMA_HEX || field->type == SCHEMA_BASE64;

		snprintf(text, sizeof(text), "%s %d %d %d %d %zu;", field->key, field->type,
		    field->is_required, field->is_array, field->is_map,
		    is_of_size ? field->size : 0);
		crypto_generichash_update(hash, (const unsigned char *)text, strlen(text));
		for (size_t j = 0; field->names && field->names[j]; j++)
			crypto_generichash_update(hash, (const unsigned char *)field->names[j],
			    strlen(field->names[j]) + 1);
		if (field->schema)
			add_schema(hash, field->schema);
		crypto_generichash_update(hash, (const unsigned char *)".", 1);
	}
}

/* Control and nodes of two versions understand each other, or are told by the number that they do not. */
static void the_same_messages_by_the_same_number(void **state)
{
	crypto_generichash_state hash;
	uint8_t print[16];
	char text[2 * sizeof(print) + 1];

	(void)state;
	crypto_generichash_init(&hash, NULL, 0, sizeof(print));
	for (int i = MESSAGE_HELLO; i <= MESSAGE_GONE; i++) {
		crypto_generichash_update(
		    &hash, (const unsigned char *)kinds[i].text, strlen(kinds[i].text) + 1);
		add_schema(&hash, kinds[i].schema);
	}
	crypto_generichash_final(&hash, print, sizeof(print));
	sodium_bin2hex(text, sizeof(text), print, sizeof(print));
	assert_int_equal(CONTROL_PROTOCOL, 4);
	if (strcmp(text, "5adec9b0422dce01821f8c5e8b02a52f") != 0)
		fail_msg("messages are other ones than those of protocol %d, which is no fault: "
		         "raise CONTROL_PROTOCOL; they are now %s",
		    CONTROL_PROTOCOL, text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hello),
	    cmocka_unit_test(report),
	    cmocka_unit_test(short_ones),
	    cmocka_unit_test(config),
	    cmocka_unit_test(what_is_encoded_is_decoded),
	    cmocka_unit_test(refuses_what_is_none),
	    cmocka_unit_test(the_same_messages_by_the_same_number),
	};

	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
