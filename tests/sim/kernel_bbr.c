/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cardwell and others, "BBR: Congestion-Based Congestion Control" (ACM Queue 2016), and
 * draft-cardwell-iccrg-bbr-congestion-control-00: a maximum of the rate over ten round trips, gains
 * 1.25, 0.75 and six times 1 in turn, a window of two BDP, ProbeRTT each 10 s.  No policer detection.
 */
#include "tests/sim/kernel_bbr.h"

#include "tunnel/path_limits.h"

#include <math.h>
#include <string.h>

#define HIGH_GAIN     2.885
#define WINDOW_GAIN   2.0
#define FULL_GROWTH   1.25
#define PACING_MARGIN 0.99

enum {
	RATE_ROUNDS = 10,
	CYCLE_PHASES = 8,
	FULL_ROUNDS = 3,
	MIN_RTT_US = 10000000,
	PROBE_RTT_US = 200000,
	MIN_WINDOW_PKTS = 4,
};

enum state { STARTUP, DRAIN, PROBE_BW, PROBE_RTT };

struct kernel_bbr {
	double packet_bytes, window, saved_window;
	enum state state;
	double rates[RATE_ROUNDS]; /* the most of each of the last rounds */
	uint64_t rounds, round_end;
	double full_rate;
	unsigned full_rounds, phase;
	bool is_full, lost_in_phase;
	uint64_t phase_at_us, min_rtt_us, min_rtt_at_us, probe_done_us;
};

static const double gains[CYCLE_PHASES] = {1.25, 0.75, 1, 1, 1, 1, 1, 1};

static double rate_of(const struct kernel_bbr *bbr)
{
	double most = 0;

	for (int i = 0; i < RATE_ROUNDS; i++)
		most = fmax(most, bbr->rates[i]);
	return most;
}

static double bdp(const struct kernel_bbr *bbr)
{
	return rate_of(bbr) * (double)bbr->min_rtt_us / 1e6;
}

static double gain_of(const struct kernel_bbr *bbr)
{
	switch (bbr->state) {
	case STARTUP:
		return HIGH_GAIN;
	case DRAIN:
		return 1 / HIGH_GAIN;
	case PROBE_BW:
		return gains[bbr->phase];
	case PROBE_RTT:
		break;
	}
	return 1;
}

static void init(void *state, const struct cc_start *start)
{
	struct kernel_bbr *bbr = state;

	memset(bbr, 0, sizeof(*bbr));
	bbr->packet_bytes = start->packet_bytes;
	bbr->window = bbr->packet_bytes * CC_INITIAL_WINDOW_PKTS;
	bbr->min_rtt_at_us = start->now_us;
}

static void on_sent(void *state, const struct cc_sent *sent)
{
	(void)state;
	(void)sent;
}

static void enter_probe_bw(struct kernel_bbr *bbr, uint64_t now_us)
{
	bbr->state = PROBE_BW;
	bbr->phase = 2 + (unsigned)(now_us % (CYCLE_PHASES - 2));
	bbr->phase_at_us = now_us;
}

static void run_cycle(struct kernel_bbr *bbr, const struct cc_ack *ack)
{
	bool is_long = ack->now_us - bbr->phase_at_us > bbr->min_rtt_us;
	double gain = gains[bbr->phase];
	bool is_next = is_long;

	if (gain > 1)
		is_next =
		    is_long
		    && (bbr->lost_in_phase || (double)ack->in_flight_bytes >= gain * bdp(bbr));
	else if (gain < 1)
		is_next = is_long || (double)ack->in_flight_bytes <= bdp(bbr);
	if (!is_next)
		return;
	bbr->phase = (bbr->phase + 1) % CYCLE_PHASES;
	bbr->phase_at_us = ack->now_us;
	bbr->lost_in_phase = false;
}

static void check_full(struct kernel_bbr *bbr, const struct cc_ack *ack)
{
	if (ack->rate.is_app_limited)
		return;
	if (rate_of(bbr) >= bbr->full_rate * FULL_GROWTH) {
		bbr->full_rate = rate_of(bbr);
		bbr->full_rounds = 0;
	} else if (++bbr->full_rounds >= FULL_ROUNDS) {
		bbr->is_full = true;
		bbr->state = DRAIN;
	}
}

static void check_probe_rtt(struct kernel_bbr *bbr, const struct cc_ack *ack, bool is_expired)
{
	if (is_expired && bbr->state != PROBE_RTT) {
		bbr->state = PROBE_RTT;
		bbr->saved_window = bbr->window;
		bbr->probe_done_us = 0;
	}
	if (bbr->state != PROBE_RTT)
		return;
	if (!bbr->probe_done_us) {
		if ((double)ack->in_flight_bytes <= MIN_WINDOW_PKTS * bbr->packet_bytes)
			bbr->probe_done_us = ack->now_us + PROBE_RTT_US;
	} else if (ack->now_us > bbr->probe_done_us) {
		bbr->min_rtt_at_us = ack->now_us;
		bbr->window = bbr->saved_window;
		if (bbr->is_full)
			enter_probe_bw(bbr, ack->now_us);
		else
			bbr->state = STARTUP;
	}
}

static void set_window(struct kernel_bbr *bbr, const struct cc_ack *ack)
{
	double gain = bbr->state == STARTUP || bbr->state == DRAIN ? HIGH_GAIN : WINDOW_GAIN;
	double most = gain * bdp(bbr) + 3 * bbr->packet_bytes;

	if (bbr->is_full)
		bbr->window = fmin(bbr->window + (double)ack->bytes, most);
	else if (bbr->window < most)
		bbr->window += (double)ack->bytes;
	bbr->window = fmax(bbr->window, MIN_WINDOW_PKTS * bbr->packet_bytes);
	if (bbr->state == PROBE_RTT)
		bbr->window = MIN_WINDOW_PKTS * bbr->packet_bytes;
}

static void on_ack(void *state, const struct cc_ack *ack)
{
	struct kernel_bbr *bbr = state;
	bool is_round = ack->largest_number >= bbr->round_end;
	bool is_expired = ack->now_us - bbr->min_rtt_at_us > MIN_RTT_US;
	double rate = (double)ack->rate.rate_Bps;

	if (is_round) {
		bbr->round_end = ack->next_number;
		bbr->rates[++bbr->rounds % RATE_ROUNDS] = 0;
	}
	if (rate > 0 && (!ack->rate.is_app_limited || rate >= rate_of(bbr)))
		bbr->rates[bbr->rounds % RATE_ROUNDS] =
		    fmax(bbr->rates[bbr->rounds % RATE_ROUNDS], rate);
	if (ack->rtt_sample_us
	    && (ack->rtt_sample_us <= bbr->min_rtt_us || bbr->min_rtt_us == 0 || is_expired)) {
		bbr->min_rtt_us = ack->rtt_sample_us;
		bbr->min_rtt_at_us = ack->now_us;
	}
	if (bbr->state == STARTUP && is_round)
		check_full(bbr, ack);
	if (bbr->state == DRAIN && (double)ack->in_flight_bytes <= bdp(bbr))
		enter_probe_bw(bbr, ack->now_us);
	if (bbr->state == PROBE_BW)
		run_cycle(bbr, ack);
	check_probe_rtt(bbr, ack, is_expired);
	set_window(bbr, ack);
}

static void on_loss(void *state, const struct cc_loss *loss)
{
	struct kernel_bbr *bbr = state;

	bbr->lost_in_phase = true;
	if (loss->is_persistent)
		bbr->window = MIN_WINDOW_PKTS * bbr->packet_bytes;
}

static void on_spurious(void *state, uint64_t sent_us, uint64_t now_us)
{
	(void)state;
	(void)sent_us;
	(void)now_us;
}

static void on_ecn(void *state, const struct cc_ecn *ecn)
{
	(void)state;
	(void)ecn;
}

static void on_packet_bytes(void *state, uint32_t packet_bytes)
{
	((struct kernel_bbr *)state)->packet_bytes = packet_bytes;
}

static uint64_t window_bytes(const void *state)
{
	return (uint64_t)((const struct kernel_bbr *)state)->window;
}

static uint64_t pacing_rate_Bps(const void *state, const struct rtt *rtt)
{
	const struct kernel_bbr *bbr = state;
	double rate = rate_of(bbr);

	if (rate <= 0)
		rate = bbr->window * 1e6 / (double)(rtt->smoothed_us ? rtt->smoothed_us : 1);
	return (uint64_t)(gain_of(bbr) * PACING_MARGIN * rate);
}

static uint64_t path_rate_Bps(const void *state, const struct rtt *rtt)
{
	(void)rtt;
	return (uint64_t)rate_of(state);
}

const struct cc_ops cc_kernel_bbr = {
    .name = "kernel",
    .state_bytes = sizeof(struct kernel_bbr),
    .init = init,
    .on_sent = on_sent,
    .on_ack = on_ack,
    .on_loss = on_loss,
    .on_spurious = on_spurious,
    .on_ecn = on_ecn,
    .on_packet_bytes = on_packet_bytes,
    .window_bytes = window_bytes,
    .pacing_rate_Bps = pacing_rate_Bps,
    .path_rate_Bps = path_rate_Bps,
};
