/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of listener/udp_users.c: real users on loopback, the endpoint's end of the tunnel in memory. */
#include "config.h"

#include "listener/udp_users.h"

#include "tests/unit/listener_fixture.h"

#include <unistd.h>

enum { DATAGRAM_MAX = 65507 };

static struct worker_socket entrance;
static struct addr where; /* as users name the entrance */
static int user;
static struct addr user_address;

static int setup(void **state)
{
	fixture_setup(state);
	entrance = fixture_lend(WORKER_SOCKET_UDP_USERS, "0.0.0.0");
	addr_parse("127.0.0.1", entrance.local.port, &where);
	user = loopback_udp("127.0.0.1", &user_address);
	return 0;
}

static int teardown(void **state)
{
	close(user);
	return fixture_teardown(state);
}

static void say(int descriptor, const char *text)
{
	loopback_send(descriptor, &where, text, strlen(text));
	run(3);
}

static size_t flow_count(void)
{
	return listener_role.flow_count(fixture.listener, FLOW_UDP);
}

static void test_a_conversation_is_one_flow(void **state)
{
	struct far_flow *flow;

	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	say(user, "first");
	flow = far_flow_latest(&fixture.seoul, 0);
	far_flow_assert_received(flow, "first");
	assert_int_equal(flow->open.kind, FLOW_UDP);
	assert_int_equal(flow->open.accelerator, ACCELERATOR);
	assert_true(addr_equal(&flow->open.user, &user_address));
	assert_true(addr_equal(&flow->open.local, &where));
	say(user, "second");
	far_flow_assert_received(flow, "second");
	assert_int_equal(flow->datagrams, 2);
	far_flow_send(flow, "answer", 6);
	run(3);
	assert_reads(user, "answer");
	assert_int_equal(fixture.seoul.count, 1);
	assert_int_equal(counted(PAGE_udp_flows_opened), 1);
	assert_int_equal(counted(PAGE_udp_datagrams_received), 2);
	assert_int_equal(counted(PAGE_udp_datagrams_sent), 1);
}

static void test_a_draining_node_has_only_old_flows(void **state)
{
	struct addr other_address;
	int other = loopback_udp("127.0.0.1", &other_address);

	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	say(user, "first");
	fixture.config.is_draining = true;
	fixture_apply();
	say(other, "new");
	say(user, "second");
	assert_int_equal(fixture.seoul.count, 1);
	far_flow_assert_received(far_flow_latest(&fixture.seoul, 0), "second");
	assert_int_equal(counted(PAGE_udp_refused_draining), 1);
	fixture.config.is_draining = false;
	fixture_apply();
	say(other, "again");
	assert_int_equal(fixture.seoul.count, 2);
	close(other);
}

/* One socket for all addresses: a user that asked 127.0.0.2 takes no answer from 127.0.0.1. */
static void test_answers_leave_from_the_address_that_was_asked(void **state)
{
	struct addr from;
	char buffer[16];

	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	say(user, "to the first");
	addr_parse("127.0.0.2", entrance.local.port, &where);
	say(user, "to the second");
	assert_int_equal(fixture.seoul.count, 2);
	far_flow_send(far_flow_latest(&fixture.seoul, 0), "second", 6);
	run(3);
	assert_int_equal(loopback_receive(user, buffer, sizeof buffer, &from), 6);
	assert_true(addr_equal(&from, &where));
	far_flow_send(far_flow_latest(&fixture.seoul, 1), "first", 5);
	run(3);
	assert_int_equal(loopback_receive(user, buffer, sizeof buffer, &from), 5);
	assert_false(addr_equal(&from, &where));
}

/* Read in one batch, in turns and in a run: whose datagram it is, is asked of each. */
static void test_users_of_one_batch_are_kept_apart(void **state)
{
	static const char *const said[][2] = {{"a1", "b1"}, {"a2", "b2"}};
	struct addr other_address;
	int other = loopback_udp("127.0.0.1", &other_address);

	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	for (int i = 0; i < 2; i++) {
		loopback_send(user, &where, said[i][0], 2);
		loopback_send(other, &where, said[i][1], 2);
	}
	loopback_send(other, &where, "b3", 2);
	run(3);
	assert_int_equal(fixture.seoul.count, 2);
	for (unsigned back = 0; back < 2; back++) {
		struct far_flow *flow = far_flow_latest(&fixture.seoul, back);
		bool is_user = addr_equal(&flow->open.user, &user_address);

		assert_true(is_user || addr_equal(&flow->open.user, &other_address));
		assert_int_equal(flow->datagrams, is_user ? 2 : 3);
		far_flow_assert_received(flow, is_user ? "a2" : "b3");
	}
	close(other);
}

static void test_datagrams_of_all_sizes_cross(void **state)
{
	static uint8_t sent[DATAGRAM_MAX], got[DATAGRAM_MAX + 1];
	static const size_t sizes[] = {0, 1, 1200, 9000, DATAGRAM_MAX};
	struct far_flow *flow;

	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	for (size_t i = 0; i < sizeof sent; i++)
		sent[i] = (uint8_t)(i * 31 + i / 256);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		loopback_send(user, &where, sent, sizes[i]);
		run(200);
		flow = far_flow_latest(&fixture.seoul, 0);
		assert_int_equal(flow->datagrams, i + 1);
		assert_int_equal(flow->length, sizes[i]);
		assert_memory_equal(flow->received, sent, sizes[i]);
		far_flow_send(flow, sent, sizes[i]);
		run(200);
		assert_int_equal(loopback_receive(user, got, sizeof got, NULL), sizes[i]);
		assert_memory_equal(got, sent, sizes[i]);
	}
}

static void test_without_a_lane_a_datagram_is_dropped(void **state)
{
	(void)state;
	say(user, "nowhere");
	assert_int_equal(counted(PAGE_udp_refused_no_lane), 1);
	assert_int_equal(flow_count(), 0);
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	fixture.worker.is_draining = true;
	say(user, "too late");
	assert_int_equal(counted(PAGE_udp_refused_no_lane), 2);
	assert_int_equal(fixture.seoul.count, 0);
}

static void test_at_the_lanes_limit_a_datagram_is_dropped(void **state)
{
	int other = loopback_udp("127.0.0.1", &user_address);

	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 1);
	fixture.accelerator.limits.source.new_flows_per_s = 2;
	say(user, "first");
	for (int i = 0; i < 3; i++)
		say(other, "one too many");
	assert_int_equal(fixture.seoul.count, 1);
	assert_int_equal(flow_count(), 1);
	assert_int_equal(counted(PAGE_udp_datagrams_dropped), 3);
	assert_int_equal(counted(PAGE_limit_source_new_flows), 0);
	close(other);
}

/* Silently, and nothing is kept for it. */
static void test_a_denied_source_is_dropped(void **state)
{
	struct cidr_text loopback = {"127.0.0.0/8"}, one = {"127.0.0.2/32"};

	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	fixture.accelerator.access = (struct access_lists){.allow = &one, .allow_count = 1};
	fixture_apply();
	say(user, "not allowed");
	fixture.accelerator.access = (struct access_lists){.deny = &loopback, .deny_count = 1};
	fixture_apply();
	say(user, "denied");
	assert_int_equal(fixture.seoul.count, 0);
	assert_int_equal(flow_count(), 0);
	assert_null(fixture.listener->udp.sources);
	assert_int_equal(counted(PAGE_udp_refused_denied), 2);
	assert_int_equal(counted(PAGE_udp_flows_opened), 0);
	assert_silent(user);
	fixture.accelerator.access.deny_count = 0;
	fixture_apply();
	say(user, "again");
	assert_int_equal(flow_count(), 1);
}

static void test_a_change_that_denies_a_source_ends_its_flows(void **state)
{
	struct cidr_text one = {"127.0.0.2/32"};
	struct addr other_address;
	int other = loopback_udp("127.0.0.2", &other_address);

	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	say(user, "stays");
	say(other, "goes");
	fixture.accelerator.access = (struct access_lists){.deny = &one, .deny_count = 1};
	fixture_apply();
	run(3);
	assert_int_equal(flow_count(), 1);
	assert_int_equal(far_flow_latest(&fixture.seoul, 0)->reset_with, REASON_DENIED);
	assert_int_equal(counted(PAGE_udp_flows_denied), 1);
	say(other, "stays away");
	assert_int_equal(counted(PAGE_udp_refused_denied), 1);
	say(user, "is carried");
	far_flow_assert_received(far_flow_latest(&fixture.seoul, 1), "is carried");
	close(other);
}

static void test_an_idle_flow_ends(void **state)
{
	struct far_flow *flow;

	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	say(user, "first");
	flow = far_flow_latest(&fixture.seoul, 0);
	run((UDP_IDLE_S - 1) * 1000);
	far_flow_send(flow, "an answer is life, too", 22);
	run((UDP_IDLE_S - 1) * 1000);
	assert_int_equal(flow->reset_with, REASON_NONE);
	run(2000);
	assert_int_equal(flow->reset_with, REASON_IDLE);
	assert_int_equal(counted(PAGE_udp_flows_idle), 1);
	assert_int_equal(flow_count(), 0);
	say(user, "again");
	assert_int_equal(fixture.seoul.count, 2);
}

static void test_a_changed_idle_timeout_is_for_old_flows_too(void **state)
{
	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	say(user, "first");
	run(3000);
	fixture.accelerator.udp_idle_timeout_s = 5;
	fixture_apply();
	run(1000);
	assert_int_equal(flow_count(), 1);
	run(2000);
	assert_int_equal(flow_count(), 0);
	assert_int_equal(counted(PAGE_udp_flows_idle), 1);
}

static void leave_seoul(void)
{
	udp_users_leave(&fixture.listener->udp, fixture.seoul.joint.near.lane);
	run(3);
}

/* Its lane is down, and perhaps back soon: a listener that drains could begin no other flow for it. */
static void test_a_draining_listener_keeps_flows_of_a_lane_that_is_down(void **state)
{
	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	say(user, "hello");
	assert_int_equal(fixture.seoul.count, 1);
	fixture.config.is_draining = true;
	leave_seoul();
	assert_int_equal(flow_count(), 1);
	fixture.config.is_draining = false;
	fixture.worker.is_draining = true;
	leave_seoul();
	assert_int_equal(flow_count(), 1);
	fixture.worker.is_draining = false;
	fixture_tunnel(&fixture.paris, "paris-1", 0);
	leave_seoul();
	assert_int_equal(flow_count(), 0);
	assert_int_equal(counted(PAGE_udp_flows_moved), 1);
}

/* Of one source the longest idle one gives way, whichever was first; other sources lose nothing. */
static void test_at_a_sources_cap_the_longest_idle_gives_way(void **state)
{
	int sockets[FLOWS_PER_SOURCE + 1], stranger;
	struct addr address;

	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	stranger = loopback_udp("127.0.0.3", &address);
	say(stranger, "another source");
	for (int i = 0; i < FLOWS_PER_SOURCE; i++) {
		sockets[i] = loopback_udp("127.0.0.1", &address);
		say(sockets[i], "hello");
	}
	say(sockets[0], "still there");
	sockets[FLOWS_PER_SOURCE] = loopback_udp("127.0.0.1", &address);
	say(sockets[FLOWS_PER_SOURCE], "one more");
	assert_int_equal(counted(PAGE_udp_flows_evicted), 1);
	assert_int_equal(flow_count(), FLOWS_PER_SOURCE + 1);
	assert_int_equal(far_flow_latest(&fixture.seoul, 2)->reset_with, REASON_EVICTED);
	assert_int_equal(far_flow_latest(&fixture.seoul, 3)->reset_with, REASON_NONE);
	assert_int_equal(far_flow_latest(&fixture.seoul, 4)->reset_with, REASON_NONE);
	for (int i = 0; i <= FLOWS_PER_SOURCE; i++)
		close(sockets[i]);
	close(stranger);
}

/* The limit is the node's: a source that has its flows at another worker may have none here. */
static void test_a_source_may_be_full_elsewhere(void **state)
{
	static struct flow_column column;
	struct flow_counts other = {.own = &column}, *counts = &fixture.worker.udp_sources;
	struct addr source = addr_source(&user_address);
	uint64_t place = flow_counts_place(counts, &source, sizeof source);

	(void)state;
	memset(&column, 0, sizeof column);
	counts->others[counts->other_count++] = &column;
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	for (int i = 0; i < FLOWS_PER_SOURCE; i++)
		flow_counts_add(&other, place);
	say(user, "one too many");
	assert_int_equal(counted(PAGE_udp_refused_limit), 1);
	assert_int_equal(fixture.seoul.count, 0);
	flow_counts_drop(&other, place);
	say(user, "room again");
	assert_int_equal(fixture.seoul.count, 1);
	assert_int_equal(
	    flow_counts_others(
	        &(struct flow_counts){.others = {counts->own}, .other_count = 1}, place),
	    1);
}

/* Its own flows over UDP: the longest idle one of the accelerator, for TCP as well (tcp_users_test). */
static void test_at_an_accelerators_limit_an_idle_flow_gives_way(void **state)
{
	struct addr address;
	int other = loopback_udp("127.0.0.2", &address),
	    third = loopback_udp("127.0.0.3", &address);

	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	fixture.accelerator.limits.accelerator.flows = 2;
	say(user, "first");
	say(other, "second");
	run(1100);
	say(user, "still there");
	say(third, "third");
	assert_int_equal(fixture.seoul.count, 3);
	assert_int_equal(flow_count(), 2);
	assert_int_equal(far_flow_latest(&fixture.seoul, 1)->reset_with, REASON_EVICTED);
	assert_int_equal(far_flow_latest(&fixture.seoul, 2)->reset_with, REASON_NONE);
	assert_int_equal(counted(PAGE_udp_flows_evicted), 1);
	assert_int_equal(counted(PAGE_limit_accelerator_flows), 0);
	close(other);
	close(third);
}

enum { CROWD = 4, CROWD_LIMIT = 3 };

/* A user of an address of its own. */
static int open_another(int i)
{
	struct addr address;
	char text[32];

	snprintf(text, sizeof text, "127.0.0.%d", i + 2);
	return loopback_udp(text, &address);
}

/* Who is cut begins anew with his next datagram: one user too many must not cut all others in turn. */
static void test_at_an_accelerators_limit_busy_flows_stay(void **state)
{
	int crowd[CROWD];

	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	fixture.accelerator.limits.accelerator.flows = CROWD_LIMIT;
	for (int i = 0; i < CROWD; i++)
		crowd[i] = open_another(i);
	for (int round = 0; round < 100; round++) {
		for (int i = 0; i < CROWD; i++)
			say(crowd[i], "move");
		run(8);
	}
	assert_int_equal(counted(PAGE_udp_flows_evicted), 0);
	assert_int_equal(counted(PAGE_udp_flows_opened), CROWD_LIMIT);
	assert_int_equal(counted(PAGE_udp_refused_limit), 100);
	for (int round = 0; round < 100; round++) { /* the first one is silent */
		for (int i = 1; i < CROWD; i++)
			say(crowd[i], "move");
		run(11);
	}
	assert_int_equal(counted(PAGE_udp_flows_evicted), 1);
	assert_int_equal(far_flow_latest(&fixture.seoul, 3)->reset_with, REASON_EVICTED);
	assert_int_equal(counted(PAGE_udp_flows_opened), CROWD_LIMIT + 1);
	for (int i = 0; i < CROWD; i++)
		close(crowd[i]);
}

/* Datagrams of forged sources, each of which would be a flow, a socket at the backend and a reset. */
static void test_strangers_begin_no_more_than_the_limit_in_a_second(void **state)
{
	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	fixture.accelerator.limits.accelerator.flows = CROWD_LIMIT;
	for (int i = 0; i < 100; i++) {
		int stranger = open_another(i);

		say(stranger, "x");
		close(stranger);
	}
	assert_int_equal(counted(PAGE_udp_flows_opened), CROWD_LIMIT);
	run(1000);
	say(user, "once they are silent");
	assert_int_equal(counted(PAGE_udp_flows_opened), CROWD_LIMIT + 1);
	assert_int_equal(flow_count(), CROWD_LIMIT);
}

/* One that ends would not be enough. */
static void test_flows_above_a_limit_that_is_set_later_stay(void **state)
{
	int others[3];
	struct addr address;

	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	for (int i = 0; i < 3; i++)
		others[i] = loopback_udp("127.0.0.2", &address);
	say(user, "first");
	say(others[0], "second");
	say(others[1], "third");
	run(1100);
	fixture.accelerator.limits.accelerator.flows = 2;
	for (int i = 0; i < 3; i++)
		say(others[2], "one too many");
	assert_int_equal(flow_count(), 3);
	assert_int_equal(counted(PAGE_limit_accelerator_flows), 3);
	assert_int_equal(counted(PAGE_udp_flows_evicted), 0);
	for (int i = 0; i < 3; i++)
		close(others[i]);
}

/* As one that began at another worker does. */
static void use_up_new_flows(void)
{
	struct node_limits *limits = worker_limits(&fixture.worker);
	const struct config_accelerator *config = &fixture.accelerator;
	uint64_t now_us = worker_now_us(&fixture.worker);
	struct flow_limits used = {0};

	assert_true(flow_limits_enter(limits, &used, config, FLOW_UDP, &user_address, now_us));
	flow_limits_begun(limits, &used, config, now_us);
	flow_limits_leave(limits, &used);
}

/* What something else refuses ends no flow: a stranger could end them all by what is refused. */
static void test_nobody_gives_way_to_one_that_is_refused(void **state)
{
	static struct flow_column column;
	struct flow_counts other = {.own = &column}, *counts = &fixture.worker.udp_sources;
	struct addr address;
	int stranger = loopback_udp("127.0.0.2", &address);
	struct user_limits *accelerator = &fixture.accelerator.limits.accelerator;

	(void)state;
	memset(&column, 0, sizeof column);
	counts->others[counts->other_count++] = &column;
	address = addr_source(&address);
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	say(user, "first");
	run(1100);
	accelerator->new_flows_per_s = 1;
	use_up_new_flows();
	accelerator->flows = 1;
	say(stranger, "too fast");
	assert_int_equal(flow_count(), 1);
	accelerator->new_flows_per_s = 0;
	for (int i = 0; i < FLOWS_PER_SOURCE; i++)
		flow_counts_add(&other, flow_counts_place(counts, &address, sizeof address));
	say(stranger, "too many elsewhere");
	assert_int_equal(flow_count(), 1);
	assert_int_equal(counted(PAGE_udp_flows_evicted), 0);
	assert_int_equal(counted(PAGE_udp_refused_limit), 2);
	for (int i = 0; i < FLOWS_PER_SOURCE; i++)
		flow_counts_drop(&other, flow_counts_place(counts, &address, sizeof address));
	say(stranger, "nothing else refuses it");
	assert_int_equal(counted(PAGE_udp_flows_evicted), 1);
	close(stranger);
}

/* What is above the rate of bytes is dropped, each way; the flow stays. */
static void test_above_a_limit_on_bytes_datagrams_are_dropped(void **state)
{
	static uint8_t bytes[60000];
	struct far_flow *flow;

	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	fixture.accelerator.limits.source.bytes_per_s = 65536;
	say(user, "first");
	flow = far_flow_latest(&fixture.seoul, 0);
	for (int i = 0; i < 2; i++) {
		loopback_send(user, &where, bytes, sizeof bytes);
		run(200);
	}
	assert_int_equal(flow->datagrams, 2);
	assert_int_equal(counted(PAGE_limit_source_bytes), 1);
	for (int i = 0; i < 2; i++) {
		far_flow_send(flow, bytes, sizeof bytes);
		run(100);
	}
	assert_int_equal(loopback_receive(user, bytes, sizeof bytes, NULL), sizeof bytes);
	assert_silent(user);
	assert_int_equal(counted(PAGE_limit_source_bytes), 2);
	run(2000);
	say(user, "again");
	assert_int_equal(flow->datagrams, 3);
	fixture.accelerator.limits.source.bytes_per_s = 0;
	fixture_apply();
	for (int i = 0; i < 2; i++) {
		loopback_send(user, &where, bytes, sizeof bytes);
		run(200);
	}
	assert_int_equal(flow->datagrams, 5);
}

static void test_a_reset_flow_begins_anew(void **state)
{
	struct far_flow *flow;

	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	say(user, "first");
	flow = far_flow_latest(&fixture.seoul, 0);
	flow_reset(flow->flow, REASON_BACKEND_REFUSED);
	run(500);
	assert_int_equal(flow_count(), 0);
	assert_int_equal(counted(PAGE_udp_flows_reset), 1);
	assert_true(flow->is_closed);
	say(user, "second");
	far_flow_assert_received(far_flow_latest(&fixture.seoul, 0), "second");
	assert_int_equal(fixture.seoul.count, 2);
}

static void test_a_lost_lane_ends_its_flows(void **state)
{
	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	say(user, "first");
	joint_lose_near(&fixture.seoul.joint);
	assert_int_equal(flow_count(), 0);
	say(user, "nobody there");
	assert_int_equal(counted(PAGE_udp_refused_no_lane), 1);
}

/* Main opens a socket anew when a bind changes: the conversation goes on at the new one. */
static void test_a_flow_follows_its_address_to_a_new_socket(void **state)
{
	struct far_flow *flow;
	struct worker_socket again = entrance;
	struct udp_options options = {.local = entrance.local};
	int descriptor;

	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	say(user, "first");
	flow = far_flow_latest(&fixture.seoul, 0);
	listener_role.on_socket(fixture.listener, &entrance, -1);
	far_flow_send(flow, "lost", 4);
	run(3);
	assert_silent(user);
	assert_int_equal(counted(PAGE_udp_datagrams_dropped), 1);
	assert_int_equal(udp_open(&options, &descriptor), 0);
	listener_role.on_socket(fixture.listener, &again, descriptor);
	say(user, "second");
	far_flow_assert_received(flow, "second");
	far_flow_send(flow, "answer", 6);
	run(3);
	assert_reads(user, "answer");
	assert_int_equal(fixture.seoul.count, 1);
}

/* The address is another accelerator's now: the old flow has no business there. */
static void test_another_accelerators_socket_ends_the_flow(void **state)
{
	struct worker_socket other = entrance;
	struct udp_options options = {.local = entrance.local};
	int descriptor;

	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	say(user, "first");
	listener_role.on_socket(fixture.listener, &entrance, -1);
	assert_int_equal(udp_open(&options, &descriptor), 0);
	other.accelerator = ACCELERATOR + 1;
	listener_role.on_socket(fixture.listener, &other, descriptor);
	say(user, "second");
	assert_int_equal(far_flow_latest(&fixture.seoul, 0)->reset_with, REASON_REMOVED);
	assert_int_equal(
	    fixture.seoul.count, 1); /* the config in force knows no such accelerator */
	assert_int_equal(flow_count(), 0);
}

static void test_flows_of_a_removed_accelerator_end_after_the_drain_time(void **state)
{
	struct far_flow *flow;

	(void)state;
	fixture_tunnel(&fixture.seoul, "seoul-1", 0);
	say(user, "first");
	flow = far_flow_latest(&fixture.seoul, 0);
	fixture.accelerator.protocol = PROTOCOL_TCP;
	fixture_apply();
	run(4500);
	assert_int_equal(flow->reset_with, REASON_NONE);
	run(1500);
	assert_int_equal(flow->reset_with, REASON_REMOVED);
	assert_int_equal(flow_count(), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_a_conversation_is_one_flow),
	    TEST(test_a_draining_node_has_only_old_flows),
	    TEST(test_answers_leave_from_the_address_that_was_asked),
	    TEST(test_users_of_one_batch_are_kept_apart),
	    TEST(test_datagrams_of_all_sizes_cross),
	    TEST(test_without_a_lane_a_datagram_is_dropped),
	    TEST(test_at_the_lanes_limit_a_datagram_is_dropped),
	    TEST(test_a_denied_source_is_dropped),
	    TEST(test_a_change_that_denies_a_source_ends_its_flows),
	    TEST(test_an_idle_flow_ends),
	    TEST(test_a_changed_idle_timeout_is_for_old_flows_too),
	    TEST(test_a_draining_listener_keeps_flows_of_a_lane_that_is_down),
	    TEST(test_at_a_sources_cap_the_longest_idle_gives_way),
	    TEST(test_a_source_may_be_full_elsewhere),
	    TEST(test_at_an_accelerators_limit_an_idle_flow_gives_way),
	    TEST(test_at_an_accelerators_limit_busy_flows_stay),
	    TEST(test_strangers_begin_no_more_than_the_limit_in_a_second),
	    TEST(test_flows_above_a_limit_that_is_set_later_stay),
	    TEST(test_nobody_gives_way_to_one_that_is_refused),
	    TEST(test_above_a_limit_on_bytes_datagrams_are_dropped),
	    TEST(test_a_reset_flow_begins_anew),
	    TEST(test_a_lost_lane_ends_its_flows),
	    TEST(test_a_flow_follows_its_address_to_a_new_socket),
	    TEST(test_another_accelerators_socket_ends_the_flow),
	    TEST(test_flows_of_a_removed_accelerator_end_after_the_drain_time),
	};

	if (double_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
