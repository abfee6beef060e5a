/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The datagram queue: what goes in comes out in order, in parts, within its cap.
 */
#include "config.h"

#include "tunnel/datagram_queue.h"

#include "base/err.h"
#include "base/rng.h"
#include "tests/unit/cmocka_all.h"

#include <string.h>

struct world {
	struct datagram_queue queue;
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
	return world.pool ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	datagram_queue_clear(&world.queue, &world.budget);
	assert_int_equal(world.budget.used_bytes, 0);
	assert_int_equal(chunk_pool_used_bytes(world.pool), 0);
	chunk_pool_free(world.pool);
	return 0;
}

static int push(uint32_t id, uint32_t length)
{
	struct datagram_record record = {5, 9, id, length};

	memset(world.data, (int)(id & 0xff), length);
	return datagram_queue_push(&world.queue, world.pool, &world.budget, &record, world.data);
}

/* Reads the front one in two parts. */
static void expect_next(uint32_t id)
{
	const struct datagram_record *head = datagram_queue_head(&world.queue, &world.budget);
	uint32_t length, first;

	assert_non_null(head);
	assert_int_equal(head->id, id);
	length = head->length;
	first = length / 3;
	memset(world.data, 0x77, length);
	datagram_queue_read(&world.queue, &world.budget, world.data, first);
	assert_int_equal(world.queue.done, first);
	assert_ptr_equal(datagram_queue_head(&world.queue, &world.budget), head);
	datagram_queue_read(&world.queue, &world.budget, world.data + first, length - first);
	for (uint32_t i = 0; i < length; i++)
		assert_int_equal(world.data[i], id & 0xff);
	datagram_queue_pop(&world.queue, &world.budget);
}

static void order_and_bytes_are_kept(void **state)
{
	struct rng rng;
	uint32_t in = 0, out = 0;

	(void)state;
	rng_seed(&rng, test_seed());
	for (int step = 0; step < 5000; step++) {
		if (rng_below(&rng, 2) || in == out) {
			assert_int_equal(
			    push(in, (uint32_t)rng_below(&rng, in % 10 ? 2000 : 65508)), 0);
			in++;
		} else {
			expect_next(out++);
		}
	}
	while (out < in)
		expect_next(out++);
	assert_true(datagram_queue_is_empty(&world.queue));
	assert_null(datagram_queue_head(&world.queue, &world.budget));
	assert_int_equal(world.budget.used_bytes, 0);
}

static void the_cap_holds(void **state)
{
	uint32_t count = 0;

	(void)state;
	while (push(count, 10000) == 0)
		count++;
	assert_int_equal(push(count, 10000), ERR_LIMIT);
	assert_in_range(count, 400, DATAGRAM_QUEUE_MAX_BYTES / 10000);
	assert_in_range(world.budget.used_bytes, 0, DATAGRAM_QUEUE_MAX_BYTES + 2 * CHUNK_BYTES);
	for (uint32_t i = 0; i < count; i++)
		datagram_queue_head(&world.queue, &world.budget),
		    datagram_queue_pop(&world.queue, &world.budget);
	assert_true(datagram_queue_is_empty(&world.queue));
}

static void a_failed_push_changes_nothing(void **state)
{
	(void)state;
	world.budget.limit_bytes = 2 * CHUNK_BYTES;
	assert_int_equal(push(0, 10000), 0);
	assert_int_equal(push(1, 65507), ERR_LIMIT);
	assert_int_equal(world.budget.used_bytes, CHUNK_BYTES);
	assert_int_equal(push(2, 20000), 0);
	expect_next(0);
	expect_next(2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(order_and_bytes_are_kept, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(the_cap_holds, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_failed_push_changes_nothing, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
