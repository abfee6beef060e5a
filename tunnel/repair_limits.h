/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The numbers of loss repair, each with its unit and source.  doc/PROTOCOL.md section 7 names those that
 * both sides must agree on.
 */
#ifndef TUNNEL_REPAIR_LIMITS_H
#define TUNNEL_REPAIR_LIMITS_H

#include <stdint.h>

enum {
	/* Packets that one repair combines, and the packet numbers between the first and last of them, at most. */
	REPAIR_WINDOW_PKTS = 192,
	REPAIR_SPAN_MAX = 256,
	/* How far the first of them may be behind the repair: a two-byte varint. */
	REPAIR_BACK_MAX = 16383,
	/* In front of the coded bytes of a full packet: type 1, back 2, span 2, bitmap 25, length 2. */
	REPAIR_ROOM_BYTES = 32,
	/* The length that stands before a packet's bytes in its symbol. */
	REPAIR_LENGTH_BYTES = 2,

	/* The receiver: packets kept to repair with, equations and unknowns kept for lack of more. */
	REPAIR_KEPT_PKTS = 512,
	REPAIR_EQUATIONS_MAX = 64,
	REPAIR_UNKNOWNS_MAX = 64,
	/* Recovered numbers that wait to be told, and how often each is: ACKs get lost too. */
	RECOVERED_MAX = 32,
	RECOVERED_TELLS = 4,
	/* The rate at which thin traffic is always repaired, whatever the budget, and how much may go at once. */
	REPAIR_THIN_BPS = 32000, /* 256 kbit/s */
	REPAIR_THIN_BURST_BYTES = 16384,
	/* The budget's own burst. */
	REPAIR_SHARE_BURST_BYTES = 65536,
	/* So few realtime packets in the span of repair go by copies of their own. */
	REPAIR_THIN_PKTS = 2,
};

/*
 * What stays lost of a packet's kind, as a share: the goals for realtime, and one answer of 200 KB in some thousands, as
 * each that lacks a packet takes a round trip more.
 */
#define REPAIR_TARGET_REALTIME    1e-4
#define REPAIR_TARGET_INTERACTIVE 3e-5

/* A packet's repairs are spread over a quarter of the round trip, between these. */
#define REPAIR_SPAN_MIN_US UINT64_C(10000)
#define REPAIR_SPAN_MAX_US UINT64_C(20000)
/* Without a packet for so long a burst is over, and its end is repaired. */
#define REPAIR_FLUSH_US UINT64_C(2000)
/* Retransmission waits for repairs for a quarter of the round trip, between these. */
#define REPAIR_HOLD_MIN_US UINT64_C(4000)
#define REPAIR_HOLD_MAX_US UINT64_C(20000)

/* An equation that was not solved by then never will be. */
#define REPAIR_EQUATION_AGE_US UINT64_C(200000)
/* Nothing protected for so long: all memory of repair is given back. */
#define REPAIR_IDLE_US UINT64_C(1000000)

#endif
