/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of listener/tcp_users.c: real users on loopback, the endpoint's end of the tunnel in memory. */
#include "config.h"

#include "listener/tcp_users.h"

#include "tests/unit/listener_fixture.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static struct worker_socket entrance;
static int user;

static int setup(void **state)
{
	fixture_setup(state);
	entrance = fixture_lend(WORKER_SOCKET_TCP_LISTEN, "127.0.0.1");
	return 0;
}

static struct far_flow *connect_user(void)
{
	user = loopback_connect(&entrance.local);
	run(5);
	return far_flow_latest(&fixture.seoul, 0);
}

static struct addr address_of(int descriptor)
{
	struct sockaddr_storage storage;
	socklen_t length = sizeof storage;
	struct addr address;

	assert_int_equal(getsockname(descriptor, (struct sockaddr *)&storage, &length), 0);
	assert_int_equal(addr_from_sockaddr(&address, (struct sockaddr *)&storage, length), 0);
	return address;
}

static void test_a_connection_becomes_a_flow(void **state)
{
	struct far_flow *flow;
	struct addr from;

	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	flow = connect_user();
	assert_non_null(flow);
	from = address_of(user);
	assert_int_equal(flow->open.kind, FLOW_TCP);
	assert_int_equal(flow->open.accelerator, ACCELERATOR);
	assert_true(addr_equal(&flow->open.user, &from));
	assert_true(addr_equal(&flow->open.local, &entrance.local));
	assert_int_equal(send(user, "request", 7, 0), 7);
	run(3);
	far_flow_assert_received(flow, "request");
	far_flow_write(flow, "answer");
	run(3);
	assert_reads(user, "answer");
	assert_int_equal(counted(PAGE_tcp_flows_opened), 1);
	assert_int_equal(listener_role.flow_count(fixture.listener, FLOW_TCP), 1);
	close(user);
	flow_finish(flow->flow);
	run(500);
	assert_true(flow->is_finished && flow->is_closed);
	assert_int_equal(listener_role.flow_count(fixture.listener, FLOW_TCP), 0);
}

/* Whoever waits for a tunnel would wait for long: a reset at once lets the user try elsewhere. */
static void test_without_a_lane_it_is_reset(void **state)
{
	(void)state;
	connect_user();
	assert_reset(user);
	assert_int_equal(counted(PAGE_tcp_refused_no_lane), 1);
	assert_int_equal(counted(PAGE_tcp_flows_opened), 0);
	close(user);
}

static void test_at_the_lanes_limit_it_is_reset(void **state)
{
	int first;

	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 1);
	connect_user();
	first = user;
	connect_user();
	assert_reset(user);
	assert_silent(first);
	assert_int_equal(counted(PAGE_tcp_refused_limit), 1);
	assert_int_equal(counted(PAGE_tcp_flows_opened), 1);
	close(first);
	close(user);
}

static void test_what_fails_open_is_counted_when_it_begins(void **state)
{
	int first;

	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 1);
	run(5);
	health_view_take(fixture.listener->health, "seoul-1", ACCELERATOR, 1, 1, HEALTH_UNHEALTHY);
	fixture.accelerator.failover.all_unhealthy = ALL_UNHEALTHY_FAIL_OPEN;
	connect_user();
	first = user;
	connect_user();
	assert_reset(user);
	assert_int_equal(counted(PAGE_tcp_flows_opened), 1);
	assert_int_equal(counted(PAGE_flows_failed_open), 1);
	close(first);
	close(user);
}

/* Who forges the sources of datagrams holds no room that TCP users need. */
static void test_at_an_accelerators_limit_udp_gives_way(void **state)
{
	struct worker_socket game = fixture_lend(WORKER_SOCKET_UDP_USERS, "127.0.0.1");
	struct addr address;
	int stranger = loopback_udp("127.0.0.2", &address), first;

	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	fixture.accelerator.limits.accelerator.flows = 1;
	loopback_send(stranger, &game.local, "x", 1);
	run(5);
	connect_user();
	assert_reset(user); /* the stranger is busy */
	close(user);
	run(1000);
	connect_user();
	first = user;
	assert_silent(first);
	assert_int_equal(counted(PAGE_udp_flows_evicted), 1);
	connect_user();
	assert_reset(user);
	assert_silent(first);
	assert_int_equal(counted(PAGE_limit_accelerator_flows), 2);
	close(first);
	close(user);
	close(stranger);
}

static void test_an_accelerator_that_is_gone_refuses(void **state)
{
	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	fixture.config.accelerator_count = 0;
	fixture_apply();
	assert_null(connect_user());
	assert_reset(user);
	close(user);
}

static void test_flows_of_a_removed_port_end_after_the_drain_time(void **state)
{
	struct far_flow *flow;

	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	flow = connect_user();
	fixture.ports = (struct port_range){65001, 65002};
	fixture_apply();
	run(4500);
	assert_silent(user);
	run(1500);
	assert_reset(user);
	assert_int_equal(flow->reset_with, REASON_REMOVED);
	close(user);
}

static void test_flows_of_another_port_stay(void **state)
{
	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	connect_user();
	fixture.ports = (struct port_range){entrance.local.port, entrance.local.port};
	fixture.config.drain_s = 0;
	fixture_apply();
	run(2000);
	assert_silent(user);
	fixture.accelerator.protocol = PROTOCOL_UDP;
	fixture_apply();
	run(1000);
	assert_reset(user);
	close(user);
}

static struct cidr_text loopback = {"127.0.0.0/8"};

static void deny_loopback(void)
{
	fixture.accelerator.access = (struct access_lists){.deny = &loopback, .deny_count = 1};
	fixture_apply();
}

static void test_a_denied_source_is_reset_at_once(void **state)
{
	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	deny_loopback();
	assert_null(connect_user());
	assert_reset(user);
	close(user);
	assert_int_equal(counted(PAGE_tcp_refused_denied), 1);
	assert_int_equal(counted(PAGE_tcp_flows_opened), 0);
	fixture.accelerator.access = (struct access_lists){.allow = &loopback, .allow_count = 1};
	fixture_apply();
	assert_non_null(connect_user());
	assert_silent(user);
	close(user);
	assert_int_equal(counted(PAGE_tcp_refused_denied), 1);
}

/* Whoever denies a source wants it gone: no drain time, and counted once however often a config comes. */
static void test_a_change_that_denies_a_source_resets_its_flows(void **state)
{
	struct far_flow *flow;

	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	flow = connect_user();
	deny_loopback();
	fixture_apply();
	run(5);
	assert_reset(user);
	assert_int_equal(flow->reset_with, REASON_DENIED);
	assert_int_equal(counted(PAGE_tcp_flows_denied), 1);
	close(user);
	run(500);
	assert_int_equal(listener_role.flow_count(fixture.listener, FLOW_TCP), 0);
}

static void test_an_idle_user_is_reset(void **state)
{
	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	connect_user();
	run((TCP_IDLE_S - 1) * 1000);
	assert_silent(user);
	run(2000);
	assert_reset(user);
	assert_int_equal(counted(PAGE_tcp_idle_closed), 1);
	close(user);
}

static bool is_refused(const struct addr *address)
{
	struct sockaddr_storage storage;
	socklen_t length = addr_to_sockaddr(address, &storage);
	int descriptor = socket(AF_INET, SOCK_STREAM, 0);
	int result = connect(descriptor, (struct sockaddr *)&storage, length);

	close(descriptor);
	return result < 0 && errno == ECONNREFUSED;
}

static void test_a_changed_idle_timeout_is_for_old_flows_too(void **state)
{
	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	connect_user();
	run(3000);
	fixture.accelerator.tcp_idle_timeout_s = 5;
	fixture_apply();
	run(1000);
	assert_silent(user);
	run(2000);
	assert_reset(user);
	assert_int_equal(counted(PAGE_tcp_idle_closed), 1);
	close(user);
}

static void test_a_socket_taken_back_accepts_no_more(void **state)
{
	struct worker_socket other = fixture_lend(WORKER_SOCKET_TCP_LISTEN, "127.0.0.1");
	struct far_flow *flow;

	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	flow = connect_user();
	listener_role.on_socket(fixture.listener, &entrance, -1);
	assert_true(is_refused(&entrance.local));
	assert_false(is_refused(&other.local));
	far_flow_write(flow, "still here");
	run(3);
	assert_reads(user, "still here");
	listener_role.on_drain(fixture.listener);
	assert_true(is_refused(&other.local));
	close(user);
}

/* A user that is faster than the worker: what it sent and its FIN are there before the flow is. */
static void test_a_user_that_is_gone_already_is_carried_whole(void **state)
{
	struct far_flow *flow;

	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	user = loopback_connect(&entrance.local);
	assert_int_equal(send(user, "all of it", 9, 0), 9);
	shutdown(user, SHUT_WR);
	run(5);
	flow = far_flow_latest(&fixture.seoul, 0);
	far_flow_assert_received(flow, "all of it");
	assert_true(flow->is_finished);
	close(user);
}

/* The open says so, and what it says stays, whatever the config says later. */
static void test_a_flow_of_blocks_says_so(void **state)
{
	struct far_flow *flow;

	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	fixture.accelerator.flow_settings.compression = COMPRESSION_LZ4;
	flow = connect_user();
	assert_true(flow->open.is_compressed);
	fixture.accelerator.flow_settings.compression = COMPRESSION_OFF;
	fixture_apply();
	assert_int_equal(send(user, "abc", 3, 0), 3);
	run(3);
	assert_int_equal(flow->length, 5);
	assert_memory_equal(flow->received, "\0\3abc", 5);
	close(user);
	flow = connect_user();
	assert_false(flow->open.is_compressed);
	close(user);
}

/* The second one of the address is reset at once; another takes its place when the first ended. */
static void test_above_a_limit_on_flows_it_is_reset(void **state)
{
	int first;

	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	fixture.accelerator.limits.source.flows = 1;
	assert_non_null(connect_user());
	first = user;
	connect_user();
	assert_reset(user);
	close(user);
	assert_int_equal(fixture.seoul.count, 1);
	assert_int_equal(counted(PAGE_limit_source_flows), 1);
	assert_int_equal(counted(PAGE_tcp_refused_limit), 1);
	loopback_reset(&first);
	run(500);
	connect_user();
	assert_int_equal(fixture.seoul.count, 2);
	assert_int_equal(counted(PAGE_limit_source_flows), 1);
	close(user);
}

/* What a lane refuses does not count. */
static void test_a_flow_that_did_not_begin_counts_for_nothing(void **state)
{
	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 1);
	connect_user();
	int first = user;
	fixture.accelerator.limits.source.flows = 2;
	connect_user();
	assert_int_equal(counted(PAGE_tcp_refused_limit), 1);
	assert_int_equal(counted(PAGE_limit_source_flows), 0);
	assert_int_equal(
	    fixture.worker.page->limits[LIMIT_TABLE_KNOWN].flows.total, 2); /* one flow's two */
	close(user);
	close(first);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_a_connection_becomes_a_flow),
	    TEST(test_without_a_lane_it_is_reset),
	    TEST(test_at_the_lanes_limit_it_is_reset),
	    TEST(test_at_an_accelerators_limit_udp_gives_way),
	    TEST(test_what_fails_open_is_counted_when_it_begins),
	    TEST(test_an_accelerator_that_is_gone_refuses),
	    TEST(test_flows_of_a_removed_port_end_after_the_drain_time),
	    TEST(test_flows_of_another_port_stay),
	    TEST(test_a_denied_source_is_reset_at_once),
	    TEST(test_a_change_that_denies_a_source_resets_its_flows),
	    TEST(test_an_idle_user_is_reset),
	    TEST(test_a_changed_idle_timeout_is_for_old_flows_too),
	    TEST(test_a_socket_taken_back_accepts_no_more),
	    TEST(test_a_user_that_is_gone_already_is_carried_whole),
	    TEST(test_a_flow_of_blocks_says_so),
	    TEST(test_above_a_limit_on_flows_it_is_reset),
	    TEST(test_a_flow_that_did_not_begin_counts_for_nothing),
	};

	if (double_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
