/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The other end of a joint (worker_double.h) for tests of one daemon: it notes what each flow says,
 * and says what the test wants.
 */
#ifndef TESTS_SUPPORT_FAR_END_H
#define TESTS_SUPPORT_FAR_END_H

#include "tests/support/worker_double.h"

struct far_end;

/* Freed with its far end. */
struct far_flow {
	struct list_node node;
	struct far_end *end;
	struct flow *flow; /* NULL once closed */
	struct flow_open open;
	uint8_t received[65536]; /* of the stream, or the last datagram */
	size_t length;
	unsigned datagrams;
	bool is_finished, is_closed;
	enum reason reset_with; /* REASON_NONE while it was not */
};

struct far_end {
	struct joint joint;
	struct list_node flows;
	size_t count; /* that were opened */
	enum reason refuse_with;
	uint64_t health_sequence; /* of the newest state that was told */
	uint8_t health;
};

/* Callbacks of the near end: those of listener or endpoint with on_open filled, see flow_handler.h. */
void far_end_open(struct far_end *end, struct worker *worker, struct joint_options options);
/* Closes the joint and frees its flows. Takes a zeroed one. */
void far_end_close(struct far_end *end);

/* The flow that was opened so many flows ago, 0 being the newest; NULL when there is none. */
struct far_flow *far_flow_latest(struct far_end *end, unsigned ago);
/* Opens a flow towards the worker, which must be the endpoint. */
struct far_flow *far_flow_open(struct far_end *end, const struct flow_open *open);
/* Sends a few stream bytes; room is a must. */
void far_flow_write(struct far_flow *flow, const char *text);
void far_flow_send(struct far_flow *flow, const void *data, size_t length);
/* Fails the test unless exactly this stream, or datagram, was received since the last call. */
void far_flow_assert_received(struct far_flow *flow, const char *text);

#endif
