/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CUBIC (RFC 9438) with HyStart++ (RFC 9406).  The window is kept after idle times, since pacing
 * spreads what follows; times in which the window was not used count neither for growth nor as
 * time of the cubic function (RFC 9438 section 5.8).
 */
#include "tunnel/cc_cubic.h"

#include "tunnel/path_limits.h"

#include <math.h>
#include <string.h>

/*
 * RFC 9438 section 4.1 and 4.6, for a lane that counts as CUBIC_FLOWS connections, since it carries
 * those of many users: Crowcroft and Oechslin, "Differentiated end-to-end Internet services using a
 * weighted proportional fair sharing TCP" (1998); 2 is what Chromium's QUIC takes.
 */
#define CUBIC_C        0.4
#define CUBIC_BETA_ONE 0.7
#define CUBIC_FLOWS    2
#define CUBIC_BETA     ((CUBIC_FLOWS - 1 + CUBIC_BETA_ONE) / CUBIC_FLOWS)
/* Section 4.3: W_est grows by so many segments a round trip. */
#define CUBIC_ALPHA (3 * CUBIC_FLOWS * CUBIC_FLOWS * (1 - CUBIC_BETA) / (1 + CUBIC_BETA))

/* RFC 9406 section 4.3; there is no cap L on growth, because packets are paced. */
enum {
	HYSTART_MIN_RTT_THRESH_US = 4000,
	HYSTART_MAX_RTT_THRESH_US = 16000,
	HYSTART_MIN_RTT_DIVISOR = 8,
	HYSTART_RTT_SAMPLES = 8,
	HYSTART_CSS_GROWTH_DIVISOR = 4,
	HYSTART_CSS_ROUNDS = 5,
};

/* Pacing gains in percent, as RFC 9002 section 7.7 suggests (and Linux has). */
enum { PACING_SLOW_START = 200, PACING_AVOIDANCE = 125 };

struct hystart {
	bool is_off; /* used in the initial slow start only */
	bool is_css; /* conservative slow start */
	uint64_t round_end;
	uint64_t last_min_us, round_min_us, css_baseline_us;
	unsigned samples, css_rounds;
};

/* What an undo gives back. */
struct cubic_window {
	double window, ssthresh, w_max;
};

/* Windows in bytes. */
struct cubic {
	double packet_bytes;
	struct cubic_window now;
	struct cubic_window before_cut;
	uint64_t episode_lost_pkts; /* of the last cut, not yet proved spurious */
	uint64_t episode_after_us;  /* they were sent after that */
	bool had_cut;
	uint64_t cut_us; /* packets sent until then do not cut again, nor grow the window */
	bool has_epoch;  /* in congestion avoidance */
	uint64_t epoch_us;
	double k_s, w_est, prior_window;
	uint64_t last_ack_us;
	bool is_unused; /* since unused_us the window has not been filled */
	uint64_t unused_us;
	struct hystart hystart;
};

_Static_assert(sizeof(struct cubic) <= 512, "small enough for each path");

/* Where the path is known the window begins with what it holds, and slow start is over. */
static void cubic_init(void *state, const struct cc_start *start)
{
	struct cubic *cubic = state;
	double known = (double)start->rate_Bps * (double)start->min_rtt_us / 1e6;

	memset(cubic, 0, sizeof(*cubic));
	cubic->packet_bytes = start->packet_bytes;
	cubic->now.window = fmax(known, cubic->packet_bytes * CC_INITIAL_WINDOW_PKTS);
	cubic->now.ssthresh = known > 0 ? cubic->now.window : INFINITY;
	cubic->hystart.last_min_us = UINT64_MAX;
	cubic->hystart.round_min_us = UINT64_MAX;
}

static double min_window(const struct cubic *cubic)
{
	return cubic->packet_bytes * CC_MIN_WINDOW_PKTS;
}

static bool is_slow_start(const struct cubic *cubic)
{
	return cubic->now.window < cubic->now.ssthresh;
}

/* Nothing was in flight since the last ACK: that time was idle. */
static void cubic_on_sent(void *state, const struct cc_sent *sent)
{
	struct cubic *cubic = state;

	if (sent->in_flight_bytes == 0 && cubic->has_epoch && !cubic->is_unused)
		cubic->epoch_us += sent->now_us - cubic->last_ack_us;
}

static void start_round(struct hystart *hystart, uint64_t next_number)
{
	hystart->round_end = next_number;
	hystart->last_min_us = hystart->round_min_us;
	hystart->round_min_us = UINT64_MAX;
	hystart->samples = 0;
	if (hystart->is_css)
		hystart->css_rounds++;
}

static uint64_t hystart_threshold_us(uint64_t last_min_us)
{
	uint64_t threshold_us = last_min_us / HYSTART_MIN_RTT_DIVISOR;

	if (threshold_us < HYSTART_MIN_RTT_THRESH_US)
		return HYSTART_MIN_RTT_THRESH_US;
	return threshold_us < HYSTART_MAX_RTT_THRESH_US ? threshold_us : HYSTART_MAX_RTT_THRESH_US;
}

/* RFC 9406 section 4.2: enters or leaves conservative slow start by the rise of the minimum RTT. */
static void hystart_on_sample(struct hystart *hystart, uint64_t sample_us)
{
	if (sample_us < hystart->round_min_us)
		hystart->round_min_us = sample_us;
	if (++hystart->samples < HYSTART_RTT_SAMPLES || hystart->last_min_us == UINT64_MAX)
		return;
	if (!hystart->is_css) {
		if (hystart->round_min_us
		    >= hystart->last_min_us + hystart_threshold_us(hystart->last_min_us)) {
			hystart->is_css = true;
			hystart->css_rounds = 0;
			hystart->css_baseline_us = hystart->round_min_us;
		}
	} else if (hystart->round_min_us < hystart->css_baseline_us) {
		hystart->is_css = false;
	}
}

static void grow_slow_start(struct cubic *cubic, const struct cc_ack *ack)
{
	struct hystart *hystart = &cubic->hystart;
	double growth = (double)ack->bytes;

	if (!hystart->is_off) {
		if (ack->rtt_sample_us)
			hystart_on_sample(hystart, ack->rtt_sample_us);
		if (ack->largest_number >= hystart->round_end)
			start_round(hystart, ack->next_number);
		if (hystart->is_css)
			growth /= HYSTART_CSS_GROWTH_DIVISOR;
		if (hystart->is_css && hystart->css_rounds >= HYSTART_CSS_ROUNDS) {
			hystart->is_off = true;
			cubic->now.ssthresh = cubic->now.window;
			return;
		}
	}
	cubic->now.window += growth;
	/* What would pass ssthresh is for congestion avoidance to add. */
	if (cubic->now.window > cubic->now.ssthresh)
		cubic->now.window = cubic->now.ssthresh;
}

/* RFC 9438 section 4.2: an epoch starts with the first growth after a cut or after slow start. */
static void start_epoch(struct cubic *cubic, uint64_t now_us)
{
	double deficit;

	if (cubic->now.w_max < cubic->now.window)
		cubic->now.w_max = cubic->now.window;
	deficit = (cubic->now.w_max - cubic->now.window) / cubic->packet_bytes;
	cubic->k_s = cbrt(deficit / CUBIC_C);
	cubic->w_est = cubic->now.window;
	cubic->epoch_us = now_us;
	cubic->has_epoch = true;
}

/* W_cubic(t) in bytes, section 4.2. */
static double w_cubic(const struct cubic *cubic, double t_s)
{
	double from_k_s = t_s - cubic->k_s;

	return CUBIC_C * from_k_s * from_k_s * from_k_s * cubic->packet_bytes + cubic->now.w_max;
}

static void grow_avoidance(struct cubic *cubic, const struct cc_ack *ack)
{
	double window = cubic->now.window;
	double t_s, target, alpha;

	if (!cubic->has_epoch)
		start_epoch(cubic, ack->now_us);
	t_s = (double)(ack->now_us - cubic->epoch_us) / 1e6;
	alpha = cubic->w_est >= cubic->prior_window ? CUBIC_FLOWS : CUBIC_ALPHA;
	cubic->w_est += alpha * cubic->packet_bytes * (double)ack->bytes / window;
	if (w_cubic(cubic, t_s) < cubic->w_est) {
		if (cubic->w_est > window)
			cubic->now.window = cubic->w_est;
		return;
	}
	target = w_cubic(cubic, t_s + (double)ack->rtt->smoothed_us / 1e6);
	target = fmin(fmax(target, window), 1.5 * window);
	cubic->now.window += (target - window) * (double)ack->bytes / window;
}

/*
 * The window was filled, or nearly (pacing follows growth with some delay), in this round trip or the
 * last; slow start may run ahead to twice the use.
 */
static bool is_window_used(const struct cubic *cubic, const struct cc_ack *ack)
{
	double used = (double)ack->used_bytes;

	if (is_slow_start(cubic))
		return cubic->now.window < 2 * used;
	return used + fmax(2 * cubic->packet_bytes, cubic->now.window / 8) > cubic->now.window;
}

static void cubic_on_ack(void *state, const struct cc_ack *ack)
{
	struct cubic *cubic = state;

	cubic->last_ack_us = ack->now_us;
	if (!is_window_used(cubic, ack)) {
		if (!cubic->is_unused)
			cubic->unused_us = ack->now_us;
		cubic->is_unused = true;
		return;
	}
	/* Unused time does not count: the function goes on where it stood. */
	if (cubic->is_unused && cubic->has_epoch)
		cubic->epoch_us += ack->now_us - cubic->unused_us;
	cubic->is_unused = false;
	if (cubic->had_cut && ack->largest_sent_us <= cubic->cut_us)
		return;
	if (is_slow_start(cubic))
		grow_slow_start(cubic, ack);
	else
		grow_avoidance(cubic, ack);
}

/*
 * Single losses cut no deeper than one initial window for each stream that is sending: its user
 * would start a connection of his own with that much (RFC 6928), and on a long path at 2 % random
 * loss the window would stand at 5 packets for all of them.  ECN marks and persistent congestion
 * go below it.
 */
static double loss_floor(const struct cubic *cubic, uint64_t flows)
{
	double connections = fmin(fmax((double)flows, 1), CC_FLOOR_FLOWS_MAX);

	return fmin(cubic->now.window, cubic->packet_bytes * CC_INITIAL_WINDOW_PKTS * connections);
}

/* RFC 9438 section 4.6 and 4.7 (fast convergence): `window` is what proved too much. */
static void cut(struct cubic *cubic, double window, double floor, uint64_t now_us)
{
	cubic->before_cut = cubic->now;
	cubic->prior_window = window;
	cubic->now.w_max = window < cubic->now.w_max ? window * (1 + CUBIC_BETA) / 2 : window;
	/* Slow start overshoots by far more than congestion avoidance does. */
	cubic->now.window =
	    fmax(window * (is_slow_start(cubic) ? CUBIC_BETA_ONE : CUBIC_BETA), floor);
	cubic->now.ssthresh = cubic->now.window;
	cubic->episode_after_us = cubic->had_cut ? cubic->cut_us : 0;
	cubic->had_cut = true;
	cubic->cut_us = now_us;
	cubic->has_epoch = false;
	cubic->hystart.is_off = true;
	cubic->episode_lost_pkts = 0;
}

/*
 * A loss while little of the window was in use, as of a ping on an idle lane: such losses let the window
 * sink to the initial one, and ssthresh remembers it, so that use brings it back by slow start
 * (the idea of RFC 7661 section 4.3).
 */
static void shrink_unused(struct cubic *cubic, uint64_t now_us)
{
	cubic->now.ssthresh = fmax(cubic->now.ssthresh, cubic->now.window);
	cubic->now.window = fmax(cubic->now.window * CUBIC_BETA, loss_floor(cubic, 1));
	cubic->had_cut = true;
	cubic->cut_us = now_us;
	cubic->has_epoch = false;
	cubic->episode_lost_pkts = 0;
}

static bool is_new_episode(const struct cubic *cubic, uint64_t sent_us)
{
	return !cubic->had_cut || sent_us > cubic->cut_us;
}

static void cubic_on_loss(void *state, const struct cc_loss *loss)
{
	struct cubic *cubic = state;
	double used = fmin((double)loss->used_bytes, cubic->now.window);
	/* Slow start runs ahead of the use, and what was in flight is what was too much. */
	bool is_ahead = is_slow_start(cubic);
	bool is_used = used > cubic->now.window * (is_ahead ? 0.5 : CUBIC_BETA);

	if (!is_used) {
		if (is_new_episode(cubic, loss->largest_sent_us))
			shrink_unused(cubic, loss->now_us);
		return;
	}
	if (is_new_episode(cubic, loss->largest_sent_us))
		cut(cubic, is_ahead ? used : cubic->now.window, loss_floor(cubic, loss->flows),
		    loss->now_us);
	cubic->episode_lost_pkts += loss->packets;
	if (loss->is_persistent) {
		cubic->now.window = min_window(cubic);
		cubic->has_epoch = false;
	}
}

/* RFC 9438 section 4.9: when all losses behind the last cut were none, it is undone. */
static void cubic_on_spurious(void *state, uint64_t sent_us, uint64_t now_us)
{
	struct cubic *cubic = state;

	(void)now_us;
	if (is_new_episode(cubic, sent_us) || sent_us <= cubic->episode_after_us
	    || cubic->episode_lost_pkts == 0)
		return;
	if (--cubic->episode_lost_pkts > 0 || cubic->now.window >= cubic->before_cut.window)
		return;
	cubic->now = cubic->before_cut;
	cubic->has_epoch = false;
}

/* A mark is a loss without the packet: one cut a round trip, and nothing to undo. */
static void cubic_on_ecn(void *state, const struct cc_ecn *ecn)
{
	struct cubic *cubic = state;

	if (ecn->ce_pkts > 0 && is_new_episode(cubic, ecn->largest_sent_us))
		cut(cubic, cubic->now.window, min_window(cubic), ecn->now_us);
}

/* RFC 9002 section 7.2: the initial window counts packets of the new size, up to RFC 6928's bound. */
static void cubic_on_packet_bytes(void *state, uint32_t packet_bytes)
{
	struct cubic *cubic = state;
	double initial =
	    fmin(packet_bytes * (double)CC_INITIAL_WINDOW_PKTS, CC_INITIAL_WINDOW_BYTES);

	cubic->packet_bytes = packet_bytes;
	if (!cubic->had_cut)
		cubic->now.window = fmax(cubic->now.window, initial);
	cubic->now.window = fmax(cubic->now.window, min_window(cubic));
}

static uint64_t cubic_window_bytes(const void *state)
{
	const struct cubic *cubic = state;

	return (uint64_t)cubic->now.window;
}

static uint64_t cubic_pacing_rate_Bps(const void *state, const struct rtt *rtt)
{
	const struct cubic *cubic = state;
	unsigned gain = is_slow_start(cubic) ? PACING_SLOW_START : PACING_AVOIDANCE;

	return (uint64_t)cubic->now.window * gain / 100 * 1000000
	       / (rtt->smoothed_us ? rtt->smoothed_us : 1);
}

static uint64_t cubic_path_rate_Bps(const void *state, const struct rtt *rtt)
{
	const struct cubic *cubic = state;

	if (rtt->samples == 0 || !cubic->had_cut)
		return 0;
	return (
	    uint64_t)(cubic->now.window * 1e6 / (double)(rtt->smoothed_us ? rtt->smoothed_us : 1));
}

static bool cubic_is_starting(const void *state)
{
	const struct cubic *cubic = state;

	return cubic->now.ssthresh == INFINITY;
}

const struct cc_ops cc_cubic = {
    .name = "cubic",
    .state_bytes = sizeof(struct cubic),
    .init = cubic_init,
    .on_sent = cubic_on_sent,
    .on_ack = cubic_on_ack,
    .on_loss = cubic_on_loss,
    .on_spurious = cubic_on_spurious,
    .on_ecn = cubic_on_ecn,
    .on_packet_bytes = cubic_on_packet_bytes,
    .window_bytes = cubic_window_bytes,
    .pacing_rate_Bps = cubic_pacing_rate_Bps,
    .path_rate_Bps = cubic_path_rate_Bps,
    .is_starting = cubic_is_starting,
};
