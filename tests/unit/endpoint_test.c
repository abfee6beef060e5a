/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of endpoint/endpoint.c: what a listener may ask for, and what is taken in turn. */
#include "config.h"

#include "endpoint/endpoint.h"

#include "tests/unit/endpoint_fixture.h"
#include "tunnel/health_told.h"

static enum reason asked(enum flow_kind kind, uint32_t accelerator, uint16_t port)
{
	struct flow_open open = {.kind = kind, .accelerator = accelerator};
	struct far_flow *flow;

	addr_parse("192.0.2.1:1000", 0, &open.user);
	addr_parse("192.0.2.2", port, &open.local);
	flow = far_flow_open(&fixture.far, &open);
	run(5);
	return flow->reset_with;
}

static void test_nothing_is_reached_that_was_not_given(void **state)
{
	(void)state;
	fixture_add_backend("127.0.0.1", 9000, 1);
	assert_int_equal(asked(FLOW_UDP, ACCELERATOR, USER_PORT), REASON_NONE);
	assert_int_equal(asked(FLOW_UDP, ACCELERATOR + 1, USER_PORT), REASON_UNKNOWN_SERVICE);
	assert_int_equal(asked(FLOW_UDP, ACCELERATOR, 399), REASON_UNKNOWN_SERVICE);
	assert_int_equal(asked(FLOW_UDP, ACCELERATOR, 501), REASON_UNKNOWN_SERVICE);
	fixture.accelerator.protocol = PROTOCOL_UDP;
	assert_int_equal(asked(FLOW_TCP, ACCELERATOR, USER_PORT), REASON_UNKNOWN_SERVICE);
	strcpy(fixture.listeners[0].text, "near-2");
	assert_int_equal(asked(FLOW_UDP, ACCELERATOR, USER_PORT), REASON_UNKNOWN_SERVICE);
	assert_int_equal(counted(PAGE_flows_unknown_accelerator), 5);
	assert_int_equal(counted(PAGE_udp_flows_opened), 1);
}

static void test_a_daemon_that_ends_takes_no_flow(void **state)
{
	(void)state;
	fixture_add_backend("127.0.0.1", 9000, 1);
	fixture.worker.is_draining = true;
	assert_int_equal(asked(FLOW_UDP, ACCELERATOR, USER_PORT), REASON_DRAINED);
	assert_int_equal(counted(PAGE_flows_unknown_accelerator), 0);
	assert_int_equal(flow_count(FLOW_UDP), 0);
}

static void test_before_a_config_nothing_is_given(void **state)
{
	(void)state;
	fixture.worker.config = NULL;
	assert_int_equal(asked(FLOW_TCP, ACCELERATOR, USER_PORT), REASON_UNKNOWN_SERVICE);
	assert_false(endpoint_serves(fixture.endpoint, "near-1", ACCELERATOR, USER_PORT, 0));
}

static void test_serves_what_the_config_has_now(void **state)
{
	const struct endpoint *endpoint = fixture.endpoint;
	uint64_t first, second;

	(void)state;
	fixture_add_backend("one.test", 500, 1);
	fixture_add_backend("one.test", 501, 1);
	first = endpoint_backend_id(&fixture.backends[0]);
	second = endpoint_backend_id(&fixture.backends[1]);
	assert_true(first != second && first != 0);
	assert_true(endpoint_serves(endpoint, "near-1", ACCELERATOR, USER_PORT, 0));
	assert_true(endpoint_serves(endpoint, "near-1", ACCELERATOR, USER_PORT, second));
	assert_false(endpoint_serves(endpoint, "near-2", ACCELERATOR, USER_PORT, second));
	assert_false(endpoint_serves(endpoint, "near-1", ACCELERATOR, 1, second));
	fixture.backends[1].weight = 0; /* no new flows, but those it has may stay */
	assert_true(endpoint_serves(endpoint, "near-1", ACCELERATOR, USER_PORT, second));
	fixture.accelerator.backend_count = 1;
	assert_false(endpoint_serves(endpoint, "near-1", ACCELERATOR, USER_PORT, second));
	assert_true(endpoint_serves(endpoint, "near-1", ACCELERATOR, USER_PORT, first));
}

static void test_sources_are_taken_in_turn_by_family(void **state)
{
	unsigned seen[3] = {0};

	(void)state;
	assert_null(endpoint_source(fixture.endpoint, 4));
	addr_parse("127.0.0.11", 0, &fixture.worker.sources[0]);
	addr_parse("::1", 0, &fixture.worker.sources[1]);
	addr_parse("127.0.0.12", 0, &fixture.worker.sources[2]);
	fixture.worker.source_count = 3;
	for (int i = 0; i < 30; i++)
		seen[endpoint_source(fixture.endpoint, 4) - fixture.worker.sources]++;
	assert_int_equal(seen[1], 0);
	assert_in_range(seen[0], 5, 25);
	assert_int_equal(seen[0] + seen[2], 30);
	assert_ptr_equal(endpoint_source(fixture.endpoint, 6), &fixture.worker.sources[1]);
}

/* From the first byte on, and a living flow by the next config. */
static void test_flows_are_treated_as_the_accelerator_says(void **state)
{
	enum flow_kind kinds[] = {FLOW_TCP, FLOW_UDP};
	struct addr local;
	int listening = loopback_listen("127.0.0.1", &local), udp;
	struct addr udp_local;

	(void)state;
	udp = loopback_udp("127.0.0.1", &udp_local);
	for (size_t i = 0; i < 2; i++) {
		fixture.accelerator.backend_count = 0;
		fixture_add_backend(
		    "127.0.0.1", kinds[i] == FLOW_TCP ? local.port : udp_local.port, 1);
		fixture.accelerator.flow_settings.traffic_class = TRAFFIC_BULK;
		fixture_apply();
		fixture_open(kinds[i]);
		run(3);
		assert_int_equal(flow_class(fixture.opened), CLASS_BULK);
		fixture.accelerator.flow_settings.traffic_class = TRAFFIC_AUTO;
		fixture_apply();
		assert_int_equal(flow_class(fixture.opened),
		    kinds[i] == FLOW_TCP ? CLASS_INTERACTIVE : CLASS_REALTIME);
	}
	close(listening);
	close(udp);
}

static uint64_t unusable_with(enum health_state first, enum health_state second)
{
	fixture_health(0, first, HEALTH_CAUSE_WRONG_ANSWER);
	fixture_health(1, second, HEALTH_CAUSE_WRONG_ANSWER);
	return endpoint_unusable(fixture.endpoint, &fixture.accelerator);
}

static void test_unhealthy_backends_get_nothing_unless_it_fails_open(void **state)
{
	(void)state;
	fixture_add_backend("127.0.0.1", 1000, 1);
	fixture_add_backend("127.0.0.2", 1000, 1);
	fixture_apply();
	assert_int_equal(endpoint_unusable(fixture.endpoint, &fixture.accelerator), 0);
	assert_int_equal(unusable_with(HEALTH_HEALTHY, HEALTH_UNHEALTHY), 2);
	assert_int_equal(unusable_with(HEALTH_UNHEALTHY, HEALTH_UNHEALTHY), 3);
	fixture.accelerator.failover.all_unhealthy = ALL_UNHEALTHY_FAIL_OPEN;
	assert_int_equal(endpoint_unusable(fixture.endpoint, &fixture.accelerator), 0);
	assert_int_equal(unusable_with(HEALTH_UNHEALTHY, HEALTH_UNKNOWN), 1);
}

/* Users can make flows fail: they must not be able to take all backends. */
static void test_failed_flows_alone_never_take_the_last_backend(void **state)
{
	const struct config_accelerator *accelerator = &fixture.accelerator;

	(void)state;
	fixture_add_backend("127.0.0.1", 1000, 1);
	fixture_add_backend("127.0.0.2", 1000, 1);
	fixture_apply();
	fixture_health(0, HEALTH_UNHEALTHY, HEALTH_CAUSE_FLOWS);
	assert_int_equal(endpoint_unusable(fixture.endpoint, accelerator), 1);
	fixture_health(1, HEALTH_UNHEALTHY, HEALTH_CAUSE_FLOWS);
	assert_int_equal(endpoint_unusable(fixture.endpoint, accelerator), 0);
	assert_int_equal(endpoint_excluded(fixture.endpoint, accelerator, 99), 0);
	run(50);
	assert_int_equal(fixture.far.health, HEALTH_UNKNOWN);
	/* What checks say counts. */
	fixture_health(0, HEALTH_UNHEALTHY, HEALTH_CAUSE_SILENT);
	assert_int_equal(endpoint_unusable(fixture.endpoint, accelerator), 1);
	assert_int_equal(endpoint_excluded(fixture.endpoint, accelerator, 99), 1);
	fixture_health(1, HEALTH_UNHEALTHY, HEALTH_CAUSE_REFUSED);
	assert_int_equal(endpoint_unusable(fixture.endpoint, accelerator), 3);
	run(50);
	assert_int_equal(fixture.far.health, HEALTH_UNHEALTHY);
}

/* Ids are never used again: what is gone must not fill what a lane can tell. */
static void test_what_is_gone_is_told_no_more(void **state)
{
	struct node_config old = fixture.config;
	struct config_accelerator before = fixture.accelerator;

	(void)state;
	old.accelerators = &before;
	for (uint32_t id = 1000; id < 1000 + 2 * HEALTH_TOLD_MAX; id++) {
		before.id = fixture.accelerator.id;
		fixture.accelerator.id = id;
		assert_int_equal(endpoint_role.on_config(fixture.endpoint, &old), 0);
	}
	before.id = fixture.accelerator.id;
	fixture.accelerator.id = ACCELERATOR;
	fixture_add_backend("127.0.0.1", 1000, 1);
	assert_int_equal(endpoint_role.on_config(fixture.endpoint, &old), 0);
	fixture_health(0, HEALTH_UNHEALTHY, HEALTH_CAUSE_SILENT);
	run(50);
	assert_int_equal(fixture.far.health, HEALTH_UNHEALTHY);
}

static void address_is(uint8_t last, enum health_state state, enum health_cause cause)
{
	struct backend_health change = {.state = state, .cause = cause};

	change.backend = backend_key(ACCELERATOR, &fixture.backends[0]);
	change.address = (struct addr){.family = 4, .ip = {192, 0, 2, last}};
	endpoint_role.on_health(fixture.endpoint, &change, 1);
}

static void test_of_a_name_the_best_addresses_are_used(void **state)
{
	struct addr addresses[3];

	(void)state;
	fixture_add_backend("one.test", 1000, 1);
	fixture_apply();
	for (uint8_t i = 0; i < 3; i++)
		addresses[i] = (struct addr){.family = 4, .ip = {192, 0, 2, i}};
#define KEPT                                                                                       \
	endpoint_healthy_addresses(                                                                \
	    fixture.endpoint, ACCELERATOR, &fixture.backends[0], addresses, 3)
	assert_int_equal(KEPT, 3);
	address_is(0, HEALTH_UNHEALTHY, HEALTH_CAUSE_SILENT);
	address_is(2, HEALTH_UNHEALTHY, HEALTH_CAUSE_FLOWS);
	assert_int_equal(KEPT, 1);
	assert_int_equal(addresses[0].ip[3], 1);
	address_is(1, HEALTH_UNHEALTHY, HEALTH_CAUSE_SILENT);
	assert_int_equal(KEPT, 1);
	assert_int_equal(addresses[0].ip[3], 2);
	address_is(2, HEALTH_UNHEALTHY, HEALTH_CAUSE_SILENT);
	assert_int_equal(KEPT, 3);
#undef KEPT
}

static unsigned share_of_first(void)
{
	unsigned got = 0;

	for (uint64_t i = 0; i < 10000; i++)
		got += !(endpoint_excluded(fixture.endpoint, &fixture.accelerator,
		             i * UINT64_C(0xd1342543de82ef95))
		         & 1);
	return got / 100;
}

static void test_who_returned_gets_its_share_back_slowly(void **state)
{
	struct backend_health change = {.state = HEALTH_HEALTHY, .has_returned = 1};

	(void)state;
	fixture_add_backend("127.0.0.1", 1000, 1);
	change.backend = backend_key(ACCELERATOR, &fixture.backends[0]);
	change.address = (struct addr){.family = 4, .ip = {127, 0, 0, 1}};
	run(1);
	change.since_us = fixture.worker.now_us - 1;
	endpoint_role.on_health(fixture.endpoint, &change, 1);
	/* Alone it gets all: there is nobody else. */
	assert_int_equal(share_of_first(), 100);
	fixture_add_backend("127.0.0.2", 1000, 1);
	assert_in_range(share_of_first(), 8, 12);
	run(15000);
	assert_in_range(share_of_first(), 52, 58);
	run(15000);
	assert_int_equal(share_of_first(), 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    FIXTURE_TEST(test_nothing_is_reached_that_was_not_given),
	    FIXTURE_TEST(test_a_daemon_that_ends_takes_no_flow),
	    FIXTURE_TEST(test_before_a_config_nothing_is_given),
	    FIXTURE_TEST(test_serves_what_the_config_has_now),
	    FIXTURE_TEST(test_sources_are_taken_in_turn_by_family),
	    FIXTURE_TEST(test_flows_are_treated_as_the_accelerator_says),
	    FIXTURE_TEST(test_unhealthy_backends_get_nothing_unless_it_fails_open),
	    FIXTURE_TEST(test_failed_flows_alone_never_take_the_last_backend),
	    FIXTURE_TEST(test_what_is_gone_is_told_no_more),
	    FIXTURE_TEST(test_of_a_name_the_best_addresses_are_used),
	    FIXTURE_TEST(test_who_returned_gets_its_share_back_slowly),
	};

	if (double_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
