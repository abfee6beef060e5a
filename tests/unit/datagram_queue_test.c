/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Datagram queues over one store: what goes in comes out in order, in parts, within the caps; what was
 * sent is kept until its fate is known, and goes again in part.
 */
#include "config.h"

#include "tunnel/datagram_queue.h"

#include "base/err.h"
#include "base/rng.h"
#include "tests/unit/cmocka_all.h"

#include <string.h>

enum { QUEUES = 3 };

struct world {
	struct datagram_store store;
	struct datagram_queue queues[QUEUES];
	struct budget budget;
	struct chunk_pool *pool;
	uint8_t data[DATAGRAM_MAX_BYTES];
};

static struct world world;

static int set_up(void **state)
{
	(void)state;
	memset(&world, 0, sizeof(world));
	world.budget.limit_bytes = 64 << 20;
	world.pool = chunk_pool_new(64 << 20);
	datagram_store_init(&world.store, world.pool, &world.budget);
	for (int i = 0; i < QUEUES; i++)
		datagram_queue_init(&world.queues[i]);
	return world.pool ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	for (int i = 0; i < QUEUES; i++)
		datagram_queue_clear(&world.store, &world.queues[i]);
	assert_int_equal(world.store.bytes, 0);
	assert_int_equal(world.store.kept_bytes, 0);
	assert_int_equal(world.budget.used_bytes, 0);
	assert_int_equal(chunk_pool_used_bytes(world.pool), 0);
	chunk_pool_free(world.pool);
	return 0;
}

static int push(int queue, uint32_t id, uint32_t length)
{
	for (uint32_t i = 0; i < length; i++)
		world.data[i] = (uint8_t)(id * 7 + i);
	return datagram_queue_push(
	    &world.store, &world.queues[queue], id, world.data, length, id * 10);
}

static struct datagram *head_of(int queue)
{
	return datagram_queue_head(&world.queues[queue]);
}

static void read_and_check(struct datagram *datagram, uint32_t n)
{
	uint32_t from = datagram->from;

	memset(world.data, 0x77, n);
	datagram_read(datagram, world.data, n);
	assert_int_equal(datagram->from, from + n);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(world.data[i], (uint8_t)(datagram->id * 7 + from + i));
}

/* Reads the front one in two parts; it was sent then. */
static void expect_next(int queue, uint32_t id)
{
	struct datagram *head = head_of(queue);
	uint32_t length;

	assert_non_null(head);
	assert_int_equal(head->id, id);
	length = head->length;
	read_and_check(head, length / 3);
	assert_ptr_equal(head_of(queue), head);
	read_and_check(head, length - length / 3);
	datagram_sent(&world.store, head);
}

static void order_and_bytes_are_kept(void **state)
{
	struct rng rng;
	uint32_t in[QUEUES] = {0}, out[QUEUES] = {0};

	(void)state;
	rng_seed(&rng, test_seed());
	for (int step = 0; step < 6000; step++) {
		int queue = (int)rng_below(&rng, QUEUES);

		if (rng_below(&rng, 2) || in[queue] == out[queue]) {
			uint64_t most = in[queue] % 10 ? 2000 : DATAGRAM_MAX_BYTES + 1;

			assert_int_equal(
			    push(queue, in[queue], (uint32_t)rng_below(&rng, most)), 0);
			in[queue]++;
		} else {
			expect_next(queue, out[queue]++);
		}
	}
	for (int queue = 0; queue < QUEUES; queue++) {
		while (out[queue] < in[queue])
			expect_next(queue, out[queue]++);
		assert_true(datagram_queue_is_empty(&world.queues[queue]));
	}
	/* Nothing waits, so nothing is owned. */
	assert_int_equal(world.budget.used_bytes, 0);
}

static void one_flow_leaves_room_for_others(void **state)
{
	uint32_t first = 0, second = 0;

	(void)state;
	while (push(0, first, 10000) == 0)
		first++;
	assert_in_range(
	    first, DATAGRAM_QUEUE_MAX_BYTES / 2 / 10200, DATAGRAM_QUEUE_MAX_BYTES / 2 / 10000);
	while (push(1, second, 10000) == 0)
		second++;
	assert_in_range(second, first / 2 - 1, first / 2 + 1);
	assert_in_range(world.budget.used_bytes, 0, DATAGRAM_QUEUE_MAX_BYTES + 2 * CHUNK_BYTES);
}

static void a_failed_push_changes_nothing(void **state)
{
	(void)state;
	world.budget.limit_bytes = 2 * CHUNK_BYTES;
	assert_int_equal(push(0, 0, 10000), 0);
	assert_int_equal(push(0, 1, 65507), ERR_LIMIT);
	assert_int_equal(push(0, 2, 16000), 0);
	expect_next(0, 0);
	expect_next(0, 2);
	assert_int_equal(world.budget.used_bytes, 0);
}

static void the_oldest_is_found_until_it_is_begun(void **state)
{
	(void)state;
	push(1, 1, 100);
	push(0, 2, 100);
	assert_ptr_equal(datagram_store_oldest(&world.store), head_of(1));
	read_and_check(head_of(1), 50);
	assert_ptr_equal(datagram_store_oldest(&world.store), head_of(0));
	datagram_drop(&world.store, head_of(0));
	assert_null(datagram_store_oldest(&world.store));
	assert_int_equal(datagram_queue_clear(&world.store, &world.queues[1]), 1);
}

/* Sends the front one of queue 0 in two frames whose fate is to be told. */
static struct datagram *send_kept(void)
{
	struct datagram *datagram = head_of(0);

	assert_true(datagram_may_be_kept(&world.store, datagram));
	datagram->frames = 2;
	read_and_check(datagram, datagram->length);
	datagram_sent(&world.store, datagram);
	return datagram;
}

static void what_was_lost_goes_again(void **state)
{
	struct datagram *datagram;

	(void)state;
	push(0, 5, 3000);
	push(0, 6, 10);
	datagram = send_kept();
	assert_ptr_equal(datagram_queue_find_sent(&world.queues[0], 5), datagram);
	assert_null(datagram_queue_find_sent(&world.queues[0], 6));
	datagram_on_lost(&world.store, datagram, 1000, 1500, true);
	datagram_on_lost(&world.store, datagram, 2000, 2100, true);
	assert_ptr_equal(head_of(0), datagram);
	assert_ptr_equal(datagram_queue_find_sent(&world.queues[0], 5), datagram);
	assert_int_equal(datagram->from, 1000);
	assert_int_equal(datagram->to, 2100);
	datagram->frames = 1;
	read_and_check(datagram, 1100);
	datagram_sent(&world.store, datagram);
	assert_int_equal(head_of(0)->id, 6);
	datagram_on_acked(&world.store, datagram);
	assert_null(datagram_queue_find_sent(&world.queues[0], 5));
	assert_int_equal(world.store.kept_bytes, 0);
}

static void what_came_too_late_is_forgotten(void **state)
{
	struct datagram *datagram;

	(void)state;
	push(0, 5, 3000);
	datagram = send_kept();
	datagram_on_acked(&world.store, datagram);
	assert_ptr_equal(datagram_queue_find_sent(&world.queues[0], 5), datagram);
	datagram_on_lost(&world.store, datagram, 0, 1500, false);
	assert_null(datagram_queue_find_sent(&world.queues[0], 5));
	assert_int_equal(world.budget.used_bytes, 0);
}

/* Those that wait to go again count too. */
static void few_are_kept(void **state)
{
	(void)state;
	for (uint32_t id = 0; id < DATAGRAM_KEPT_MAX; id++) {
		push(0, id, 10);
		send_kept();
	}
	push(0, DATAGRAM_KEPT_MAX, 10);
	assert_false(datagram_may_be_kept(&world.store, head_of(0)));
	datagram_on_lost(&world.store, datagram_queue_find_sent(&world.queues[0], 7), 0, 10, true);
	assert_int_equal(head_of(0)->id, 7);
	assert_false(datagram_may_be_kept(&world.store, head_of(0)));
	datagram_drop(&world.store, head_of(0));
	assert_int_equal(head_of(0)->id, DATAGRAM_KEPT_MAX);
	assert_true(datagram_may_be_kept(&world.store, head_of(0)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(order_and_bytes_are_kept, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(one_flow_leaves_room_for_others, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_failed_push_changes_nothing, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        the_oldest_is_found_until_it_is_begun, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_was_lost_goes_again, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_came_too_late_is_forgotten, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(few_are_kept, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
