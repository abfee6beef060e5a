/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Accelerators: what is taken, what is refused and with which words, ports and their shifts. */
#include "tests/unit/cmocka_all.h"

#include "base/err.h"
#include "model/accelerator.h"

#include <string.h>

#define GROUP                                                                                      \
	"\"endpoint_groups\": [{\"region\": \"oslo\", \"backends\": [{\"host\": \"192.0.2.1\"}]}]"
#define START "{\"name\": \"web\", \"protocol\": \"tcp\", \"listen\": [\"tokyo\"], "

static struct accelerator accelerator;
static struct schema_errors errors;
static struct model_error error;

static int decode(const char *text)
{
	int result = schema_from_json_text(
	    &accelerator_schema, text, strlen(text), 0, &accelerator, &errors);

	if (result < 0)
		return result;
	result = accelerator_validate(&accelerator, &error);
	if (result < 0)
		accelerator_clear(&accelerator);
	return result;
}

static void add_field(void *context, const struct model_error *fault)
{
	json_array_append_new(context, json_string(fault->field));
}

/* Each part is judged, whatever is wrong with the others. */
static void all_faults_are_told(void **state)
{
	static const char text[] = START
	    "\"ports\": [\"60000-65000\"], \"deadline_ms\": 50, \"failover_order\": [\"rome\"], "
	    "\"endpoint_groups\": [{\"region\": \"oslo\", \"backends\": [{\"host\": \"192.0.2.1\","
	    " \"port\": 65000, \"weight\": 0}, {\"host\": \"192.0.2.1\", \"port\": 65000,"
	    " \"weight\": 0}]}]}";
	json_t *fields = json_array(), *wanted;

	(void)state;
	assert_int_equal(schema_from_json_text(
	                     &accelerator_schema, text, strlen(text), 0, &accelerator, &errors),
	    0);
	assert_int_equal(accelerator_judge(&accelerator, add_field, fields), ERR_INVALID);
	wanted = json_pack("[s, s, s, s, s]", "failover_order[0]", "endpoint_groups[0].backends[0]",
	    "endpoint_groups[0].backends[1]", "endpoint_groups[0].backends", "deadline_ms");
	assert_true(json_equal(fields, wanted));
	assert_int_equal(accelerator_validate(&accelerator, &error), ERR_INVALID);
	assert_string_equal(error.field, "failover_order[0]");
	json_decref(fields);
	json_decref(wanted);
	accelerator_clear(&accelerator);
}

static void defaults_and_ports(void **state)
{
	(void)state;
	assert_int_equal(
	    decode(START "\"ports\": [\"8001-8010\", \"443\", \"8000\"], " GROUP "}"), 0);
	assert_int_equal(accelerator.protocol, PROTOCOL_TCP);
	assert_true(accelerator.is_enabled);
	assert_int_equal(accelerator.port_count, 2);
	assert_int_equal(accelerator.ports[0].first, 443);
	assert_int_equal(accelerator.ports[1].first, 8000);
	assert_int_equal(accelerator.ports[1].last, 8010);
	assert_string_equal(accelerator.port_texts[1].text, "8000-8010");
	assert_int_equal(accelerator.tcp_idle_timeout_s, 3600);
	assert_int_equal(accelerator.udp_idle_timeout_s, 60);
	assert_int_equal(accelerator.udp_flows_per_source, 1000);
	assert_int_equal(accelerator.flow_settings.traffic_class, TRAFFIC_AUTO);
	assert_int_equal(accelerator.flow_settings.repair_budget_percent, 30);
	assert_int_equal(accelerator.flow_settings.deadline_ms, 0);
	assert_int_equal(accelerator.flow_settings.compression, COMPRESSION_OFF);
	assert_int_equal(accelerator.client_affinity, AFFINITY_NONE);
	assert_int_equal(accelerator.failover_order_count, 0);
	assert_int_equal(accelerator.endpoint_groups[0].traffic_dial_percent, 100);
	assert_int_equal(accelerator.endpoint_groups[0].backends[0].weight, 128);
	assert_int_equal(accelerator.endpoint_groups[0].backends[0].port, 0);
	accelerator_clear(&accelerator);
}

static void there_and_back(void **state)
{
	char *text, *again;
	json_t *json;

	(void)state;
	assert_int_equal(
	    decode(START "\"ports\": [\"80\"], \"udp_idle_timeout_s\": 5, " GROUP "}"), 0);
	json = accelerator_to_json(&accelerator);
	text = json_dumps(json, JSON_SORT_KEYS);
	json_decref(json);
	accelerator_clear(&accelerator);
	assert_null(strstr(text, "\"port\""));
	assert_int_equal(decode(text), 0);
	json = accelerator_to_json(&accelerator);
	again = json_dumps(json, JSON_SORT_KEYS);
	json_decref(json);
	assert_string_equal(text, again);
	free(text);
	free(again);
	accelerator_clear(&accelerator);
}

static void expect_schema_error(const char *text, const char *path)
{
	assert_int_equal(decode(text), ERR_MALFORMED);
	assert_string_equal(errors.list[0].path, path);
}

static void shapes_that_are_refused(void **state)
{
	(void)state;
	expect_schema_error(START GROUP "}", "ports");
	expect_schema_error(START "\"ports\": [\"80\"], \"prots\": 1, " GROUP "}", "prots");
	expect_schema_error(START "\"ports\": [\"0\"], " GROUP "}", "ports[0]");
	expect_schema_error(START "\"ports\": [\"80,81\"], " GROUP "}", "ports[0]");
	expect_schema_error(START "\"ports\": [\"70000\"], " GROUP "}", "ports[0]");
	expect_schema_error(START "\"ports\": [], " GROUP "}", "ports");
	expect_schema_error(START "\"ports\": [\"80\"], \"udp_idle_timeout_s\": 0, " GROUP "}",
	    "udp_idle_timeout_s");
	expect_schema_error(START
	    "\"ports\": [\"80\"], \"endpoint_groups\": [{\"region\": \"oslo\", "
	    "\"backends\": [{\"host\": \"[::1]\"}]}]}",
	    "endpoint_groups[0].backends[0].host");
	expect_schema_error(START
	    "\"ports\": [\"80\"], \"endpoint_groups\": [{\"region\": \"oslo\", "
	    "\"backends\": [{\"host\": \"a:80\"}]}]}",
	    "endpoint_groups[0].backends[0].host");
	expect_schema_error(START
	    "\"ports\": [\"80\"], \"endpoint_groups\": [{\"region\": \"oslo\", "
	    "\"backends\": [{\"host\": \"a\", \"weight\": 256}]}]}",
	    "endpoint_groups[0].backends[0].weight");
}

static void expect_model_error(const char *text, const char *field)
{
	assert_int_equal(decode(text), ERR_INVALID);
	assert_string_equal(error.field, field);
	assert_true(error.reason[0] && error.fix[0]);
}

static void contents_that_are_refused(void **state)
{
	(void)state;
	expect_model_error(START "\"ports\": [\"80-90\", \"85\"], " GROUP "}", "ports");
	expect_model_error("{\"name\": \"web\", \"protocol\": \"udp\", \"listen\": [\"a\", \"a\"], "
	                   "\"ports\": [\"80\"], " GROUP "}",
	    "listen[1]");
	expect_model_error(START
	    "\"ports\": [\"80\"], \"endpoint_groups\": [{\"region\": \"oslo\", "
	    "\"backends\": [{\"host\": \"a\", \"weight\": 0}]}]}",
	    "endpoint_groups[0].backends");
	expect_model_error(START
	    "\"ports\": [\"80\"], \"endpoint_groups\": [{\"region\": \"oslo\", "
	    "\"backends\": [{\"host\": \"a\"}, {\"host\": \"a\", \"weight\": 1}]}]}",
	    "endpoint_groups[0].backends[1]");
	expect_model_error(START
	    "\"ports\": [\"80-90\"], \"endpoint_groups\": [{\"region\": \"oslo\", "
	    "\"backends\": [{\"host\": \"a\", \"port\": 65530}]}]}",
	    "endpoint_groups[0].backends[0]");
	expect_model_error(START
	    "\"ports\": [\"80\"], \"endpoint_groups\": [{\"region\": \"oslo\", \"backends\": "
	    "[{\"host\": \"a\"}]}, {\"region\": \"oslo\", \"backends\": [{\"host\": \"b\"}]}]}",
	    "endpoint_groups[1].region");
}

static void groups_have_dials_and_an_order(void **state)
{
#define DIALLED                                                                                    \
	START "\"ports\": [\"80\"], \"client_affinity\": \"source\", \"endpoint_groups\": ["       \
	      "{\"region\": \"oslo\", \"traffic_dial_percent\": 0, "                               \
	      "\"backends\": [{\"host\": \"a\"}]}, "                                               \
	      "{\"region\": \"rome\", \"backends\": [{\"host\": \"b\"}]}], \"failover_order\": "
	(void)state;
	assert_int_equal(decode(DIALLED "[\"rome\", \"oslo\"]}"), 0);
	assert_int_equal(accelerator.client_affinity, AFFINITY_SOURCE);
	assert_int_equal(accelerator.endpoint_groups[0].traffic_dial_percent, 0);
	assert_string_equal(accelerator.failover_order[0].text, "rome");
	accelerator_clear(&accelerator);
	assert_int_equal(decode(DIALLED "[\"rome\"]}"), 0);
	accelerator_clear(&accelerator);
	expect_model_error(DIALLED "[\"rome\", \"rome\"]}", "failover_order[1]");
	expect_model_error(DIALLED "[\"rome\", \"lima\"]}", "failover_order[1]");
	expect_schema_error(START
	    "\"ports\": [\"80\"], \"endpoint_groups\": [{\"region\": \"oslo\", "
	    "\"traffic_dial_percent\": 101, \"backends\": [{\"host\": \"a\"}]}]}",
	    "endpoint_groups[0].traffic_dial_percent");
	expect_schema_error(START "\"ports\": [\"80\"], \"client_affinity\": \"ip\", " GROUP "}",
	    "client_affinity");
}

static void blocks_of_addresses(void **state)
{
	(void)state;
	assert_int_equal(decode(START "\"ports\": [\"80\"], \"allow\": [\"::FFFF:10.0.0.0/104\"], "
	                              "\"deny\": [\"10.1.2.3\"], " GROUP "}"),
	    0);
	assert_string_equal(accelerator.access.allow[0].text, "10.0.0.0/8");
	assert_string_equal(accelerator.access.deny[0].text, "10.1.2.3/32");
	accelerator_clear(&accelerator);
	expect_model_error(
	    START "\"ports\": [\"80\"], \"deny\": [\"10.1.2.3/8\"], " GROUP "}", "deny[0]");
	expect_model_error(START "\"ports\": [\"80\"], \"allow\": [\"::1\"], "
	                         "\"deny\": [\"::2\", \"0::1/128\"], " GROUP "}",
	    "deny[1]");
}

/* What no flow could use: a deadline without datagrams, compression without streams. */
static void settings_that_do_not_go_with_the_protocol(void **state)
{
	(void)state;
	expect_model_error(
	    START "\"ports\": [\"80\"], \"deadline_ms\": 5, " GROUP "}", "deadline_ms");
	expect_model_error("{\"name\": \"web\", \"protocol\": \"udp\", \"listen\": [\"a\"], "
	                   "\"ports\": [\"80\"], \"compression\": \"lz4\", " GROUP "}",
	    "compression");
	assert_int_equal(
	    decode("{\"name\": \"web\", \"protocol\": \"tcp+udp\", \"listen\": [\"a\"], "
	           "\"ports\": [\"80\"], \"compression\": \"lz4\", "
	           "\"deadline_ms\": 5, " GROUP "}"),
	    0);
	accelerator_clear(&accelerator);
}

static void shifted_ports(void **state)
{
	const struct port_range ports[] = {{80, 80}, {8000, 8010}};

	(void)state;
	assert_int_equal(backend_port(ports, 2, 0, 8005), 8005);
	assert_int_equal(backend_port(ports, 2, 0, 81), 0);
	assert_int_equal(backend_port(ports, 2, 1080, 80), 1080);
	assert_int_equal(backend_port(ports, 2, 1080, 8005), 9005);
	assert_int_equal(backend_port(ports, 2, 60000, 8005), 0);
	assert_int_equal(backend_port(ports, 2, 40, 8005), 7965);
}

static bool overlap(
    enum accelerator_protocol protocol, uint16_t first, uint16_t last, uint16_t *port)
{
	struct accelerator one = {
	    .protocol = PROTOCOL_TCP, .port_count = 2, .ports = {{80, 80}, {100, 200}}};
	struct accelerator other = {
	    .protocol = protocol, .port_count = 1, .ports = {{first, last}}};

	return accelerator_ports_overlap(&one, &other, port);
}

static void overlapping_ports(void **state)
{
	uint16_t port = 0;

	(void)state;
	assert_false(overlap(PROTOCOL_UDP, 80, 80, &port));
	assert_true(overlap(PROTOCOL_TCP_UDP, 80, 80, &port));
	assert_int_equal(port, 80);
	assert_false(overlap(PROTOCOL_TCP, 81, 99, &port));
	assert_true(overlap(PROTOCOL_TCP, 81, 100, &port));
	assert_int_equal(port, 100);
	assert_true(overlap(PROTOCOL_TCP, 150, 160, &port));
	assert_int_equal(port, 150);
	assert_false(overlap(PROTOCOL_TCP, 201, 65535, &port));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_faults_are_told),
	    cmocka_unit_test(defaults_and_ports),
	    cmocka_unit_test(there_and_back),
	    cmocka_unit_test(shapes_that_are_refused),
	    cmocka_unit_test(contents_that_are_refused),
	    cmocka_unit_test(groups_have_dials_and_an_order),
	    cmocka_unit_test(blocks_of_addresses),
	    cmocka_unit_test(settings_that_do_not_go_with_the_protocol),
	    cmocka_unit_test(shifted_ports),
	    cmocka_unit_test(overlapping_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
