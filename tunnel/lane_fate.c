/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What becomes of the frames that were sent: acknowledged ones are done with, lost ones go again in a new
 * packet if they still matter (RFC 9000 section 13.3): datagrams while their deadline can be met, pings never.
 */
#include "config.h"

#include "tunnel/frame.h"
#include "tunnel/lane_private.h"

static void stream_fate(struct flow *flow, const struct sent_frame *frame, bool lost)
{
	struct stream_send *send = &flow->send;
	bool fin = frame->type == FRAME_STREAM_FIN;
	int rc = lost ? stream_send_on_lost(send, frame->offset, frame->length, fin)
	              : stream_send_on_acked(
	                  send, frame->offset, frame->length, fin, &flow->lane->budget);

	if (rc)
		lane_fail(
		    flow->lane, REASON_INTERNAL, "no memory to remember what was acknowledged");
}

static void open_fate(struct flow *flow, bool lost)
{
	if (lost) {
		flow->open_is_pending = !flow->open_is_acked;
		return;
	}
	flow->open_is_acked = true;
	flow->open_is_pending = false;
	list_del(&flow->unopened_node);
}

static void reset_fate(struct flow *flow, bool lost)
{
	if (!lost)
		flow->send.reset_is_acked = true;
	flow->send.reset_is_pending = lost && !flow->send.reset_is_acked;
}

/* Only those of flows with a deadline that leaves time for it have records. */
static void datagram_fate(struct flow *flow, const struct sent_frame *frame, bool lost)
{
	struct lane *lane = flow->lane;
	struct datagram *datagram =
	    datagram_queue_find_sent(&flow->datagrams, (uint32_t)(frame->offset >> 32));
	uint32_t from = (uint32_t)frame->offset;
	bool is_wanted;

	if (!datagram)
		return;
	if (!lost) {
		datagram_on_acked(&lane->datagrams, datagram);
		return;
	}
	is_wanted = flow_meets_deadline(flow, datagram->queued_us);
	lane->counters.datagrams_retransmitted += is_wanted;
	datagram_on_lost(&lane->datagrams, datagram, from, from + frame->length, is_wanted);
}

static void flow_fate(struct flow *flow, const struct sent_frame *frame, bool lost)
{
	switch (frame->type) {
	case FRAME_OPEN:
		open_fate(flow, lost);
		break;
	case FRAME_STREAM:
	case FRAME_STREAM_FIN:
		stream_fate(flow, frame, lost);
		break;
	case FRAME_DATAGRAM:
	case FRAME_DATAGRAM_FRAGMENT:
		datagram_fate(flow, frame, lost);
		break;
	case FRAME_RESET:
		reset_fate(flow, lost);
		break;
	case FRAME_STOP_SENDING:
		if (lost)
			flow->stop_is_pending = !flow->receive_is_over;
		break;
	case FRAME_HOLD:
		if (lost && frame->offset == flow->recv.maximum)
			flow->hold_is_pending = flow->is_on_hold && !flow->is_stopped;
		break;
	case FRAME_MAX_STREAM_DATA:
		/* An older one that was lost is made up for by a newer one. */
		if (frame->offset != flow->recv.maximum)
			break;
		if (!lost)
			flow->is_releasing = false;
		else if (flow->is_releasing || (!flow->recv.has_final && !flow->is_stopped))
			flow->window_is_pending = true;
		break;
	}
	flow_schedule(flow);
	flow_check_dead(flow);
}

void lane_on_fate(void *context, const struct sent_frame *frame, bool lost)
{
	struct lane *lane = context;
	struct flow *flow;

	switch (frame->type) {
	case FRAME_ACK:
		if (!lost)
			received_prune(&lane->received, frame->offset);
		return;
	case FRAME_MAX_DATA:
		if (lost && frame->offset == lane->receive_maximum)
			lane->max_data_is_pending = true;
		return;
	case FRAME_HEALTH:
		if (lost)
			health_told_on_lost(&lane->health, (uint32_t)frame->flow, frame->offset);
		return;
	}
	flow = flow_table_find(&lane->flows, frame->flow);
	if (flow)
		flow_fate(flow, frame, lost);
}
