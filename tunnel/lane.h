/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A lane: one encrypted connection of a tunnel, between one worker on each side.  It carries flows
 * (TCP streams and UDP conversations) in sealed packets, with loss recovery, flow control and
 * congestion control.  It does no I/O: bytes and the time go in, bytes and callbacks come out.
 *
 * Times are microseconds of one monotonic clock.  Nothing here is thread-safe; one worker owns it.
 * A callback may call any function here but lane_free() and lane_receive*() on the same lane.
 */
#ifndef TUNNEL_LANE_H
#define TUNNEL_LANE_H

#include "base/addr.h"
#include "base/chunk.h"
#include "tunnel/aead.h"
#include "tunnel/migration.h"
#include "tunnel/path_share.h"
#include "tunnel/reason.h"
#include "tunnel/route.h"
#include "tunnel/trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct budget;
struct lane;
struct flow;

enum lane_role {
	LANE_LISTENER, /* opens flows */
	LANE_ENDPOINT, /* is told of them by on_open */
};

enum lane_state {
	LANE_PENDING, /* keys are there, but no sealed packet of the peer was opened yet */
	LANE_UP,
	LANE_SUSPECT, /* nothing arrived for LANE_SUSPECT_US though something was due */
	LANE_DOWN, /* nothing for 2 PTO, within LANE_DOWN_US and LANE_DOWN_MAX_US: open no new flow here */
	LANE_OVER, /* silent for LANE_OVER_US, closed by either side, or broken: free it */
};

/* How a lane shares its path with others. */
enum lane_congestion {
	LANE_BBR,
	LANE_CUBIC, /* RFC 9438 */
	LANE_FIXED, /* a given rate, for a leased line: loss and queues change nothing */
};

enum flow_kind { FLOW_TCP = 0, FLOW_UDP = 1 };

/* How a flow's bytes want to be treated, the most urgent first. */
enum flow_class {
	CLASS_REALTIME, /* late is lost */
	CLASS_INTERACTIVE,
	CLASS_BULK,
};

/* What the accelerator says of its flows; each side's own affair, nothing of it is on the wire. */
struct flow_policy {
	enum flow_class class;
	uint8_t repair_budget_pct; /* of the lane's bytes, 0 .. 100, for protecting them */
	uint32_t deadline_us; /* a datagram that arrives later than this is of no use; 0: none */
};

/* What an OPEN frame says of a new flow. */
struct flow_open {
	enum flow_kind kind;
	uint32_t accelerator; /* the accelerator's number in both nodes' configs */
	struct addr user;     /* the user's address and port */
	struct addr local;    /* the listener's address and port that the user sent to */
	bool is_compressed;   /* FLOW_TCP: the ends have agreed on blocks (net/compression.h) */
};

/* All are needed but on_open at a listener, on_rtt, on_health and on_moved. */
struct lane_callbacks {
	/*
	 * Endpoint: the peer opened a flow; flow_set_user() may be called.  A REASON_ other than
	 * REASON_NONE refuses it: the peer gets that reset and no other callback follows.
	 */
	enum reason (*on_open)(void *context, struct flow *flow, const struct flow_open *open);
	/*
	 * Stream bytes in order, as pieces of the received batch or of pool chunks, valid until the
	 * callback returns.  Returns how many bytes were taken, from the first; the lane keeps the
	 * rest (within the flow's window) and offers it again after flow_resume().
	 */
	size_t (*on_data)(void *context, struct flow *flow, const struct iovec *pieces, int count);
	/* The peer finished its direction and every byte of it was taken. */
	void (*on_finish)(void *context, struct flow *flow);
	/* The peer aborted its direction; bytes not yet taken are gone. */
	void (*on_reset)(void *context, struct flow *flow, enum reason reason);
	/* The peer wants no more of ours; what was not sent is dropped, our direction is reset. */
	void (*on_stop_sending)(void *context, struct flow *flow, enum reason reason);
	/* flow_write_room() was small (or too small for the last write) and has grown. */
	void (*on_writable)(void *context, struct flow *flow);
	/* A whole datagram of a UDP flow, valid until the callback returns. */
	void (*on_datagram)(void *context, struct flow *flow, const uint8_t *data, size_t length);
	/* Both directions are over and acknowledged, or the lane is over: the flow's last callback. */
	void (*on_closed)(void *context, struct flow *flow, enum reason reason);
	/* The lane's state changed. At LANE_OVER its flows were closed already. */
	void (*on_state)(void *context, struct lane *lane, enum lane_state state,
	    enum reason reason, const char *text);
	/* A round-trip sample, acknowledgement delay taken off. */
	void (*on_rtt)(void *context, struct lane *lane, uint64_t rtt_us);
	/*
	 * Listener: what the endpoint told by lane_tell_health(). They may overtake one another: one with
	 * a lower sequence than another of that accelerator on this lane is old.
	 */
	void (*on_health)(void *context, struct lane *lane, uint32_t accelerator, uint64_t sequence,
	    uint8_t state);
	/* Packets go by this route from now on: the peer answered from there. */
	void (*on_moved)(void *context, struct lane *lane, const struct lane_route *route);
};

struct lane_config {
	enum lane_role role;
	uint32_t local_id;  /* the connection id that we receive with */
	uint32_t remote_id; /* the one that we send with */
	enum aead_kind aead;
	uint8_t send_secret[AEAD_SECRET_BYTES]; /* of epoch 0, by session_lane_secrets() */
	uint8_t receive_secret[AEAD_SECRET_BYTES];
	uint16_t
	    packet_bytes; /* most UDP payload, PACKET_MIN_BYTES .. PACKET_MAX_BYTES; the search begins at the least */
	enum lane_congestion congestion;
	uint64_t fixed_rate_Bps;       /* LANE_FIXED: bytes of UDP payload a second, not 0 */
	struct path_siblings siblings; /* of the tunnel; outlive the lane */
	uint32_t max_flows;            /* most flows at once; one more is reset with REASON_LIMIT */
	uint64_t memory_bytes;   /* most bytes that this lane may hold in send and receive chunks */
	struct budget *memory;   /* of which at most what is left here, but for LANE_RESERVE_BYTES;
	                            shared, outlives the lane; NULL: there is no such bound */
	struct lane_route route; /* that the peer was last heard from, by START or STARTED */
	uint64_t epoch_pkts;     /* packets under one key, EPOCH_MAX_PKTS at most; 0: that many */
	uint8_t challenge_key[CHALLENGE_KEY_BYTES]; /* random, known to nobody else */
	struct chunk_pool *pool; /* shared by the worker's lanes; outlives the lane */
	const struct lane_callbacks *callbacks; /* outlives the lane */
	void *context;                          /* first argument of the callbacks */
};

/* Counters and measurements; rates are the caller's, from differences. */
struct lane_stats {
	enum lane_state state;
	uint64_t up_since_us, last_arrival_us;
	uint64_t rtt_latest_us, rtt_smoothed_us, rtt_min_us, rtt_variation_us;
	uint64_t jitter_us; /* RFC 3550 section 6.4.1, over round-trip samples */
	uint64_t congestion_window_bytes, bytes_in_flight, pacing_rate_bps /* bits a second */;
	uint64_t packets_sent, packets_received, packets_lost, packets_spurious,
	    packets_retransmitted;
	uint64_t bytes_sent, bytes_received; /* UDP payload */
	uint64_t packets_forged, packets_replayed, packets_malformed;
	uint64_t probe_timeouts, key_changes, ecn_marks;
	uint16_t packet_bytes; /* UDP payload of a full packet, as the path MTU search found it */
	uint64_t mtu_probes;   /* of that search */
	uint64_t address_changes, address_refusals; /* of the peer: followed, and not followed */
	uint64_t mtu_black_holes; /* times that large packets had stopped to arrive */
	/* Loss repair: what of ours went for it (UDP payload), and packets that it brought back here, and at the peer. */
	uint64_t repair_bytes_sent, repairs_sent, copies_sent, packets_protected;
	uint64_t packets_recovered, packets_saved;
	uint64_t repairs_received, repairs_useless;
	uint64_t repair_refused_memory; /* times that repair wanted memory while it was scarce */
	uint64_t datagrams_sent, datagrams_received, datagrams_queue_dropped, datagrams_incomplete;
	uint64_t datagrams_late; /* dropped because their deadline could not be met any more */
	uint64_t datagrams_retransmitted;
	uint64_t flows_opened, flows_refused, flows_now;
	uint64_t opens_put_off;        /* with too many refused flows at once */
	uint64_t flows_turned_bulk;    /* because of what they sent */
	uint64_t flows_refused_memory; /* of those refused */
	uint64_t
	    flows_held; /* times that a flow was told to wait, since memory was short and its user slow */
	uint64_t memory_bytes, memory_peak_bytes;
	uint64_t repair_memory_bytes; /* of memory_bytes */
};

/* 0, ERR_NOMEM or ERR_INVALID. Sends its first ping at the next lane_send(). */
int lane_new(struct lane **lane, const struct lane_config *config, uint64_t now_us);
/* Frees the lane; each flow gets on_closed first. Takes NULL. */
void lane_free(struct lane *lane);
/*
 * The lane is LANE_OVER (at once, or when the callback that called this returns); CLOSE with the reason and
 * text (cut at LANE_CLOSE_TEXT_BYTES) goes out with the next lane_send(), so call that before lane_free().
 */
void lane_close(struct lane *lane, enum reason reason, const char *text, uint64_t now_us);

/*
 * Endpoint: tells the listener the health (0 unknown, 1 healthy, 2 unhealthy) of an accelerator's backends here, again
 * and again until it arrived.  lane_send() is due then. 0, ERR_NOMEM, ERR_LIMIT, ERR_INVALID, or ERR_STATE when the lane is over.
 */
int lane_tell_health(struct lane *lane, uint32_t accelerator, uint8_t state);
/* The listener may ask for it no more. */
void lane_forget_health(struct lane *lane, uint32_t accelerator);

/* From now on the tracer is told of each packet; it outlives the lane, or is taken away by NULL. */
void lane_set_tracer(struct lane *lane, const struct tracer *tracer);
/*
 * Changes how the lane shares its path, while it runs: packets in flight and what is known of the path
 * stay. `rate_Bps` is for LANE_FIXED. 0, ERR_INVALID (an unknown kind, LANE_FIXED without a rate) or
 * ERR_NOMEM; then nothing changed.
 */
int lane_set_congestion(
    struct lane *lane, enum lane_congestion kind, uint64_t rate_Bps, uint64_t now_us);

/*
 * Opens one sealed packet in place and acts on it. The packet's memory must stay valid and unchanged
 * until lane_receive_done(), which hands on the stream pieces and decides about acknowledgements.
 * `from` is where it came from and what it was sent to; `ecn` is the IP header's ECN field. Returns 0 or ERR_AUTH, ERR_REPLAY, ERR_MALFORMED, ERR_STATE; all counted.
 */
int lane_receive(struct lane *lane, uint8_t *packet, size_t length, const struct lane_route *from,
    uint8_t ecn, uint64_t now_us);
void lane_receive_done(struct lane *lane, uint64_t now_us);

/* Packets for one sendmsg: `count` segments, all of `segment_bytes` but the last, which may be shorter. */
struct lane_batch {
	uint8_t *data;       /* the caller's memory */
	size_t size_bytes;   /* of which this much is usable, at least the config's packet_bytes */
	size_t length_bytes; /* out */
	uint16_t segment_bytes;         /* out */
	unsigned count;                 /* out */
	const struct lane_route *route; /* out: where to, until the lane's next call */
	uint8_t ecn;                    /* out: ECN field to send with, 0 or 2 (ECT(0)) */
};
/*
 * Builds and seals what may go out now into the batch: at most what pacing and the congestion
 * window let go. Returns the count, 0 when there is nothing to do until lane_timer_us() or an event.
 */
unsigned lane_send(struct lane *lane, struct lane_batch *batch, uint64_t now_us);
/* True when lane_send() would build something at once. */
bool lane_wants_send(const struct lane *lane, uint64_t now_us);
/* When lane_on_timer() is due, UINT64_MAX for never; includes pacing, so it is not after now whenever lane_wants_send(). */
uint64_t lane_timer_us(const struct lane *lane);
void lane_on_timer(struct lane *lane, uint64_t now_us);

/*
 * This side's own wish to send to another address, as of a config: it is challenged, and packets go there when the
 * peer answers from it.
 */
void lane_move(struct lane *lane, const struct lane_route *route, uint64_t now_us);
/* The same where the peer was proved to be there already, by a STARTED from there. */
void lane_set_route(struct lane *lane, const struct lane_route *route, uint64_t now_us);
/* The route in use, until the lane's next call. */
const struct lane_route *lane_route(const struct lane *lane);
/* The system refused to send packets of that size (EMSGSIZE). */
void lane_on_refused(struct lane *lane, uint16_t packet_bytes, uint64_t now_us);

/*
 * The peer is known to be gone while the lane is down (else it does nothing): resets its TCP flows, each with on_closed before this
 * returns and no callback after it. A peer that is there after all hears of the resets when packets pass again.
 * UDP flows stay. How many there were.
 */
size_t lane_reset_streams(struct lane *lane, enum reason reason, uint64_t now_us);

enum lane_state lane_state(const struct lane *lane);
void lane_get_stats(const struct lane *lane, struct lane_stats *stats);
void *lane_context(const struct lane *lane);

/*
 * Listener: opens a flow. The peer is told at the next lane_send(), in one packet with the first bytes when
 * those were written by then. 0, ERR_LIMIT, ERR_STATE (not up), ERR_INVALID (addresses, a compressed UDP flow) or ERR_NOMEM.
 */
int flow_open(struct lane *lane, const struct flow_open *open, void *user, struct flow **flow,
    uint64_t now_us);
/*
 * How many stream bytes flow_write() takes now: the peer's windows, our own buffer cap and memory.
 * When that is little, on_writable follows once there is more.
 */
size_t flow_write_room(struct flow *flow);
/* Queues a slice; takes a reference of its own, until acknowledged. 0, ERR_LIMIT (more than the room), ERR_STATE, ERR_NOMEM, ERR_INVALID (a UDP flow). */
int flow_write(struct flow *flow, const struct slice *slice);
/* No more bytes follow. */
void flow_finish(struct flow *flow);
/* Ends both directions at once, as a TCP RST does: RESET and STOP_SENDING with the reason. */
void flow_reset(struct flow *flow, enum reason reason);
/* Offers kept bytes (and a finish) again by on_data, perhaps before it returns. */
void flow_resume(struct flow *flow);
/* Queues one datagram (0 .. 65,507 bytes), copied. 0, ERR_TOO_LARGE, ERR_LIMIT (queue full, counted), ERR_STATE. */
int flow_send_datagram(struct flow *flow, const uint8_t *data, size_t length, uint64_t now_us);
void *flow_user(const struct flow *flow);
void flow_set_user(struct flow *flow, void *user);
/*
 * To be called right after flow_open() or in on_open, and again when it changes. Without it a TCP flow is interactive and a UDP flow
 * realtime, with REPAIR_BUDGET_PCT and without a deadline.
 */
void flow_set_policy(struct flow *flow, const struct flow_policy *policy);
/* Its class now: the policy's, or bulk while it takes much of the lane. */
enum flow_class flow_class(const struct flow *flow);
uint64_t flow_id(const struct flow *flow); /* unique in the lane */
struct lane *flow_lane(const struct flow *flow);
/* The lane's: for what the caller holds of the flow's bytes, given back before on_closed returns. */
struct budget *flow_budget(struct flow *flow);
/* Bytes written and not yet acknowledged, and bytes received that the callback did not take. */
size_t flow_unacknowledged_bytes(const struct flow *flow);
size_t flow_kept_bytes(const struct flow *flow);

#endif
