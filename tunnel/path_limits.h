/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sizes, thresholds and timeouts of loss recovery, congestion control and acknowledgements, each with
 * its unit and its source.
 */
#ifndef TUNNEL_PATH_LIMITS_H
#define TUNNEL_PATH_LIMITS_H

#include <stdint.h>

enum {
	/* Round-trip time and loss: RFC 9002 section 6.2.2, 6.1.1, 6.1.2, 7.6.1. */
	RTT_INITIAL_US = 333000,
	RTT_MIN_WINDOW_US =
	    10000000, /* the minimum is of the last 10 s (BBR draft: MinRTTFilterLen) */
	PTO_GRANULARITY_US = 1000,
	LOSS_PACKET_THRESHOLD = 3,
	LOSS_PACKET_THRESHOLD_MAX =
	    128, /* what reordering may raise it to (RFC 8985's cap is an RTT) */
	LOSS_THRESHOLD_HOLD_RTTS =
	    16,                   /* a raised one falls by one after that many RTTs (RFC 8985) */
	LOSS_REORDER_EIGHTHS = 1, /* time threshold 9/8 */
	LOSS_REORDER_EIGHTHS_MAX = 8, /* RFC 8985: at most an RTT */
	LOSS_PERSISTENT_PTOS = 3,
	LOSS_KEEP_PTOS = 3,   /* lost packets are remembered that long, to recognise late acks */
	PTO_BACKOFF_MAX = 10, /* doublings; the caller's cap in time mostly comes first */
	PTO_PROBES = 2,       /* RFC 9002 section 6.2.4 */

	/* Acknowledgements: one for each batch, ack-frequency draft; measured values of the design. */
	ACK_RANGES_MAX = 64,
	ACK_PACKETS_MAX = 32,
	ACK_BYTES_MAX = 32 * 1200, /* so that large packets are not told of more seldom */
	ACK_DELAY_MAX_US = 5000,
	ACK_DELAY_MIN_US = 1000, /* on short paths the answer's packet mostly bears the ACK */
	ACK_DELAY_RTT_DIVISOR = 8,
	ACK_GAP_PACKETS = 3,        /* a gap that old is told at once */
	REPLAY_WINDOW_BITS = 16384, /* RFC 6479 */

	/* What was sent: rings that grow by doubling from the first to the last of each pair. */
	SENTMAP_PACKETS_MIN = 64,
	SENTMAP_PACKETS_MAX = 1 << 18, /* 10 Gbit/s x 290 ms of 1,400 bytes; 20 MiB when full */
	SENTMAP_FRAMES_MIN = 128,
	SENTMAP_FRAMES_MAX = 1 << 20,
	SENTMAP_PACKET_FRAMES_MAX = 255, /* frame records of one packet */

	/* Path MTU search: RFC 8899 section 5.1.2. */
	PMTU_PROBES = 3,         /* of one size, lost in a row: MAX_PROBES */
	PMTU_SUSPECT_LOSSES = 6, /* large packets in a row: 1e-6 at 10 % random loss */

	/* Pacing: BBR draft, send quantum; but two packets at once are a queue of 11 ms on 1 Mbit/s. */
	PACER_QUANTUM_US = 1000,
	PACER_QUANTUM_MIN_PKTS = 1,
	PACER_QUANTUM_MAX_BYTES = 65536,
	PACER_INITIAL_BURST_PKTS = 10, /* RFC 9002 section 7.7 */

	/*
	 * Trains that teach a new lane its path, by measurement: three ACKs of each at the least, as 32 packets have one.
	 * A queue that they make, or meet, ends them: on a slow path slow start is soon over too.
	 */
	WARM_UP_LISTENER_RTTS = 24, /* later than the endpoint's */
	WARM_UP_TRAIN_PKTS = 96,
	WARM_UP_WINDOW_PKTS = 32, /* in flight at first, paced; quiche begins with as many */
	WARM_UP_REST_DIVISOR = 8, /* of a round trip: on top of it between trains */
	WARM_UP_MOST_BYTES = 1536 << 10,
	WARM_UP_QUEUE_US = 25000,
	WARM_UP_RTT_US = 10000, /* on shorter paths slow start is soon over */

	/* Congestion control: RFC 9002 section 7.2, RFC 9438, RFC 9406. */
	CC_INITIAL_WINDOW_PKTS = 10,
	CC_INITIAL_WINDOW_BYTES = 14720, /* that packets found to be larger raise it to: RFC 6928 */
	CC_MIN_WINDOW_PKTS = 2,
	/*
	 * What realtime flows may begin with while nothing has shown what the path carries: 8 Mbit/s, 2,000
	 * packets/s with their repairs.  They do not wait for a window to grow: what waits is late, and so lost.
	 */
	START_RATE_BPS = 1000000,
	CC_FLOOR_FLOWS_MAX = 8, /* streams that count for the least window after a loss */

	/* BBR's verdict on loss: packets of one look at the line's own loss; chance makes no verdict. */
	BBR_LOSS_LOOK_PKTS = 200,
	BBR_LOSS_DEVIATIONS = 3,
	BBR_MIN_WINDOW_PKTS =
	    2, /* the draft has 4 for TCP's delayed ACKs; ours wait 5 ms at most */
};

/* More loss than the line's own and this is too much; at most so much is ever its own. */
#define BBR_LOSS_MARGIN 0.02
#define BBR_LOSS_MOST   0.15

/* A challenge is given up after so long: RFC 9000 section 8.2.4, three PTOs, of the initial RTT at least. */
#define CHALLENGE_EXPIRE_PTOS   3
#define CHALLENGE_EXPIRE_MIN_US UINT64_C(1000000)

/* Larger packets are tried again: RFC 8899 section 5.1.1, PMTU_RAISE_TIMER. */
#define PMTU_RAISE_US UINT64_C(600000000)

#endif
