/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Twin of endpoint/tcp_flows.c: real backends on loopback, the listener's end of the tunnel in memory.
 * Names are asked of a name server on loopback, for which two sources are included.
 */
#include "config.h"

#include "tests/unit/names_included.h"

#include "endpoint/tcp_flows.h"
#include "tests/unit/endpoint_fixture.h"

#include <sys/socket.h>

static struct addr where[2];
static int backends[2];
static struct name_server server;

static int setup(void **state)
{
	fixture_setup(state);
	for (int i = 0; i < 2; i++)
		backends[i] = loopback_listen("127.0.0.1", &where[i]);
	name_server_start(&server, fixture.worker.loop);
	names_ask(fixture.endpoint->names, &server);
	return 0;
}

static int teardown(void **state)
{
	name_server_stop(&server);
	for (int i = 0; i < 2; i++)
		close(backends[i]);
	return fixture_teardown(state);
}

static struct far_flow *open_to_the_first(void)
{
	fixture_add_backend("127.0.0.1", where[0].port, 1);
	return fixture_open(FLOW_TCP);
}

/* Its queue is full with the connection that is returned: it answers no SYN. */
static int fill_the_first(void)
{
	assert_int_equal(listen(backends[0], 0), 0);
	return loopback_connect(&where[0]);
}

static int accept_from(int index)
{
	int accepted = loopback_accept(backends[index], NULL);

	assert_true(accepted >= 0);
	return accepted;
}

/* Nobody listens there any more. */
static void end_backend(int index)
{
	close(backends[index]);
	backends[index] = -1;
}

static void test_the_first_bytes_arrive_with_the_connection(void **state)
{
	struct far_flow *flow;
	int accepted;

	(void)state;
	flow = open_to_the_first();
	far_flow_write(flow, "request");
	flow_finish(flow->flow);
	run(3);
	accepted = accept_from(0);
	assert_reads(accepted, "request");
	assert_end(accepted);
	assert_int_equal(send(accepted, "answer", 6, 0), 6);
	run(3);
	far_flow_assert_received(flow, "answer");
	assert_int_equal(counted(PAGE_backend_connects), 1);
	assert_int_equal(counted(PAGE_tcp_flows_opened), 1);
	shutdown(accepted, SHUT_WR);
	run(500);
	assert_true(flow->is_finished && flow->is_closed);
	assert_int_equal(flow_count(FLOW_TCP), 0);
	close(accepted);
}

static void test_a_backend_that_refuses_gives_way_to_the_next(void **state)
{
	struct far_flow *flow;
	int accepted;

	(void)state;
	fixture_add_backend("127.0.0.1", where[0].port, 255);
	fixture_add_backend("127.0.0.1", where[1].port, 1);
	end_backend(0);
	flow = fixture_open(FLOW_TCP);
	far_flow_write(flow, "request");
	run(5);
	accepted = accept_from(1);
	assert_reads(accepted, "request");
	assert_int_equal(flow->reset_with, REASON_NONE);
	assert_int_equal(counted(PAGE_backend_refused), 1);
	close(accepted);
}

/* The others of its group get what is above its limit; with none left the flow is refused. */
static void test_a_backend_at_its_limit_gives_way_to_the_next(void **state)
{
	struct far_flow *flows[3];
	int accepted[2];

	(void)state;
	fixture_add_backend("127.0.0.1", where[0].port, 255);
	fixture_add_backend("127.0.0.1", where[1].port, 1);
	fixture.accelerator.limits.backend.flows = 1;
	for (int i = 0; i < 3; i++) {
		flows[i] = fixture_open(FLOW_TCP);
		run(5);
	}
	for (int i = 0; i < 2; i++) {
		accepted[i] = accept_from(i);
		assert_int_equal(flows[i]->reset_with, REASON_NONE);
	}
	assert_int_equal(flows[2]->reset_with, REASON_LIMIT);
	assert_in_range(counted(PAGE_limit_backend_flows), 2, 3);
	flow_reset(flows[0]->flow, REASON_TCP_RESET);
	run(500);
	flows[2] = fixture_open(FLOW_TCP);
	run(5);
	assert_int_equal(flows[2]->reset_with, REASON_NONE);
	for (int i = 0; i < 2; i++)
		close(accepted[i]);
}

static void test_when_all_refuse_the_user_learns_it(void **state)
{
	struct far_flow *flow;

	(void)state;
	for (int i = 0; i < 2; i++) {
		fixture_add_backend("127.0.0.1", where[i].port, 1);
		end_backend(i);
	}
	flow = fixture_open(FLOW_TCP);
	run(5);
	assert_int_equal(flow->reset_with, REASON_BACKEND_REFUSED);
	assert_int_equal(counted(PAGE_backend_refused), 2);
	assert_int_equal(counted(PAGE_tcp_flows_refused), 1);
	run(500);
	assert_int_equal(flow_count(FLOW_TCP), 0);
}

static void test_weight_0_takes_no_new_flow(void **state)
{
	struct far_flow *flow;

	(void)state;
	fixture_add_backend("127.0.0.1", where[0].port, 0);
	flow = fixture_open(FLOW_TCP);
	run(5);
	assert_int_equal(flow->reset_with, REASON_NO_BACKEND);
	assert_int_equal(loopback_accept(backends[0], NULL), -1);
}

static void test_a_silent_backend_is_given_up_in_time(void **state)
{
	struct far_flow *flow;
	int first;

	(void)state;
	first = fill_the_first();
	flow = open_to_the_first();
	run(CONNECT_TIMEOUT_MS - 100);
	assert_int_equal(flow->reset_with, REASON_NONE);
	run(500);
	assert_int_equal(flow->reset_with, REASON_BACKEND_TIMEOUT);
	assert_int_equal(counted(PAGE_backend_timeouts), 1);
	assert_int_equal(counted(PAGE_tcp_flows_refused), 1);
	close(first);
}

static void test_a_user_that_leaves_ends_the_attempt(void **state)
{
	struct far_flow *flow;
	int first;

	(void)state;
	first = fill_the_first();
	flow = open_to_the_first();
	run(10);
	assert_int_equal(flow_count(FLOW_TCP), 1);
	flow_reset(flow->flow, REASON_TCP_RESET);
	run(500);
	assert_int_equal(flow_count(FLOW_TCP), 0);
	assert_int_equal(counted(PAGE_tcp_flows_refused), 0);
	run(CONNECT_TIMEOUT_MS);
	assert_int_equal(counted(PAGE_backend_timeouts), 0);
	close(first);
}

static int accept_soon(int backend)
{
	int accepted = -1;

	for (int i = 0; i < 2000 && accepted < 0; i++) {
		run(1);
		accepted = loopback_accept(backend, NULL);
	}
	assert_true(accepted >= 0);
	return accepted;
}

/* The accelerator's time to connect goes on while the name is asked for. */
static void test_a_name_is_resolved_first(void **state)
{
	struct far_flow *flow;
	int accepted;

	(void)state;
	fixture.accelerator.connect_timeout_ms = 60000;
	fixture_add_backend("self.test", where[0].port, 1);
	flow = fixture_open(FLOW_TCP);
	far_flow_write(flow, "request");
	accepted = accept_soon(backends[0]);
	run(3);
	assert_reads(accepted, "request");
	close(accepted);
	run(500);
	fixture_open(FLOW_TCP); /* now it is known */
	run(3);
	accepted = accept_from(0);
	close(accepted);
	run(500);
}

static uint32_t counted_flows(void)
{
	return worker_limits(&fixture.worker)->tables[LIMIT_TABLE_KNOWN].flows.own->total;
}

/* A backend that was given up has one flow less, also while the next one's name is asked for. */
static void test_who_waits_for_a_name_counts_for_none(void **state)
{
	int accepted;

	(void)state;
	fixture.accelerator.connect_timeout_ms = 60000;
	fixture_add_backend("127.0.0.1", where[1].port, 255);
	fixture_add_backend("self.test", where[0].port, 1);
	end_backend(1);
	fixture_open(FLOW_TCP);
	for (int i = 0; i < 100 && counted(PAGE_backend_refused) == 0; i++)
		run(1);
	assert_int_equal(fixture.endpoint->tcp_flow_count, 1);
	assert_int_equal(counted(PAGE_backend_refused), 1);
	assert_int_equal(counted_flows(), 0);
	accepted = accept_soon(backends[0]);
	run(3);
	assert_int_equal(counted_flows(), 1);
	close(accepted);
	run(500);
}

static void test_an_unknown_name_gives_way_to_the_next(void **state)
{
	(void)state;
	fixture.accelerator.connect_timeout_ms = 60000;
	fixture_add_backend("nothing.test", 1000, 255);
	open_to_the_first();
	close(accept_soon(backends[0]));
	run(500);
}

static void test_a_source_is_used(void **state)
{
	struct addr from;
	int accepted;

	(void)state;
	addr_parse("127.0.0.11", 0, &fixture.worker.sources[0]);
	fixture.worker.source_count = 1;
	open_to_the_first();
	run(3);
	accepted = loopback_accept(backends[0], &from);
	assert_true(addr_equal_ip(&from, &fixture.worker.sources[0]));
	close(accepted);
	run(500);
}

static void test_a_changed_idle_timeout_is_for_old_flows_too(void **state)
{
	struct far_flow *flow;
	int accepted;

	(void)state;
	flow = open_to_the_first();
	run(3);
	accepted = loopback_accept(backends[0], NULL);
	run(3000);
	fixture.accelerator.tcp_idle_timeout_s = 5;
	fixture_apply();
	run(1000);
	assert_silent(accepted);
	run(2000);
	assert_reset(accepted);
	assert_int_equal(flow->reset_with, REASON_IDLE);
	close(accepted);
}

static void test_flows_of_a_removed_backend_end_after_the_drain_time(void **state)
{
	struct far_flow *flows[2];
	int accepted[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		fixture.accelerator.backend_count = 0;
		fixture_add_backend("127.0.0.1", where[i].port, 1);
		flows[i] = fixture_open(FLOW_TCP);
		run(3);
		accepted[i] = accept_from(i);
	}
	fixture_apply(); /* with the second backend alone */
	run(4500);
	assert_silent(accepted[0]);
	run(1500);
	assert_reset(accepted[0]);
	assert_int_equal(flows[0]->reset_with, REASON_REMOVED);
	assert_silent(accepted[1]);
	assert_int_equal(flows[1]->reset_with, REASON_NONE);
	close(accepted[0]);
	close(accepted[1]);
}

static void keep_second(void)
{
	fixture.accelerator.backend_count = 0;
	fixture_add_backend("127.0.0.1", where[1].port, 1);
	fixture_apply();
}

static void test_a_backend_that_is_removed_meanwhile_gives_way(void **state)
{
	struct far_flow *flow;
	int accepted;

	(void)state;
	fixture_add_backend("127.0.0.1", where[0].port, 1);
	fixture.on_opened = keep_second;
	flow = fixture_open(FLOW_TCP);
	far_flow_write(flow, "request");
	run(5);
	accepted = accept_from(1);
	assert_reads(accepted, "request");
	assert_int_equal(flow->reset_with, REASON_NONE);
	close(accepted);
}

/* The config takes the accelerator while its backend is being connected: nothing waits for that. */
static void test_a_removed_accelerator_ends_attempts_at_once(void **state)
{
	struct far_flow *flow;
	int first;

	(void)state;
	first = fill_the_first();
	flow = open_to_the_first();
	run(5);
	fixture.config.accelerator_count = 0;
	fixture_apply();
	run(5);
	assert_int_equal(flow->reset_with, REASON_REMOVED);
	close(first);
}

static void test_a_lost_lane_resets_the_backend(void **state)
{
	int accepted;

	(void)state;
	open_to_the_first();
	run(3);
	accepted = loopback_accept(backends[0], NULL);
	joint_lose_near(&fixture.far.joint);
	assert_reset(accepted);
	assert_int_equal(flow_count(FLOW_TCP), 0);
	close(accepted);
}

/* The flow's end at the backend, which has echoed nothing yet. */
static int begin_flow(struct far_flow **flow)
{
	int accepted;

	*flow = open_to_the_first();
	far_flow_write(*flow, "request");
	run(3);
	accepted = accept_from(0);
	return accepted;
}

/* What the worker told of the one backend since the last time. */
static struct flow_outcomes outcomes(void)
{
	struct flow_outcomes told = {0};

	fixture.worker.told_bytes = 0;
	run(500);
	if (fixture.worker.told_bytes) {
		assert_int_equal(fixture.worker.told_bytes, sizeof(told));
		memcpy(&told, fixture.worker.told, sizeof(told));
	}
	return told;
}

/* A flow that lives on counts as one that ends at once does, or the share is of those that ended. */
static void test_the_first_byte_says_that_a_flow_is_served(void **state)
{
	struct far_flow *flow;
	int accepted = begin_flow(&flow);

	(void)state;
	assert_reads(accepted, "request");
	assert_int_equal(outcomes().served, 0);
	assert_int_equal(send(accepted, "answer", 6, 0), 6);
	assert_int_equal(outcomes().served, 1);
	assert_int_equal(send(accepted, "more", 4, 0), 4);
	loopback_reset(&accepted);
	run(5);
	assert_int_equal(flow->reset_with, REASON_TCP_RESET);
	assert_int_equal(outcomes().served + outcomes().failed, 0);
}

/* It takes the connection and the request, and resets. */
static void test_a_reset_before_a_byte_has_failed(void **state)
{
	struct far_flow *flow;
	int accepted = begin_flow(&flow);

	(void)state;
	assert_reads(accepted, "request");
	loopback_reset(&accepted);
	assert_int_equal(outcomes().failed, 1);
	assert_int_equal(flow->reset_with, REASON_TCP_RESET);
}

static void test_a_reset_by_the_user_is_no_failure(void **state)
{
	struct far_flow *flow;
	int accepted = begin_flow(&flow);

	(void)state;
	flow_reset(flow->flow, REASON_TCP_RESET);
	assert_int_equal(outcomes().failed, 0);
	assert_int_equal(flow_count(FLOW_TCP), 0);
	close(accepted);
}

static void test_a_dead_backend_resets_its_flows(void **state)
{
	struct far_flow *flow;
	int accepted = begin_flow(&flow);

	(void)state;
	/* News are many when many die: flows are looked at once for all of them, soon. */
	fixture_health(0, HEALTH_UNHEALTHY, HEALTH_CAUSE_SILENT);
	run(5);
	assert_int_equal(flow->reset_with, REASON_NONE);
	for (int i = 0; i < 12; i++) {
		fixture_health(0, HEALTH_UNHEALTHY, HEALTH_CAUSE_SILENT);
		run(50);
	}
	assert_int_equal(flow->reset_with, REASON_BACKEND_TIMEOUT);
	assert_int_equal(counted(PAGE_tcp_flows_dead_backend), 1);
	assert_int_equal(flow_count(FLOW_TCP), 0);
	close(accepted);
}

static void test_flows_that_a_backend_serves_stay(void **state)
{
	struct far_flow *flow;
	int accepted = begin_flow(&flow);

	(void)state;
	/* It answers the checks wrongly, but it lives. */
	fixture_health(0, HEALTH_UNHEALTHY, HEALTH_CAUSE_WRONG_ANSWER);
	run(2000);
	assert_int_equal(flow_count(FLOW_TCP), 1);
	/* It seems dead, but not to this flow. */
	fixture.accelerator.health.fall = 3;
	fixture.accelerator.health.interval_ms = 60000;
	fixture_health(0, HEALTH_UNHEALTHY, HEALTH_CAUSE_SILENT);
	run(2000);
	assert_int_equal(flow_count(FLOW_TCP), 1);
	/* And then it is, without any news from the health process. */
	fixture.accelerator.health.interval_ms = 0;
	run(2000);
	assert_int_equal(flow->reset_with, REASON_BACKEND_TIMEOUT);
	close(accepted);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_the_first_bytes_arrive_with_the_connection),
	    TEST(test_a_backend_that_refuses_gives_way_to_the_next),
	    TEST(test_a_backend_at_its_limit_gives_way_to_the_next),
	    TEST(test_when_all_refuse_the_user_learns_it),
	    TEST(test_weight_0_takes_no_new_flow),
	    TEST(test_a_silent_backend_is_given_up_in_time),
	    TEST(test_a_user_that_leaves_ends_the_attempt),
	    TEST(test_a_name_is_resolved_first),
	    TEST(test_who_waits_for_a_name_counts_for_none),
	    TEST(test_an_unknown_name_gives_way_to_the_next),
	    TEST(test_a_source_is_used),
	    TEST(test_a_changed_idle_timeout_is_for_old_flows_too),
	    TEST(test_flows_of_a_removed_backend_end_after_the_drain_time),
	    TEST(test_a_backend_that_is_removed_meanwhile_gives_way),
	    TEST(test_a_removed_accelerator_ends_attempts_at_once),
	    TEST(test_a_lost_lane_resets_the_backend),
	    TEST(test_the_first_byte_says_that_a_flow_is_served),
	    TEST(test_a_reset_before_a_byte_has_failed),
	    TEST(test_a_reset_by_the_user_is_no_failure),
	    TEST(test_a_dead_backend_resets_its_flows),
	    TEST(test_flows_that_a_backend_serves_stay),
	};

	if (double_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
