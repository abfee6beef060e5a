/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Blocks of a peer on their way to a socket that takes little at a time: the input says how the stream is cut, when
 * memory is short and when the socket's other end reads; the rest is the stream.  What comes out is what the blocks
 * hold, in order, whatever the cuts; what it owns is charged, and given back.
 */
#include "config.h"

#include "base/bytes.h"
#include "base/err.h"
#include "net/relay_blocks.h"
#include "tests/fuzz/require.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS_MAX = 4096, OUT_BYTES = 1 << 20, SMALL_BUFFER = 4608 };

struct state {
	struct relay_blocks blocks;
	struct budget budget;
	struct relay_memory memory;
	int socket[2]; /* [0] is the relay's */
	uint8_t *expected, *arrived;
	size_t expected_bytes, arrived_bytes, written_bytes;
	bool is_malformed; /* somewhere in the stream */
};

static struct relay_scratch scratch;

/* What the stream holds up to its first malformed block, read at one go. */
static void expect(struct state *s, const uint8_t *stream, size_t size)
{
	static uint8_t data[COMPRESSION_BLOCK_BYTES], out[COMPRESSION_BLOCK_BYTES];
	struct decompressor decompressor = {0};
	size_t taken, length;
	const uint8_t *bytes;

	for (size_t at = 0; at < size; at += taken) {
		int rc = decompressor_take(&decompressor, stream + at, size - at, data, &taken);

		if (rc == 1)
			rc = decompressor_finish(&decompressor, data, out, &bytes, &length) < 0
			         ? ERR_MALFORMED
			         : 1;
		s->is_malformed = rc < 0;
		if (rc != 1 || s->expected_bytes + length > OUT_BYTES)
			return;
		memcpy(s->expected + s->expected_bytes, bytes, length);
		s->expected_bytes += length;
	}
}

static void take_from_socket(struct state *s, size_t most)
{
	ssize_t n = recv(s->socket[1], s->arrived + s->arrived_bytes,
	    OUT_BYTES - s->arrived_bytes < most ? OUT_BYTES - s->arrived_bytes : most,
	    MSG_DONTWAIT);

	if (n <= 0)
		return;
	require(s->arrived_bytes + (size_t)n <= s->expected_bytes);
	require(
	    memcmp(s->arrived + s->arrived_bytes, s->expected + s->arrived_bytes, (size_t)n) == 0);
	s->arrived_bytes += (size_t)n;
}

/* Offers up to `most` bytes as two pieces; how many were taken, or -1 at the end. */
static ssize_t offer(struct state *s, const uint8_t *stream, size_t most)
{
	uint8_t *copy = malloc(most); /* so that ASan sees one byte more */
	struct relay_blocks_written written;
	struct iovec pieces[2] = {{copy, most / 3}, {copy + most / 3, most - most / 3}};

	memcpy(copy, stream, most);
	written =
	    relay_blocks_write(&s->blocks, &scratch, &s->memory, s->socket[0], pieces, 2, SIZE_MAX);
	free(copy);
	require(written.taken <= most);
	s->written_bytes += written.written;
	require(s->budget.used_bytes == (s->blocks.chunk ? CHUNK_BYTES : 0));
	if (written.error == ERR_MALFORMED)
		require(s->is_malformed);
	else
		require(
		    written.error == 0 || written.error == ERR_AGAIN || written.error == ERR_NOMEM);
	return written.error == ERR_MALFORMED ? -1 : (ssize_t)written.taken;
}

static void run(struct state *s, struct reader *plan, const uint8_t *stream, size_t size)
{
	size_t at = 0;
	ssize_t taken = 0;

	for (int i = 0; i < STEPS_MAX && taken >= 0 && at < size; i++) {
		uint8_t how = reader_left(plan) > 0 ? reader_u8(plan) : 255;
		size_t most = (size_t)how * how / 4 + 1;

		s->budget.limit_bytes = how % 8 == 1 && reader_left(plan) > 0 ? 0 : CHUNK_BYTES;
		taken = offer(s, stream + at, most < size - at ? most : size - at);
		at += taken > 0 ? (size_t)taken : 0;
		if (how % 4)
			take_from_socket(s, most);
	}
	while (s->arrived_bytes < s->written_bytes)
		take_from_socket(s, OUT_BYTES);
	require(s->arrived_bytes == s->written_bytes);
	if (taken >= 0 && at == size)
		require(s->arrived_bytes == s->expected_bytes || s->is_malformed
		        || s->expected_bytes + COMPRESSION_BLOCK_BYTES > OUT_BYTES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct state s = {.budget = {.limit_bytes = CHUNK_BYTES}};
	struct reader plan;
	int bytes = SMALL_BUFFER;
	size_t planned;

	if (size < 2)
		return 0;
	planned = data[0] < size - 1 ? data[0] : size - 1;
	reader_init(&plan, data + 1, planned);
	signal(SIGPIPE, SIG_IGN);
	require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s.socket) == 0);
	setsockopt(s.socket[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	s.expected = malloc(OUT_BYTES);
	s.arrived = malloc(OUT_BYTES);
	s.memory = (struct relay_memory){chunk_pool_new(CHUNK_BYTES), &s.budget};
	expect(&s, data + 1 + planned, size - 1 - planned);
	run(&s, &plan, data + 1 + planned, size - 1 - planned);
	relay_blocks_clear(&s.blocks, &s.budget);
	require(s.budget.used_bytes == 0);
	chunk_pool_free(s.memory.pool); /* asserts that every chunk came back */
	free(s.expected);
	free(s.arrived);
	close(s.socket[0]);
	close(s.socket[1]);
	return 0;
}
