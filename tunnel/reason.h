/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a flow or a lane ended: the codes that RESET, STOP_SENDING and CLOSE frames carry and that
 * counters and logs name.  The numbers are part of the protocol (doc/PROTOCOL.md).
 */
#ifndef TUNNEL_REASON_H
#define TUNNEL_REASON_H

#include <stdint.h>

enum reason {
	REASON_NONE = 0,        /* no error: an orderly end */
	REASON_TCP_RESET,       /* the TCP connection at the other end was reset */
	REASON_BACKEND_REFUSED, /* every backend tried refused or was unreachable */
	REASON_BACKEND_TIMEOUT, /* no backend answered within the connect timeout */
	REASON_NO_BACKEND,      /* the accelerator has no backend here with a weight above 0 */
	REASON_UNKNOWN_SERVICE, /* the endpoint has no such accelerator for this listener */
	REASON_IDLE,            /* idle timeout */
	REASON_LIMIT,           /* a cap on flows or memory was reached */
	REASON_EVICTED,         /* the oldest idle UDP flow gave way to a new one */
	REASON_REMOVED,         /* the accelerator, backend or node was removed */
	REASON_DRAINED,         /* the daemon ends and its drain time is over */
	REASON_LANE_LOST,       /* the lane that carried the flow is over */
	REASON_PEER_RESTARTED,  /* the peer came back with a new instance id */
	REASON_PROTOCOL,        /* the peer broke the protocol; the text says how */
	REASON_KEYS_EXHAUSTED,  /* too many forgeries or packets under one key */
	REASON_INTERNAL,        /* out of memory or a failed system call */
	REASON_DENIED,          /* a changed list of addresses denies the user */
	REASON_COUNT,
};

/* A short lower-case name for logs, counters and JSON, such as "backend-refused"; "unknown" for others. */
const char *reason_name(uint64_t reason);

#endif
