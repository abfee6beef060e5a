/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The receiving half of a stream.
 */
#include "config.h"

#include "tunnel/stream_recv.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>

enum { BITS = 64, WORDS = CHUNK_BYTES / BITS, FIRST_CAPACITY = 4 };

struct recv_page {
	struct chunk *chunk;
	uint32_t count; /* bytes that are there */
	uint64_t bits[WORDS];
};

void stream_recv_init(struct stream_recv *recv, uint64_t window_bytes, uint64_t now_us)
{
	*recv = (struct stream_recv){
	    .maximum = window_bytes, .window_bytes = window_bytes, .mark.at_us = now_us};
}

static struct recv_page **page_slot(const struct stream_recv *recv, uint64_t number)
{
	return &recv->pages[number & (recv->page_capacity - 1)];
}

static void page_free(struct recv_page **slot, struct budget *budget)
{
	if (!*slot)
		return;
	chunk_unref((*slot)->chunk);
	free(*slot);
	*slot = NULL;
	budget_give(budget, RECV_PAGE_COST_BYTES);
}

void stream_recv_clear(struct stream_recv *recv, struct budget *budget)
{
	for (uint32_t i = 0; i < recv->page_capacity; i++)
		page_free(&recv->pages[i], budget);
	free(recv->pages);
	recv->pages = NULL;
	recv->page_capacity = 0;
	recv->stored_bytes = 0;
}

int stream_recv_admit(struct stream_recv *recv, uint64_t end, bool fin, uint64_t *growth)
{
	*growth = 0;
	if (recv->has_final ? end > recv->final || (fin && end != recv->final)
	                    : fin && end < recv->highest)
		return ERR_MALFORMED;
	if (end > recv->maximum)
		return ERR_FLOW_CONTROL;
	if (end > recv->highest) {
		*growth = end - recv->highest;
		recv->highest = end;
	}
	if (fin) {
		recv->has_final = true;
		recv->final = end;
	}
	return 0;
}

/* The part of word `word` that lies in [first, last). */
static uint64_t word_mask(uint32_t word, uint32_t first, uint32_t last)
{
	uint32_t start = word * BITS;
	uint64_t mask = UINT64_MAX;

	if (first > start)
		mask &= UINT64_MAX << (first - start);
	if (last < start + BITS)
		mask &= UINT64_MAX >> (start + BITS - last);
	return mask;
}

/* In place of __builtin_popcountll(), which is a call: baseline x86-64 has no instruction for it. */
static uint32_t bits_set(uint64_t word)
{
	word -= word >> 1 & 0x5555555555555555;
	word = (word & 0x3333333333333333) + (word >> 2 & 0x3333333333333333);
	word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0f;
	return (uint32_t)(word * 0x0101010101010101 >> 56);
}

/* Marks bytes [first, last) of the page; returns how many were new. */
static uint32_t page_mark(struct recv_page *page, uint32_t first, uint32_t last)
{
	uint32_t added = 0;

	for (uint32_t word = first / BITS; word * BITS < last; word++) {
		uint64_t mask = word_mask(word, first, last);

		added += bits_set(mask & ~page->bits[word]);
		page->bits[word] |= mask;
	}
	page->count += added;
	return added;
}

/* The reverse; returns how many were there. */
static uint32_t page_unmark(struct recv_page *page, uint32_t first, uint32_t last)
{
	uint32_t removed = 0;

	for (uint32_t word = first / BITS; word * BITS < last; word++) {
		uint64_t mask = word_mask(word, first, last);

		removed += bits_set(mask & page->bits[word]);
		page->bits[word] &= ~mask;
	}
	page->count -= removed;
	return removed;
}

/* Where the run of bytes from `first` on ends. */
static uint32_t page_run_end(const struct recv_page *page, uint32_t first)
{
	uint32_t word = first / BITS;
	uint64_t missing = ~page->bits[word] & (UINT64_MAX << (first % BITS));

	while (missing == 0) {
		if (++word == WORDS)
			return CHUNK_BYTES;
		missing = ~page->bits[word];
	}
	return word * BITS + (uint32_t)__builtin_ctzll(missing);
}

/* Makes room in the ring for pages [first, last]. */
static int reserve_slots(struct stream_recv *recv, uint64_t first, uint64_t last)
{
	uint32_t capacity = recv->page_capacity ? recv->page_capacity : FIRST_CAPACITY;
	struct recv_page **old = recv->pages;
	struct recv_page **pages;
	uint32_t old_capacity = recv->page_capacity;

	if (recv->page_capacity > last - first)
		return 0;
	while (capacity <= last - first)
		capacity *= 2;
	pages = calloc(capacity, sizeof(*pages));
	if (!pages)
		return ERR_NOMEM;
	recv->pages = pages;
	recv->page_capacity = capacity;
	for (uint32_t i = 0; i < old_capacity; i++) {
		uint64_t number = first + i;

		*page_slot(recv, number) = old[number & (old_capacity - 1)];
	}
	free(old);
	return 0;
}

static struct recv_page *page_get(
    struct recv_page **slot, struct chunk_pool *pool, struct budget *budget)
{
	struct recv_page *page;

	if (*slot)
		return *slot;
	if (budget_left(budget) < RECV_PAGE_COST_BYTES)
		return NULL;
	page = calloc(1, sizeof(*page));
	if (!page)
		return NULL;
	page->chunk = chunk_get(pool);
	if (!page->chunk) {
		free(page);
		return NULL;
	}
	budget_force(budget, RECV_PAGE_COST_BYTES);
	*slot = page;
	return page;
}

int stream_recv_store(struct stream_recv *recv, struct chunk_pool *pool, struct budget *budget,
    uint64_t offset, const uint8_t *data, size_t length)
{
	uint64_t end = offset + length;

	if (length == 0)
		return 0;
	if (reserve_slots(recv, recv->taken / CHUNK_BYTES, (end - 1) / CHUNK_BYTES))
		return ERR_NOMEM;
	while (offset < end) {
		uint32_t first = offset % CHUNK_BYTES;
		uint32_t n = CHUNK_BYTES - first;
		struct recv_page *page =
		    page_get(page_slot(recv, offset / CHUNK_BYTES), pool, budget);

		if (!page)
			return ERR_NOMEM;
		if (n > end - offset)
			n = (uint32_t)(end - offset);
		memcpy(page->chunk->data + first, data, n);
		recv->stored_bytes += page_mark(page, first, first + n);
		offset += n;
		data += n;
	}
	return 0;
}

bool stream_recv_has_pages(const struct stream_recv *recv, uint64_t offset, uint64_t end)
{
	uint64_t first = recv->taken / CHUNK_BYTES, number = offset / CHUNK_BYTES;

	for (; number * CHUNK_BYTES < end; number++)
		if (number - first >= recv->page_capacity || !*page_slot(recv, number))
			return false;
	return true;
}

int stream_recv_pieces(
    const struct stream_recv *recv, uint64_t offset, struct iovec *pieces, int most)
{
	uint64_t first_page = recv->taken / CHUNK_BYTES;
	int count = 0;

	while (count < most && offset / CHUNK_BYTES - first_page < recv->page_capacity) {
		struct recv_page *page = *page_slot(recv, offset / CHUNK_BYTES);
		uint32_t first = offset % CHUNK_BYTES;
		uint32_t end = page ? page_run_end(page, first) : first;

		if (end == first)
			break;
		pieces[count++] = (struct iovec){page->chunk->data + first, end - first};
		offset += end - first;
		if (end < CHUNK_BYTES)
			break;
	}
	return count;
}

void stream_recv_take(struct stream_recv *recv, uint64_t n, struct budget *budget)
{
	uint64_t end = recv->taken + n;

	while (recv->stored_bytes && recv->taken < end) {
		struct recv_page **slot = page_slot(recv, recv->taken / CHUNK_BYTES);
		uint32_t first = recv->taken % CHUNK_BYTES;
		uint32_t length = CHUNK_BYTES - first;

		if (length > end - recv->taken)
			length = (uint32_t)(end - recv->taken);
		if (*slot) {
			recv->stored_bytes -= page_unmark(*slot, first, first + length);
			if ((*slot)->count == 0)
				page_free(slot, budget);
		}
		recv->taken += length;
	}
	recv->taken = end;
	if (recv->stored_bytes == 0 && recv->pages)
		stream_recv_clear(recv, budget);
}
