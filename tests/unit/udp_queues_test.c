/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of listener/udp_queues.c: who is found to give way, and that nothing is left behind. */
#include "tests/unit/cmocka_all.h"

#include "listener/udp_queues.h"

#include <string.h>

enum { FLOWS = 3 * UDP_QUEUE_SAMPLE, MINE = 7, OTHER = 8 };

static struct udp_queues queues;
static struct udp_queued flows[FLOWS];
static struct flow_life lives[FLOWS];

static int setup(void **state)
{
	(void)state;
	assert_int_equal(keyed_hash_init(), 0);
	memset(flows, 0, sizeof flows);
	memset(lives, 0, sizeof lives);
	for (int i = 0; i < FLOWS; i++)
		lives[i].active_us = 1000;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (int i = 0; i < FLOWS; i++)
		udp_queues_leave(&queues, &flows[i]);
	assert_null(queues.table);
	return 0;
}

static void enter(uint32_t accelerator, int count, int first)
{
	for (int i = first; i < first + count; i++)
		assert_int_equal(udp_queues_enter(&queues, accelerator, &flows[i], &lives[i]), 0);
}

static void the_one_idle_longest_is_found_among_few(void **state)
{
	(void)state;
	enter(MINE, 5, 0);
	enter(OTHER, 5, 5);
	lives[3].active_us = 500;
	lives[6].active_us = 1;
	for (int i = 0; i < 3; i++) {
		assert_ptr_equal(udp_queues_idle(&queues, MINE, 1000), &flows[3]);
		udp_queues_turn(&queues, MINE);
	}
	lives[3].active_us = 2000;
	lives[0].active_us = 900;
	assert_ptr_equal(udp_queues_idle(&queues, MINE, 1000), &flows[0]);
	assert_ptr_equal(udp_queues_idle(&queues, OTHER, 1000), &flows[6]);
}

/* So each is looked at before one is a second time. */
static void many_are_looked_at_in_turn(void **state)
{
	static const int idlest[] = {2, UDP_QUEUE_SAMPLE + 4, 2 * UDP_QUEUE_SAMPLE, 2};

	(void)state;
	enter(MINE, FLOWS, 0);
	lives[2].active_us = lives[UDP_QUEUE_SAMPLE + 4].active_us = 10;
	lives[2 * UDP_QUEUE_SAMPLE].active_us = 20;
	for (size_t i = 0; i < sizeof idlest / sizeof *idlest; i++) {
		assert_ptr_equal(udp_queues_idle(&queues, MINE, 1000), &flows[idlest[i]]);
		udp_queues_turn(&queues, MINE);
	}
}

static void who_was_active_since_is_not_found(void **state)
{
	(void)state;
	enter(MINE, FLOWS, 0);
	assert_null(udp_queues_idle(&queues, MINE, 999));
	lives[UDP_QUEUE_SAMPLE].active_us = 999;
	assert_null(udp_queues_idle(&queues, MINE, 999));
	udp_queues_turn(&queues, MINE);
	assert_ptr_equal(udp_queues_idle(&queues, MINE, 999), &flows[UDP_QUEUE_SAMPLE]);
	assert_null(udp_queues_idle(&queues, MINE, 998));
}

static void who_left_is_not_found(void **state)
{
	(void)state;
	assert_null(udp_queues_idle(&queues, MINE, 1000));
	udp_queues_turn(&queues, MINE);
	enter(MINE, 2, 0);
	lives[0].active_us = 1;
	udp_queues_leave(&queues, &flows[0]);
	udp_queues_leave(&queues, &flows[0]);
	assert_ptr_equal(udp_queues_idle(&queues, MINE, 1000), &flows[1]);
	udp_queues_leave(&queues, &flows[1]);
	assert_null(udp_queues_idle(&queues, MINE, 1000));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(the_one_idle_longest_is_found_among_few),
	    TEST(many_are_looked_at_in_turn),
	    TEST(who_was_active_since_is_not_found),
	    TEST(who_left_is_not_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
