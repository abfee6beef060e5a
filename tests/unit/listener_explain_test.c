/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of listener/explain.c: what is said of a flow is what becomes of it. */
#include "config.h"

#include "listener/explain.h"

#include "tests/unit/listener_fixture.h"

static struct explain_answer answer;

static int teardown(void **state)
{
	schema_clear(&explain_answer_schema, &answer);
	return fixture_teardown(state);
}

static struct explain_question question_of(enum accelerator_protocol protocol, uint16_t port)
{
	return (struct explain_question){.id = 1,
	    .accelerator = ACCELERATOR,
	    .protocol = protocol,
	    .port = port,
	    .user = "192.0.2.1:4000"};
}

static void ask(const struct explain_question *question)
{
	schema_clear(&explain_answer_schema, &answer);
	assert_int_equal(listener_explain(fixture.listener, question, &answer), 0);
}

static void ask_new(enum accelerator_protocol protocol)
{
	struct explain_question question = question_of(protocol, 443);

	ask(&question);
}

static void test_a_new_flow_is_foretold(void **state)
{
	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	run(5);
	ask_new(PROTOCOL_TCP);
	assert_int_equal(answer.verdict, EXPLAIN_TAKEN);
	assert_false(answer.is_live);
	assert_string_equal(answer.endpoint, "seoul-1");
	assert_string_equal(answer.endpoint_now, "seoul-1");
	assert_true(answer.has_lane && answer.lane.is_up);
	assert_int_equal(answer.group_count, 2);
	assert_string_equal(answer.groups[0].region, "seoul");
	assert_int_equal(answer.groups[0].verdict, EXPLAIN_GROUP_TAKES);
	assert_int_equal(answer.groups[1].verdict, EXPLAIN_GROUP_NOT_ASKED);
	assert_true(answer.groups[0].endpoints[0].has_lane);
	assert_false(answer.groups[1].endpoints[0].has_lane);
}

static void test_nobody_can_take_it(void **state)
{
	(void)state;
	ask_new(PROTOCOL_UDP);
	assert_int_equal(answer.verdict, EXPLAIN_NO_LANE);
	assert_string_equal(answer.endpoint, "");
	assert_false(answer.has_lane);
	assert_int_equal(answer.groups[0].verdict, EXPLAIN_GROUP_NO_ENDPOINT);
	fixture.groups[1].traffic_dial_percent = 0;
	ask_new(PROTOCOL_UDP);
	assert_int_equal(answer.groups[1].verdict, EXPLAIN_GROUP_DIAL_0);
	assert_int_equal(counted(PAGE_udp_refused_no_lane), 0); /* nothing was refused */
}

static void set_unhealthy(void)
{
	health_view_take(fixture.listener->health, "seoul-1", ACCELERATOR, 1, 1, HEALTH_UNHEALTHY);
}

static void test_without_health_it_is_refused_or_fails_open(void **state)
{
	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	run(5);
	set_unhealthy();
	ask_new(PROTOCOL_TCP);
	assert_int_equal(answer.verdict, EXPLAIN_UNHEALTHY);
	assert_int_equal(answer.groups[0].verdict, EXPLAIN_GROUP_NO_ENDPOINT);
	assert_int_equal(answer.groups[0].endpoints[0].health, HEALTH_UNHEALTHY);
	fixture.accelerator.failover.all_unhealthy = ALL_UNHEALTHY_FAIL_OPEN;
	ask_new(PROTOCOL_TCP);
	assert_int_equal(answer.verdict, EXPLAIN_FAILED_OPEN);
	assert_string_equal(answer.endpoint, "seoul-1");
	assert_int_equal(answer.groups[0].verdict, EXPLAIN_GROUP_TAKES);
	assert_int_equal(counted(PAGE_flows_failed_open), 0);
}

static void test_what_refuses_it_before_is_told(void **state)
{
	struct explain_question question = question_of(PROTOCOL_TCP, 65001);
	struct cidr_text denied[] = {{"192.0.2.0/24"}};

	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	run(5);
	ask(&question);
	assert_int_equal(answer.verdict, EXPLAIN_UNKNOWN);
	fixture.config.is_draining = true;
	ask_new(PROTOCOL_TCP);
	assert_int_equal(answer.verdict, EXPLAIN_DRAINING);
	assert_string_equal(answer.endpoint, "");
	fixture.config.is_draining = false;
	fixture.accelerator.access.deny = denied;
	fixture.accelerator.access.deny_count = 1;
	fixture_apply();
	ask_new(PROTOCOL_TCP);
	assert_int_equal(answer.verdict, EXPLAIN_DENIED);
}

/* Sockets of users, and what is asked of their flows. */
static struct explain_question live_question(int user)
{
	struct sockaddr_storage storage;
	socklen_t length = sizeof storage;
	struct explain_question question = {.id = 1};
	struct addr address;

	assert_int_equal(getsockname(user, (struct sockaddr *)&storage, &length), 0);
	assert_int_equal(addr_from_sockaddr(&address, (struct sockaddr *)&storage, length), 0);
	addr_format(&address, question.user, sizeof question.user);
	return question;
}

static void test_a_live_tcp_flow_is_told_as_it_is(void **state)
{
	struct worker_socket entrance = fixture_lend(WORKER_SOCKET_TCP_LISTEN, "127.0.0.1");
	int user;

	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	user = loopback_connect(&entrance.local);
	run(5);
	struct explain_question question = live_question(user);
	set_unhealthy(); /* since it began */
	fixture_tunnel(&fixture.paris, "paris-1", 0);
	run(5);
	ask(&question);
	assert_true(answer.is_live);
	assert_int_equal(answer.verdict, EXPLAIN_TAKEN);
	assert_int_equal(answer.accelerator, ACCELERATOR);
	assert_int_equal(answer.protocol, PROTOCOL_TCP);
	assert_int_equal(answer.port, entrance.local.port);
	assert_string_equal(answer.endpoint, "seoul-1");
	assert_string_equal(answer.endpoint_now, "paris-1");
	question.protocol = PROTOCOL_UDP;
	ask(&question);
	assert_int_equal(answer.verdict, EXPLAIN_NOT_LIVE);
	close(user);
}

static void test_new_flows_above_their_rate_are_told(void **state)
{
	struct worker_socket entrance = fixture_lend(WORKER_SOCKET_UDP_USERS, "127.0.0.1");
	struct explain_question question = question_of(PROTOCOL_UDP, 443);
	struct user_limits *limits[] = {
	    &fixture.accelerator.limits.source, &fixture.accelerator.limits.accelerator};
	struct addr address;

	(void)state;
	snprintf(question.user, sizeof question.user, "127.0.0.1:9");
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	for (int i = 0; i < 2; i++) {
		int user = loopback_udp("127.0.0.1", &address);

		limits[i]->new_flows_per_s = 1;
		ask(&question);
		assert_int_equal(answer.verdict, EXPLAIN_TAKEN);
		loopback_send(user, &entrance.local, "x", 1);
		run(5);
		ask(&question);
		assert_int_equal(answer.verdict, EXPLAIN_LIMIT);
		assert_int_equal(answer.limit,
		    i == 0 ? EXPLAIN_LIMIT_SOURCE_NEW_FLOWS : EXPLAIN_LIMIT_ACCELERATOR_NEW_FLOWS);
		run(2000);
		ask(&question);
		assert_int_equal(answer.verdict, EXPLAIN_TAKEN);
		limits[i]->new_flows_per_s = 0;
		close(user);
	}
}

static void test_a_live_udp_flow_is_found_by_port(void **state)
{
	struct worker_socket entrance = fixture_lend(WORKER_SOCKET_UDP_USERS, "127.0.0.1");
	struct addr address;
	int user = loopback_udp("127.0.0.1", &address);

	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	loopback_send(user, &entrance.local, "x", 1);
	run(5);
	struct explain_question question = live_question(user);
	ask(&question);
	assert_true(answer.is_live);
	assert_int_equal(answer.protocol, PROTOCOL_UDP);
	assert_int_equal(answer.port, entrance.local.port);
	fixture.accelerator.limits.source.flows = 1;
	struct explain_question another = question_of(PROTOCOL_UDP, 443);
	snprintf(another.user, sizeof another.user, "127.0.0.1:9");
	ask(&another);
	assert_int_equal(answer.verdict, EXPLAIN_LIMIT);
	assert_int_equal(answer.limit, EXPLAIN_LIMIT_SOURCE_FLOWS);
	ask(&question);
	assert_int_equal(answer.verdict, EXPLAIN_TAKEN);
	assert_int_equal(answer.limit, EXPLAIN_LIMIT_NONE); /* it has begun */
	fixture.accelerator.limits.source.flows = 0;
	fixture.accelerator.limits.accelerator.flows = 1;
	ask(&another);
	assert_int_equal(answer.limit, EXPLAIN_LIMIT_ACCELERATOR_FLOWS);
	assert_int_equal(answer.verdict, EXPLAIN_LIMIT); /* that flow is busy */
	run(1100);
	ask(&another);
	assert_int_equal(answer.limit, EXPLAIN_LIMIT_ACCELERATOR_FLOWS);
	assert_int_equal(answer.verdict, EXPLAIN_TAKEN); /* now it gives way */
	fixture.accelerator.limits.accelerator.flows = 0;
	question.accelerator = ACCELERATOR;
	question.protocol = PROTOCOL_UDP;
	question.port = entrance.local.port == 443 ? 444 : 443;
	ask(&question);
	assert_false(answer.is_live); /* a new one, to that port */
	assert_int_equal(answer.verdict, EXPLAIN_TAKEN);
	close(user);
}

/* Another one of this worker gives way; where it has none the new one is refused. */
static void test_the_caps_on_udp_are_told(void **state)
{
	struct worker_socket entrance = fixture_lend(WORKER_SOCKET_UDP_USERS, "127.0.0.1");
	static struct flow_column column;
	struct flow_counts other = {.own = &column}, *counts = &fixture.worker.udp_sources;
	struct explain_question question = question_of(PROTOCOL_UDP, 443);
	int users[FLOWS_PER_SOURCE];
	struct addr address;

	(void)state;
	snprintf(question.user, sizeof question.user, "127.0.0.1:9");
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	for (int i = 0; i < FLOWS_PER_SOURCE; i++) {
		ask(&question);
		assert_int_equal(answer.limit, EXPLAIN_LIMIT_NONE);
		users[i] = loopback_udp("127.0.0.1", &address);
		loopback_send(users[i], &entrance.local, "x", 1);
		run(5);
	}
	ask(&question);
	assert_int_equal(answer.verdict, EXPLAIN_TAKEN);
	assert_int_equal(answer.limit, EXPLAIN_LIMIT_UDP_SOURCE);
	assert_int_equal(counted(PAGE_udp_flows_evicted), 0);
	question.protocol = PROTOCOL_TCP;
	ask(&question);
	assert_int_equal(answer.limit, EXPLAIN_LIMIT_NONE);
	question.protocol = PROTOCOL_UDP;
	snprintf(question.user, sizeof question.user, "127.0.0.2:9");
	addr_parse(question.user, 0, &address);
	address = addr_source(&address);
	memset(&column, 0, sizeof column);
	counts->others[counts->other_count++] = &column;
	for (int i = 0; i < FLOWS_PER_SOURCE; i++)
		flow_counts_add(&other, flow_counts_place(counts, &address, sizeof address));
	ask(&question);
	assert_int_equal(answer.verdict, EXPLAIN_LIMIT);
	assert_int_equal(answer.limit, EXPLAIN_LIMIT_UDP_SOURCE);
	snprintf(question.user, sizeof question.user, "127.0.0.3:9");
	fixture.listener->udp.count += UDP_USERS_MAX;
	ask(&question);
	fixture.listener->udp.count -= UDP_USERS_MAX;
	assert_int_equal(answer.verdict, EXPLAIN_TAKEN);
	assert_int_equal(answer.limit, EXPLAIN_LIMIT_UDP_NODE);
	for (int i = 0; i < FLOWS_PER_SOURCE; i++)
		close(users[i]);
}

#define EXPLAIN_TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    EXPLAIN_TEST(test_a_new_flow_is_foretold),
	    EXPLAIN_TEST(test_nobody_can_take_it),
	    EXPLAIN_TEST(test_without_health_it_is_refused_or_fails_open),
	    EXPLAIN_TEST(test_what_refuses_it_before_is_told),
	    EXPLAIN_TEST(test_a_live_tcp_flow_is_told_as_it_is),
	    EXPLAIN_TEST(test_new_flows_above_their_rate_are_told),
	    EXPLAIN_TEST(test_a_live_udp_flow_is_found_by_port),
	    EXPLAIN_TEST(test_the_caps_on_udp_are_told),
	};

	if (double_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
