/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Datagrams on their way from lanes to users and backends.  They gather here while a received batch
 * is worked off; those that follow one another to one address with one size become one batch of
 * segments, and those of one socket go by one call.  What a socket does not take is lost, as in IP.
 */
#ifndef NET_UDP_OUTBOX_H
#define NET_UDP_OUTBOX_H

#include "net/page.h"
#include "net/udp.h"

struct udp_outbox;

/* Counts into the page what went out and what did not. NULL without memory. */
struct udp_outbox *udp_outbox_new(struct page *page);
/* Takes NULL. What it holds is not sent. */
void udp_outbox_free(struct udp_outbox *outbox);
/*
 * Copies one datagram in, to go out by the socket at the next flush, or at once when it is full. `to` and
 * `from` as in struct udp_batch. A flush must come before the struct udp or its descriptor goes.
 */
void udp_outbox_add(struct udp_outbox *outbox, struct udp *udp, const uint8_t *data, size_t length,
    const struct addr *to, const struct addr *from);
void udp_outbox_flush(struct udp_outbox *outbox);

#endif
