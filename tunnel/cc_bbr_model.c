/* SPDX-License-Identifier: GPL-2.0-or-later */
/* BBR: the model of the path, from ACKs; see cc_bbr_private.h. */
#include "tunnel/cc_bbr_private.h"

#include <math.h>

/* Of the rate: what comes through confirms it. */
#define CONFIRM_SHARE 0.5

double bbr_tunnel_bw(const struct bbr *bbr)
{
	return fmax(bbr->bw_cycles[0], bbr->bw_cycles[1]);
}

double bbr_max_bw(const struct bbr *bbr)
{
	return path_share_part(&bbr->siblings, bbr_tunnel_bw(bbr));
}

double bbr_bw(const struct bbr *bbr)
{
	return fmin(bbr_max_bw(bbr), bbr->bw_lo);
}

double bbr_gained(const struct bbr *bbr)
{
	double base =
	    bbr->is_for_all ? bbr_tunnel_bw(bbr) - bbr_max_bw(bbr) + bbr_bw(bbr) : bbr_bw(bbr);

	return (bbr->pacing_gain - 1) * base;
}

double bbr_bdp(const struct bbr *bbr, double rate)
{
	return rate * (double)bbr->min_rtt_us / 1e6;
}

bool bbr_is_loss_above(const struct bbr *bbr, const struct bbr_round *round, double share)
{
	return loss_is_above(share, (round->acked + round->lost) / bbr->packet_bytes,
	    round->lost / bbr->packet_bytes);
}

bool bbr_is_lossy(const struct bbr *bbr, const struct bbr_round *round)
{
	return bbr_is_loss_above(bbr, round, loss_floor_threshold(&bbr->floor));
}

void bbr_note_calm(struct bbr *bbr, double acked, double lost)
{
	loss_floor_note(&bbr->floor, acked / bbr->packet_bytes, lost / bbr->packet_bytes);
}

bool bbr_is_calm(const struct bbr *bbr, uint64_t sent_us)
{
	return (sent_us >= bbr->calm_from_us && sent_us < bbr->calm_to_us)
	       || (sent_us >= bbr->eased_from_us && sent_us < bbr->eased_to_us);
}

uint64_t bbr_queue_us(const struct bbr *bbr, const struct bbr_round *round)
{
	return round->min_rtt_us != UINT64_MAX && round->min_rtt_us > bbr->min_rtt_us
	           ? round->min_rtt_us - bbr->min_rtt_us
	           : 0;
}

bool bbr_is_queue_long(const struct bbr *bbr, const struct bbr_round *round)
{
	return bbr_queue_us(bbr, round)
	       > bbr_greater(QUEUE_MIN_US, bbr->min_rtt_us / QUEUE_RTT_DIVISOR);
}

double bbr_queue_share(const struct bbr *bbr, const struct bbr_round *round)
{
	uint64_t limit_us =
	    bbr_greater(EASE_QUEUE_MIN_US, bbr->min_rtt_us / EASE_QUEUE_RTT_DIVISOR);

	return (double)bbr_queue_us(bbr, round)
	       / ((double)limit_us + bbr->packet_bytes * 1e6 / fmax(bbr_bw(bbr), 1));
}

void bbr_note_rate(struct bbr *bbr, const struct cc_ack *ack)
{
	double rate = (double)ack->rate.rate_Bps;
	double together;

	bbr->delivered_bytes += ack->bytes;
	if (rate <= 0)
		return;
	together = bbr_together(bbr, rate, ack->now_us);
	if (bbr->state != RESUME && together >= CONFIRM_SHARE * bbr_tunnel_bw(bbr))
		bbr_confirm_rate(bbr, ack->now_us);
	bbr->round.bw = fmax(bbr->round.bw, rate);
	bbr->round.together = fmax(bbr->round.together, together);
	bbr->round.delivered = fmax(bbr->round.delivered, (double)ack->rate.delivered_bytes);
	bbr->round.is_app_limited = ack->rate.is_app_limited;
	/* While a sibling probes only it has a view of all that is from the same moments. */
	if (bbr_is_siblings_queue(bbr, ack->now_us))
		return;
	if (!ack->rate.is_app_limited || bbr->siblings.hungry > 0 || together >= bbr_tunnel_bw(bbr))
		bbr->bw_cycles[1] = fmax(bbr->bw_cycles[1], together);
}

/*
 * A request that ends before its first ACK comes shows less than the path carries when counted over the round
 * trip; but its packets left at a pace and came through at one, and the slower of these the path does carry.
 */
void bbr_note_train(struct bbr *bbr, const struct cc_ack *ack)
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
	train->last_ack_us = ack->now_us;
	if (ack->now_us - train->first_ack_us < TRAIN_BATCH_US) {
		train->first_sent_us = ack->largest_sent_us;
		return;
	}
	train->bytes += (double)ack->bytes;
	acked_us = ack->now_us - train->first_ack_us;
	sent_us = ack->largest_sent_us - train->first_sent_us;
	took_us = bbr_greater(acked_us, sent_us);
	if (train->bytes < TRAIN_PKTS * bbr->packet_bytes || took_us < TRAIN_US)
		return;
	bbr->round.has_train = true;
	bbr->bw_cycles[1] = fmax(bbr->bw_cycles[1], train->bytes * 1e6 / (double)took_us);
}

/* Samples far from one that siblings told are another path's, or had bad luck: the next probe tells. */
static void prove_rtt(struct bbr *bbr)
{
	if (bbr->is_rtt_proved || !path_share_is_near(bbr->min_rtt_us, bbr->own_rtt_us))
		return;
	bbr->min_rtt_us = bbr->own_rtt_us;
	bbr->is_rtt_proved = true;
}

void bbr_note_rtt(struct bbr *bbr, const struct cc_ack *ack)
{
	uint64_t sample_us = ack->rtt_sample_us;
	uint64_t same_us = bbr_greater(RTT_SAME_MIN_US, bbr->min_rtt_us / RTT_SAME_DIVISOR);

	if (sample_us == 0)
		return;
	if (sample_us < bbr->round.min_rtt_us)
		bbr->round.min_rtt_us = sample_us;
	if (sample_us < bbr->probed_min_rtt_us)
		bbr->probed_min_rtt_us = sample_us;
	if (bbr->own_rtt_us == 0 || sample_us < bbr->own_rtt_us)
		bbr->own_rtt_us = sample_us;
	if (bbr->min_rtt_us == 0 || sample_us < bbr->min_rtt_us)
		bbr->min_rtt_us = sample_us;
	if (bbr->siblings.hungry == 0
	    && (double)ack->used_bytes <= BBR_MIN_WINDOW_PKTS * bbr->packet_bytes)
		prove_rtt(bbr);
	bbr->was_queued |= ack->rtt->smoothed_us > bbr->min_rtt_us + WARM_UP_QUEUE_US;
	if (sample_us <= bbr->min_rtt_us + same_us)
		bbr->min_rtt_at_us = ack->now_us;
}

void bbr_start_round(struct bbr *bbr, const struct cc_ack *ack)
{
	uint64_t count = bbr->round.count + 1;

	bbr->last = bbr->round;
	bbr->last.took_us = ack->now_us - bbr->round.began_us;
	bbr->round = (struct bbr_round){
	    .began_us = ack->now_us,
	    .end_number = ack->next_number,
	    .count = count,
	    .min_rtt_us = UINT64_MAX,
	    .is_app_limited = bbr->last.is_app_limited,
	};
}

/* After the first round trip behind a probe its samples are in. */
void bbr_advance_bw(struct bbr *bbr, uint64_t now_us)
{
	if (!bbr->bw_is_to_advance || bbr->cycle_rounds < 2)
		return;
	bbr->bw_is_to_advance = false;
	bbr->probed_us = now_us;
	bbr->bw_cycles[0] = bbr->bw_cycles[1];
	bbr->bw_cycles[1] = 0;
}
