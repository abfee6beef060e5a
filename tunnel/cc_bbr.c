/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * BBR (draft-ietf-ccwg-bbr, version 3): a model of the path, its rate and its shortest round trip, decides
 * the pace and the window; it probes for more every few seconds.  The answer to loss is another than the
 * draft's, which collapses on lines that lose at random: what is lost while no queue can be the cause is
 * the line's own (the floor), is made up for in the pace, and shrinks nothing.  And a queue is answered before it
 * overflows, unless neighbours keep it filled (contest.h).
 */
#include "tunnel/cc_bbr.h"

#include "tunnel/contest.h"
#include "tunnel/loss_floor.h"
#include "tunnel/path_limits.h"

#include <math.h>
#include <string.h>

/* Gains by the draft, section 2 (constants); the names are its. */
#define STARTUP_PACING_GAIN 2.77
#define DRAIN_PACING_GAIN   0.5
#define DOWN_PACING_GAIN    0.9
#define UP_PACING_GAIN      1.25
#define WINDOW_GAIN         2.0
#define UP_WINDOW_GAIN      2.25
#define PACING_MARGIN       0.99
#define BETA                0.7
#define HEADROOM            0.15
#define FULL_BW_GROWTH      1.25
#define PROBE_RTT_GAIN      0.5
/* Of our own: what counts as growth in UP; and easing, see ease(). */
#define UP_GROWTH         1.05
#define SETTLED_GROWTH    1.1 /* less than that in the first probes: Startup had found it */
#define EASE_GAIN         0.95
#define EASE_LEAST        0.8  /* of the rate */
#define EASE_GROWTH       0.02 /* a round trip, back to the rate */
#define EASE_GROWTH_QUEUE 0.25 /* only below that share of the queue that makes us ease */
#define RATE_LEAST_PPS    4
/* Startup sends nearly three times what the path carries: more loss than that ends it at once. */
#define STARTUP_LOSS_MOST 0.3

enum {
	FULL_BW_ROUNDS = 3,
	PROBE_WAIT_US = 2000000, /* and up to a second more */
	PROBE_WAIT_SPREAD_US = 1000000,
	PROBE_ROUNDS_MIN = 8,
	PROBE_ROUNDS_MAX = 63, /* coexistence with Reno */
	PROBE_RTT_EVERY_US = 5000000,
	PROBE_RTT_US = 200000,
	QUEUE_MIN_US = 5000, /* long: above that, or a quarter of the shortest round trip */
	QUEUE_RTT_DIVISOR = 4,
	EASE_QUEUE_MIN_US = 3000,
	EASE_QUEUE_RTT_DIVISOR = 16,
	EASE_LOSSY_ROUNDS = 2,  /* one may be a burst */
	UP_QUEUE_MIN_US = 3000, /* the rise that ends a probe */
	UP_QUEUE_RTT_DIVISOR = 16,
	TRAIN_GAP_US = 10000, /* ACKs wait 5 ms at most */
	TRAIN_US = 2000,
	TRAIN_PKTS = 32,
	RTT_SAME_MIN_US = 500, /* a sample that near to the minimum confirms it */
	RTT_SAME_DIVISOR = 64,
	UP_ROUNDS_MAX = 20,
};

enum bbr_state { STARTUP, DRAIN, DOWN, CRUISE, REFILL, UP, PROBE_RTT };

/* What is counted from the start of a round trip to its end. */
struct bbr_round {
	uint64_t end_number;
	uint64_t count;
	double acked, lost; /* bytes */
	uint64_t min_rtt_us;
	double bw, delivered; /* the most of its samples */
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

	double bw_cycles[2]; /* the most of the last probing cycle and this one */
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
	double up_bw, up_first_bw; /* a round trip ago, and when it began */
	uint64_t cycle_since_us, cycle_rounds, probe_wait_us;

	uint64_t min_rtt_us, min_rtt_at_us; /* 0: none yet */
	uint64_t probed_min_rtt_us;
	uint64_t probe_rtt_done_us; /* 0: not yet drained */

	struct loss_floor floor;
	uint64_t calm_from_us, calm_to_us; /* packets sent then count for the floor */

	double window;
	double pacing_gain;
};

static double max_bw(const struct bbr *bbr)
{
	return fmax(bbr->bw_cycles[0], bbr->bw_cycles[1]);
}

static double bw(const struct bbr *bbr)
{
	return fmin(max_bw(bbr), bbr->bw_lo);
}

static double bdp(const struct bbr *bbr, double rate)
{
	return rate * (double)bbr->min_rtt_us / 1e6;
}

static uint64_t greater(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void enter(struct bbr *bbr, enum bbr_state state, double pacing_gain, uint64_t now_us)
{
	bbr->state = state;
	bbr->state_since_us = now_us;
	bbr->state_rounds = 0;
	bbr->pacing_gain = pacing_gain;
}

static void bbr_init(void *state, const struct cc_start *start)
{
	struct bbr *bbr = state;

	memset(bbr, 0, sizeof(*bbr));
	bbr->packet_bytes = start->packet_bytes;
	bbr->bw_lo = bbr->inflight_lo = bbr->inflight_hi = INFINITY;
	bbr->round.min_rtt_us = bbr->last.min_rtt_us = UINT64_MAX;
	bbr->window = bbr->packet_bytes * CC_INITIAL_WINDOW_PKTS;
	bbr->min_rtt_us = start->min_rtt_us;
	bbr->min_rtt_at_us = start->now_us;
	bbr->bw_cycles[1] = (double)start->rate_Bps;
	enter(bbr, STARTUP, STARTUP_PACING_GAIN, start->now_us);
}

/* Loss. */

static bool is_loss_above(const struct bbr *bbr, const struct bbr_round *round, double share)
{
	return loss_is_above(share, (round->acked + round->lost) / bbr->packet_bytes,
	    round->lost / bbr->packet_bytes);
}

static bool is_lossy(const struct bbr *bbr, const struct bbr_round *round)
{
	return is_loss_above(bbr, round, loss_floor_threshold(&bbr->floor));
}

static void note_calm(struct bbr *bbr, double acked, double lost)
{
	loss_floor_note(&bbr->floor, acked / bbr->packet_bytes, lost / bbr->packet_bytes);
}

static bool is_calm(const struct bbr *bbr, uint64_t sent_us)
{
	return sent_us >= bbr->calm_from_us && sent_us < bbr->calm_to_us;
}

/* Queue. */

static uint64_t queue_us(const struct bbr *bbr, const struct bbr_round *round)
{
	return round->min_rtt_us != UINT64_MAX && round->min_rtt_us > bbr->min_rtt_us
	           ? round->min_rtt_us - bbr->min_rtt_us
	           : 0;
}

static bool is_queue_long(const struct bbr *bbr, const struct bbr_round *round)
{
	return queue_us(bbr, round) > greater(QUEUE_MIN_US, bbr->min_rtt_us / QUEUE_RTT_DIVISOR);
}

/* The queue in shares of the one that makes us send less; a packet of ours is no queue yet. */
static double queue_share(const struct bbr *bbr, const struct bbr_round *round)
{
	uint64_t limit_us = greater(EASE_QUEUE_MIN_US, bbr->min_rtt_us / EASE_QUEUE_RTT_DIVISOR);

	return (double)queue_us(bbr, round)
	       / ((double)limit_us + bbr->packet_bytes * 1e6 / fmax(bw(bbr), 1));
}

/* Samples. */

static void note_rate(struct bbr *bbr, const struct cc_ack *ack)
{
	double rate = (double)ack->rate.rate_Bps;

	if (rate <= 0)
		return;
	bbr->round.bw = fmax(bbr->round.bw, rate);
	bbr->round.delivered = fmax(bbr->round.delivered, (double)ack->rate.delivered_bytes);
	bbr->round.is_app_limited = ack->rate.is_app_limited;
	if (!ack->rate.is_app_limited || rate >= max_bw(bbr))
		bbr->bw_cycles[1] = fmax(bbr->bw_cycles[1], rate);
}

/*
 * A request that ends before its first ACK comes shows less than the path carries when counted over the round
 * trip; but its packets left at a pace and came through at one, and the slower of these the path does carry.
 */
static void note_train(struct bbr *bbr, const struct cc_ack *ack)
{
	struct bbr_train *train = &bbr->train;
	uint64_t acked_us, sent_us, took_us;

	if (bbr->state != STARTUP || !ack->rate.is_app_limited)
		return;
	if (train->last_ack_us == 0 || ack->now_us - train->last_ack_us > TRAIN_GAP_US
	    || ack->largest_sent_us < train->first_sent_us) {
		*train = (struct bbr_train){
		    .first_ack_us = ack->now_us,
		    .last_ack_us = ack->now_us,
		    .first_sent_us = ack->largest_sent_us,
		};
		return;
	}
	train->bytes += (double)ack->bytes;
	train->last_ack_us = ack->now_us;
	acked_us = ack->now_us - train->first_ack_us;
	sent_us = ack->largest_sent_us - train->first_sent_us;
	took_us = greater(acked_us, sent_us);
	if (train->bytes < TRAIN_PKTS * bbr->packet_bytes || took_us < TRAIN_US)
		return;
	bbr->round.has_train = true;
	bbr->bw_cycles[1] = fmax(bbr->bw_cycles[1], train->bytes * 1e6 / (double)took_us);
}

static void note_rtt(struct bbr *bbr, const struct cc_ack *ack)
{
	uint64_t sample_us = ack->rtt_sample_us;
	uint64_t same_us = greater(RTT_SAME_MIN_US, bbr->min_rtt_us / RTT_SAME_DIVISOR);

	if (sample_us == 0)
		return;
	if (sample_us < bbr->round.min_rtt_us)
		bbr->round.min_rtt_us = sample_us;
	if (sample_us < bbr->probed_min_rtt_us)
		bbr->probed_min_rtt_us = sample_us;
	if (bbr->min_rtt_us == 0 || sample_us < bbr->min_rtt_us)
		bbr->min_rtt_us = sample_us;
	if (sample_us <= bbr->min_rtt_us + same_us)
		bbr->min_rtt_at_us = ack->now_us;
}

/* States. */

static void start_cycle(struct bbr *bbr, uint64_t now_us)
{
	bbr->cycle_since_us = now_us;
	bbr->cycle_rounds = 0;
	/* Spread, so that two do not stay in step; any number will do. */
	bbr->probe_wait_us =
	    PROBE_WAIT_US + (now_us * UINT64_C(0x9e3779b97f4a7c15) >> 32) % PROBE_WAIT_SPREAD_US;
}

static void enter_down(struct bbr *bbr, uint64_t now_us)
{
	enter(bbr, DOWN, DOWN_PACING_GAIN, now_us);
	start_cycle(bbr, now_us);
	loss_floor_look(&bbr->floor);
	bbr->calm_from_us = bbr->calm_to_us = 0;
}

/* Easing goes on in the probe, which raises what it finds room for; unless neighbours make no way. */
static void enter_refill(struct bbr *bbr, uint64_t now_us)
{
	loss_floor_look(&bbr->floor);
	enter(bbr, REFILL, 1, now_us);
	bbr->inflight_lo = INFINITY;
	if (bbr->contest.is_on)
		bbr->bw_lo = INFINITY;
	bbr->up_rounds = 0;
}

static void enter_up(struct bbr *bbr, const struct cc_ack *ack)
{
	enter(bbr, UP, UP_PACING_GAIN, ack->now_us);
	bbr->up_srtt_us = ack->rtt->smoothed_us;
	bbr->up_bw = bbr->up_first_bw = max_bw(bbr);
}

static void leave_up(struct bbr *bbr, uint64_t now_us)
{
	bbr->bw_is_to_advance = !bbr->round.is_app_limited;
	enter_down(bbr, now_us);
}

static void enter_probe_rtt(struct bbr *bbr, uint64_t now_us)
{
	enter(bbr, PROBE_RTT, 1, now_us);
	bbr->probe_rtt_done_us = 0;
	bbr->probed_min_rtt_us = UINT64_MAX;
}

static double probe_rtt_window(const struct bbr *bbr)
{
	return fmax(PROBE_RTT_GAIN * bdp(bbr, bw(bbr)), bbr->packet_bytes * BBR_MIN_WINDOW_PKTS);
}

static double window_with_headroom(const struct bbr *bbr)
{
	return fmax(bbr->inflight_hi * (1 - HEADROOM), bbr->packet_bytes * BBR_MIN_WINDOW_PKTS);
}

/* Too much: the last round's delivery is what the path took. */
static void cut(struct bbr *bbr, const struct bbr_round *round)
{
	double now_bw = bw(bbr);
	double now_inflight = fmin(bbr->inflight_lo, bbr->window);

	bbr->bw_lo = fmax(round->bw, BETA * now_bw);
	bbr->inflight_lo = fmax(round->delivered, BETA * now_inflight);
}

/*
 * Somewhat too much: less than was delivered, until the queue or the loss is gone.  All of our kind on a line see
 * the same queue and do the same, so that shares stay and the queue goes.
 */
static void ease(struct bbr *bbr, const struct bbr_round *round)
{
	double least = EASE_LEAST * max_bw(bbr);

	if (!round->is_app_limited && round->bw > 0)
		bbr->bw_lo = fmin(bbr->bw_lo, fmax(EASE_GAIN * round->bw, least));
}

static void fill_pipe(struct bbr *bbr, uint64_t now_us)
{
	bbr->is_full = true;
	bbr->is_settling = true;
	enter(bbr, DRAIN, DRAIN_PACING_GAIN, now_us);
}

/* An outage is none: what flows over is what was sent beside what came through. */
static bool is_overflowing(const struct bbr *bbr)
{
	return bbr->round.acked >= bbr->packet_bytes * CC_INITIAL_WINDOW_PKTS
	       && is_loss_above(bbr, &bbr->round, STARTUP_LOSS_MOST);
}

static void startup_on_round(struct bbr *bbr, const struct cc_ack *ack)
{
	const struct bbr_round *last = &bbr->last;

	if (max_bw(bbr) >= bbr->full_bw * FULL_BW_GROWTH) {
		bbr->full_bw = max_bw(bbr);
		bbr->full_bw_rounds = 0;
		/* What grows is not full, so what is lost is the line's. */
		note_calm(bbr, last->acked, last->lost);
		loss_floor_look(&bbr->floor);
		return;
	}
	if (last->is_app_limited && !last->has_train)
		return;
	bbr->full_bw_rounds++;
	if (last->is_app_limited) {
		bbr->is_rate_known |= bbr->full_bw_rounds >= FULL_BW_ROUNDS;
		return;
	}
	if (bbr->full_bw_rounds >= FULL_BW_ROUNDS || is_queue_long(bbr, last)
	    || is_loss_above(bbr, last, BBR_LOSS_MOST))
		fill_pipe(bbr, ack->now_us);
}

static bool is_time_to_probe(const struct bbr *bbr, uint64_t now_us)
{
	double reno_rounds = fmin(bdp(bbr, bw(bbr)) / bbr->packet_bytes, PROBE_ROUNDS_MAX);

	return bbr->is_settling || now_us - bbr->cycle_since_us >= bbr->probe_wait_us
	       || (double)bbr->cycle_rounds >= fmax(reno_rounds, PROBE_ROUNDS_MIN);
}

/* Sends less than the line carries until the queue is gone, and one round trip longer: what is lost then is the line's. */
static void down_on_ack(struct bbr *bbr, const struct cc_ack *ack)
{
	double target = fmin(bdp(bbr, bw(bbr)), window_with_headroom(bbr));

	if (bbr->calm_from_us == 0 && (double)ack->in_flight_bytes <= target) {
		bbr->calm_from_us = ack->now_us;
		bbr->calm_to_us = UINT64_MAX;
	}
	if (bbr->calm_from_us && ack->now_us - bbr->calm_from_us >= bbr->min_rtt_us) {
		bbr->calm_to_us = ack->now_us;
		bbr->is_settling &= max_bw(bbr) > bbr->up_first_bw * SETTLED_GROWTH;
		enter(bbr, CRUISE, 1, ack->now_us);
	}
}

static void raise_inflight_hi(struct bbr *bbr, const struct cc_ack *ack)
{
	double step;

	if (bbr->inflight_hi == INFINITY
	    || (double)ack->used_bytes + bbr->packet_bytes < bbr->inflight_hi)
		return;
	step = bbr->packet_bytes
	       * (double)(1u << (bbr->up_rounds < UP_ROUNDS_MAX ? bbr->up_rounds : UP_ROUNDS_MAX));
	bbr->inflight_hi += fmin(step * (double)ack->bytes / bbr->inflight_hi, (double)ack->bytes);
}

/* A probe ends where it brings no more: the queue grows, or the loss, or nothing. */
static bool is_up_over(const struct bbr *bbr, const struct cc_ack *ack, bool is_round)
{
	uint64_t rise_us = greater(UP_QUEUE_MIN_US, bbr->min_rtt_us / UP_QUEUE_RTT_DIVISOR);

	if (bbr->round.has_mark)
		return true;
	/* What was sent in it is acknowledged a round trip later. */
	if (ack->now_us - bbr->state_since_us <= bbr->min_rtt_us)
		return false;
	if (ack->rtt->smoothed_us > bbr->up_srtt_us + rise_us)
		return true;
	if (max_bw(bbr) >= bbr->up_bw * UP_GROWTH)
		return false;
	return is_lossy(bbr, &bbr->round) || (is_round && bbr->state_rounds >= 2);
}

static void up_on_ack(struct bbr *bbr, const struct cc_ack *ack, bool is_round)
{
	bool is_too_much =
	    is_lossy(bbr, &bbr->round) && is_queue_long(bbr, &bbr->round) && !bbr->contest.is_on;

	raise_inflight_hi(bbr, ack);
	bbr->bw_lo = fmax(bbr->bw_lo, bbr->round.bw);
	if (is_up_over(bbr, ack, is_round)) {
		if (bbr->round.has_mark || is_too_much)
			bbr->inflight_hi =
			    fmax((double)ack->in_flight_bytes, BETA * bdp(bbr, bw(bbr)));
		leave_up(bbr, ack->now_us);
	} else if (is_round) {
		bbr->up_rounds++;
		bbr->up_bw = max_bw(bbr);
	}
}

static void leave_probe_rtt(struct bbr *bbr, uint64_t now_us)
{
	if (bbr->probed_min_rtt_us != UINT64_MAX)
		bbr->min_rtt_us = bbr->probed_min_rtt_us;
	bbr->min_rtt_at_us = now_us;
	bbr->bw_lo = bbr->inflight_lo = INFINITY;
	start_cycle(bbr, now_us);
	enter(bbr, CRUISE, 1, now_us);
}

static void probe_rtt_on_ack(struct bbr *bbr, const struct cc_ack *ack)
{
	if (bbr->probe_rtt_done_us == 0) {
		if ((double)ack->in_flight_bytes <= bbr->window)
			bbr->probe_rtt_done_us =
			    ack->now_us + greater(PROBE_RTT_US, bbr->min_rtt_us);
	} else if (ack->now_us >= bbr->probe_rtt_done_us) {
		leave_probe_rtt(bbr, ack->now_us);
	}
}

/* With so little in flight as ProbeRTT would leave, the samples are as good as its. */
static void renew_min_rtt(struct bbr *bbr, const struct cc_ack *ack)
{
	if (ack->now_us - bbr->min_rtt_at_us <= PROBE_RTT_EVERY_US || bbr->state == PROBE_RTT)
		return;
	if ((double)ack->used_bytes > probe_rtt_window(bbr)) {
		if (bbr->is_full)
			enter_probe_rtt(bbr, ack->now_us);
	} else if (bbr->round.min_rtt_us != UINT64_MAX) {
		bbr->min_rtt_us = bbr->round.min_rtt_us;
		bbr->min_rtt_at_us = ack->now_us;
	}
}

/* After the first round trip behind a probe its samples are in. */
static void advance_bw(struct bbr *bbr)
{
	if (!bbr->bw_is_to_advance || bbr->state_rounds < 2)
		return;
	bbr->bw_is_to_advance = false;
	bbr->bw_cycles[0] = bbr->bw_cycles[1];
	bbr->bw_cycles[1] = 0;
}

static void look_for_contest(struct bbr *bbr, bool is_queued, bool is_last_lossy, uint64_t now_us)
{
	struct contest_round round = {
	    .now_us = now_us,
	    .queue_us = queue_us(bbr, &bbr->last),
	    .is_eased = bbr->bw_lo < max_bw(bbr) && (bbr->state == CRUISE || bbr->state == DOWN),
	    .is_queued = is_queued,
	    .is_lossy = is_last_lossy,
	};

	contest_on_round(&bbr->contest, &round);
}

/* A round trip is over: what it says of loss and queue. */
static void judge_round(struct bbr *bbr, uint64_t now_us)
{
	const struct bbr_round *last = &bbr->last;
	bool is_last_lossy = is_lossy(bbr, last);
	bool is_queued = queue_share(bbr, last) > 1;

	bbr->state_rounds++;
	bbr->cycle_rounds++;
	advance_bw(bbr);
	bbr->lossy_rounds = is_last_lossy ? bbr->lossy_rounds + 1 : 0;
	look_for_contest(bbr, is_queued, is_last_lossy, now_us);
	if (bbr->state == STARTUP || bbr->state == REFILL || bbr->state == UP)
		return;
	if (last->has_mark || is_loss_above(bbr, last, BBR_LOSS_MOST)
	    || (is_last_lossy && is_queue_long(bbr, last) && !bbr->contest.is_on))
		cut(bbr, last);
	else if (!bbr->contest.is_on && (is_queued || bbr->lossy_rounds >= EASE_LOSSY_ROUNDS))
		ease(bbr, last);
	else if (bbr->lossy_rounds == 0 && queue_share(bbr, last) < EASE_GROWTH_QUEUE)
		bbr->bw_lo += EASE_GROWTH * max_bw(bbr);
}

static void start_round(struct bbr *bbr, const struct cc_ack *ack)
{
	uint64_t count = bbr->round.count + 1;

	bbr->last = bbr->round;
	bbr->round = (struct bbr_round){
	    .end_number = ack->next_number,
	    .count = count,
	    .min_rtt_us = UINT64_MAX,
	    .is_app_limited = bbr->last.is_app_limited,
	};
}

static void run_states(struct bbr *bbr, const struct cc_ack *ack, bool is_round)
{
	switch (bbr->state) {
	case STARTUP:
		if (is_overflowing(bbr))
			fill_pipe(bbr, ack->now_us);
		else if (is_round)
			startup_on_round(bbr, ack);
		break;
	case DRAIN:
		if ((double)ack->in_flight_bytes <= bdp(bbr, bw(bbr)))
			enter_down(bbr, ack->now_us);
		break;
	case DOWN:
		down_on_ack(bbr, ack);
		break;
	case CRUISE:
		if (is_time_to_probe(bbr, ack->now_us))
			enter_refill(bbr, ack->now_us);
		break;
	case REFILL:
		if (is_round && bbr->state_rounds >= 1)
			enter_up(bbr, ack);
		break;
	case UP:
		up_on_ack(bbr, ack, is_round);
		break;
	case PROBE_RTT:
		probe_rtt_on_ack(bbr, ack);
		break;
	}
	renew_min_rtt(bbr, ack);
}

/* The window. */

static double model_window(const struct bbr *bbr)
{
	double rate = bw(bbr);
	double gain = bbr->state == UP ? UP_WINDOW_GAIN : WINDOW_GAIN;
	double rtts = gain * bdp(bbr, rate);
	double short_rtt = bdp(bbr, rate) + rate * QUEUE_MIN_US / 1e6;

	return fmax(rtts, short_rtt);
}

static void set_window(struct bbr *bbr, const struct cc_ack *ack)
{
	double most = model_window(bbr);
	double least = bbr->packet_bytes * BBR_MIN_WINDOW_PKTS;

	if (bbr->is_full)
		bbr->window = most;
	else if (bbr->window < most || most == 0)
		bbr->window += (double)ack->bytes;
	if (bbr->state == CRUISE || bbr->state == DOWN)
		bbr->window = fmin(bbr->window, window_with_headroom(bbr));
	else
		bbr->window = fmin(bbr->window, bbr->inflight_hi);
	bbr->window = fmin(bbr->window, bbr->inflight_lo);
	if (bbr->state == PROBE_RTT)
		bbr->window = fmin(bbr->window, probe_rtt_window(bbr));
	bbr->window = fmax(bbr->window, least);
}

static void bbr_on_sent(void *state, const struct cc_sent *sent)
{
	(void)state;
	(void)sent;
}

static void bbr_on_ack(void *state, const struct cc_ack *ack)
{
	struct bbr *bbr = state;
	bool is_round = ack->largest_number >= bbr->round.end_number;

	note_rtt(bbr, ack);
	note_rate(bbr, ack);
	note_train(bbr, ack);
	bbr->round.acked += (double)ack->bytes;
	if (is_calm(bbr, ack->largest_sent_us))
		note_calm(bbr, (double)ack->bytes, 0);
	if (is_round) {
		start_round(bbr, ack);
		judge_round(bbr, ack->now_us);
	}
	run_states(bbr, ack, is_round);
	set_window(bbr, ack);
}

static void bbr_on_loss(void *state, const struct cc_loss *loss)
{
	struct bbr *bbr = state;

	bbr->round.lost += (double)loss->bytes;
	if (is_calm(bbr, loss->largest_sent_us))
		note_calm(bbr, 0, (double)loss->bytes);
	if (!loss->is_persistent)
		return;
	bbr->window = fmax(bbr->window / 2, bbr->packet_bytes * BBR_MIN_WINDOW_PKTS);
	if (bbr->is_full) {
		bbr->bw_lo = fmax(bw(bbr), RATE_LEAST_PPS * bbr->packet_bytes) / 2;
		bbr->inflight_lo = bbr->window;
	}
}

static void bbr_on_spurious(void *state, uint64_t sent_us, uint64_t now_us)
{
	struct bbr *bbr = state;

	(void)sent_us;
	(void)now_us;
	bbr->round.lost = fmax(bbr->round.lost - bbr->packet_bytes, 0);
}

static void bbr_on_ecn(void *state, const struct cc_ecn *ecn)
{
	struct bbr *bbr = state;

	bbr->round.has_mark |= ecn->ce_pkts > 0;
}

static void bbr_on_packet_bytes(void *state, uint32_t packet_bytes)
{
	struct bbr *bbr = state;

	bbr->packet_bytes = packet_bytes;
}

static uint64_t bbr_window_bytes(const void *state)
{
	const struct bbr *bbr = state;

	return (uint64_t)bbr->window;
}

/* An initial window a round trip until the pipe was full once, since small requests teach little of it. */
static double least_rate(const struct bbr *bbr, const struct rtt *rtt)
{
	double rtt_us = (double)(rtt->smoothed_us ? rtt->smoothed_us : 1);

	if (bbr->is_full)
		return RATE_LEAST_PPS * bbr->packet_bytes;
	return CC_INITIAL_WINDOW_PKTS * bbr->packet_bytes * 1e6 / rtt_us;
}

static uint64_t bbr_pacing_rate_Bps(const void *state, const struct rtt *rtt)
{
	const struct bbr *bbr = state;
	double rate = fmax(bw(bbr), least_rate(bbr, rtt));
	double arriving = 1 - fmin(bbr->floor.share, BBR_LOSS_MOST);
	double gain = bbr->pacing_gain;

	if (bbr->state == STARTUP && bbr->is_rate_known)
		gain = 1;
	return (uint64_t)(gain * PACING_MARGIN * rate / arriving);
}

static uint64_t bbr_path_rate_Bps(const void *state, const struct rtt *rtt)
{
	const struct bbr *bbr = state;

	(void)rtt;
	return (uint64_t)bw(bbr);
}

const struct cc_ops cc_bbr = {
    .name = "bbr",
    .state_bytes = sizeof(struct bbr),
    .init = bbr_init,
    .on_sent = bbr_on_sent,
    .on_ack = bbr_on_ack,
    .on_loss = bbr_on_loss,
    .on_spurious = bbr_on_spurious,
    .on_ecn = bbr_on_ecn,
    .on_packet_bytes = bbr_on_packet_bytes,
    .window_bytes = bbr_window_bytes,
    .pacing_rate_Bps = bbr_pacing_rate_Bps,
    .path_rate_Bps = bbr_path_rate_Bps,
};
