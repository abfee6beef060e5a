/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See udp_outbox.h. */
#include "config.h"

#include "net/udp_outbox.h"

#include "tunnel/limits.h"

#include <stdlib.h>
#include <string.h>

enum {
	BATCHES = 64,
	BYTES = 2 * UDP_BATCH_BYTES,
	/* Longer ones go alone: a path that has to fragment them takes no segments. */
	JOINED_MAX_BYTES = 1400,
};
_Static_assert((int)BYTES >= (int)DATAGRAM_MAX_BYTES, "the longest datagram fits");

/* Invariant: the batches lie in bytes[0, used) one behind the other. */
struct udp_outbox {
	struct page *page;
	size_t count, used;
	struct udp *sockets[BATCHES];
	struct udp_batch batches[BATCHES];
	uint8_t bytes[BYTES];
};

struct udp_outbox *udp_outbox_new(struct page *page)
{
	struct udp_outbox *outbox = malloc(sizeof *outbox);

	if (outbox) {
		outbox->page = page;
		outbox->count = outbox->used = 0;
	}
	return outbox;
}

void udp_outbox_free(struct udp_outbox *outbox)
{
	free(outbox);
}

/* True when the datagram may be the next segment of the last batch. */
static bool joins(const struct udp_outbox *outbox, const struct udp *udp, size_t length,
    const struct addr *to, const struct addr *from)
{
	const struct udp_batch *last;

	if (outbox->count == 0 || outbox->sockets[outbox->count - 1] != udp)
		return false;
	last = &outbox->batches[outbox->count - 1];
	if (length == 0 || length > last->segment_bytes || length > JOINED_MAX_BYTES)
		return false;
	return last->length_bytes % last->segment_bytes == 0
	       && last->length_bytes + length <= UDP_BATCH_BYTES && addr_equal(&last->to, to)
	       && addr_equal(&last->from, from);
}

void udp_outbox_add(struct udp_outbox *outbox, struct udp *udp, const uint8_t *data, size_t length,
    const struct addr *to, const struct addr *from)
{
	uint8_t *place;

	if (outbox->used + length > BYTES)
		udp_outbox_flush(outbox);
	bool is_joined = joins(outbox, udp, length, to, from);
	if (!is_joined && outbox->count == BATCHES)
		udp_outbox_flush(outbox);
	place = outbox->bytes + outbox->used;
	memcpy(place, data, length);
	outbox->used += length;
	if (is_joined) {
		outbox->batches[outbox->count - 1].length_bytes += length;
		return;
	}
	outbox->sockets[outbox->count] = udp;
	outbox->batches[outbox->count++] = (struct udp_batch){
	    .data = place,
	    .length_bytes = length,
	    .segment_bytes = (uint16_t)length,
	    .to = *to,
	    .from = *from,
	};
}

static size_t datagrams_in(const struct udp_batch *batches, size_t count)
{
	size_t datagrams = 0;

	for (size_t i = 0; i < count; i++) {
		size_t segment = batches[i].segment_bytes;
		datagrams += segment ? (batches[i].length_bytes + segment - 1) / segment : 1;
	}
	return datagrams;
}

/* All are of one socket. */
static void send_run(
    struct udp_outbox *outbox, struct udp *udp, struct udp_batch *batches, size_t count)
{
	uint64_t before = udp->stats.datagrams_sent;
	size_t wanted = datagrams_in(batches, count), done;

	udp_send(udp, batches, count, &done);
	uint64_t sent = udp->stats.datagrams_sent - before;
	page_add(outbox->page, PAGE_udp_datagrams_sent, sent);
	page_add(outbox->page, PAGE_udp_datagrams_dropped, wanted - sent);
}

void udp_outbox_flush(struct udp_outbox *outbox)
{
	for (size_t i = 0, end; i < outbox->count; i = end) {
		for (end = i + 1; end < outbox->count; end++)
			if (outbox->sockets[end] != outbox->sockets[i])
				break;
		send_run(outbox, outbox->sockets[i], &outbox->batches[i], end - i);
	}
	outbox->count = outbox->used = 0;
}
