/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One way that a lane's packets go, see path.h.  The order within an acknowledgement is that of
 * RFC 9002 appendix A.7: what arrived, RTT, what is lost, congestion control.
 */
#include "tunnel/path.h"

#include "base/err.h"
#include "tunnel/repair_limits.h"

#include <stdlib.h>
#include <string.h>

enum {
	ECN_NOT_ECT = 0,
	ECN_ECT0 = 2,
	ECN_GIVE_UP_PTOS = 3, /* unproven marks are dropped after that many timeouts in a row */
	SHARE_EVERY_US =
	    1000, /* other cores' memory is not looked at for each ACK of a fast line */
};

/* What other lanes of the tunnel learned, before an ACK is judged. */
static void look_at_siblings(struct path *path, uint64_t now_us)
{
	const struct path_siblings *siblings = &path->config.siblings;
	struct path_share_record records[PATH_SIBLINGS_MAX];
	struct path_share_view view;
	unsigned count;

	if (!siblings->read || !path->config.cc->on_siblings
	    || now_us < path->looked_us + SHARE_EVERY_US)
		return;
	path->looked_us = now_us;
	count = siblings->read(siblings->context, records, PATH_SIBLINGS_MAX);
	path_share_look(&view, records, count, &path->told, now_us);
	path->config.cc->on_siblings(path->cc, &view, now_us);
}

static void tell_siblings(struct path *path, const struct rate_sample *rate, uint64_t now_us)
{
	const struct path_siblings *siblings = &path->config.siblings;

	if (!siblings->tell || !path->config.cc->tell)
		return;
	path->told.told_us = now_us;
	path->told.is_taken = path->is_taken;
	if (rate->rate_Bps > 0)
		path->told.delivered_Bps = rate->rate_Bps;
	path->told.delivered_bytes = path->rate.delivered_bytes;
	path->config.cc->tell(path->cc, &path->told);
	siblings->tell(siblings->context, &path->told);
}

/* The state of a new controller, NULL without memory. */
static void *new_congestion(
    const struct path *path, const struct cc_ops *cc, uint64_t rate_Bps, uint64_t now_us)
{
	struct cc_start start = {
	    .now_us = now_us,
	    .packet_bytes = path->packet_bytes,
	    .rate_Bps = rate_Bps,
	    .min_rtt_us = path->rtt.min_us,
	};
	void *state = calloc(1, cc->state_bytes);

	if (state)
		cc->init(state, &start);
	return state;
}

int path_init(struct path *path, const struct path_config *config, uint64_t now_us)
{
	int error;

	if (config->packet_bytes == 0 || config->packet_most_bytes < config->packet_bytes
	    || !config->cc)
		return ERR_INVALID;
	memset(path, 0, sizeof(*path));
	path->config = *config;
	path->packet_bytes = config->packet_bytes;
	pmtu_init(&path->pmtu, config->packet_bytes, config->packet_most_bytes);
	error = sentmap_init(&path->sent);
	if (error)
		return error;
	rtt_init(&path->rtt, now_us);
	path->cc = new_congestion(path, config->cc, config->rate_Bps, now_us);
	if (!path->cc) {
		sentmap_clear(&path->sent);
		return ERR_NOMEM;
	}
	path->told.order = config->siblings.order;
	look_at_siblings(path, now_us);
	loss_init(&path->loss, config->max_ack_delay_us, config->pto_max_us);
	loss_meter_init(&path->meter);
	rate_sampler_init(&path->rate);
	pacer_init(&path->pacer, config->packet_bytes, now_us);
	pacer_set_rate(&path->pacer, path_pacing_rate_Bps(path), now_us);
	pacer_init(&path->start_pacer, config->packet_bytes, now_us);
	pacer_set_rate(&path->start_pacer, START_RATE_BPS, now_us);
	path->ecn_is_on = true;
	return 0;
}

int path_set_congestion(
    struct path *path, const struct cc_ops *cc, uint64_t rate_Bps, uint64_t now_us)
{
	uint64_t told_Bps = rate_Bps;
	void *state;

	if (rate_Bps == 0)
		rate_Bps = path_rate_Bps(path);
	state = new_congestion(path, cc, rate_Bps, now_us);
	if (!state)
		return ERR_NOMEM;
	free(path->cc);
	path->cc = state;
	path->config.cc = cc;
	path->config.rate_Bps = told_Bps;
	pacer_set_rate(&path->pacer, path_pacing_rate_Bps(path), now_us);
	return 0;
}

void path_clear(struct path *path)
{
	sentmap_clear(&path->sent);
	free(path->cc);
	path->cc = NULL;
}

uint64_t path_pto_us(const struct path *path)
{
	return rtt_pto_us(&path->rtt, path->config.max_ack_delay_us);
}

uint8_t path_ecn(const struct path *path)
{
	return path->ecn_is_on ? ECN_ECT0 : ECN_NOT_ECT;
}

uint64_t path_packet_begin(struct path *path)
{
	if (sentmap_reserve(&path->sent) != 0)
		return PATH_NUMBER_NONE;
	path->building_frames = 0;
	return path->sent.next;
}

int path_packet_add(struct path *path, const struct sent_frame *frame)
{
	return sentmap_add_frame(&path->sent, frame, &path->building_frames);
}

uint16_t path_mtu_probe(struct path *path, uint64_t now_us)
{
	path->is_building_mtu_probe = true;
	return pmtu_probe_bytes(&path->pmtu, now_us);
}

void path_packet_abandon(struct path *path)
{
	path->is_building_mtu_probe = false;
	sentmap_drop_frames(&path->sent, path->building_frames);
	path->building_frames = 0;
}

/* What congestion control, pacing and rate samples must know of an ack-eliciting packet. */
static void account_in_flight(struct path *path, struct sent_packet *packet,
    uint64_t in_flight_before, bool app_limited, uint64_t now_us)
{
	struct cc_sent sent = {now_us, packet->bytes, in_flight_before};

	rate_on_sent(&path->rate, &packet->stamp, in_flight_before, now_us);
	path->config.cc->on_sent(path->cc, &sent);
	pacer_on_sent(&path->pacer, packet->bytes, now_us);
	if (path_is_starting(path))
		pacer_on_sent(&path->start_pacer, packet->bytes, now_us);
	if (path->sent.in_flight_bytes > path->round_used_bytes)
		path->round_used_bytes = path->sent.in_flight_bytes;
	if (app_limited && path->sent.in_flight_bytes < path_window_bytes(path))
		rate_on_app_limited(&path->rate, path->sent.in_flight_bytes);
}

/* Lost packets are kept for some time, in case they are acknowledged late. */
static void forget_old(struct path *path, uint64_t now_us)
{
	uint64_t keep_us = LOSS_KEEP_PTOS * path_pto_us(path);

	sentmap_expire(&path->sent, now_us > keep_us ? now_us - keep_us : 0);
}

void path_packet_commit(
    struct path *path, size_t udp_bytes, bool ack_eliciting, bool app_limited, uint64_t now_us)
{
	uint64_t in_flight_before = path->sent.in_flight_bytes;
	struct sent_packet *packet = sentmap_push(
	    &path->sent, now_us, (uint16_t)udp_bytes, ack_eliciting, path->building_frames);

	path->building_frames = 0;
	packet->is_ect = path->ecn_is_on;
	packet->is_mtu_probe = path->is_building_mtu_probe;
	if (path->is_building_mtu_probe)
		pmtu_on_probe_sent(&path->pmtu, path->sent.next - 1);
	path->is_building_mtu_probe = false;
	loss_on_sent(&path->loss, ack_eliciting, now_us);
	path->counters.packets_sent++;
	path->counters.bytes_sent += udp_bytes;
	if (ack_eliciting)
		account_in_flight(path, packet, in_flight_before, app_limited, now_us);
	/* Who only receives sends ACKs that nobody acknowledges. */
	if (sentmap_is_at_capacity(&path->sent))
		forget_old(path, now_us);
}

void path_packet_protect(struct path *path)
{
	sentmap_get(&path->sent, path->sent.next - 1)->is_protected = true;
}

void path_packet_bears(struct path *path)
{
	loss_on_bearing(&path->loss, path->sent.next - 1);
}

/* What one ACK newly says. */
struct ack_news {
	uint64_t packets, ect_packets, bytes;
	bool has_eliciting;
	bool has_newest;
	uint64_t newest_number, newest_sent_us;
	bool newest_is_elsewhere;
	struct rate_sample rate;
};

/* Where the fate of frames is told. */
struct fate {
	struct path *path;
	path_fate_fn *tell;
	void *context;
	uint64_t now_us;
};

static void tell_frames(const struct fate *fate, const struct sent_packet *packet, bool lost)
{
	for (unsigned i = 0; i < packet->frame_count; i++)
		fate->tell(fate->context, sentmap_frame(&fate->path->sent, packet, i), lost);
}

static void on_spurious_loss(
    struct path *path, const struct sent_packet *packet, uint64_t number, uint64_t now_us)
{
	uint64_t largest = path->loss.largest_acked;

	path->counters.packets_spurious++;
	loss_meter_on_spurious(&path->meter);
	loss_on_spurious(&path->loss, largest > number ? largest - number : 0, &path->rtt, now_us);
	path->config.cc->on_spurious(path->cc, packet->sent_us, now_us);
}

static void on_packet_acked(struct path *path, uint64_t number, struct sent_packet *packet,
    const struct fate *fate, uint64_t now_us, struct ack_news *news)
{
	bool was_lost = packet->state == SENT_LOST;

	packet->is_held = false;
	if (was_lost && !packet->is_mtu_probe && !packet->is_elsewhere)
		on_spurious_loss(path, packet, number, now_us);
	sentmap_set_state(&path->sent, packet, SENT_ACKED);
	packet->acked_run = 1;
	news->packets++;
	news->ect_packets += packet->is_ect;
	if (!news->has_newest || number > news->newest_number) {
		news->has_newest = true;
		news->newest_number = number;
		news->newest_sent_us = packet->sent_us;
		news->newest_is_elsewhere = packet->is_elsewhere;
	}
	if (packet->is_ack_eliciting) {
		news->has_eliciting = true;
		path->counters.packets_acked++;
		if (!packet->is_mtu_probe && !packet->is_elsewhere)
			loss_meter_on_acked(&path->meter, now_us);
	}
	if (packet->is_ack_eliciting && !packet->is_elsewhere) {
		pmtu_on_acked(&path->pmtu, number, packet->bytes, packet->is_mtu_probe, now_us);
		if (!was_lost)
			news->bytes += packet->bytes;
		rate_on_packet_acked(&path->rate, &news->rate, &packet->stamp, packet->sent_us,
		    packet->bytes, now_us);
	}
	if (!packet->is_settled)
		tell_frames(fate, packet, false);
}

/* Walks a range downward; runs that earlier ACKs covered are passed over in one step. */
static void walk_range(struct path *path, const struct ack_range *range, const struct fate *fate,
    uint64_t now_us, struct ack_news *news)
{
	uint64_t first = range->first > path->sent.first ? range->first : path->sent.first;
	uint64_t number = range->last + 1;

	while (number > first) {
		struct sent_packet *packet = sentmap_get(&path->sent, number - 1);

		if (packet->state != SENT_ACKED)
			on_packet_acked(path, number - 1, packet, fate, now_us, news);
		number -= packet->acked_run;
	}
	if (number < first)
		number = first;
	sentmap_get(&path->sent, range->last)->acked_run = (uint32_t)(range->last + 1 - number);
}

static bool is_ack_valid(const struct path *path, const struct ack_frame *ack)
{
	if (ack->range_count == 0 || ack->range_count > ACK_RANGES_MAX
	    || ack->largest >= path->sent.next || ack->ranges[0].last != ack->largest)
		return false;
	for (unsigned i = 0; i < ack->range_count; i++) {
		if (ack->ranges[i].first > ack->ranges[i].last)
			return false;
		if (i > 0
		    && (ack->ranges[i].last >= ack->ranges[i - 1].first
		        || ack->ranges[i - 1].first - ack->ranges[i].last < 2))
			return false;
	}
	return true;
}

static uint64_t sample_rtt(
    struct path *path, const struct ack_frame *ack, const struct ack_news *news, uint64_t now_us)
{
	if (!news->has_eliciting || news->newest_is_elsewhere
	    || news->newest_number != ack->largest)
		return 0;
	rtt_update(&path->rtt, now_us - news->newest_sent_us, ack->delay_us,
	    path->config.max_ack_delay_us, now_us);
	if (!path->loss.has_sample) {
		path->loss.has_sample = true;
		path->loss.first_sample_us = now_us;
	}
	return path->rtt.latest_us ? path->rtt.latest_us : 1;
}

/* RFC 9000 section 13.4.2: marks that vanish on the way are not sent any more. */
static void handle_ecn(
    struct path *path, const struct ack_frame *ack, const struct ack_news *news, uint64_t now_us)
{
	uint64_t ect0 = ack->has_ecn ? ack->ecn_ect0 : 0;
	uint64_t ce = ack->has_ecn ? ack->ecn_ce : 0;
	struct cc_ecn ecn = {
	    .now_us = now_us,
	    .in_flight_bytes = path->sent.in_flight_bytes,
	    .largest_sent_us = news->newest_sent_us,
	};

	/* Reordered ACKs count less than an earlier one did. */
	if (!path->ecn_is_on || news->newest_number != ack->largest)
		return;
	if (ect0 + ce < path->ecn_ect0 + path->ecn_ce + news->ect_packets || ce < path->ecn_ce) {
		path->ecn_is_on = false;
		return;
	}
	ecn.ce_pkts = ce - path->ecn_ce;
	path->ecn_ect0 = ect0;
	path->ecn_ce = ce;
	path->ecn_is_proven |= ect0 + ce > 0;
	path->counters.ecn_marks += ecn.ce_pkts;
	if (ecn.ce_pkts > 0)
		path->config.cc->on_ecn(path->cc, &ecn);
}

/* Until when a repair of the packet can be told of: a round trip and the span of repairs after it went. */
static uint64_t hold_until_us(const struct path *path, const struct sent_packet *packet)
{
	uint64_t hold_us = path->rtt.smoothed_us / 4;

	if (hold_us < REPAIR_HOLD_MIN_US)
		hold_us = REPAIR_HOLD_MIN_US;
	if (hold_us > REPAIR_HOLD_MAX_US)
		hold_us = REPAIR_HOLD_MAX_US;
	return packet->sent_us + path->rtt.smoothed_us + hold_us + path->config.max_ack_delay_us;
}

/* True when the frames' fate is told later. */
static bool hold_packet(
    struct path *path, uint64_t number, struct sent_packet *packet, uint64_t now_us)
{
	uint64_t until_us = hold_until_us(path, packet);

	if (!packet->is_protected || until_us <= now_us)
		return false;
	packet->is_held = hold_add(&path->hold, number, until_us);
	return packet->is_held;
}

static void on_packet_lost(void *context, uint64_t number, struct sent_packet *packet)
{
	const struct fate *fate = context;

	if (!packet->is_elsewhere)
		pmtu_on_lost(
		    &fate->path->pmtu, number, packet->bytes, packet->is_mtu_probe, fate->now_us);
	if (packet->is_mtu_probe)
		return;
	fate->path->counters.packets_lost++;
	trace(fate->path->tracer, &(struct trace_event){.kind = TRACE_PACKET_LOST,
	                              .now_us = fate->now_us,
	                              .number = number,
	                              .udp_bytes = packet->bytes});
	if (!packet->is_elsewhere)
		loss_meter_on_lost(&fate->path->meter, number, fate->now_us);
	if (!packet->is_handed_back && !packet->is_settled
	    && !hold_packet(fate->path, number, packet, fate->now_us))
		tell_frames(fate, packet, true);
}

void path_set_flows(struct path *path, uint64_t flows)
{
	path->flows = flows;
}

void path_set_taken(struct path *path, bool is_taken)
{
	path->is_taken = is_taken;
}

/* Most in flight during this round trip and the last. */
static uint64_t used_bytes(const struct path *path)
{
	return path->last_round_used_bytes > path->round_used_bytes ? path->last_round_used_bytes
	                                                            : path->round_used_bytes;
}

static void detect_losses(struct path *path, struct fate *fate, uint64_t now_us)
{
	struct loss_result lost;
	struct cc_loss loss;

	loss_detect(&path->loss, &path->sent, &path->rtt, now_us, on_packet_lost, fate, &lost);
	if (lost.packets == 0)
		return;
	loss = (struct cc_loss){
	    .now_us = now_us,
	    .packets = lost.packets,
	    .bytes = lost.bytes,
	    .in_flight_bytes = path->sent.in_flight_bytes,
	    .used_bytes = used_bytes(path),
	    .flows = path->flows,
	    .largest_sent_us = lost.largest_sent_us,
	    .is_persistent = lost.is_persistent,
	};
	path->config.cc->on_loss(path->cc, &loss);
	if (lost.is_persistent)
		rtt_forget_min(&path->rtt);
}

/* A round ends when something is acknowledged that was sent after its beginning. */
static void end_round(struct path *path, uint64_t newest_number)
{
	if (newest_number < path->round_end)
		return;
	path->last_round_used_bytes = path->round_used_bytes;
	path->round_used_bytes = path->sent.in_flight_bytes;
	path->round_end = path->sent.next;
}

static void tell_congestion_control(
    struct path *path, struct ack_news *news, uint64_t rtt_sample_us, uint64_t now_us)
{
	struct cc_ack ack = {
	    .now_us = now_us,
	    .bytes = news->bytes,
	    .in_flight_bytes = path->sent.in_flight_bytes,
	    .used_bytes = used_bytes(path),
	    .largest_number = news->newest_number,
	    .largest_sent_us = news->newest_sent_us,
	    .next_number = path->sent.next,
	    .rtt_sample_us = rtt_sample_us,
	    .rtt = &path->rtt,
	};

	rate_sample_finish(&path->rate, &news->rate, path->rtt.min_us);
	ack.rate = news->rate;
	look_at_siblings(path, now_us);
	path->config.cc->on_ack(path->cc, &ack);
	tell_siblings(path, &ack.rate, now_us);
	end_round(path, news->newest_number);
}

/* What the search has found holds for all that count in packets. */
static void follow_packet_bytes(struct path *path, uint64_t now_us)
{
	uint16_t packet_bytes = pmtu_packet_bytes(&path->pmtu);

	if (packet_bytes == path->packet_bytes)
		return;
	path->packet_bytes = packet_bytes;
	path->config.cc->on_packet_bytes(path->cc, packet_bytes);
	pacer_set_packet_bytes(&path->pacer, packet_bytes, now_us);
	pacer_set_packet_bytes(&path->start_pacer, packet_bytes, now_us);
}

/* After losses or acknowledgements: packets and pace may be others, old packets may go. */
static void settle(struct path *path, uint64_t now_us)
{
	follow_packet_bytes(path, now_us);
	pacer_set_rate(&path->pacer, path_pacing_rate_Bps(path), now_us);
	forget_old(path, now_us);
}

int path_on_ack(struct path *path, const struct ack_frame *ack, uint64_t now_us, path_fate_fn *tell,
    void *context)
{
	struct fate fate = {path, tell, context, now_us};
	struct ack_news news = {0};
	uint64_t rtt_sample_us;

	if (!is_ack_valid(path, ack))
		return ERR_MALFORMED;
	for (unsigned i = 0; i < ack->range_count && ack->ranges[i].last >= path->sent.first; i++)
		walk_range(path, &ack->ranges[i], &fate, now_us, &news);
	if (news.packets == 0)
		return 0;
	rtt_sample_us = sample_rtt(path, ack, &news, now_us);
	loss_on_ack(&path->loss, ack->largest);
	handle_ecn(path, ack, &news, now_us);
	detect_losses(path, &fate, now_us);
	if (news.has_eliciting)
		tell_congestion_control(path, &news, rtt_sample_us, now_us);
	settle(path, now_us);
	return 0;
}

void path_on_refused(struct path *path, uint16_t udp_bytes, uint64_t now_us)
{
	pmtu_on_refused(&path->pmtu, udp_bytes, now_us);
	settle(path, now_us);
}

static bool recovered_is_valid(const struct path *path, const struct ack_frame *recovered)
{
	return recovered->range_count > 0 && recovered->largest < path->sent.next;
}

int path_on_recovered(
    struct path *path, const struct ack_frame *recovered, path_fate_fn *tell, void *context)
{
	struct fate fate = {.path = path, .tell = tell, .context = context};

	if (!recovered_is_valid(path, recovered))
		return ERR_MALFORMED;
	for (unsigned i = 0; i < recovered->range_count; i++) {
		const struct ack_range *range = &recovered->ranges[i];

		for (uint64_t number = range->first; number <= range->last; number++) {
			struct sent_packet *packet = sentmap_get(&path->sent, number);

			if (!packet || packet->is_settled || packet->state == SENT_ACKED)
				continue;
			packet->is_settled = true;
			packet->is_held = false;
			path->counters.packets_recovered++;
			tell_frames(&fate, packet, false);
		}
	}
	return 0;
}

/* No repair brought them: their frames go again. */
static void release_held(struct path *path, const struct fate *fate, uint64_t now_us)
{
	uint64_t number;

	while (hold_take(&path->hold, now_us, &number)) {
		struct sent_packet *packet = sentmap_get(&path->sent, number);

		if (!packet || !packet->is_held)
			continue;
		packet->is_held = false;
		tell_frames(fate, packet, true);
	}
}

/* Lanes move one by one: until all that told of the old path have moved, or are silent, nobody asks them. */
static void forget_siblings(struct path *path, uint64_t now_us)
{
	const struct path_siblings *siblings = &path->config.siblings;

	path->told = (struct path_share_record){.order = siblings->order};
	if (siblings->tell)
		siblings->tell(siblings->context, &path->told);
	path->looked_us = now_us + PATH_SHARE_FRESH_US + 2 * path->rtt.smoothed_us;
}

static void learn_anew(struct path *path, uint64_t now_us)
{
	struct cc_start start = {.now_us = now_us, .rate_Bps = path->config.rate_Bps};

	forget_siblings(path, now_us);
	rtt_init(&path->rtt, now_us);
	rate_sampler_init(&path->rate);
	pmtu_restart(&path->pmtu);
	path->packet_bytes = pmtu_packet_bytes(&path->pmtu);
	start.packet_bytes = path->packet_bytes;
	path->config.cc->init(path->cc, &start);
	pacer_init(&path->pacer, path->packet_bytes, now_us);
	pacer_init(&path->start_pacer, path->packet_bytes, now_us);
	pacer_set_rate(&path->start_pacer, START_RATE_BPS, now_us);
	path->round_used_bytes = path->last_round_used_bytes = 0;
	path->ecn_is_on = true;
	path->ecn_is_proven = false;
}

void path_on_moved(struct path *path, bool is_other_path, uint64_t now_us)
{
	for (uint64_t number = path->sent.first; number < path->sent.next; number++)
		sentmap_get(&path->sent, number)->is_elsewhere = true;
	path->loss.pto_count = 0;
	if (is_other_path)
		learn_anew(path, now_us);
	settle(path, now_us);
}

uint64_t path_timer_us(const struct path *path)
{
	uint64_t loss_us = loss_timer_us(&path->loss, &path->sent, &path->rtt);
	uint64_t hold_us = hold_timer_us(&path->hold);

	return loss_us < hold_us ? loss_us : hold_us;
}

/* The frames of the oldest packets in flight that have any go to the probes; the packets count as before. */
static void hand_back_oldest(struct path *path, const struct fate *fate, unsigned count)
{
	for (uint64_t number = sentmap_oldest_outstanding(&path->sent);
	     count > 0 && number < path->sent.next; number++) {
		struct sent_packet *packet = sentmap_get(&path->sent, number);

		if (packet->state != SENT_OUTSTANDING || !packet->is_ack_eliciting
		    || packet->is_handed_back || packet->is_settled || packet->frame_count == 0)
			continue;
		packet->is_handed_back = true;
		tell_frames(fate, packet, true);
		count--;
	}
}

unsigned path_on_timer(struct path *path, uint64_t now_us, path_fate_fn *tell, void *context)
{
	struct fate fate = {path, tell, context, now_us};
	unsigned probes = 0;

	if (path_timer_us(path) > now_us)
		return 0;
	release_held(path, &fate, now_us);
	if (loss_pto_is_due(&path->loss, &path->sent, &path->rtt, now_us)) {
		loss_on_pto(&path->loss, now_us);
		path->counters.probe_timeouts++;
		if (!path->ecn_is_proven && path->loss.pto_count >= ECN_GIVE_UP_PTOS)
			path->ecn_is_on = false;
		probes = path->sent.in_flight_pkts > 1 ? PTO_PROBES : 1;
		hand_back_oldest(path, &fate, probes);
	} else {
		detect_losses(path, &fate, now_us);
	}
	settle(path, now_us);
	return probes;
}
