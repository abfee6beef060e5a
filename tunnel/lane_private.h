/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of lanes and flows, for the lane's own files:
 *   lane.c          life, states, timers, counters
 *   lane_receive.c  a packet in: open, frames, their handlers
 *   lane_move.c     the peer's address, and how it changes
 *   lane_deliver.c  what arrived goes on to the callbacks; windows
 *   lane_build.c    what a packet bears, in the scheduler's order
 *   lane_send.c     packets out: batches of them, when and how many
 *   lane_repair.c   loss repair: what is protected, what comes back
 *   lane_fate.c     what becomes of sent frames: acknowledged or lost
 *   flow.c          flows: the caller's functions, opening, ending
 *
 * Callbacks run inside; so flows are freed and the lane is closed only when the outermost call ends
 * (lane_enter, lane_leave).  Until then a flow pointer stays good.
 */
#ifndef TUNNEL_LANE_PRIVATE_H
#define TUNNEL_LANE_PRIVATE_H

#include "base/list.h"
#include "tunnel/budget.h"
#include "tunnel/datagram_queue.h"
#include "tunnel/epochs.h"
#include "tunnel/flow_ids.h"
#include "tunnel/flow_table.h"
#include "tunnel/health_told.h"
#include "tunnel/lane.h"
#include "tunnel/lane_repair.h"
#include "tunnel/limits.h"
#include "tunnel/path.h"
#include "tunnel/reassembly.h"
#include "tunnel/received.h"
#include "tunnel/scheduler.h"
#include "tunnel/stream_recv.h"
#include "tunnel/stream_send.h"
#include "tunnel/usage.h"
#include "tunnel/warm_up.h"

/*
 * Both directions of a flow.  A flow is dead, and on the lane's dead list, when its sending half was
 * acknowledged to the end and its receiving half is over.
 */
struct flow {
	struct lane *lane;
	struct flow *table_next;
	uint64_t id;
	void *user;
	struct flow_open open;
	struct flow_policy policy;
	struct stream_send send;
	struct stream_recv recv;
	struct usage usage;
	struct datagram_queue datagrams;
	uint64_t hold_maximum;             /* of the peer's HOLD: until it tells a greater one */
	struct datagram_ids *datagram_ids; /* from the first datagram received on */
	struct list_node control_node;     /* has control frames to send */
	struct schedule schedule;          /* has data to send */
	struct list_node blocked_node;     /* would have, but for the lane's window */
	struct list_node waiting_node;     /* waits for on_writable */
	struct list_node unopened_node;    /* listener: its OPEN was not acknowledged yet */
	struct list_node dead_node;
	uint64_t open_packet; /* the last packet that bears its OPEN */
	uint32_t next_datagram_id;
	enum reason end_reason;  /* the first reason that ended a direction early */
	enum reason stop_reason; /* of our STOP_SENDING */
	bool open_is_pending, open_is_sent, open_is_acked;
	bool stop_is_pending;
	bool window_is_pending;
	bool hold_is_pending;
	bool is_on_hold;      /* the peer was told, or is to be, to send no more for now */
	bool is_releasing;    /* it is told that it may go on: not acknowledged yet */
	bool is_held;         /* on_data took less than it was given; flow_resume() ends that */
	bool is_delivering;   /* within on_data */
	bool is_stopped;      /* we want no more of the peer's bytes */
	bool receive_is_over; /* finish or reset was told, or nobody wants to know */
	bool is_sending;      /* counted in sending_flows */
	bool is_refused;      /* on_open or a cap refused it: no callbacks */
	bool is_let_go;       /* on_closed was called: no callbacks any more */
};

struct lane_counters {
	uint64_t packets_received, bytes_received, packets_retransmitted;
	uint64_t packets_forged, packets_replayed, packets_malformed;
	uint64_t datagrams_sent, datagrams_received, datagrams_dropped, datagrams_late,
	    datagrams_retransmitted;
	uint64_t flows_opened, flows_refused, opens_put_off, flows_refused_memory,
	    flows_turned_bulk, flows_held;
};

/* Stream pieces of the received batch, of one flow, in order, that follow flow->recv.taken. */
struct gather {
	struct flow *flow;
	uint64_t bytes;
	uint64_t reserved_bytes; /* of the budget, for keeping what on_data will not take */
	int count;
	struct iovec pieces[LANE_PIECES_MAX];
};

struct lane {
	struct epochs epochs;
	struct lane_config config; /* without its secrets */
	struct path path;
	struct lane_repair repair;
	struct warm_up warm_up;
	struct received received;
	struct migration migration;
	const struct lane_route *from; /* within lane_receive(): of the packet */
	struct budget budget;
	uint64_t now_us; /* of the last call that told it */
	unsigned depth;  /* of calls: see lane_enter() */

	enum lane_state state;
	uint64_t began_us, up_since_us, last_arrival_us;
	uint64_t
	    waiting_since_us; /* sending of the first packet since then that asks for an ack; 0: none */
	uint64_t last_eliciting_us;
	unsigned probes_due;
	bool ping_is_due;
	bool is_pinged;     /* by the batch being received */
	uint64_t receiving; /* number of the packet being received */

	bool is_closing;       /* the lane is to be over when the outermost call ends */
	bool close_is_told;    /* the peer knows already, or must not be told */
	unsigned close_copies; /* CLOSE packets still to send */
	enum reason close_reason;
	char close_text[LANE_CLOSE_TEXT_BYTES + 1];

	struct flow_table flows;
	struct flow_ids *opened; /* endpoint */
	uint64_t next_flow_id;   /* listener */
	int64_t sending_flows;   /* with stream bytes that are not acknowledged */
	uint32_t refused_flows;
	struct scheduler scheduler;
	struct list_node control, blocked, waiting, unopened, dead;

	/* Flow control of the lane: sums over its flows. */
	uint64_t send_maximum, send_used; /* the peer's window; stream bytes sent */
	uint64_t receive_maximum,
	    receive_highest; /* ours; stream bytes that exist as far as we know */
	uint64_t receive_window_bytes;
	struct window_mark receive_mark;
	bool max_data_is_pending;
	struct health_told health; /* endpoint: what the peer is to know */

	struct chunk *small_chunk; /* small writes are copied behind one another here */
	struct datagram_store datagrams;
	struct reassembly reassembly;
	struct gather gather;
	struct lane_counters counters;
};

/* lane.c */
void lane_enter(struct lane *lane);
/* Ends the outermost call: tells windows, frees dead flows, closes the lane when that was asked. */
void lane_leave(struct lane *lane);
/* The lane is to be over; the peer is told by CLOSE. The first call counts. */
void lane_fail(struct lane *lane, enum reason reason, const char *format, ...)
    __attribute__((format(printf, 3, 4), cold));
/* The same, without telling the peer. */
void lane_end(struct lane *lane, enum reason reason, const char *text);
/* What it can send in a second. */
uint64_t lane_rate_Bps(const struct lane *lane);
/* A packet of the peer opened: the lane is alive. */
void lane_on_arrival(struct lane *lane);
static inline bool lane_is_over(const struct lane *lane)
{
	return lane->is_closing || lane->state == LANE_OVER;
}

/* lane_move.c */
void lane_on_challenge(struct lane *lane, const uint8_t data[CHALLENGE_BYTES]);
void lane_on_response(struct lane *lane, const uint8_t data[CHALLENGE_BYTES]);
/* After the packet's frames. */
void lane_follow(struct lane *lane, uint64_t number, size_t bytes, bool is_newest, bool is_probing);
/* When a challenge or a response is due. */
uint64_t lane_move_timer_us(const struct lane *lane);

/* lane_deliver.c */
/* Accounts the frame's bytes, and hands them on or keeps them. 0, or ERR_NOMEM: the packet is not to be acknowledged. */
int flow_on_stream(struct flow *flow, const struct frame_stream *stream);
void flow_on_datagram(struct flow *flow, const struct frame_datagram *datagram);
/* Hands the gathered pieces on. */
void lane_deliver_gathered(struct lane *lane);
/* Drops them. */
void lane_forget_gathered(struct lane *lane);
/* Hands on what was kept, and the finish. */
void flow_deliver_kept(struct flow *flow);
/* Counts stream bytes towards the lane's window. */
void lane_count_received(struct lane *lane, uint64_t bytes);
void lane_update_window(struct lane *lane);

/* lane_send.c */
bool lane_has_frames(const struct lane *lane);
uint64_t lane_ping_timer_us(const struct lane *lane);
/* When the path lets go of what waits; UINT64_MAX: not before an ACK. */
uint64_t lane_room_timer_us(const struct lane *lane);
/* When a path MTU probe can go; UINT64_MAX for not now. */
uint64_t lane_mtu_timer_us(const struct lane *lane);
/* When a packet of the warm-up can go; UINT64_MAX for not now. */
uint64_t lane_warm_up_timer_us(const struct lane *lane);

/* lane_build.c */
/* Drops queued datagrams past their age, whoever's turn it is. */
void lane_drop_old_datagrams(struct lane *lane);

/* lane_fate.c */
void lane_on_fate(void *context, const struct sent_frame *frame, bool lost);

/* flow.c */
/* NULL without memory. */
struct flow *flow_new(struct lane *lane, uint64_t id, const struct flow_open *open);
/* Frees the flow, without a callback. */
void flow_free(struct flow *flow);
/* Puts the flow on the lists that its state asks for. */
void flow_schedule(struct flow *flow);
/* It has lost stream bytes, or a lost FIN, that the peer wants now. */
bool flow_has_lost_stream(const struct flow *flow);
/* It has new stream bytes, or a FIN, that windows let go. */
bool flow_has_new_stream(const struct flow *flow);
/* A datagram that was queued then, sent now, arrives in time. */
bool flow_meets_deadline(const struct flow *flow, uint64_t queued_us);
/* The lane's window grew: flows that waited for it go on. */
void lane_unblock_flows(struct lane *lane);
/*
 * The peer may go on, up to `maximum` or at least by a byte: only a greater maximum says so, and the flow stays until that
 * was acknowledged, as a peer on hold would wait for ever.
 */
void flow_end_hold(struct flow *flow, uint64_t maximum);
/* Ends the sending half by RESET. */
void flow_reset_sending(struct flow *flow, enum reason reason);
/* Drops what was received and not taken, and all that follows. */
void flow_stop_receiving(struct flow *flow, enum reason reason);
/* Moves it to the dead list when it is over. */
void flow_check_dead(struct flow *flow);
void flow_note_reason(struct flow *flow, enum reason reason);
/* Calls on_writable for flows that waited and have room now. */
void lane_wake_writers(struct lane *lane);
void lane_drop_small_chunk(struct lane *lane);

#endif
