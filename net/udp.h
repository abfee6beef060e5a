/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Batched UDP: recvmmsg with UDP_GRO, sendmmsg with UDP_SEGMENT (udp(7), kernel 5.0), the local
 * address of each datagram, and the ECN field both ways.  Where the kernel or the card refuses
 * segmentation (EIO, EINVAL at run time) the same bytes go as plain datagrams, and segmentation
 * stays off for that socket; a batch that is refused because its datagrams are too large does not count
 * as that.  The environment variable TRUNKLINE_PLAIN_UDP=1 turns both off.
 * It watches nothing: the caller has the loop.
 */
#ifndef NET_UDP_H
#define NET_UDP_H

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	UDP_TUNNEL_BUFFER_BYTES = 8 * 1024 * 1024, /* for a socket with a tunnel's rate */
	UDP_BATCH_SEGMENTS = 64,                   /* the kernel's UDP_MAX_SEGMENTS before 6.9 */
	UDP_BATCH_BYTES = 65487,                   /* 65,535 less the headers of IPv6 and UDP */
};

struct udp_options {
	struct addr local;  /* bound to; the address may be any, the port 0 */
	struct addr remote; /* connected to; family 0 for none */
	bool dual_stack;    /* with local [::]: takes IPv4 too, whose addresses stay plain IPv4 */
	bool reuse_port;
	bool dont_fragment; /* DF on each datagram, the path MTU being the caller's affair */
	int buffer_bytes;   /* of the socket, each way; 0 leaves the system's default */
};

/*
 * A bound socket, non-blocking and close-on-exec, that reports local addresses and ECN; a connected one,
 * of which there are many, reports neither.
 * 0; or ERR_LIMIT (no descriptor, memory or port left) or ERR_IO, both with errno (EADDRINUSE,
 * EACCES, ...).
 */
int udp_open(const struct udp_options *options, int *descriptor);

/* The smaller of the two buffers that the kernel granted. */
int udp_granted_bytes(int descriptor);

struct udp_stats {
	uint64_t datagrams_received, datagrams_sent;
	uint64_t receive_calls, send_calls;
	uint64_t send_too_large; /* datagrams that the device or IP cannot take */
	uint64_t send_failed;    /* datagrams refused for another reason (no route, ICMP, ...) */
	uint64_t fallbacks;      /* 1 once segmentation was switched off at run time */
};

/* A socket in use.  The descriptor stays the caller's. */
struct udp {
	int descriptor;
	uint8_t family;
	uint16_t local_port;
	bool is_connected;
	bool has_segmentation;
	bool is_drained; /* the last udp_receive() left nothing behind */
	size_t
	    refused_bytes; /* of the last datagram that was too large for the device; the caller clears it */
	struct udp_stats stats;
};

/* plain turns segmentation off both ways.  0 or ERR_IO. */
int udp_init(struct udp *udp, int descriptor, bool plain);

/* ---- receiving ---- */

/* One datagram.  data may be changed in place and is valid until the receiver is used again. */
struct udp_datagram {
	uint8_t *data;
	size_t length_bytes;
	struct addr from;
	struct addr local; /* what it was sent to; with the interface for link-local addresses */
	uint8_t ecn;       /* 0 .. 3 */
};

/* May close the socket and free the struct udp: neither is touched after the first call. */
typedef void udp_receive_fn(void *context, struct udp_datagram *datagram);

/* 8 buffers of 64 KiB, shared by all sockets of a worker. */
struct udp_receiver;

struct udp_receiver *udp_receiver_new(void);
void udp_receiver_free(struct udp_receiver *receiver);

/*
 * One recvmmsg; calls back for each datagram in order of arrival.  How many there were; or
 * ERR_AGAIN when there was none; ERR_REFUSED or ERR_UNREACHABLE when a connected peer answered by
 * ICMP; ERR_IO.
 */
int udp_receive(
    struct udp *udp, struct udp_receiver *receiver, udp_receive_fn *receive, void *context);

/* ---- sending ---- */

/*
 * Datagrams to one address that lie one after the other: all of segment_bytes but the last, which
 * may be shorter.  Any number of them; length_bytes 0 is one empty datagram.
 */
struct udp_batch {
	const uint8_t *data;
	size_t length_bytes;
	uint16_t segment_bytes;
	struct addr to;   /* family 0 on a connected socket */
	struct addr from; /* family 0 for the socket's own address */
	uint8_t ecn;
};

/*
 * Sends batches in order, all or until the socket's buffer is full.  *done is how many are out;
 * on ERR_AGAIN the next one was moved forward to what is left of it: call again with it when the
 * socket is writable.  What cannot be sent at all is counted and passed over, as loss.
 * 0 or ERR_AGAIN.
 */
int udp_send(struct udp *udp, struct udp_batch *batches, size_t count, size_t *done);

#endif
