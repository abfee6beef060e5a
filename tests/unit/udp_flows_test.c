/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Twin of endpoint/udp_flows.c: real backends on loopback, the listener's end of the tunnel in memory.
 * Names are asked of a name server on loopback, for which two sources are included.
 */
#include "config.h"

#include "tests/unit/names_included.h"

#include "endpoint/udp_flows.h"

#include "tests/unit/endpoint_fixture.h"

enum { DATAGRAM_MAX = 65507, SOON_MS = 600, SLACK_S = 5 /* the listener's timeout comes first */ };

static struct addr where;
static int backend;

static int setup(void **state)
{
	fixture_setup(state);
	backend = loopback_udp("127.0.0.1", &where);
	fixture_add_backend("127.0.0.1", where.port, 1);
	return 0;
}

static int teardown(void **state)
{
	close(backend);
	return fixture_teardown(state);
}

static struct far_flow *say(struct far_flow *flow, const char *text)
{
	far_flow_send(flow, text, strlen(text));
	run(3);
	return flow;
}

/* Reads the one datagram that is there. */
static struct addr heard(const char *text)
{
	char buffer[64];
	struct addr from;
	ssize_t length = loopback_receive(backend, buffer, sizeof buffer, &from);

	assert_int_equal(length, (ssize_t)strlen(text));
	assert_memory_equal(buffer, text, strlen(text));
	return from;
}

/* Backends tell users apart by port. */
static void test_each_flow_has_a_socket_of_its_own(void **state)
{
	struct far_flow *one = say(fixture_open(FLOW_UDP), "one");
	struct addr first = heard("one"), second;
	struct far_flow *two = say(fixture_open(FLOW_UDP), "two");

	(void)state;
	second = heard("two");
	assert_false(addr_equal(&first, &second));
	loopback_send(backend, &first, "to one", 6);
	loopback_send(backend, &second, "to two", 6);
	run(3);
	far_flow_assert_received(one, "to one");
	far_flow_assert_received(two, "to two");
	assert_int_equal(flow_count(FLOW_UDP), 2);
	assert_int_equal(counted(PAGE_udp_flows_opened), 2);
	assert_int_equal(counted(PAGE_udp_datagrams_sent), 2);
	assert_int_equal(counted(PAGE_udp_datagrams_received), 2);
}

static void test_datagrams_of_all_sizes_cross(void **state)
{
	static uint8_t sent[DATAGRAM_MAX], got[DATAGRAM_MAX + 1];
	static const size_t sizes[] = {0, 1, 1200, 9000, DATAGRAM_MAX};
	struct far_flow *flow = fixture_open(FLOW_UDP);
	struct addr from;

	(void)state;
	for (size_t i = 0; i < sizeof sent; i++)
		sent[i] = (uint8_t)(i * 31 + i / 256);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		far_flow_send(flow, sent, sizes[i]);
		run(200);
		assert_int_equal(loopback_receive(backend, got, sizeof got, &from), sizes[i]);
		assert_memory_equal(got, sent, sizes[i]);
		loopback_send(backend, &from, sent, sizes[i]);
		run(200);
		assert_int_equal(flow->datagrams, i + 1);
		assert_int_equal(flow->length, sizes[i]);
		assert_memory_equal(flow->received, sent, sizes[i]);
	}
}

/* Only its own backend may answer, whoever else finds the port. */
static void test_a_stranger_is_not_heard(void **state)
{
	struct addr from, address;
	struct far_flow *flow = say(fixture_open(FLOW_UDP), "hello");
	int stranger = loopback_udp("127.0.0.1", &address);

	(void)state;
	from = heard("hello");
	loopback_send(stranger, &from, "me too", 6);
	run(5);
	assert_int_equal(flow->datagrams, 0);
	assert_int_equal(counted(PAGE_udp_datagrams_received), 0);
	close(stranger);
}

static void test_a_refusal_is_counted_and_the_flow_goes_on(void **state)
{
	struct far_flow *flow = say(fixture_open(FLOW_UDP), "hello");
	char text[ADDR_TEXT_BYTES];

	(void)state;
	heard("hello");
	close(backend);
	say(flow, "nobody");
	run(5);
	assert_true(counted(PAGE_backend_refused) > 0);
	assert_int_equal(flow->reset_with, REASON_NONE);
	backend = loopback_udp(addr_format(&where, text, sizeof text), &where);
	say(flow, "again");
	say(flow, "and again"); /* one of them may have met the error of the one before */
	assert_true(loopback_receive(backend, text, sizeof text, NULL) > 0);
}

static void test_an_idle_flow_ends_after_the_listeners_time(void **state)
{
	struct far_flow *flow = say(fixture_open(FLOW_UDP), "hello");
	struct addr from = heard("hello");

	(void)state;
	run((UDP_IDLE_S + SLACK_S - 1) * 1000);
	loopback_send(backend, &from, "an answer is life, too", 22);
	run((UDP_IDLE_S + SLACK_S - 1) * 1000);
	assert_int_equal(flow->reset_with, REASON_NONE);
	run(2000);
	assert_int_equal(flow->reset_with, REASON_IDLE);
	assert_int_equal(counted(PAGE_udp_flows_idle), 1);
	assert_int_equal(flow_count(FLOW_UDP), 0);
}

static void test_a_changed_idle_timeout_is_for_old_flows_too(void **state)
{
	struct far_flow *flow = say(fixture_open(FLOW_UDP), "hello");

	(void)state;
	run(3000);
	fixture.accelerator.udp_idle_timeout_s = 1;
	fixture_apply();
	run(1000 * SLACK_S - 3000);
	assert_int_equal(flow->reset_with, REASON_NONE);
	run(3000);
	assert_int_equal(flow->reset_with, REASON_IDLE);
}

static void test_the_listener_ends_it(void **state)
{
	struct far_flow *flow = say(fixture_open(FLOW_UDP), "hello");

	(void)state;
	flow_reset(flow->flow, REASON_IDLE);
	run(500);
	assert_int_equal(flow_count(FLOW_UDP), 0);
	assert_true(flow->is_closed);
}

static void test_a_lost_lane_ends_its_flows(void **state)
{
	(void)state;
	say(fixture_open(FLOW_UDP), "hello");
	joint_lose_near(&fixture.far.joint);
	assert_int_equal(flow_count(FLOW_UDP), 0);
}

static void test_without_a_backend_it_is_refused(void **state)
{
	struct far_flow *flow;

	(void)state;
	fixture.backends[0].weight = 0;
	fixture_apply();
	flow = fixture_open(FLOW_UDP);
	run(5);
	assert_int_equal(flow->reset_with, REASON_NO_BACKEND);
	fixture.backends[0].weight = 1;
	fixture_apply();
	fixture.ports = (struct port_range){400, 65535};
	fixture.backends[0].port = 65530; /* USER_PORT would be above 65535 there */
	flow = fixture_open(FLOW_UDP);
	run(5);
	assert_int_equal(flow->reset_with, REASON_BACKEND_REFUSED);
	assert_int_equal(flow_count(FLOW_UDP), 0);
	assert_int_equal(counted(PAGE_udp_flows_opened), 0);
}

static void keep_good(void)
{
	fixture.accelerator.backend_count = 0;
	fixture_add_backend("127.0.0.1", where.port, 1);
	fixture_apply();
}

/* The one that it tried is not the one that has its place in the new list. */
static void test_a_flow_that_waits_for_a_name_may_try_all_of_a_new_list(void **state)
{
	struct addr got[NAMES_ADDRESSES_MAX];
	size_t count;
	struct name_server server;
	struct far_flow *flow;

	(void)state;
	name_server_start(&server, fixture.worker.loop);
	names_ask(fixture.endpoint->names, &server);
	fixture.accelerator.backend_count = 0;
	fixture_add_backend(
	    "255.255.255.255", where.port, 255); /* no socket may be connected to it */
	fixture_add_backend("self.test", where.port, 1);
	fixture.on_opened = keep_good;
	flow = fixture_open(FLOW_UDP);
	for (int i = 0;
	     i < 2000 && names_get(fixture.endpoint->names, "self.test", got, &count, NULL); i++)
		run(1);
	run(3);
	assert_int_equal(flow->reset_with, REASON_NONE);
	say(flow, "hello");
	heard("hello");
	name_server_stop(&server);
}

static void test_a_source_is_used(void **state)
{
	struct addr from;

	(void)state;
	addr_parse("127.0.0.11", 0, &fixture.worker.sources[0]);
	fixture.worker.source_count = 1;
	say(fixture_open(FLOW_UDP), "hello");
	from = heard("hello");
	assert_true(addr_equal_ip(&from, &fixture.worker.sources[0]));
}

static void test_flows_of_a_removed_backend_end_after_the_drain_time(void **state)
{
	struct far_flow *flow = say(fixture_open(FLOW_UDP), "hello");

	(void)state;
	fixture_apply();
	run(6000);
	assert_int_equal(flow->reset_with, REASON_NONE);
	strcpy(fixture.backends[0].host, "127.0.0.2");
	fixture_apply();
	for (int i = 0; i < 4; i++) { /* traffic does not put it off */
		run(1000);
		say(flow, "still");
	}
	assert_int_equal(flow->reset_with, REASON_NONE);
	run(2000);
	assert_int_equal(flow->reset_with, REASON_REMOVED);
	assert_int_equal(flow_count(FLOW_UDP), 0);
}

static void test_a_flow_goes_on_at_another_backend(void **state)
{
	struct addr other_where;
	int other = loopback_udp("127.0.0.2", &other_where), kept = backend;
	struct far_flow *flow;

	(void)state;
	flow = say(fixture_open(FLOW_UDP), "one");
	heard("one");
	fixture_add_backend("127.0.0.2", other_where.port, 1);
	fixture_health(0, HEALTH_UNHEALTHY, HEALTH_CAUSE_SILENT);
	run(SOON_MS);
	say(flow, "two");
	backend = other;
	struct addr user = heard("two");
	backend = kept;
	assert_int_equal(counted(PAGE_udp_flows_moved), 1);
	loopback_send(other, &user, "answer", 6);
	run(3);
	far_flow_assert_received(flow, "answer");
	/* With none left it ends, and the listener may go elsewhere. */
	fixture_health(1, HEALTH_UNHEALTHY, HEALTH_CAUSE_SILENT);
	run(SOON_MS);
	assert_int_equal(flow->reset_with, REASON_NO_BACKEND);
	close(other);
}

/* Its flow is the other backend's, and the one after that is refused; what ends makes room. */
static void test_a_backend_at_its_limit_gives_way_to_the_next(void **state)
{
	struct addr other_where;
	int other = loopback_udp("127.0.0.2", &other_where);
	struct far_flow *flows[3];

	(void)state;
	fixture_add_backend("127.0.0.2", other_where.port, 1);
	fixture.accelerator.limits.backend.flows = 1;
	for (int i = 0; i < 3; i++) {
		flows[i] = fixture_open(FLOW_UDP);
		run(3);
	}
	assert_int_equal(flow_count(FLOW_UDP), 2);
	assert_int_equal(flows[2]->reset_with, REASON_LIMIT);
	assert_in_range(counted(PAGE_limit_backend_flows), 2, 3);
	flow_reset(flows[0]->flow, REASON_IDLE);
	run(500);
	flows[2] = fixture_open(FLOW_UDP);
	run(3);
	assert_int_equal(flow_count(FLOW_UDP), 2);
	close(other);
}

static void test_a_flow_stays_where_it_is_to_or_is_served(void **state)
{
	struct addr other_where;
	int other = loopback_udp("127.0.0.2", &other_where);
	struct far_flow *flow;

	(void)state;
	flow = say(fixture_open(FLOW_UDP), "one");
	heard("one");
	fixture_add_backend("127.0.0.2", other_where.port, 1);
	fixture.accelerator.failover.udp_failover = UDP_FAILOVER_OFF;
	fixture_health(0, HEALTH_UNHEALTHY, HEALTH_CAUSE_SILENT);
	run(SOON_MS);
	say(flow, "two");
	heard("two");
	/* It may go, and its backend answered within the time of its checks. */
	fixture.accelerator.failover.udp_failover = UDP_FAILOVER_ON;
	fixture.accelerator.health.fall = 3;
	fixture.accelerator.health.interval_ms = 2000;
	run(2000);
	say(flow, "three");
	heard("three");
	run(6000);
	assert_int_equal(counted(PAGE_udp_flows_moved), 1);
	close(other);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_each_flow_has_a_socket_of_its_own),
	    TEST(test_datagrams_of_all_sizes_cross),
	    TEST(test_a_stranger_is_not_heard),
	    TEST(test_a_refusal_is_counted_and_the_flow_goes_on),
	    TEST(test_an_idle_flow_ends_after_the_listeners_time),
	    TEST(test_a_changed_idle_timeout_is_for_old_flows_too),
	    TEST(test_the_listener_ends_it),
	    TEST(test_a_lost_lane_ends_its_flows),
	    TEST(test_without_a_backend_it_is_refused),
	    TEST(test_a_flow_that_waits_for_a_name_may_try_all_of_a_new_list),
	    TEST(test_a_source_is_used),
	    TEST(test_flows_of_a_removed_backend_end_after_the_drain_time),
	    TEST(test_a_flow_goes_on_at_another_backend),
	    TEST(test_a_backend_at_its_limit_gives_way_to_the_next),
	    TEST(test_a_flow_stays_where_it_is_to_or_is_served),
	};

	if (double_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
