/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sending half of a stream.
 */
#include "config.h"

#include "tunnel/stream_send.h"

#include "base/err.h"
#include "tunnel/charged_chunk.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 4 };

void stream_send_init(struct stream_send *send, uint64_t maximum)
{
	*send = (struct stream_send){.maximum = maximum};
}

static struct send_slice *slice_at(const struct stream_send *send, uint32_t index)
{
	return &send->slices[(send->slice_first + index) & (send->slice_capacity - 1)];
}

static void unref_slice(struct chunk *chunk, bool is_small, struct budget *budget)
{
	if (is_small)
		charged_chunk_unref(chunk, budget);
	else
		chunk_unref(chunk);
}

static void pop_slice(struct stream_send *send, struct budget *budget)
{
	struct send_slice *first = slice_at(send, 0);

	budget_give(budget, first->charged_bytes);
	unref_slice(first->slice.chunk, first->is_small, budget);
	send->slice_first = (send->slice_first + 1) & (send->slice_capacity - 1);
	send->slice_count--;
}

/* An idle stream owns no memory. */
static void free_ring(struct stream_send *send)
{
	free(send->slices);
	send->slices = NULL;
	send->slice_first = 0;
	send->slice_capacity = 0;
}

void stream_send_clear(struct stream_send *send, struct budget *budget)
{
	while (send->slice_count)
		pop_slice(send, budget);
	free_ring(send);
	range_set_clear(&send->acked);
	range_set_clear(&send->lost);
}

static int grow_ring(struct stream_send *send)
{
	uint32_t capacity = send->slice_capacity ? 2 * send->slice_capacity : FIRST_CAPACITY;
	struct send_slice *slices = malloc(capacity * sizeof(*slices));

	if (!slices)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < send->slice_count; i++)
		slices[i] = *slice_at(send, i);
	free(send->slices);
	send->slices = slices;
	send->slice_first = 0;
	send->slice_capacity = capacity;
	return 0;
}

/* The slice goes on where the last one ends, in the same chunk. */
static bool continues(const struct slice *last, const struct slice *slice)
{
	return last->chunk == slice->chunk && last->offset + last->length == slice->offset;
}

int stream_send_append(
    struct stream_send *send, const struct slice *slice, bool small, struct budget *budget)
{
	struct send_slice *last = send->slice_count ? slice_at(send, send->slice_count - 1) : NULL;
	bool same_chunk = last && last->slice.chunk == slice->chunk;
	uint32_t cost = small || same_chunk ? 0 : CHUNK_BYTES;

	if (last && continues(&last->slice, slice)) {
		last->slice.length += slice->length;
		unref_slice(slice->chunk, small, budget);
		send->end += slice->length;
		return 0;
	}
	if (send->slice_count == send->slice_capacity && grow_ring(send))
		return ERR_NOMEM;
	if (!budget_take(budget, cost))
		return ERR_LIMIT;
	*slice_at(send, send->slice_count++) = (struct send_slice){*slice, send->end, cost, small};
	send->end += slice->length;
	return 0;
}

void stream_send_finish(struct stream_send *send)
{
	send->is_finished = true;
}

void stream_send_reset(struct stream_send *send, enum reason reason, struct budget *budget)
{
	if (send->is_reset || stream_send_is_done(send))
		return;
	stream_send_clear(send, budget);
	send->end = send->sent;
	send->base = send->sent;
	send->is_reset = true;
	send->reset_is_pending = true;
	send->reset_reason = reason;
	send->fin_is_lost = false;
}

bool stream_send_has_lost(const struct stream_send *send)
{
	return !range_set_is_empty(&send->lost) || send->fin_is_lost;
}

bool stream_send_has_new(const struct stream_send *send)
{
	return send->sent < send->end
	       || (send->is_finished && !send->fin_is_sent && !send->is_reset);
}

struct stream_piece stream_send_next_lost(const struct stream_send *send, size_t most)
{
	struct stream_piece piece = {.offset = send->end, .is_repeat = true};

	if (!range_set_is_empty(&send->lost)) {
		const struct range *range = &send->lost.ranges[0];
		uint64_t length = range->end - range->start;

		piece.offset = range->start;
		piece.length = length < most ? length : most;
	}
	piece.is_fin = send->fin_is_lost && piece.offset + piece.length == send->end;
	return piece;
}

struct stream_piece stream_send_next_new(const struct stream_send *send, size_t most)
{
	struct stream_piece piece = {.offset = send->sent};
	uint64_t length = send->end - send->sent;

	piece.length = length < most ? length : most;
	piece.is_fin = send->is_finished && !send->fin_is_sent && !send->is_reset
	               && piece.offset + piece.length == send->end;
	return piece;
}

/* The slice that holds the byte at `offset`, by binary search. */
static uint32_t find_slice(const struct stream_send *send, uint64_t offset)
{
	uint32_t low = 0, high = send->slice_count - 1;

	while (low < high) {
		uint32_t middle = low + (high - low + 1) / 2;

		if (slice_at(send, middle)->offset <= offset)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

void stream_send_copy(
    const struct stream_send *send, const struct stream_piece *piece, uint8_t *out)
{
	uint64_t offset = piece->offset;
	size_t left = piece->length;

	if (left == 0)
		return;
	for (uint32_t i = find_slice(send, offset); left > 0; i++) {
		const struct send_slice *from = slice_at(send, i);
		size_t skip = offset - from->offset;
		size_t n = from->slice.length - skip;

		if (n > left)
			n = left;
		memcpy(out, slice_data(&from->slice) + skip, n);
		out += n;
		offset += n;
		left -= n;
	}
}

int stream_send_on_sent(struct stream_send *send, const struct stream_piece *piece)
{
	uint64_t end = piece->offset + piece->length;

	if (piece->is_fin) {
		send->fin_is_sent = true;
		send->fin_is_lost = false;
	}
	if (piece->is_repeat)
		return range_set_remove(&send->lost, piece->offset, end);
	send->sent = end;
	return 0;
}

/* Lets go of the slices before base. */
static void release(struct stream_send *send, struct budget *budget)
{
	while (send->slice_count) {
		const struct send_slice *first = slice_at(send, 0);

		if (first->offset + first->slice.length > send->base)
			return;
		pop_slice(send, budget);
	}
	free_ring(send);
}

static int add_acked(struct stream_send *send, uint64_t start, uint64_t end)
{
	int rc;

	if (start == end) /* the fin alone, perhaps ahead of the bytes before it */
		return 0;
	if (start <= send->base && range_set_is_empty(&send->acked)) {
		send->base = end;
		return 0;
	}
	rc = range_set_add(&send->acked, start, end);
	if (rc)
		return rc;
	if (send->acked.ranges[0].start > send->base)
		return 0;
	send->base = send->acked.ranges[0].end;
	return range_set_remove(&send->acked, 0, send->base);
}

int stream_send_on_acked(
    struct stream_send *send, uint64_t offset, uint64_t length, bool fin, struct budget *budget)
{
	uint64_t end = offset + length;
	int rc = 0;

	if (send->is_reset)
		return 0;
	if (fin) {
		send->fin_is_acked = true;
		send->fin_is_lost = false;
	}
	if (end > send->base) {
		if (!range_set_is_empty(&send->lost))
			rc = range_set_remove(&send->lost, offset, end);
		if (rc == 0)
			rc = add_acked(send, offset, end);
		release(send, budget);
	}
	return rc;
}

int stream_send_on_lost(struct stream_send *send, uint64_t offset, uint64_t length, bool fin)
{
	uint64_t end = offset + length;
	int rc;

	if (send->is_reset)
		return 0;
	if (fin && !send->fin_is_acked)
		send->fin_is_lost = true;
	if (offset < send->base)
		offset = send->base;
	rc = range_set_add(&send->lost, offset, end);
	/* What another copy brought already need not go again. */
	for (uint32_t i = 0; rc == 0 && i < send->acked.count; i++) {
		if (send->acked.ranges[i].start >= end)
			break;
		if (send->acked.ranges[i].end > offset)
			rc = range_set_remove(
			    &send->lost, send->acked.ranges[i].start, send->acked.ranges[i].end);
	}
	return rc;
}
