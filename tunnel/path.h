/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One way that a lane's packets go: packet numbers, what is in flight, RTT, loss, congestion window and
 * pacing.  It knows packets and frame records, not what frames mean; the lane builds and seals.
 *
 * Sending: while path_send_room() > 0 (ACK-only packets and probes need no room): path_packet_begin(),
 * path_packet_add() for each frame whose fate matters, then path_packet_commit() or, before the packet
 * is sealed, path_packet_abandon().
 */
#ifndef TUNNEL_PATH_H
#define TUNNEL_PATH_H

#include "tunnel/ack.h"
#include "tunnel/cc.h"
#include "tunnel/hold.h"
#include "tunnel/loss.h"
#include "tunnel/loss_meter.h"
#include "tunnel/pacer.h"
#include "tunnel/path_share.h"
#include "tunnel/pmtu.h"
#include "tunnel/rate_sample.h"
#include "tunnel/rtt.h"
#include "tunnel/sentmap.h"
#include "tunnel/trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PATH_NUMBER_NONE UINT64_MAX

struct path_config {
	uint16_t packet_bytes;      /* UDP payload of a full packet at first, and at least */
	uint16_t packet_most_bytes; /* up to which the path MTU search goes; packet_bytes: none */
	const struct cc_ops *cc;
	uint64_t rate_Bps;             /* as in struct cc_start */
	struct path_siblings siblings; /* the tunnel's other lanes; without functions: none */
	uint64_t
	    max_ack_delay_us; /* how long the peer may hold an ACK back, its timer's slack included */
	uint64_t
	    pto_max_us; /* probes are never further apart than this, or than one PTO if that is more */
};

struct path_counters {
	uint64_t packets_sent, bytes_sent; /* UDP payload; all packets */
	uint64_t packets_acked;            /* ack-eliciting ones */
	uint64_t packets_lost;             /* declared lost */
	uint64_t packets_spurious;         /* of which acknowledged after all */
	uint64_t probe_timeouts;
	uint64_t packets_recovered; /* of those lost, at the peer by repairs */
	uint64_t ecn_marks;         /* packets of ours that arrived with CE */
};

/* Open within tunnel/: the lane reads rtt, counters and sent.in_flight_bytes. */
struct path {
	struct path_config config;
	struct rtt rtt;
	struct sentmap sent;
	struct loss loss;
	struct rate_sampler rate;
	struct pacer pacer, start_pacer; /* of all, and of START_RATE_BPS */
	struct pmtu pmtu;
	struct loss_meter meter;
	struct hold hold;
	uint16_t packet_bytes; /* of a full packet now */
	void *cc;              /* state of config.cc */
	struct path_counters counters;
	unsigned building_frames; /* frame records of the packet being built */
	bool is_building_mtu_probe;
	/* Most in flight in this round trip and the last; a round ends with the ack of round_end. */
	uint64_t round_end, round_used_bytes, last_round_used_bytes;
	const struct tracer *tracer;   /* may be NULL */
	struct path_share_record told; /* to siblings, last */
	uint64_t looked_us;            /* at theirs; to come: not before */
	uint64_t flows;                /* see path_set_flows() */
	bool is_taken;                 /* see path_set_taken() */
	bool ecn_is_on;
	bool ecn_is_proven;        /* the peer has counted marks of ours */
	uint64_t ecn_ect0, ecn_ce; /* the peer's counts so far */
};

/*
 * The fate of a frame: its packet was acknowledged, or is lost (or probably so, at a probe timeout) and
 * the frame should be sent again if it still matters.  For one packet: lost at most once, acknowledged
 * at most once, never lost after acknowledged; but perhaps lost and later acknowledged after all.
 * Must not call into the path.
 */
typedef void path_fate_fn(void *context, const struct sent_frame *frame, bool lost);

/* 0, ERR_NOMEM or ERR_INVALID. */
int path_init(struct path *path, const struct path_config *config, uint64_t now_us);
/*
 * Another congestion controller from now on; packets in flight, numbers and RTT stay. `rate_Bps` as in
 * struct cc_start; 0: what the one before it learned. 0, or ERR_NOMEM and nothing changed.
 */
int path_set_congestion(
    struct path *path, const struct cc_ops *cc, uint64_t rate_Bps, uint64_t now_us);
/* Frees what it holds; no fate is told. */
void path_clear(struct path *path);

/* Bytes that the congestion window and the pacer let go now, 0 when less than one packet. */
size_t path_send_room(const struct path *path, uint64_t now_us);
/* When the pacer lets go again; UINT64_MAX when it is the window that holds back, until an ACK. */
uint64_t path_pacing_timer_us(const struct path *path, uint64_t now_us);
/* What the path carries is not known: neither loss nor queue has shown it yet. */
bool path_is_starting(const struct path *path);
/* Room for what is late when it waits: while the path is starting START_RATE_BPS may go at least. */
size_t path_urgent_room(const struct path *path, uint64_t now_us);
uint64_t path_urgent_timer_us(const struct path *path, uint64_t now_us);
/* The ECN field to send with: 0, or 2 (ECT(0)) while the path carries marks. */
uint8_t path_ecn(const struct path *path);

/* The congestion controller would learn from padding. */
bool path_wants_warm_up(const struct path *path);
/* As path_send_room() and path_pacing_timer_us(), for its padding. */
size_t path_warm_up_room(const struct path *path, uint64_t now_us);
uint64_t path_warm_up_pacing_timer_us(const struct path *path, uint64_t now_us);

/* When path_mtu_probe() is due; `now_us` or earlier: at once, UINT64_MAX: not before an ACK. */
uint64_t path_mtu_timer_us(const struct path *path, uint64_t now_us);

/* The number of the packet to build, or PATH_NUMBER_NONE when no more can be remembered. */
uint64_t path_packet_begin(struct path *path);
/* Notes a frame of the packet being built. 0, ERR_LIMIT or ERR_NOMEM (then leave the frame out). */
int path_packet_add(struct path *path, const struct sent_frame *frame);
/*
 * The packet being built is to be a path MTU probe: the UDP payload that it has to have.  A small packet
 * that asks for an acknowledgement should follow, so that its loss is seen soon.
 */
uint16_t path_mtu_probe(struct path *path, uint64_t now_us);
/*
 * The packet goes out with `udp_bytes` of payload. `app_limited`: there is nothing more to send.
 * Packets that are not ack-eliciting (ACK frames only) are not in flight, and never lost.
 */
void path_packet_commit(
    struct path *path, size_t udp_bytes, bool ack_eliciting, bool app_limited, uint64_t now_us);
/*
 * The packet committed last can be repaired at the peer: should it be lost, congestion control hears so at once, but
 * its frames' fate is told only when no repair can bring it back any more.
 */
void path_packet_protect(struct path *path);
/* The packet committed last bears frames that go again should it be lost: what asks behind it, and bears none, does not put off the probe timeout. */
void path_packet_bears(struct path *path);
/* It does not; its number will be given again, so it must not have been sealed. */
void path_packet_abandon(struct path *path);

/*
 * 0, or ERR_MALFORMED when it acknowledges what was never sent or its ranges are not in order (then
 * nothing changed). rtt.samples has risen by one when it gave an RTT sample (rtt.latest_us).
 */
int path_on_ack(struct path *path, const struct ack_frame *ack, uint64_t now_us, path_fate_fn *fate,
    void *context);

/*
 * The peer recovered packets (largest and ranges of the frame): their frames are told as acknowledged; congestion
 * control still hears of the loss. 0, or ERR_MALFORMED for packets never sent.
 */
int path_on_recovered(
    struct path *path, const struct ack_frame *recovered, path_fate_fn *fate, void *context);

/* When path_on_timer() is due (loss or probe timeout, not pacing); UINT64_MAX for never. */
uint64_t path_timer_us(const struct path *path);
/*
 * Detects losses by time, or notes a probe timeout. Returns how many ack-eliciting probe packets to
 * send now whatever path_send_room() says (0 .. PTO_PROBES); frames of the oldest packets in flight
 * were handed to `fate` as lost, so that the probes can carry them.
 */
unsigned path_on_timer(struct path *path, uint64_t now_us, path_fate_fn *fate, void *context);

/* The system refused to send packets of that size. */
void path_on_refused(struct path *path, uint16_t udp_bytes, uint64_t now_us);

/*
 * Packets go to another address from now on: what is in flight says nothing of it. With `is_other_path`
 * RTT, rate and packet size are learned anew (RFC 9000 section 9.4); a change of port leaves them.
 */
void path_on_moved(struct path *path, bool is_other_path, uint64_t now_us);

/* How many streams have bytes that are not acknowledged, whenever that changes. */
void path_set_flows(struct path *path, uint64_t flows);
/* Whether any flow is open, sending or not: siblings are told, who warm up in this lane's place. */
void path_set_taken(struct path *path, bool is_taken);
uint64_t path_window_bytes(const struct path *path);
uint64_t path_pacing_rate_Bps(const struct path *path); /* bytes a second */
/* What it is believed to carry, in bytes a second; 0: nothing is known yet. */
uint64_t path_rate_Bps(const struct path *path);
/* The probe timeout without backoff: for timeouts stated in PTOs. */
uint64_t path_pto_us(const struct path *path);

#endif
