/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of net/relay_blocks.c: two of them back to back, with sockets that take little at a time. */
#include "config.h"

#include "tests/unit/cmocka_all.h"

#include "base/err.h"
#include "base/rng.h"
#include "net/relay_blocks.h"
#include "tunnel/budget.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BODY_BYTES = 700000, STREAM_BYTES = BODY_BYTES + 4096, SMALL_BUFFER = 4608 };

static struct relay_blocks near, far;
static struct relay_scratch scratch;
static struct chunk_pool *pool;
static struct budget budget;
static struct relay_memory memory;
static struct rng rng;
static int user[2], backend[2]; /* [0] is the relay's */
static uint8_t body[BODY_BYTES], stream[STREAM_BYTES], arrived[BODY_BYTES];

static void make_pair(int pair[2])
{
	int bytes = SMALL_BUFFER;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	for (int i = 0; i < 2; i++)
		setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

static int setup(void **state)
{
	(void)state;
	near = far = (struct relay_blocks){0};
	pool = chunk_pool_new(CHUNK_BYTES);
	budget = (struct budget){.limit_bytes = CHUNK_BYTES};
	memory = (struct relay_memory){pool, &budget};
	make_pair(user);
	make_pair(backend);
	rng_seed(&rng, 7);
	/* Text, noise, text: blocks of both kinds. */
	for (size_t i = 0; i < BODY_BYTES; i++)
		body[i] = i / 200000 % 2 ? (uint8_t)rng_next(&rng) : (uint8_t)("abcdefg"[i % 7]);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	relay_blocks_clear(&near, &budget);
	relay_blocks_clear(&far, &budget);
	assert_int_equal(budget.used_bytes, 0);
	assert_int_equal(chunk_pool_used_bytes(pool), 0);
	chunk_pool_free(pool);
	for (int i = 0; i < 2; i++) {
		close(user[i]);
		close(backend[i]);
	}
	return 0;
}

/* The user's bytes become a stream, by reads with more and less room; its length. */
static size_t read_all(size_t length)
{
	size_t sent = 0, made, total = 0;
	bool is_over = false;

	while (!is_over) {
		size_t room = RELAY_BLOCKS_ROOM_MIN + rng_next(&rng) % 90000, first = 1 + room / 3;
		ssize_t got = send(user[1], body + sent, length - sent, MSG_NOSIGNAL);
		struct iovec pieces[2];

		sent += got > 0 ? (size_t)got : 0;
		assert_true(total + room <= STREAM_BYTES || sent == length);
		if (room > STREAM_BYTES - total)
			room = STREAM_BYTES - total;
		first = first < room ? first : room;
		pieces[0] = (struct iovec){stream + total, first};
		pieces[1] = (struct iovec){stream + total + first, room - first};
		got = relay_blocks_read(&near, &scratch, user[0], pieces, 2, &made);
		assert_true(made <= room);
		total += made;
		is_over = got < 0 && errno == EAGAIN && sent == length;
	}
	return total;
}

/* What the backend reads at once. */
static size_t receive(size_t at, size_t most)
{
	size_t room = BODY_BYTES - at < most ? BODY_BYTES - at : most;
	ssize_t got = room ? recv(backend[1], arrived + at, room, 0) : 0;

	return got > 0 ? (size_t)got : 0;
}

/* The lane's part: what was not taken is offered again. The number of calls that left something. */
static unsigned write_all(size_t length, size_t *got_back)
{
	size_t taken = 0, there = 0;
	unsigned held = 0;

	*got_back = 0;
	while (taken < length) {
		struct relay_blocks_written result;
		size_t offered;

		there += rng_next(&rng) % 3000;
		there = there < length ? there : length;
		there = there > taken ? there : taken + 1;
		offered = there - taken;
		result = relay_blocks_write(&far, &scratch, &memory, backend[0],
		    (struct iovec[]){{stream + taken, offered / 2},
		        {stream + taken + offered / 2, offered - offered / 2}},
		    2, SIZE_MAX);
		assert_true(result.error == 0 || result.error == ERR_AGAIN);
		assert_true(result.taken <= offered);
		assert_int_equal(result.error == 0, result.taken == offered);
		held += result.error == ERR_AGAIN;
		taken += result.taken;
		*got_back += receive(*got_back, 1 + rng_next(&rng) % 6000);
	}
	for (size_t more = 1; more > 0; *got_back += more)
		more = receive(*got_back, BODY_BYTES);
	return held;
}

static void there_and_back(void **state)
{
	size_t made = read_all(BODY_BYTES), got;

	(void)state;
	assert_true(made < BODY_BYTES * 2 / 3);
	assert_true(write_all(made, &got) > 100);
	assert_true(relay_blocks_is_whole(&far));
	assert_int_equal(got, BODY_BYTES);
	assert_memory_equal(arrived, body, BODY_BYTES);
	assert_int_equal(chunk_pool_used_bytes(pool), 0);
}

/* A block whose rest is not written has not been taken whole: the flow cannot end before. */
static void the_last_byte_waits_for_the_socket(void **state)
{
	const size_t length = 16384;
	size_t size;
	struct compressor compressor = {0};
	struct relay_blocks_written result;
	struct iovec piece;

	(void)state;
	size = compressor_block(&compressor, body, length, stream);
	piece = (struct iovec){stream, size};
	result = relay_blocks_write(&far, &scratch, &memory, backend[0], &piece, 1, SIZE_MAX);
	assert_int_equal(result.error, ERR_AGAIN);
	assert_int_equal(result.taken, size - 1);
	assert_false(relay_blocks_is_whole(&far));
	piece = (struct iovec){stream + size - 1, 1};
	while (result.error == ERR_AGAIN) {
		while (recv(backend[1], arrived, sizeof(arrived), 0) > 0)
			;
		result =
		    relay_blocks_write(&far, &scratch, &memory, backend[0], &piece, 1, SIZE_MAX);
	}
	assert_int_equal(result.error, 0);
	assert_int_equal(result.taken, 1);
	assert_true(relay_blocks_is_whole(&far));
}

static void without_a_chunk_nothing_is_lost(void **state)
{
	struct chunk *taken = chunk_get(pool);
	uint8_t block[] = {0, 3, 'a', 'b', 'c'};
	struct iovec piece = {block, sizeof(block)};
	struct relay_blocks_written result;

	(void)state;
	result = relay_blocks_write(&far, &scratch, &memory, backend[0], &piece, 1, SIZE_MAX);
	assert_int_equal(result.error, ERR_NOMEM);
	assert_int_equal(result.taken, 0);
	assert_int_equal(budget.used_bytes, 0);
	chunk_unref(taken);
	budget_force(&budget, 1);
	result = relay_blocks_write(&far, &scratch, &memory, backend[0], &piece, 1, SIZE_MAX);
	assert_int_equal(result.error, ERR_NOMEM);
	assert_int_equal(chunk_pool_used_bytes(pool), 0);
	budget_give(&budget, 1);
	result = relay_blocks_write(&far, &scratch, &memory, backend[0], &piece, 1, SIZE_MAX);
	assert_int_equal(result.error, 0);
	assert_int_equal(result.taken, sizeof(block));
	assert_int_equal(recv(backend[1], arrived, 10, 0), 3);
}

static void what_is_no_block_is_told(void **state)
{
	uint8_t none[] = {0, 1, 'a', 0, 0}, cut[] = {0, 2, 'a'};
	struct iovec piece = {none, sizeof(none)};

	(void)state;
	assert_int_equal(
	    relay_blocks_write(&far, &scratch, &memory, backend[0], &piece, 1, SIZE_MAX).error,
	    ERR_MALFORMED);
	relay_blocks_clear(&far, &budget);
	assert_int_equal(budget.used_bytes, 0);
	piece = (struct iovec){cut, sizeof(cut)};
	assert_int_equal(
	    relay_blocks_write(&near, &scratch, &memory, backend[0], &piece, 1, SIZE_MAX).error, 0);
	assert_false(relay_blocks_is_whole(&near));
	assert_int_equal(budget.used_bytes, CHUNK_BYTES);
}

static void a_socket_that_is_gone_is_told(void **state)
{
	uint8_t block[] = {0, 1, 'a'};
	struct iovec piece = {block, sizeof(block)};
	size_t made;

	(void)state;
	close(backend[1]);
	backend[1] = -1;
	assert_int_equal(
	    relay_blocks_write(&far, &scratch, &memory, backend[0], &piece, 1, SIZE_MAX).error,
	    ERR_IO);
	shutdown(user[1], SHUT_WR);
	assert_int_equal(
	    relay_blocks_read(&near, &scratch, user[0], &(struct iovec){stream, 100}, 1, &made), 0);
	assert_int_equal(made, 0);
}

#define BLOCKS_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    BLOCKS_TEST(there_and_back),
	    BLOCKS_TEST(the_last_byte_waits_for_the_socket),
	    BLOCKS_TEST(without_a_chunk_nothing_is_lost),
	    BLOCKS_TEST(what_is_no_block_is_told),
	    BLOCKS_TEST(a_socket_that_is_gone_is_told),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
