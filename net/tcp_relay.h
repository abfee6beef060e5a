/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Joins one TCP socket to one flow of a lane, the same on both sides of a tunnel: bytes, FIN as
 * FIN, RST as RST, back-pressure in both directions, the idle timeout.  Bytes read from the socket
 * go into pool chunks that the lane keeps until acknowledged; bytes from the lane are written from
 * where they lie, and what the socket does not take stays with the lane.  An idle relay owns no buffer.
 *
 * Of a compressed flow the bytes go through blocks each way (net/relay_blocks.h).
 * It does not choose, accept or connect: its owner embeds it, and hands it a socket when there is one.
 */
#ifndef NET_TCP_RELAY_H
#define NET_TCP_RELAY_H

#include "base/chunk.h"
#include "base/list.h"
#include "net/flow_handler.h"
#include "net/flow_life.h"
#include "net/flow_limits.h"
#include "net/relay_blocks.h"
#include "net/worker.h"
#include "tunnel/lane.h"

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

enum { TCP_READ_CHUNKS = 4 }; /* one read takes up to this many chunks */

/* What a worker's relays share: the chunks that the next read goes to. */
struct tcp_relays {
	struct worker *worker;
	struct chunk *chunks[TCP_READ_CHUNKS]; /* the first may be partly used */
	struct relay_scratch *scratch;         /* NULL before the first compressed flow */
	struct list_node starved;              /* relays that found the pool at its limit */
	/* Relays that wait for their bytes a second, in turn; those of `served` just had some. */
	struct list_node slowed, served;
	ev_timer retry, pace; /* of those that starve, of those that wait for bytes a second */
};

struct tcp_relay {
	const struct flow_handler *handler; /* first, see net/flow_handler.h */
	struct tcp_relays *shared;
	struct flow *flow;     /* NULL once it was closed */
	int descriptor;        /* -1 before there is one, and after it was closed */
	bool is_connected;     /* bytes may be written to the socket */
	bool has_finished;     /* the socket's FIN was read */
	bool is_peer_finished; /* the flow's FIN came, and every byte before it was taken */
	bool is_compressed;    /* the flow's stream is blocks */
	struct relay_blocks blocks;
	ev_io reader, writer;
	struct flow_life life;
	struct worker_timer look; /* for a reset, while the reader is off: no event tells of it */
	uint64_t bytes_in, bytes_out;     /* read from the socket, written to it */
	struct list_node starved, slowed; /* the latter on `slowed` or `served` */
	unsigned waiting_ways; /* bit 1 << enum flow_way: no bytes of it before its turn */
	unsigned used_ways;    /* the same: bytes of it were used since it waited last */
	struct page_accelerator
	    *counts; /* NULL, or set after tcp_relay_init(): bytes count there too */
	const struct flow_limits *limits; /* NULL: none */
	/* The socket said something; NULL, or set after tcp_relay_init(). It only notes it. */
	void (*on_first_byte)(struct tcp_relay *relay);
	/* The flow is closed and the socket too: the owner may free the relay. */
	void (*on_end)(struct tcp_relay *relay, enum reason reason);
};

void tcp_relays_init(struct tcp_relays *shared, struct worker *worker);
void tcp_relays_clear(struct tcp_relays *shared);

/* The flow's object becomes the relay; handler is tcp_relay_handler or the owner's. */
void tcp_relay_init(struct tcp_relay *relay, const struct flow_handler *handler,
    struct tcp_relays *shared, struct flow *flow, uint64_t idle_timeout_us,
    void (*on_end)(struct tcp_relay *relay, enum reason reason));
/* Its bytes count for these limits, which the owner may change: before tcp_relay_start(). */
void tcp_relay_limit(struct tcp_relay *relay, const struct flow_limits *limits);
/* The flow's stream is blocks, each way: before tcp_relay_start(). */
void tcp_relay_compress(struct tcp_relay *relay);
/*
 * Takes over a connected socket, reads what is there already and writes what the lane has kept.
 * on_end may have been called when it returns.
 */
void tcp_relay_start(struct tcp_relay *relay, int descriptor);
/* Resets both the flow, with that reason, and the socket; on_end follows from the lane. */
void tcp_relay_abort(struct tcp_relay *relay, enum reason reason);

/* For the owner's own table where it differs from tcp_relay_handler. */
size_t tcp_relay_on_data(void *relay, const struct iovec *pieces, int count);
void tcp_relay_on_finish(void *relay);
void tcp_relay_on_writable(void *relay);
void tcp_relay_on_closed(void *relay, enum reason reason);

extern const struct flow_handler tcp_relay_handler;

#endif
