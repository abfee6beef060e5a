/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside BBR.  Each ACK goes through these, in this order:
 *
 *   cc_bbr_model.c   what the path showed: rate, shortest round trip, queue, loss, by round trip
 *   cc_bbr_bounds.c  what a round trip's loss and queue say to send less; the window
 *   cc_bbr_siblings.c  what the tunnel's other lanes know and do
 *   cc_bbr_resume.c  a rate that is only remembered
 *   cc_bbr_states.c  the states: filling the pipe, probing for rate and for the shortest round trip
 *   cc_bbr.c         what the path calls; the pace
 */
#ifndef TUNNEL_CC_BBR_PRIVATE_H
#define TUNNEL_CC_BBR_PRIVATE_H

#include "tunnel/cc.h"
#include "tunnel/contest.h"
#include "tunnel/delivery_meter.h"
#include "tunnel/loss_floor.h"
#include "tunnel/path_limits.h"

#include <stdbool.h>
#include <stdint.h>

/* Gains by the draft, section 2 (constants); the names are its. */
#define STARTUP_PACING_GAIN 2.77
#define DRAIN_PACING_GAIN   0.5
#define DOWN_PACING_GAIN    0.9
#define UP_PACING_GAIN      1.25
#define WINDOW_GAIN         2.0
#define UP_WINDOW_GAIN      2.25
#define PACING_MARGIN       0.99
#define BETA                0.7
#define FULL_BW_GROWTH      1.25
#define PROBE_RTT_GAIN      0.5
/* Of our own: what counts as growth in UP; and easing, see ease(). */
#define UP_GROWTH           1.05
#define CROWDED_QUEUE       0.5 /* of the queue that makes us ease: neighbours, when not ours */
#define UP_FIRST_GAIN_LEAST 1.1 /* enough for UP_GROWTH to be seen */
#define SETTLED_GROWTH      1.1 /* less than that in the first probes: Startup had found it */
#define EASE_GAIN           0.95
#define EASE_LEAST          0.8  /* of the rate */
#define EASE_GROWTH         0.02 /* a round trip, back to the rate */
#define EASED_MOST          0.98 /* of what came through: so little shows the line's own loss */
#define EASE_GROWTH_QUEUE   0.25 /* only below that share of the queue that makes us ease */
#define RATE_LEAST_PPS      4
/* Startup sends nearly three times what the path carries: more loss than that ends it at once. */
#define STARTUP_LOSS_MOST 0.3
/* Of a remembered rate that is old: draft-ietf-tsvwg-careful-resume. */
#define RESUME_GAIN 0.5
/* Of its own rate, of a lane that drains what it sent too much for the whole tunnel. */
#define DOWN_LEAST 0.25

enum {
	FULL_BW_ROUNDS = 3,
	PROBE_WAIT_US = 2000000, /* and up to a second more */
	PROBE_WAIT_SPREAD_US = 1000000,
	PROBE_ROUNDS_MIN = 8,
	PROBE_ROUNDS_MAX = 63, /* coexistence with Reno */
	PROBE_RTT_EVERY_US = 5000000,
	PROBE_RTT_US = 200000,
	PROBE_RTT_JOIN_US = 2500000, /* after the last one a sibling's is not joined before */
	QUEUE_MIN_US = 5000,         /* long: above that, or a quarter of the shortest round trip */
	QUEUE_RTT_DIVISOR = 4,
	EASE_QUEUE_MIN_US = 3000,
	EASE_QUEUE_RTT_DIVISOR = 16,
	EASE_LOSSY_ROUNDS = 2,      /* one may be a burst */
	UP_FIRST_QUEUE_US = 12000,  /* that a probe makes before its first news */
	CROWDED_ROUNDS = 2,         /* with such a queue, or loss, since the last probe */
	CROWDED_HOLD_US = 10000000, /* as contest.h holds its verdict */
	UP_QUEUE_MIN_US = 3000,     /* the rise that ends a probe */
	UP_QUEUE_RTT_DIVISOR = 16,
	TRAIN_GAP_US = 10000, /* ACKs wait 5 ms at most */
	TRAIN_US = 2000,
	TRAIN_BATCH_US = 500, /* ACKs so near to the first may have waited together */
	TRAIN_PKTS = 32,
	RTT_SAME_MIN_US = 500, /* a sample that near to the minimum confirms it */
	RTT_SAME_DIVISOR = 64,
	UP_ROUNDS_MAX = 20,
	TURN_US = 500000, /* that a lane waits for each one whose turn to probe it is */
};

enum bbr_state { STARTUP, DRAIN, DOWN, CRUISE, REFILL, UP, PROBE_RTT, RESUME };

/* What is counted from the start of a round trip to its end. */
struct bbr_round {
	uint64_t end_number;
	uint64_t count;
	uint64_t began_us, took_us; /* the latter when it is over */
	double acked, lost;         /* bytes */
	uint64_t min_rtt_us;
	double bw, delivered; /* the most of its samples */
	double together;      /* of rates, of all lanes of the tunnel */
	bool is_app_limited;
	bool has_train;
	bool has_mark;
};

/* ACKs that follow one another: small requests teach the rate only by how these spread. */
struct bbr_train {
	uint64_t first_ack_us, last_ack_us, first_sent_us;
	double bytes; /* after the first ACK */
};

/* Rates in bytes a second, amounts in bytes. */
struct bbr {
	double packet_bytes;
	enum bbr_state state;
	uint64_t state_since_us;
	uint64_t state_rounds;
	struct bbr_round round, last;
	struct bbr_train train;
	bool is_rate_known; /* by trains, before the pipe was ever full */
	bool was_queued;    /* the path had a queue then: no warm-up */

	double bw_cycles[2]; /* of the tunnel, the most of the last probing cycle and this one */
	bool bw_is_to_advance;
	double bw_lo, inflight_lo, inflight_hi; /* INFINITY: none */
	bool is_full;                           /* the pipe was filled once */
	bool is_settling; /* what Startup found is too little yet: probe at once */
	double full_bw;
	unsigned lossy_rounds; /* in a row */
	struct contest contest;
	unsigned full_bw_rounds;
	unsigned up_rounds; /* growth of inflight_hi doubles each */
	uint64_t up_srtt_us;
	uint64_t crowded_rounds; /* since the last probe: with a queue or loss that are not ours */
	uint64_t crowded_until_us; /* neighbours were seen */
	double up_bw, up_first_bw; /* a round trip ago, and when it began */
	uint64_t cycle_since_us, cycle_rounds, probe_wait_us;

	uint64_t min_rtt_us, min_rtt_at_us; /* 0: none yet */
	uint64_t own_rtt_us;                /* as min_rtt_us, but never a sibling's */
	uint64_t probed_min_rtt_us;
	uint64_t probe_rtt_done_us; /* 0: not yet drained */

	struct loss_floor floor;
	uint64_t calm_from_us, calm_to_us;   /* packets sent then count for the floor */
	uint64_t eased_from_us, eased_to_us; /* and then; UINT64_MAX: it goes on */
	/* The most that came through in lossy rounds in a row, until bw_lo is at the rate again. */
	double lossy_bw;

	double window;
	double pacing_gain;

	uint64_t confirmed_us, confirmed_rtt_us; /* of the rate, by what came through */
	double resumed_bytes;                    /* that came through in RESUME, in one go */

	struct path_share_view siblings; /* all zeros: alone */
	struct delivery_meter together;
	uint64_t delivered_bytes;
	bool is_rtt_proved; /* nobody of the tunnel sent much when min_rtt_us was seen */
	bool is_for_all;    /* the probe is the whole tunnel's */
	uint64_t probed_us, rtt_probe_us, sibling_probing_us;
	uint64_t siblings_probe_from_us; /* since when some say so, all the time; 0: none does */
};

static inline uint64_t bbr_greater(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* cc_bbr_model.c */
/* The rate that the path showed, for the tunnel and this lane's part, and that less what it takes for now. */
double bbr_tunnel_bw(const struct bbr *bbr);
double bbr_max_bw(const struct bbr *bbr);
double bbr_bw(const struct bbr *bbr);
/* What is in flight at such a rate. */
double bbr_bdp(const struct bbr *bbr, double rate);
/* What a probe's gain adds to the pace: of the whole tunnel's rate, when it probes for all. */
double bbr_gained(const struct bbr *bbr);
/* What a round trip showed. */
bool bbr_is_loss_above(const struct bbr *bbr, const struct bbr_round *round, double share);
bool bbr_is_lossy(const struct bbr *bbr, const struct bbr_round *round);
uint64_t bbr_queue_us(const struct bbr *bbr, const struct bbr_round *round);
bool bbr_is_queue_long(const struct bbr *bbr, const struct bbr_round *round);
/* The queue in shares of the one that makes us send less; a packet of ours is no queue yet. */
double bbr_queue_share(const struct bbr *bbr, const struct bbr_round *round);
/* Packets that show what the line loses by itself: whether one sent then is, and how many there were. */
bool bbr_is_calm(const struct bbr *bbr, uint64_t sent_us);
void bbr_note_calm(struct bbr *bbr, double acked, double lost);
/* What an ACK shows. */
void bbr_note_rate(struct bbr *bbr, const struct cc_ack *ack);
void bbr_note_train(struct bbr *bbr, const struct cc_ack *ack);
void bbr_note_rtt(struct bbr *bbr, const struct cc_ack *ack);
void bbr_start_round(struct bbr *bbr, const struct cc_ack *ack);
/* At the start of a round trip: the rate of the last cycle but one is forgotten once this one's probe is over. */
void bbr_advance_bw(struct bbr *bbr, uint64_t now_us);

/* cc_bbr_bounds.c */
/* A round trip is over: what it says of loss and queue. */
void bbr_judge_round(struct bbr *bbr, uint64_t now_us);
double bbr_probe_rtt_window(const struct bbr *bbr);
void bbr_set_window(struct bbr *bbr, const struct cc_ack *ack);

/* cc_bbr_siblings.c */
void bbr_on_siblings(struct bbr *bbr, const struct path_share_view *told, uint64_t now_us);
void bbr_tell(const struct bbr *bbr, struct path_share_record *record);
/* What all lanes deliver, when this one delivers at such a rate. */
double bbr_together(struct bbr *bbr, double rate, uint64_t now_us);
/* The tunnel's queue is that of a sibling's probe: no reason to send less. */
bool bbr_is_siblings_queue(const struct bbr *bbr, uint64_t now_us);

/* cc_bbr_resume.c */
/* What was sent at the rate came through. */
void bbr_confirm_rate(struct bbr *bbr, uint64_t now_us);
bool bbr_is_stale(const struct bbr *bbr, uint64_t now_us);
/* The rate is a guess: half of it at first. */
void bbr_resume(struct bbr *bbr, uint64_t now_us);
void bbr_resume_on_ack(struct bbr *bbr, const struct cc_ack *ack, bool is_round);

/* cc_bbr_states.c */
void bbr_enter(struct bbr *bbr, enum bbr_state state, double pacing_gain, uint64_t now_us);
/* The pipe is full. */
void bbr_fill_pipe(struct bbr *bbr, uint64_t now_us);
void bbr_start_cycle(struct bbr *bbr, uint64_t now_us);
void bbr_run_states(struct bbr *bbr, const struct cc_ack *ack, bool is_round);

#endif
