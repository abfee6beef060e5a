/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sending half: random writes, losses and acknowledgements, against the bytes that were written.
 */
#include "config.h"

#include "tunnel/stream_send.h"

#include "base/rng.h"
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

enum { TOTAL_BYTES = 300000, FLIGHT = 64, PIECE_BYTES = 1000 };

static uint8_t pattern(uint64_t offset)
{
	return (uint8_t)(offset * 7 ^ offset >> 8);
}

struct world {
	struct stream_send send;
	struct budget budget;
	struct chunk_pool *pool;
	struct rng rng;
	struct stream_piece flight[FLIGHT];
	unsigned in_flight;
	uint8_t arrived[TOTAL_BYTES];
	bool fin_arrived;
};

static void write_some(struct world *world)
{
	uint64_t left = TOTAL_BYTES - world->send.end;
	struct slice slice = {.length = (uint32_t)(1 + rng_below(&world->rng, CHUNK_BYTES))};

	if (left == 0) {
		stream_send_finish(&world->send);
		return;
	}
	if (slice.length > left)
		slice.length = (uint32_t)left;
	slice.chunk = chunk_get(world->pool);
	assert_non_null(slice.chunk);
	for (uint32_t i = 0; i < slice.length; i++)
		slice.chunk->data[i] = pattern(world->send.end + i);
	/* In two slices, so that neighbours in one chunk become one. */
	if (slice.length > 1) {
		struct slice first = {chunk_ref(slice.chunk), 0, slice.length / 2};

		assert_int_equal(
		    stream_send_append(&world->send, &first, false, &world->budget), 0);
		slice.offset = first.length;
		slice.length -= first.length;
	}
	assert_int_equal(stream_send_append(&world->send, &slice, false, &world->budget), 0);
}

static void send_some(struct world *world)
{
	struct stream_send *send = &world->send;
	uint8_t bytes[PIECE_BYTES];
	struct stream_piece piece;

	if (world->in_flight == FLIGHT)
		return;
	if (stream_send_has_lost(send))
		piece = stream_send_next_lost(send, 1 + rng_below(&world->rng, PIECE_BYTES));
	else if (stream_send_has_new(send))
		piece = stream_send_next_new(send, 1 + rng_below(&world->rng, PIECE_BYTES));
	else
		return;
	assert_true(piece.length > 0 || piece.is_fin);
	stream_send_copy(send, &piece, bytes);
	for (size_t i = 0; i < piece.length; i++)
		assert_int_equal(bytes[i], pattern(piece.offset + i));
	assert_int_equal(stream_send_on_sent(send, &piece), 0);
	world->flight[world->in_flight++] = piece;
}

/* One piece of the flight is acknowledged, lost, or lost and acknowledged after all. */
static void settle_some(struct world *world)
{
	unsigned index = (unsigned)rng_below(&world->rng, world->in_flight);
	struct stream_piece piece = world->flight[index];
	uint64_t fate = rng_below(&world->rng, 10);

	world->flight[index] = world->flight[--world->in_flight];
	if (fate < 4)
		assert_int_equal(
		    stream_send_on_lost(&world->send, piece.offset, piece.length, piece.is_fin), 0);
	if (fate < 3)
		return;
	assert_int_equal(stream_send_on_acked(&world->send, piece.offset, piece.length,
	                     piece.is_fin, &world->budget),
	    0);
	memset(world->arrived + piece.offset, 1, piece.length);
	world->fin_arrived |= piece.is_fin;
}

static void start(struct world *world, uint64_t seed)
{
	memset(world, 0, sizeof(*world));
	rng_seed(&world->rng, seed);
	world->budget.limit_bytes = UINT64_MAX;
	world->pool = chunk_pool_new(64 << 20);
	assert_non_null(world->pool);
	stream_send_init(&world->send, TOTAL_BYTES);
}

static void every_byte_arrives(void **state)
{
	static struct world world;
	uint64_t seed = test_seed();

	(void)state;
	for (uint64_t round = 0; round < 20; round++) {
		start(&world, seed + round);
		for (int step = 0; !stream_send_is_done(&world.send); step++) {
			assert_true(step < 100000);
			if (rng_below(&world.rng, 20) == 0)
				write_some(&world);
			send_some(&world);
			if (world.in_flight && rng_below(&world.rng, 2))
				settle_some(&world);
		}
		for (size_t i = 0; i < TOTAL_BYTES; i++)
			assert_int_equal(world.arrived[i], 1);
		assert_true(world.fin_arrived);
		/* What was done with is let go of, without clearing. */
		assert_int_equal(world.budget.used_bytes, 0);
		assert_int_equal(chunk_pool_used_bytes(world.pool), 0);
		assert_null(world.send.slices);
		stream_send_clear(&world.send, &world.budget);
		chunk_pool_free(world.pool);
	}
}

static void reset_drops_all(void **state)
{
	static struct world world;

	(void)state;
	start(&world, 1);
	write_some(&world);
	send_some(&world);
	stream_send_reset(&world.send, REASON_IDLE, &world.budget);
	assert_true(world.send.reset_is_pending);
	assert_int_equal(world.send.end, world.send.sent);
	assert_int_equal(chunk_pool_used_bytes(world.pool), 0);
	assert_int_equal(world.budget.used_bytes, 0);
	settle_some(&world);
	assert_false(stream_send_has_lost(&world.send) || stream_send_has_new(&world.send));
	assert_false(stream_send_is_done(&world.send));
	world.send.reset_is_acked = true;
	assert_true(stream_send_is_done(&world.send));
	chunk_pool_free(world.pool);
}

/* A packet with nothing but the fin may be acknowledged before the one with the last bytes. */
static void lone_fin_is_acked_first(void **state)
{
	static struct world world;
	struct stream_send *send = &world.send;
	struct slice slice = {.length = 10};

	(void)state;
	start(&world, 1);
	slice.chunk = chunk_get(world.pool);
	assert_non_null(slice.chunk);
	for (uint32_t i = 0; i < slice.length; i++)
		slice.chunk->data[i] = pattern(i);
	assert_int_equal(stream_send_append(send, &slice, false, &world.budget), 0);
	send_some(&world);
	while (send->sent < send->end)
		send_some(&world);
	stream_send_finish(send);
	send_some(&world);
	assert_true(send->fin_is_sent);
	assert_int_equal(stream_send_on_acked(send, 10, 0, true, &world.budget), 0);
	assert_int_equal(send->base, 0);
	assert_false(stream_send_is_done(send));
	assert_int_equal(stream_send_on_acked(send, 0, 10, false, &world.budget), 0);
	assert_true(stream_send_is_done(send));
	stream_send_clear(send, &world.budget);
	chunk_pool_free(world.pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_byte_arrives),
	    cmocka_unit_test(lone_fin_is_acked_first),
	    cmocka_unit_test(reset_drops_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
