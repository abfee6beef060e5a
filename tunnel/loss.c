/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loss detection, see loss.h. */
#include "tunnel/loss.h"

#include "tunnel/path_limits.h"

#include <string.h>

static uint64_t greater(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

void loss_init(struct loss *loss, uint64_t max_ack_delay_us, uint64_t pto_max_us)
{
	*loss = (struct loss){
	    .last_bearing = UINT64_MAX,
	    .loss_time_us = UINT64_MAX,
	    .packet_threshold = LOSS_PACKET_THRESHOLD,
	    .reorder_eighths = LOSS_REORDER_EIGHTHS,
	    .max_ack_delay_us = max_ack_delay_us,
	    .pto_max_us = pto_max_us,
	};
}

void loss_on_sent(struct loss *loss, bool ack_eliciting, uint64_t now_us)
{
	if (ack_eliciting)
		loss->last_eliciting_us = now_us;
}

void loss_on_bearing(struct loss *loss, uint64_t number)
{
	loss->last_bearing = number;
}

void loss_on_ack(struct loss *loss, uint64_t largest)
{
	if (!loss->has_acked || largest > loss->largest_acked)
		loss->largest_acked = largest;
	loss->has_acked = true;
	loss->pto_count = 0;
}

void loss_on_spurious(struct loss *loss, uint64_t gap, const struct rtt *rtt, uint64_t now_us)
{
	uint64_t threshold = greater(loss->packet_threshold, gap + 1);

	if (threshold > LOSS_PACKET_THRESHOLD_MAX)
		threshold = LOSS_PACKET_THRESHOLD_MAX;
	loss->packet_threshold = (unsigned)threshold;
	if (now_us - loss->threshold_changed_us < rtt->smoothed_us)
		return;
	loss->threshold_changed_us = now_us;
	if (loss->reorder_eighths < LOSS_REORDER_EIGHTHS_MAX)
		loss->reorder_eighths++;
}

/* Without spurious losses for a while, the thresholds come back slowly. */
static void lower_thresholds(struct loss *loss, const struct rtt *rtt, uint64_t now_us)
{
	if (now_us - loss->threshold_changed_us < LOSS_THRESHOLD_HOLD_RTTS * rtt->smoothed_us)
		return;
	loss->threshold_changed_us = now_us;
	if (loss->packet_threshold > LOSS_PACKET_THRESHOLD)
		loss->packet_threshold--;
	if (loss->reorder_eighths > LOSS_REORDER_EIGHTHS)
		loss->reorder_eighths--;
}

/* RFC 9002 section 6.1.2. */
static uint64_t loss_delay_us(const struct loss *loss, const struct rtt *rtt)
{
	uint64_t rtt_us = greater(rtt->latest_us, rtt->smoothed_us);

	return greater(rtt_us + rtt_us * loss->reorder_eighths / 8, PTO_GRANULARITY_US);
}

/* The run of lost packets, with none acknowledged between, that a detection is in. */
struct lost_run {
	bool is_open;
	uint64_t first_sent_us, longest_us;
};

static void follow_run(
    struct lost_run *run, const struct loss *loss, const struct sent_packet *packet)
{
	if (packet->is_mtu_probe || packet->is_elsewhere)
		return;
	if (packet->state == SENT_ACKED) {
		run->is_open = false;
	} else if (packet->state == SENT_LOST && loss->has_sample
	           && packet->sent_us > loss->first_sample_us) {
		if (!run->is_open)
			run->first_sent_us = packet->sent_us;
		run->is_open = true;
		run->longest_us = greater(run->longest_us, packet->sent_us - run->first_sent_us);
	}
}

static void declare_lost(
    struct sentmap *map, struct sent_packet *packet, struct loss_result *result)
{
	sentmap_set_state(map, packet, SENT_LOST);
	/* RFC 8899 section 3, item 7; RFC 9000 section 9.4. */
	if (packet->is_mtu_probe || packet->is_elsewhere)
		return;
	result->packets++;
	result->bytes += packet->bytes;
	result->largest_sent_us = packet->sent_us;
}

void loss_detect(struct loss *loss, struct sentmap *map, const struct rtt *rtt, uint64_t now_us,
    loss_packet_fn *lost, void *context, struct loss_result *result)
{
	uint64_t delay_us = loss_delay_us(loss, rtt);
	struct lost_run run = {0};

	memset(result, 0, sizeof(*result));
	loss->loss_time_us = UINT64_MAX;
	lower_thresholds(loss, rtt, now_us);
	if (!loss->has_acked)
		return;
	/* Sending times rise with numbers: behind the first that is not lost, none is. */
	for (uint64_t number = sentmap_oldest_outstanding(map); number < loss->largest_acked;
	     number++) {
		struct sent_packet *packet = sentmap_get(map, number);

		if (packet->state == SENT_OUTSTANDING && packet->is_ack_eliciting) {
			if (loss->largest_acked - number < loss->packet_threshold
			    && packet->sent_us + delay_us > now_us) {
				loss->loss_time_us = packet->sent_us + delay_us;
				break;
			}
			declare_lost(map, packet, result);
			lost(context, number, packet);
		}
		follow_run(&run, loss, packet);
	}
	result->is_persistent =
	    run.longest_us > LOSS_PERSISTENT_PTOS * rtt_pto_us(rtt, loss->max_ack_delay_us);
}

uint64_t loss_pto_us(const struct loss *loss, const struct rtt *rtt)
{
	uint64_t base_us = rtt_pto_us(rtt, loss->max_ack_delay_us);
	unsigned doublings = loss->pto_count < PTO_BACKOFF_MAX ? loss->pto_count : PTO_BACKOFF_MAX;
	uint64_t most_us = greater(base_us, loss->pto_max_us);
	uint64_t pto_us = base_us << doublings;

	return pto_us < most_us ? pto_us : most_us;
}

/* RFC 9002 section 6.2.1, but that a ping behind what must arrive does not begin it anew. */
static uint64_t pto_timer_us(
    const struct loss *loss, const struct sentmap *map, const struct rtt *rtt)
{
	const struct sent_packet *bearing = sentmap_get(map, loss->last_bearing);
	uint64_t from_us = loss->last_eliciting_us;

	if (map->in_flight_pkts == 0)
		return UINT64_MAX;
	if (bearing && bearing->state == SENT_OUTSTANDING)
		from_us = greater(bearing->sent_us, loss->probed_us);
	return from_us + loss_pto_us(loss, rtt);
}

uint64_t loss_timer_us(const struct loss *loss, const struct sentmap *map, const struct rtt *rtt)
{
	if (loss->loss_time_us != UINT64_MAX)
		return loss->loss_time_us;
	return pto_timer_us(loss, map, rtt);
}

bool loss_pto_is_due(
    const struct loss *loss, const struct sentmap *map, const struct rtt *rtt, uint64_t now_us)
{
	return loss->loss_time_us == UINT64_MAX && pto_timer_us(loss, map, rtt) <= now_us;
}

void loss_on_pto(struct loss *loss, uint64_t now_us)
{
	loss->pto_count++;
	/* The next one counts from the probes, or from now should none be sent. */
	loss->last_eliciting_us = loss->probed_us = now_us;
}
