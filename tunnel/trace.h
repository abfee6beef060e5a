/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a lane tells a tracer, for people who want to see each packet: set with lane_set_tracer(),
 * told inside the lane's own calls.  A lane without one spends a branch on it.
 */
#ifndef TUNNEL_TRACE_H
#define TUNNEL_TRACE_H

#include <stddef.h>
#include <stdint.h>

enum trace_kind {
	TRACE_PACKET_SENT,
	TRACE_PACKET_RECEIVED,  /* and opened */
	TRACE_PACKET_LOST,      /* one of ours, as loss detection has it */
	TRACE_PACKET_RECOVERED, /* one of the peer's, out of repairs */
	TRACE_ACKED,            /* an ACK was worked in: lane_get_stats() has news */
};

struct trace_event {
	enum trace_kind kind;
	uint64_t now_us;
	uint64_t number;       /* the packet's; of TRACE_ACKED the largest acknowledged */
	size_t udp_bytes;      /* the packet's UDP payload */
	const uint8_t *frames; /* plaintext, of what was sent and received; else NULL */
	size_t frames_bytes;
};

struct tracer {
	/* Must not call into the lane but for lane_get_stats(). */
	void (*on_event)(void *context, const struct trace_event *event);
	void *context;
};

static inline void trace(const struct tracer *tracer, const struct trace_event *event)
{
	if (tracer)
		tracer->on_event(tracer->context, event);
}

#endif
