/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of net/flow_limits.c: two workers of a node, their limits, whom they count as one, and what is counted. */
#include "tests/unit/cmocka_all.h"

#include "net/flow_limits.h"
#include "net/page.h"

#include <stdlib.h>
#include <string.h>

enum { WORKERS = 2, FLOWS = 8, FORGED = 200000 };

static struct page *pages[WORKERS];
static struct node_limits workers[WORKERS];
static struct config_accelerator config, other;
static struct flow_limits flows[FLOWS];
static uint64_t now_us;

static int setup(void **state)
{
	static const uint8_t key[KEYED_HASH_KEY_BYTES] = "a shared key";

	(void)state;
	for (int i = 0; i < WORKERS; i++) {
		pages[i] = calloc(1, sizeof *pages[i]);
		assert_non_null(pages[i]);
		node_limits_init(&workers[i], pages[i], key);
	}
	node_limits_add(&workers[0], pages[1]);
	node_limits_add(&workers[1], pages[0]);
	now_us = 9000000;
	config = (struct config_accelerator){.id = 1, .name = "web"};
	other = (struct config_accelerator){.id = 2, .name = "game"};
	memset(flows, 0, sizeof flows);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (int i = 0; i < WORKERS; i++)
		free(pages[i]);
	return 0;
}

static bool enter_by(
    enum flow_kind kind, int flow, const struct config_accelerator *accelerator, const char *user)
{
	struct addr from;

	assert_int_equal(addr_parse(user, 4000, &from), 0);
	struct node_limits *node = &workers[flow % WORKERS];

	if (!flow_limits_enter(node, &flows[flow], accelerator, kind, &from, now_us))
		return false;
	flow_limits_begun(node, &flows[flow], accelerator, now_us);
	return true;
}

static bool enter(int flow, const struct config_accelerator *accelerator, const char *user)
{
	return enter_by(FLOW_TCP, flow, accelerator, user);
}

static void leave(int flow)
{
	flow_limits_leave(&workers[flow % WORKERS], &flows[flow]);
}

static uint64_t counted(enum page_value value)
{
	return page_sum((const struct page *const *)pages, WORKERS, value);
}

static void assert_nothing_is_left(void)
{
	static const struct flow_column none;

	for (int i = 0; i < WORKERS * LIMIT_TABLES; i++)
		assert_memory_equal(
		    &pages[i % WORKERS]->limits[i / WORKERS].flows, &none, sizeof none);
}

static void a_source_has_its_flows_at_the_node(void **state)
{
	(void)state;
	config.limits.source.flows = 2;
	assert_true(enter(0, &config, "10.0.0.1"));
	assert_true(enter(1, &config, "10.0.0.1"));
	assert_false(enter(2, &config, "10.0.0.1"));
	assert_false(enter(3, &config, "10.0.0.1"));
	assert_true(enter(4, &config, "10.0.0.2"));
	assert_true(enter(5, &other, "10.0.0.1"));
	assert_int_equal(counted(PAGE_limit_source_flows), 2);
	leave(1);
	assert_true(enter(2, &config, "10.0.0.1"));
	for (int i = 0; i < FLOWS; i++)
		leave(i);
	assert_nothing_is_left();
}

/* Whoever writes a user's address into datagrams takes nothing of what he has over TCP. */
static void datagrams_do_not_count_for_who_did_a_handshake(void **state)
{
	(void)state;
	config.limits.source.flows = 2;
	config.limits.source.new_flows_per_s = 2;
	for (int i = 0; i < 2; i++)
		assert_true(enter_by(FLOW_UDP, i, &config, "10.0.0.1"));
	assert_false(enter_by(FLOW_UDP, 2, &config, "10.0.0.1"));
	for (int i = 2; i < 4; i++)
		assert_true(enter(i, &config, "10.0.0.1"));
	assert_false(enter(4, &config, "10.0.0.1"));
	config.limits.accelerator.flows = 4; /* which both count for */
	assert_false(enter(4, &config, "10.0.0.2"));
	for (int i = 0; i < FLOWS; i++)
		leave(i);
	assert_nothing_is_left();
}

/* A node full of sources that are forged, at their limits: who comes over TCP sees nothing of it. */
static void forged_sources_fill_no_cell_of_others(void **state)
{
	struct addr user = {.family = 4};
	struct flow_limits made = {0};

	(void)state;
	config.limits.source.flows = config.limits.source.new_flows_per_s = 1;
	for (uint32_t i = 0; i < FORGED; i++) {
		struct flow_limits forged = {0};

		memcpy(user.ip, &i, sizeof i);
		flow_limits_enter(&workers[0], &forged, &config, FLOW_UDP, &user, now_us);
	}
	for (uint32_t i = 0; i < 1000; i++) {
		memcpy(user.ip, &i, sizeof i);
		assert_true(
		    flow_limits_enter(&workers[1], &made, &config, FLOW_TCP, &user, now_us));
		flow_limits_leave(&workers[1], &made);
	}
}

static void an_ipv6_network_is_one_source(void **state)
{
	(void)state;
	config.limits.source.flows = 1;
	assert_true(enter(0, &config, "[2001:db8::1]"));
	assert_false(enter(1, &config, "[2001:db8::ffff:0:0:2]"));
	assert_true(enter(2, &config, "[2001:db8:0:1::1]"));
}

static void an_accelerator_has_its_flows(void **state)
{
	(void)state;
	config.limits.accelerator.flows = 2;
	assert_true(enter(0, &config, "10.0.0.1"));
	assert_true(enter(1, &config, "10.0.0.2"));
	assert_false(enter(2, &config, "10.0.0.3"));
	assert_true(enter(3, &other, "10.0.0.3"));
	assert_int_equal(counted(PAGE_limit_accelerator_flows), 1);
	for (int i = 0; i < FLOWS; i++)
		leave(i);
	assert_nothing_is_left();
}

/* Those that came before it count. */
static void a_limit_that_is_set_later_holds(void **state)
{
	(void)state;
	assert_true(enter(0, &config, "10.0.0.1"));
	assert_true(enter(1, &config, "10.0.0.1"));
	config.limits.source.flows = 2;
	assert_false(enter(2, &config, "10.0.0.1"));
	config.limits.source.flows = 3;
	assert_true(enter(2, &config, "10.0.0.1"));
}

static void a_backend_has_its_flows(void **state)
{
	struct backend one = {.host = "10.1.0.1", .port = 80},
	               two = {.host = "10.1.0.1", .port = 81};

	(void)state;
	config.limits.backend.flows = 1;
	assert_true(flow_limits_enter_backend(&workers[0], &flows[0], &config, &one));
	assert_false(flow_limits_enter_backend(&workers[1], &flows[1], &config, &one));
	assert_true(flow_limits_enter_backend(&workers[1], &flows[1], &config, &two));
	assert_true(flow_limits_enter_backend(&workers[1], &flows[3], &other, &one));
	assert_int_equal(counted(PAGE_limit_backend_flows), 1);
	leave(0);
	leave(1);
	assert_true(flow_limits_enter_backend(&workers[0], &flows[2], &config, &one));
}

/* Of the node: begun here or there.  A flow that is refused takes nothing from anybody's rate. */
static void flows_begin_at_a_rate(void **state)
{
	(void)state;
	config.limits.source.new_flows_per_s = 3;
	config.limits.accelerator.new_flows_per_s = 4;
	for (int i = 0; i < 3; i++)
		assert_true(enter(i, &config, "10.0.0.1"));
	assert_false(enter(3, &config, "10.0.0.1"));
	assert_true(enter(3, &config, "10.0.0.2"));
	assert_false(enter(4, &config, "10.0.0.2"));
	assert_int_equal(counted(PAGE_limit_source_new_flows), 1);
	assert_int_equal(counted(PAGE_limit_accelerator_new_flows), 1);
	now_us += 2000000;
	for (int i = 4; i < 7; i++)
		assert_true(enter(i, &config, "10.0.0.2"));
	for (int i = 0; i < FLOWS; i++)
		leave(i);
	assert_nothing_is_left();
}

/* Of every two limits that are exceeded at once the one that is foretold is the one that refuses. */
static void what_refuses_is_what_was_foretold(void **state)
{
	static const enum page_value refused[] = {
	    [EXPLAIN_LIMIT_SOURCE_FLOWS] = PAGE_limit_source_flows,
	    [EXPLAIN_LIMIT_SOURCE_NEW_FLOWS] = PAGE_limit_source_new_flows,
	    [EXPLAIN_LIMIT_ACCELERATOR_FLOWS] = PAGE_limit_accelerator_flows,
	    [EXPLAIN_LIMIT_ACCELERATOR_NEW_FLOWS] = PAGE_limit_accelerator_new_flows,
	};
	uint32_t *const limits[] = {&config.limits.source.flows,
	    &config.limits.source.new_flows_per_s, &config.limits.accelerator.flows,
	    &config.limits.accelerator.new_flows_per_s};
	struct addr from;

	(void)state;
	assert_int_equal(addr_parse("10.0.0.1", 4000, &from), 0);
	for (unsigned i = 0; i < 16; i++) {
		enum explain_limit foretold;
		uint64_t before;

		now_us += 2000000;
		for (unsigned limit = 0; limit < 4; limit++)
			*limits[limit] = i >> limit & 1; /* no limit, or one flow */
		assert_true(enter(0, &config, "10.0.0.1"));
		foretold = flow_limits_foretell(&workers[1], &config, FLOW_TCP, &from, now_us);
		assert_int_equal(foretold == EXPLAIN_LIMIT_NONE, i == 0);
		before = foretold ? counted(refused[foretold]) : 0;
		assert_int_equal(enter(1, &config, "10.0.0.1"), i == 0);
		assert_true(!foretold || counted(refused[foretold]) == before + 1);
		leave(0);
		leave(1);
	}
	assert_nothing_is_left();
}

/* The lane, or a cap on UDP, did not take it. */
static void a_flow_that_did_not_begin_takes_nothing_of_the_rate(void **state)
{
	struct addr from;

	(void)state;
	assert_int_equal(addr_parse("10.0.0.1", 4000, &from), 0);
	config.limits.source.new_flows_per_s = config.limits.accelerator.new_flows_per_s = 1;
	for (int i = 0; i < 3; i++) {
		assert_true(
		    flow_limits_enter(&workers[0], &flows[0], &config, FLOW_UDP, &from, now_us));
		flow_limits_leave(&workers[0], &flows[0]);
	}
	assert_true(enter_by(FLOW_UDP, 0, &config, "10.0.0.1"));
	assert_false(enter_by(FLOW_UDP, 1, &config, "10.0.0.1"));
}

/* Each way by itself, flows of a source together; the tighter limit holds. */
static void bytes_have_a_rate(void **state)
{
	struct node_limits *node = &workers[0];

	(void)state;
	assert_true(enter(0, &config, "10.0.0.1"));
	assert_false(flows[0].is_metered);
	assert_true(flow_limits_pass(node, &flows[0], FLOW_WAY_READ, 1000000, now_us));
	config.limits.source.bytes_per_s = 100000;
	config.limits.accelerator.bytes_per_s = 150000;
	flow_limits_renew(&flows[0], &config);
	assert_int_equal(flow_limits_left(node, &flows[0], FLOW_WAY_READ, now_us), 100000);
	assert_true(flow_limits_pass(node, &flows[0], FLOW_WAY_READ, 99990, now_us));
	assert_false(flow_limits_pass(node, &flows[0], FLOW_WAY_READ, 11, now_us));
	assert_int_equal(
	    flow_limits_left(node, &flows[0], FLOW_WAY_READ, now_us), 0); /* too few to be read */
	assert_int_equal(counted(PAGE_limit_source_bytes), 2);
	assert_int_equal(flow_limits_left(node, &flows[0], FLOW_WAY_WRITTEN, now_us), 100000);
	assert_true(enter(1, &config, "10.0.0.2"));
	assert_in_range(
	    flow_limits_left(&workers[1], &flows[1], FLOW_WAY_READ, now_us), 50000, 50020);
	flow_limits_use(&workers[1], &flows[1], FLOW_WAY_READ, 50010, now_us);
	assert_true(enter(3, &config, "10.0.0.3"));
	flow_limits_use(&workers[1], &flows[3], FLOW_WAY_WRITTEN, 150000, now_us);
	assert_int_equal(flow_limits_left(node, &flows[0], FLOW_WAY_READ, now_us + 500000), 0);
	assert_int_equal(counted(PAGE_limit_accelerator_bytes), 0);
	assert_int_equal(flow_limits_left(&workers[1], &flows[3], FLOW_WAY_WRITTEN, now_us), 0);
	assert_int_equal(
	    counted(PAGE_limit_source_bytes) + counted(PAGE_limit_accelerator_bytes), 4);
	config.limits = (struct accelerator_limits){0};
	flow_limits_renew(&flows[0], &config);
	assert_true(flow_limits_pass(node, &flows[0], FLOW_WAY_READ, 1000000, now_us));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_source_has_its_flows_at_the_node),
	    TEST(datagrams_do_not_count_for_who_did_a_handshake),
	    TEST(forged_sources_fill_no_cell_of_others),
	    TEST(an_ipv6_network_is_one_source),
	    TEST(an_accelerator_has_its_flows),
	    TEST(a_limit_that_is_set_later_holds),
	    TEST(a_backend_has_its_flows),
	    TEST(flows_begin_at_a_rate),
	    TEST(what_refuses_is_what_was_foretold),
	    TEST(a_flow_that_did_not_begin_takes_nothing_of_the_rate),
	    TEST(bytes_have_a_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
