/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sending half of a stream: slices of pool chunks from the first unacknowledged byte on, what of them
 * was acknowledged, what must go again, and the end (FIN or RESET), as RFC 9000 sections 2 and 3.1.
 * It owns memory only while bytes wait.  Which flow's turn it is, is the lane's affair.
 */
#ifndef TUNNEL_STREAM_SEND_H
#define TUNNEL_STREAM_SEND_H

#include "base/chunk.h"
#include "tunnel/budget.h"
#include "tunnel/range_set.h"
#include "tunnel/reason.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A slice and the stream offset of its first byte; it holds a reference. */
struct send_slice {
	struct slice slice;
	uint64_t offset;
	uint32_t charged_bytes; /* of the lane's memory budget */
	bool is_small;          /* in a chunk of the lane's own, which was charged as a whole */
};

/*
 * Invariant: base <= sent <= end; slices[] covers [base, end) and starts at or before base;
 * acked and lost lie in [base, sent) and are disjoint.
 */
struct stream_send {
	struct send_slice *slices; /* a ring of slice_capacity, a power of two */
	uint32_t slice_first, slice_count, slice_capacity;
	uint64_t base, sent, end;
	uint64_t maximum; /* the peer's window: end <= maximum */
	struct range_set acked, lost;
	bool is_finished, fin_is_sent, fin_is_lost, fin_is_acked;
	bool is_reset, reset_is_pending, reset_is_acked;
	enum reason reset_reason;
};

/* A piece of the stream to put into a packet. */
struct stream_piece {
	uint64_t offset;
	size_t length;
	bool is_fin;
	bool is_repeat; /* was sent before */
};

void stream_send_init(struct stream_send *send, uint64_t maximum);
/* Lets go of all slices. */
void stream_send_clear(struct stream_send *send, struct budget *budget);

/*
 * Appends a slice, whose reference becomes the stream's. It costs a chunk of the budget, unless the slice
 * before lies in the same one, or it is `small`: then its chunk was charged when it was taken, and whoever
 * gives up the last reference gives that back. 0, ERR_LIMIT (no budget left) or ERR_NOMEM; then the reference stays the caller's.
 */
int stream_send_append(
    struct stream_send *send, const struct slice *slice, bool small, struct budget *budget);
/* No more bytes follow. */
void stream_send_finish(struct stream_send *send);
/* Drops all bytes; a RESET frame is to be sent. Without effect when reset or done. */
void stream_send_reset(struct stream_send *send, enum reason reason, struct budget *budget);

/* True when lost data (or a lost FIN) waits, or new data (or a new FIN). */
bool stream_send_has_lost(const struct stream_send *send);
bool stream_send_has_new(const struct stream_send *send);
/* The next lost or new piece of at most `most` bytes; length 0 without is_fin when there is none. */
struct stream_piece stream_send_next_lost(const struct stream_send *send, size_t most);
struct stream_piece stream_send_next_new(const struct stream_send *send, size_t most);
/* Copies the piece's bytes out. */
void stream_send_copy(
    const struct stream_send *send, const struct stream_piece *piece, uint8_t *out);
/* The piece is in a packet. 0 or ERR_NOMEM. */
int stream_send_on_sent(struct stream_send *send, const struct stream_piece *piece);
/* The piece was acknowledged, or its packet was lost. 0 or ERR_NOMEM. */
int stream_send_on_acked(
    struct stream_send *send, uint64_t offset, uint64_t length, bool fin, struct budget *budget);
int stream_send_on_lost(struct stream_send *send, uint64_t offset, uint64_t length, bool fin);

/* Everything, the end included, was acknowledged. */
static inline bool stream_send_is_done(const struct stream_send *send)
{
	return send->is_reset ? send->reset_is_acked
	                      : send->fin_is_acked && send->base == send->end;
}

#endif
