/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The numbers of the tunnel protocol's lanes, each with its unit and source.  doc/PROTOCOL.md names
 * those that both sides must agree on: the packet layout, the initial windows, the id windows.
 */
#ifndef TUNNEL_LIMITS_H
#define TUNNEL_LIMITS_H

#include <stdint.h>

enum {
	HEALTH_STATE_MAX = 2, /* of a HEALTH frame: 0 unknown, 1 healthy, 2 unhealthy */

	/* UDP payload: RFC 9000 section 14 for the least; jumbo Ethernet less IPv6 and UDP headers for the most. */
	PACKET_MIN_BYTES = 1200,
	PACKET_MAX_BYTES = 8952,
	/* One sendmsg with UDP_SEGMENT: the kernel takes 64 segments and 65,507 bytes. */
	LANE_BATCH_MAX_PKTS = 64,
	LANE_BATCH_MAX_BYTES = 65000,

	/* The text of a CLOSE frame; longer ones are cut. */
	LANE_CLOSE_TEXT_BYTES = 160,
	/* CLOSE is never acknowledged, so it goes twice. */
	LANE_CLOSE_COPIES = 2,

	/* Pieces of one flow's stream that one on_data call gets at most. */
	LANE_PIECES_MAX = 64,

	/* Refused flows that wait for the peer's RESET: with so many, no OPEN is taken. */
	REFUSED_FLOWS_MAX = 4096,
	/* OPENs are told from late copies of OPENs within so many ids; the listener keeps to it. */
	FLOW_ID_WINDOW = 65536,
	/* Flows that are told on_writable in one go, so that many waiting ones do not stall a batch. */
	WRITABLE_FLOWS_PER_CALL = 64,
	/* Enough room to be worth waking a reader for. */
	WRITABLE_MIN_BYTES = 16384,
	/* Slices below this are copied together, so that no chunk is held for a few bytes. */
	SEND_COPY_BELOW_BYTES = 2048,

	/* The largest UDP payload over IPv4: 65,535 less IP and UDP headers (RFC 768, RFC 791). */
	DATAGRAM_MAX_BYTES = 65507,
	HEAVY_PART = 4,
	/* Of the lane's bytes, for protecting a flow whose accelerator says nothing else. */
	REPAIR_BUDGET_PCT = 30,
	/* Own queue of datagrams: the design's age, and 100 ms of 320 Mbit/s. */
	DATAGRAM_QUEUE_MAX_BYTES = 4 << 20,
	/* Of one flow, sent and kept until their fate is known; the receiver tells no more apart. */
	DATAGRAM_KEPT_MAX = 1024,
	/* Incomplete datagrams of a lane, their bytes, and the pieces of one that may lie apart. */
	REASSEMBLY_MAX_DATAGRAMS = 256,
	REASSEMBLY_MAX_BYTES = 4 << 20,
	REASSEMBLY_MAX_GAPS = 64,
	/* How far behind the newest datagram of its flow one may come. */
	DATAGRAM_ID_WINDOW = 1024,
};

/*
 * Flow control.  The first windows are protocol constants; both sides must use the same ones.  They
 * double when half of one is used up in less than FLOW_LOSS_RTTS / 2 round trips or a gap keeps it, and are told anew at each quarter.
 * 512 KiB lets a new flow fill 38 Mbit/s x 110 ms in its first round trip.
 *
 * 1 Gbit/s x 110 ms is 13.75 MB.  A window of twice that is never what slows a stream down, also while a
 * loss holds back a round trip's worth of it; and as a stream has at most 2/5 of its lane's window, that
 * takes 80 MiB of memory for the lane.  With less memory a stream is slower over such a path.
 *
 * Memory of one stream's receiver: the window, plus two chunks because pages lie on chunk borders,
 * plus an eighth for the bitmap of what is there; whatever the sizes and order of the pieces.
 */
/*
 * What is behind a lost packet waits, here and at the receiver.  With 1,000 packets in flight and 10 % loss one of
 * them is lost three times, four round trips in which the stream stands; windows and caps of fewer would stop it.
 */
#define FLOW_LOSS_RTTS          6
#define FLOW_WINDOW_START_BYTES UINT64_C(524288)
#define FLOW_WINDOW_MAX_BYTES   UINT64_C(33554432)
#define LANE_WINDOW_START_BYTES UINT64_C(4194304)
/* What windows shrink to when memory is scarce: the least that keeps a stream moving. */
#define FLOW_WINDOW_MIN_BYTES UINT64_C(65536)
/* Memory that a lane has although others used up what they share. */
#define LANE_RESERVE_BYTES UINT64_C(262144)

/*
 * Bytes of one flow that wait for their acknowledgement: FLOW_LOSS_RTTS BDP, or the congestion window when that is more,
 * between these.
 */
#define FLOW_SEND_CAP_MIN_BYTES UINT64_C(131072)
#define FLOW_SEND_CAP_MAX_BYTES UINT64_C(33554432)
/* When memory is scarce, and when it is exhausted. */
#define FLOW_SEND_CAP_SCARCE_BYTES    UINT64_C(32768)
#define FLOW_SEND_CAP_EXHAUSTED_BYTES UINT64_C(8192)
/*
 * Bytes of one flow that wait for their turn: what the lane sends in 10 ms, between these. More is left at
 * the user's socket, so that what is a queue is one where the user's TCP sees it.
 */
#define FLOW_UNSENT_US        UINT64_C(10000)
#define FLOW_UNSENT_MIN_BYTES UINT64_C(65536)
#define FLOW_UNSENT_MAX_BYTES UINT64_C(1048576)

/* A packet number takes 7 bytes and never wraps. */
#define PACKET_NUMBER_MAX ((UINT64_C(1) << 56) - 1)

/* Key change by count and time; closing at the AEAD's limit of forgeries (RFC 9001 section 6.6). */
#define EPOCH_MAX_PKTS           (UINT64_C(1) << 23)
#define EPOCH_MAX_US             UINT64_C(120000000)
#define EPOCH_OLD_KEYS_PTOS      3
#define FORGERIES_MAX_CHACHA20   (UINT64_C(1) << 36)
#define FORGERIES_MAX_AES256_GCM (UINT64_C(1) << 52)

/* Life signs. */
#define PING_FLOWS_US UINT64_C(100000)  /* lanes with flows, when nothing else asked for an ack */
#define PING_IDLE_US  UINT64_C(1000000) /* lanes without */
#define PING_DOWN_US  UINT64_C(500000)  /* while down, whatever the congestion window says */
/* Or one and two PTO when that is longer, but no longer than this: samples of a stall make a PTO of seconds. */
#define LANE_SUSPECT_US     UINT64_C(200000)
#define LANE_SUSPECT_MAX_US UINT64_C(1500000)
#define LANE_DOWN_US        UINT64_C(500000)
#define LANE_DOWN_MAX_US    UINT64_C(3000000)
#define LANE_OVER_US        UINT64_C(30000000) /* silent for so long */
#define PING_LEARN_US       UINT64_C(20000)    /* while the path's loss is not known */

/* A flow that took 1/HEAVY_PART of the lane's rate for so long is bulk, until it is idle for so long. */
#define HEAVY_AFTER_US UINT64_C(1000000)
#define HEAVY_IDLE_US  UINT64_C(1000000)

/* RFC 8289 section 4.4. */
#define CODEL_TARGET_US   UINT64_C(5000)
#define CODEL_INTERVAL_US UINT64_C(100000)

#define DATAGRAM_QUEUE_AGE_US UINT64_C(100000)
#define REASSEMBLY_AGE_US     UINT64_C(1000000)

#endif
