/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The receiving half of a stream: how far it was taken, the window, the final size (RFC 9000 sections
 * 2.2, 4.1 and 4.5), and a store for bytes that cannot be handed on yet.  The store is pages of one
 * pool chunk each, aligned in the stream, with a bitmap of what is there: however small, many and
 * disordered the pieces are, it takes at most the window and two chunks, plus an eighth for bitmaps.
 */
#ifndef TUNNEL_STREAM_RECV_H
#define TUNNEL_STREAM_RECV_H

#include "base/chunk.h"
#include "tunnel/budget.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct recv_page;

/* From where and when on it is measured how fast a window is used up. */
struct window_mark {
	uint64_t position, at_us;
};

/*
 * Invariant: taken <= highest <= maximum; has_final implies highest <= final.  Page n, which holds
 * the bytes from n x CHUNK_BYTES on, is pages[n & (page_capacity - 1)]; there are only pages from that
 * of `taken` on, and none is empty.
 */
struct stream_recv {
	uint64_t taken;   /* handed on and accepted, from the start */
	uint64_t highest; /* the end of the furthest byte received */
	uint64_t final;   /* the stream's size, once has_final */
	uint64_t maximum; /* the window's end, as told to the peer */
	uint64_t window_bytes;
	struct window_mark mark;
	uint64_t stored_bytes;
	struct recv_page **pages;
	uint32_t page_capacity;
	bool has_final;
};

enum {
	/* What one page costs of the budget. */
	RECV_PAGE_COST_BYTES = CHUNK_BYTES + CHUNK_BYTES / 8,
};

void stream_recv_init(struct stream_recv *recv, uint64_t window_bytes, uint64_t now_us);
/* Lets go of all pages. */
void stream_recv_clear(struct stream_recv *recv, struct budget *budget);

/*
 * Notes that bytes up to `end` exist, the last one there when `fin`; *growth is by how much `highest` rose.
 * 0, ERR_FLOW_CONTROL beyond the window, ERR_MALFORMED when it contradicts the final size.
 */
int stream_recv_admit(struct stream_recv *recv, uint64_t end, bool fin, uint64_t *growth);
/*
 * Copies bytes at or after `taken` into pages. 0 or ERR_NOMEM (then some may have been stored; doing it
 * again does no harm).
 */
int stream_recv_store(struct stream_recv *recv, struct chunk_pool *pool, struct budget *budget,
    uint64_t offset, const uint8_t *data, size_t length);
/* Bytes at or after `taken` can be stored without a page more. */
bool stream_recv_has_pages(const struct stream_recv *recv, uint64_t offset, uint64_t end);
/* The stored bytes from `offset` on without a gap, as at most `most` pieces; returns how many. */
int stream_recv_pieces(
    const struct stream_recv *recv, uint64_t offset, struct iovec *pieces, int most);
/* Advances `taken` by n bytes and lets go of what was stored of them. */
void stream_recv_take(struct stream_recv *recv, uint64_t n, struct budget *budget);

/* Every byte up to the end was taken. */
static inline bool stream_recv_is_complete(const struct stream_recv *recv)
{
	return recv->has_final && recv->taken == recv->final;
}

#endif
