/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between a relay's socket and the stream of a compressed flow: what is read from the socket becomes
 * blocks, and blocks of the stream become what is written to it.  Between blocks it owns nothing; for
 * a block that is not whole yet, or that the socket did not take whole, it has one chunk of the pool.
 */
#ifndef NET_RELAY_BLOCKS_H
#define NET_RELAY_BLOCKS_H

#include "base/chunk.h"
#include "net/compression.h"
#include "tunnel/budget.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Room in the stream below which a read would bring nothing. */
enum { RELAY_BLOCKS_ROOM_MIN = COMPRESSION_STORED_BYTES + 1, RELAY_BLOCKS_READ_BYTES = 65536 };

/* All zero at first. */
struct relay_blocks {
	struct compressor compressor;
	struct decompressor decompressor;
	struct chunk *chunk; /* the unfinished block, or `rest`; charged to the lane */
	uint16_t rest_offset,
	    rest_length; /* bytes of a finished block for the socket, in the chunk */
	bool is_holding; /* that block's last byte stays in the lane until the rest is written */
};

/* What all relays of a worker work in, one after the other. */
struct relay_scratch {
	uint8_t bytes[RELAY_BLOCKS_READ_BYTES];
	uint8_t block[COMPRESSION_BLOCK_BYTES + COMPRESSION_STORED_BYTES];
};

/*
 * Reads from the socket and puts the blocks into `room`, pieces that hold RELAY_BLOCKS_ROOM_MIN and more;
 * *made is how many bytes they are.  Returns what readv() would.
 */
ssize_t relay_blocks_read(struct relay_blocks *blocks, struct relay_scratch *scratch,
    int descriptor, const struct iovec *room, int count, size_t *made);

struct relay_blocks_written {
	size_t taken;   /* bytes of the stream */
	size_t written; /* bytes to the socket */
	/*
	 * 0: everything was taken, or `most` written; ERR_AGAIN: call again when the socket is writable; ERR_NOMEM:
	 * later; ERR_MALFORMED: the peer's block; ERR_IO: the socket, with errno.
	 */
	int error;
};

/* Where the chunk of a relay comes from, and what it is charged to. */
struct relay_memory {
	struct chunk_pool *pool;
	struct budget *budget;
};

/*
 * Writes the stream's pieces, the first of which are those that were not taken before; begins no block once `most`
 * bytes are written.
 */
struct relay_blocks_written relay_blocks_write(struct relay_blocks *blocks,
    struct relay_scratch *scratch, const struct relay_memory *memory, int descriptor,
    const struct iovec *pieces, int count, size_t most);

/* The stream may end here. */
bool relay_blocks_is_whole(const struct relay_blocks *blocks);

/* Gives back what it owns, to the budget that it came from. */
void relay_blocks_clear(struct relay_blocks *blocks, struct budget *budget);

#endif
