/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names of reasons, for logs, counters and JSON.
 */
#include "config.h"

#include "tunnel/reason.h"

static const char *const names[REASON_COUNT] = {
    [REASON_NONE] = "none",
    [REASON_TCP_RESET] = "tcp-reset",
    [REASON_BACKEND_REFUSED] = "backend-refused",
    [REASON_BACKEND_TIMEOUT] = "backend-timeout",
    [REASON_NO_BACKEND] = "no-backend",
    [REASON_UNKNOWN_SERVICE] = "unknown-service",
    [REASON_IDLE] = "idle",
    [REASON_LIMIT] = "limit",
    [REASON_EVICTED] = "evicted",
    [REASON_REMOVED] = "removed",
    [REASON_DRAINED] = "drained",
    [REASON_LANE_LOST] = "lane-lost",
    [REASON_PEER_RESTARTED] = "peer-restarted",
    [REASON_PROTOCOL] = "protocol",
    [REASON_KEYS_EXHAUSTED] = "keys-exhausted",
    [REASON_INTERNAL] = "internal",
    [REASON_DENIED] = "denied",
};

const char *reason_name(uint64_t reason)
{
	return reason < REASON_COUNT ? names[reason] : "unknown";
}
