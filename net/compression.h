/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stream of a compressed flow (doc/PROTOCOL.md, section 4): blocks, each by itself, either LZ4 or
 * stored as it is.  A block is made of what is there, so nothing waits for more.  Where data does not
 * shrink blocks are stored untried, and tried again ever more rarely.  The only file that knows
 * liblz4.  What comes from the peer goes through LZ4_decompress_safe() alone.
 */
#ifndef NET_COMPRESSION_H
#define NET_COMPRESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	COMPRESSION_BLOCK_BYTES = 16384, /* of a block's data, at most, before and after */
	COMPRESSION_STORED_BYTES = 2,    /* of a stored block's header */
	COMPRESSION_HEADER_BYTES = 4,    /* of a compressed one's */
	COMPRESSION_TRY_MIN_BYTES = 64,  /* less is stored untried: it never shrinks enough */
	COMPRESSION_PAUSE_MAX = 64,      /* blocks that are stored between two tries, at most */
};

/* One direction's sender; all zero at first. */
struct compressor {
	uint8_t pause; /* blocks to store before the next try */
	uint8_t last_pause;
};

/*
 * Makes one block of 1 to COMPRESSION_BLOCK_BYTES; `out` has room for COMPRESSION_STORED_BYTES more
 * than that, which no block exceeds.  The block's length.
 */
size_t compressor_block(
    struct compressor *compressor, const uint8_t *data, size_t length, uint8_t *out);

/* One direction's receiver; all zero at first. */
struct decompressor {
	uint8_t header[COMPRESSION_HEADER_BYTES];
	uint8_t header_length; /* of it are there */
	uint16_t wanted;       /* bytes of data, once the header is whole; else 0 */
	uint16_t filled;       /* of them are there */
	uint16_t size;         /* of the block's bytes when decompressed */
	bool is_compressed;
};

/*
 * Takes bytes of the stream up to a block's end at most; *taken is how many.  `data` has
 * COMPRESSION_BLOCK_BYTES and keeps what is there of the block until it ends.  1: the block is
 * whole, decompressor_finish() is next; 0: everything was taken and more is needed; ERR_MALFORMED.
 */
int decompressor_take(struct decompressor *decompressor, const uint8_t *stream, size_t length,
    uint8_t *data, size_t *taken);

/*
 * The bytes of a whole block, in `data` or, when it was compressed, in `out` (COMPRESSION_BLOCK_BYTES);
 * the next block begins.  0, or ERR_MALFORMED.
 */
int decompressor_finish(struct decompressor *decompressor, const uint8_t *data, uint8_t *out,
    const uint8_t **bytes, size_t *length);

/* Nothing is there of the next block: the stream may end here, and `data` is not needed. */
bool decompressor_is_between(const struct decompressor *decompressor);

#endif
