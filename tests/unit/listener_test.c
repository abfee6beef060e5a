/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of listener/listener.c: which lane a new flow takes, what is served, and the role's calls. */
#include "config.h"

#include "listener/listener.h"

#include "tests/unit/listener_fixture.h"

#include <fcntl.h>
#include <unistd.h>

static const char *chosen(void)
{
	struct addr user;
	struct worker_lane *lane;
	bool fails_open;

	addr_parse("192.0.2.1:1000", 0, &user);
	lane = listener_choose(fixture.listener, ACCELERATOR, PROTOCOL_TCP, &user, 80, &fails_open);
	return lane ? lane->peer_name : "none";
}

/* The first choice settles by RTT; in the double both ends answer within a round. */
static void test_a_flow_goes_to_a_lane_that_is_up(void **state)
{
	(void)state;
	assert_string_equal(chosen(), "none");
	fixture_tunnel(&fixture.paris, "paris-1", 0);
	assert_string_equal(chosen(), "paris-1");
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	assert_string_equal(chosen(), "paris-1");
	fixture.paris.joint.is_cut = true;
	run(3000);
	assert_int_equal(lane_state(fixture.paris.joint.near.lane), LANE_DOWN);
	assert_string_equal(chosen(), "seoul-1");
}

/* What was learnt of the groups outlives a change of the config. */
static void test_a_new_config_keeps_the_choice(void **state)
{
	(void)state;
	fixture_tunnel(&fixture.paris, "paris-1", 0);
	assert_string_equal(chosen(), "paris-1");
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	fixture_apply();
	assert_string_equal(chosen(), "paris-1");
	fixture.groups[1].endpoint_count = 0;
	fixture_apply();
	assert_string_equal(chosen(), "seoul-1");
	fixture.config.accelerator_count = 0;
	fixture_apply();
	assert_string_equal(chosen(), "none");
}

static void test_only_what_the_config_has_is_served(void **state)
{
	const struct listener *listener = fixture.listener;

	(void)state;
	fixture.ports = (struct port_range){80, 81};
	assert_true(listener_serves(listener, ACCELERATOR, PROTOCOL_TCP, 80));
	assert_true(listener_serves(listener, ACCELERATOR, PROTOCOL_UDP, 81));
	assert_false(listener_serves(listener, ACCELERATOR, PROTOCOL_TCP, 79));
	assert_false(listener_serves(listener, ACCELERATOR, PROTOCOL_TCP, 82));
	assert_false(listener_serves(listener, ACCELERATOR + 1, PROTOCOL_TCP, 80));
	fixture.accelerator.protocol = PROTOCOL_UDP;
	assert_false(listener_serves(listener, ACCELERATOR, PROTOCOL_TCP, 80));
}

/* Sockets of both kinds come and go by kind, though their addresses are the same. */
static void test_sockets_are_told_apart_by_kind(void **state)
{
	struct worker_socket tcp = fixture_lend(WORKER_SOCKET_TCP_LISTEN, "127.0.0.1");
	struct worker_socket udp = {
	    .kind = WORKER_SOCKET_UDP_USERS, .accelerator = ACCELERATOR, .local = tcp.local};
	struct udp_options options = {.local = tcp.local};
	int descriptor, user;

	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	assert_int_equal(udp_open(&options, &descriptor), 0);
	listener_role.on_socket(fixture.listener, &udp, descriptor);
	listener_role.on_socket(fixture.listener, &udp, -1);
	assert_int_equal(fcntl(descriptor, F_GETFD), -1);
	user = loopback_connect(&tcp.local);
	run(5);
	assert_int_equal(listener_role.flow_count(fixture.listener, FLOW_TCP), 1);
	assert_int_equal(listener_role.flow_count(fixture.listener, FLOW_UDP), 0);
	close(user);
}

/* A descriptor that is no socket is main's mistake: it is closed, and the worker goes on. */
static void test_a_socket_that_is_none_is_closed(void **state)
{
	struct worker_socket lent = {.kind = WORKER_SOCKET_UDP_USERS, .accelerator = ACCELERATOR};
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	listener_role.on_socket(fixture.listener, &lent, ends[0]);
	assert_int_equal(fcntl(ends[0], F_GETFD), -1);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    FIXTURE_TEST(test_a_flow_goes_to_a_lane_that_is_up),
	    FIXTURE_TEST(test_a_new_config_keeps_the_choice),
	    FIXTURE_TEST(test_only_what_the_config_has_is_served),
	    FIXTURE_TEST(test_sockets_are_told_apart_by_kind),
	    FIXTURE_TEST(test_a_socket_that_is_none_is_closed),
	};

	if (double_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
