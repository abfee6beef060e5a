/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The outside of handshake packets: header, types, sizes, and the causes for which one is dropped.
 * All integers are big-endian.  Nobody answers a packet that was dropped, but for RETRY and UNKNOWN.
 */
#ifndef TUNNEL_HANDSHAKE_H
#define TUNNEL_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tunnel_role { TUNNEL_LISTENER, TUNNEL_ENDPOINT };

/* The low bits of the first byte, whose top bit is set. */
enum handshake_type {
	HANDSHAKE_INITIATE = 1, /* listener: TLS bytes, padded to HANDSHAKE_PACKET_BYTES */
	HANDSHAKE_RESPOND = 2,  /* endpoint: TLS bytes */
	HANDSHAKE_RETRY = 3,    /* endpoint: a cookie to show */
	HANDSHAKE_START = 4,    /* listener: starts a lane */
	HANDSHAKE_STARTED = 5,  /* endpoint: the lane is there */
	HANDSHAKE_UNKNOWN = 6,  /* endpoint: there is no such tunnel here */
};

enum {
	HANDSHAKE_FLAG = 0x80,
	HANDSHAKE_HEADER_BYTES = 21,   /* flags 1, connection id 4, door id 8, tunnel id 8 */
	HANDSHAKE_MAC_BYTES = 16,      /* the last bytes of each packet, and of what START proves */
	HANDSHAKE_PACKET_BYTES = 1200, /* every INITIATE; none is longer (RFC 9000 section 8.1) */
	HANDSHAKE_COOKIE_BYTES = 16,
	HANDSHAKE_STREAM_BYTES = 8192, /* most TLS bytes in one direction */
	TUNNEL_SECRET_BYTES = 32,
	TUNNEL_LANES_MAX = 64, /* lanes of a tunnel, and worker slots of a node */
};

#define HANDSHAKE_TIMEOUT_US        UINT64_C(10000000)
#define HANDSHAKE_STALLED_US        UINT64_C(3000000) /* an endpoint that answered and then no more */
#define HANDSHAKE_RETRANSMIT_US     UINT64_C(250000)  /* doubled each time without progress, */
#define HANDSHAKE_RETRANSMIT_MAX_US UINT64_C(1000000) /* up to this */

/* What became of a packet: each that is not fine raises exactly one counter of this name. */
enum handshake_cause {
	HANDSHAKE_FINE = 0,
	HANDSHAKE_MALFORMED,       /* a length or field that no sender of ours writes */
	HANDSHAKE_WRONG_TYPE,      /* unknown, or not one that this role takes */
	HANDSHAKE_DOOR_UNKNOWN,    /* no such door id here */
	HANDSHAKE_DOOR_FORGED,     /* the packet's MAC is wrong */
	HANDSHAKE_COOKIE_WRONG,    /* expired, of another address, or made up; answered by RETRY */
	HANDSHAKE_COOKIE_MISSING,  /* under load; answered by RETRY */
	HANDSHAKE_RETRY_UNWANTED,  /* after an answer came, or too often */
	HANDSHAKE_HALF_OPEN_LIMIT, /* too many handshakes under way, of this peer or in all */
	HANDSHAKE_TUNNEL_UNKNOWN,  /* no such tunnel here; a START is answered by UNKNOWN */
	HANDSHAKE_ADDRESS_CHANGED, /* not the address that this handshake began from */
	HANDSHAKE_PARAMETERS_REFUSED, /* no common version or AEAD, or out of range */
	HANDSHAKE_PARAMETERS_CHANGED, /* not those that this handshake began with */
	HANDSHAKE_GAP,                /* TLS bytes ahead of the next ones: sent again later */
	HANDSHAKE_DUPLICATE,          /* nothing new in it */
	HANDSHAKE_TLS_FAILED,         /* TLS ended the handshake */
	HANDSHAKE_PIN_WRONG,          /* the peer proved a key that is not the door's */
	HANDSHAKE_TIMED_OUT,          /* the handshake, not a packet: not complete in time */
	HANDSHAKE_START_EARLY,        /* START before the tunnel's handshake is complete */
	HANDSHAKE_START_FORGED,    /* the tunnel's MAC is wrong: other keys, parameters or bytes */
	HANDSHAKE_START_REPLAYED,  /* an incarnation that is not above the last one */
	HANDSHAKE_ANSWER_UNWANTED, /* STARTED or UNKNOWN without such a START under way */
	HANDSHAKE_OVERLOADED,      /* no memory or room to take it */
	HANDSHAKE_CAUSE_COUNT,
};

struct handshake_counters {
	uint64_t count[HANDSHAKE_CAUSE_COUNT]; /* [HANDSHAKE_FINE] counts the good ones */
};

struct handshake_header {
	enum handshake_type type;
	uint32_t connection_id; /* the receiver's; its top byte is the worker's slot */
	uint64_t door_id;
	uint64_t tunnel_id;
};

/* A short name such as "door-forged", for logs and counters. */
const char *handshake_cause_name(enum handshake_cause cause);

/* Counts and hands through. */
enum handshake_cause handshake_count(
    struct handshake_counters *counters, enum handshake_cause cause);

/* True for packets that are the handshake's; the others are sealed and belong to lanes. */
bool handshake_is(const uint8_t *packet, size_t length);

/* Does a node of this role receive that type? */
bool handshake_role_takes(enum tunnel_role role, enum handshake_type type);

/*
 * Reads the header of a packet that a node of this role received.  HANDSHAKE_MALFORMED for a length
 * that none has, or HANDSHAKE_WRONG_TYPE.
 */
enum handshake_cause handshake_form_check(
    struct handshake_header *header, enum tunnel_role role, const uint8_t *packet, size_t length);

struct writer;
void handshake_header_write(struct writer *w, const struct handshake_header *header);

#endif
