/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The receiving half: pieces of all sizes in any order, within its bound of memory.
 */
#include "config.h"

#include "tunnel/stream_recv.h"

#include "base/err.h"
#include "base/rng.h"
#include "tests/unit/cmocka_all.h"

#include <string.h>

enum { WINDOW_BYTES = 100000, PIECES = 8 };

static uint8_t pattern(uint64_t offset)
{
	return (uint8_t)(offset * 13 ^ offset >> 8);
}

struct world {
	struct stream_recv recv;
	struct budget budget;
	struct chunk_pool *pool;
};

static void start(struct world *world)
{
	*world = (struct world){.budget.limit_bytes = UINT64_MAX};
	world->pool = chunk_pool_new(1 << 20);
	assert_non_null(world->pool);
	stream_recv_init(&world->recv, WINDOW_BYTES, 0);
}

static void stop(struct world *world)
{
	stream_recv_clear(&world->recv, &world->budget);
	assert_int_equal(world->budget.used_bytes, 0);
	assert_int_equal(chunk_pool_used_bytes(world->pool), 0);
	chunk_pool_free(world->pool);
}

static int store(struct world *world, uint64_t offset, size_t length)
{
	uint8_t data[WINDOW_BYTES];

	for (size_t i = 0; i < length; i++)
		data[i] = pattern(offset + i);
	return stream_recv_store(&world->recv, world->pool, &world->budget, offset, data, length);
}

/* Takes up to `most` bytes; returns how many there were. */
static uint64_t take(struct world *world, uint64_t most)
{
	struct iovec pieces[PIECES];
	int count = stream_recv_pieces(&world->recv, world->recv.taken, pieces, PIECES);
	uint64_t offset = world->recv.taken, total = 0;

	for (int i = 0; i < count; i++) {
		const uint8_t *data = pieces[i].iov_base;

		for (size_t j = 0; j < pieces[i].iov_len; j++)
			assert_int_equal(data[j], pattern(offset++));
		total += pieces[i].iov_len;
	}
	if (total > most)
		total = most;
	stream_recv_take(&world->recv, total, &world->budget);
	return total;
}

static void random_pieces_come_out_in_order(void **state)
{
	struct world world;
	struct rng rng;

	(void)state;
	rng_seed(&rng, test_seed());
	start(&world);
	for (int step = 0; step < 20000; step++) {
		uint64_t first = world.recv.taken + rng_below(&rng, WINDOW_BYTES);
		uint64_t length = 1 + rng_below(&rng, 3000);

		if (first + length > world.recv.taken + WINDOW_BYTES)
			continue;
		assert_int_equal(store(&world, first, length), 0);
		assert_in_range(
		    world.budget.used_bytes, 0, (WINDOW_BYTES + 2 * CHUNK_BYTES) / 8 * 9);
		if (rng_below(&rng, 4) == 0)
			assert_int_equal(
			    store(&world, world.recv.taken, 1 + rng_below(&rng, 2000)), 0);
		if (rng_below(&rng, 3) == 0)
			take(&world, rng_below(&rng, 40000));
	}
	assert_true(world.recv.taken > 1000000);
	stop(&world);
}

/* Bytes that were handed on without the store pass what it had of them. */
static void taking_passes_stored_bytes(void **state)
{
	struct world world;

	(void)state;
	start(&world);
	store(&world, 10, 20);
	store(&world, 40000, 10);
	assert_int_equal(take(&world, 100), 0);
	stream_recv_take(&world.recv, 25, &world.budget);
	assert_int_equal(world.recv.stored_bytes, 5 + 10);
	assert_int_equal(take(&world, 100), 5);
	stream_recv_take(&world.recv, 39970, &world.budget);
	assert_int_equal(take(&world, 100), 10);
	assert_int_equal(world.recv.stored_bytes, 0);
	assert_int_equal(world.budget.used_bytes, 0);
	stop(&world);
}

static void bytes_that_come_twice_count_once(void **state)
{
	struct world world;

	(void)state;
	start(&world);
	assert_int_equal(store(&world, 100, 1000), 0);
	assert_int_equal(world.recv.stored_bytes, 1000);
	assert_int_equal(store(&world, 0, 20000), 0);
	assert_int_equal(world.recv.stored_bytes, 20000);
	assert_int_equal(take(&world, 17000), 17000);
	assert_int_equal(world.recv.stored_bytes, 3000);
	stop(&world);
}

/* Pages are of 16 KiB; also before the first and beyond the ring of them. */
static void it_is_known_what_needs_no_page_more(void **state)
{
	struct world world;

	(void)state;
	start(&world);
	assert_false(stream_recv_has_pages(&world.recv, 0, 1));
	assert_int_equal(store(&world, 100, 1000), 0);
	assert_int_equal(store(&world, 40000, 10), 0);
	assert_true(stream_recv_has_pages(&world.recv, 0, 16384));
	assert_false(stream_recv_has_pages(&world.recv, 0, 16385));
	assert_false(stream_recv_has_pages(&world.recv, 16384, 16385));
	assert_true(stream_recv_has_pages(&world.recv, 32768, 49152));
	assert_false(stream_recv_has_pages(&world.recv, 32000, 49152));
	assert_false(stream_recv_has_pages(&world.recv, 90000, 90001));
	stop(&world);
}

static void windows_and_sizes_are_kept(void **state)
{
	struct world world;
	uint64_t growth;

	(void)state;
	start(&world);
	assert_int_equal(stream_recv_admit(&world.recv, 100, false, &growth), 0);
	assert_int_equal(growth, 100);
	assert_int_equal(stream_recv_admit(&world.recv, 50, false, &growth), 0);
	assert_int_equal(growth, 0);
	assert_int_equal(
	    stream_recv_admit(&world.recv, WINDOW_BYTES + 1, false, &growth), ERR_FLOW_CONTROL);
	assert_int_equal(stream_recv_admit(&world.recv, 99, true, &growth), ERR_MALFORMED);
	assert_int_equal(stream_recv_admit(&world.recv, 150, true, &growth), 0);
	assert_int_equal(growth, 50);
	assert_int_equal(stream_recv_admit(&world.recv, 150, true, &growth), 0);
	assert_int_equal(stream_recv_admit(&world.recv, 140, true, &growth), ERR_MALFORMED);
	assert_int_equal(stream_recv_admit(&world.recv, 151, false, &growth), ERR_MALFORMED);
	assert_false(stream_recv_is_complete(&world.recv));
	stream_recv_take(&world.recv, 150, &world.budget);
	assert_true(stream_recv_is_complete(&world.recv));
	stop(&world);
}

static void the_budget_holds(void **state)
{
	struct world world;

	(void)state;
	start(&world);
	world.budget.limit_bytes = RECV_PAGE_COST_BYTES;
	assert_int_equal(store(&world, 1, 10), 0);
	assert_int_equal(store(&world, CHUNK_BYTES + 1, 10), ERR_NOMEM);
	stop(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(random_pieces_come_out_in_order),
	    cmocka_unit_test(taking_passes_stored_bytes),
	    cmocka_unit_test(bytes_that_come_twice_count_once),
	    cmocka_unit_test(it_is_known_what_needs_no_page_more),
	    cmocka_unit_test(windows_and_sizes_are_kept),
	    cmocka_unit_test(the_budget_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
