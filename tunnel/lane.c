/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A lane's life: making and freeing, states, timers, counters.
 */
#include "config.h"

#include "tunnel/lane.h"

#include "base/err.h"
#include "tunnel/cc_bbr.h"
#include "tunnel/cc_cubic.h"
#include "tunnel/cc_fixed.h"
#include "tunnel/lane_private.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct cc_ops *const controllers[] = {
    [LANE_BBR] = &cc_bbr,
    [LANE_CUBIC] = &cc_cubic,
    [LANE_FIXED] = &cc_fixed,
};

static bool congestion_is_valid(enum lane_congestion kind, uint64_t rate_Bps)
{
	return (unsigned)kind < sizeof(controllers) / sizeof(controllers[0])
	       && (kind != LANE_FIXED || rate_Bps > 0);
}

static bool config_is_valid(const struct lane_config *config)
{
	return config->packet_bytes >= PACKET_MIN_BYTES && config->packet_bytes <= PACKET_MAX_BYTES
	       && config->pool && config->callbacks && config->max_flows > 0
	       && config->max_flows <= FLOW_ID_WINDOW * 16 && config->memory_bytes > 0
	       && aead_is_supported(config->aead) && config->epoch_pkts <= EPOCH_MAX_PKTS
	       && congestion_is_valid(config->congestion, config->fixed_rate_Bps);
}

static int init_path(struct lane *lane, uint64_t now_us)
{
	struct path_config config = {
	    .packet_bytes = PACKET_MIN_BYTES,
	    .packet_most_bytes = lane->config.packet_bytes,
	    .cc = controllers[lane->config.congestion],
	    .rate_Bps = lane->config.congestion == LANE_FIXED ? lane->config.fixed_rate_Bps : 0,
	    .siblings = lane->config.siblings,
	    .max_ack_delay_us = ACK_DELAY_MAX_US + PTO_GRANULARITY_US, /* and its timer's slack */
	    .pto_max_us = PING_DOWN_US,
	};

	return path_init(&lane->path, &config, now_us);
}

static void init_lists(struct lane *lane)
{
	list_init(&lane->control);
	list_init(&lane->blocked);
	list_init(&lane->waiting);
	list_init(&lane->unopened);
	list_init(&lane->dead);
	reassembly_init(&lane->reassembly);
	datagram_store_init(&lane->datagrams, lane->config.pool, &lane->budget);
	scheduler_init(&lane->scheduler, PACKET_MIN_BYTES);
}

int lane_new(struct lane **out, const struct lane_config *config, uint64_t now_us)
{
	struct lane *lane;
	int rc;

	if (!config_is_valid(config))
		return ERR_INVALID;
	lane = aligned_alloc(_Alignof(struct lane), sizeof(*lane));
	if (!lane)
		return ERR_NOMEM;
	memset(lane, 0, sizeof(*lane));
	lane->config = *config;
	init_lists(lane);
	lane->now_us = lane->began_us = lane->last_arrival_us = lane->last_eliciting_us = now_us;
	lane->state = LANE_PENDING;
	lane->ping_is_due = true;
	lane->budget.limit_bytes = config->memory_bytes;
	lane->budget.shared = config->memory;
	lane->budget.reserve_bytes = LANE_RESERVE_BYTES;
	lane->send_maximum = lane->receive_maximum = LANE_WINDOW_START_BYTES;
	lane->receive_window_bytes = LANE_WINDOW_START_BYTES;
	lane->receive_mark.at_us = now_us;
	received_init(&lane->received);
	migration_init(&lane->migration, &config->route, config->challenge_key);
	rc = epochs_init(
	    &lane->epochs, config->aead, config->send_secret, config->receive_secret, now_us);
	if (config->epoch_pkts)
		lane->epochs.most_pkts = config->epoch_pkts;
	sodium_memzero(lane->config.send_secret, AEAD_SECRET_BYTES);
	sodium_memzero(lane->config.receive_secret, AEAD_SECRET_BYTES);
	sodium_memzero(lane->config.challenge_key, CHALLENGE_KEY_BYTES);
	if (rc == 0)
		rc = init_path(lane, now_us);
	if (rc == 0)
		lane_repair_init(lane);
	if (rc == 0 && config->role == LANE_ENDPOINT) {
		lane->opened = calloc(1, sizeof(*lane->opened));
		rc = lane->opened ? 0 : ERR_NOMEM;
	}
	if (rc) {
		lane_free(lane);
		return rc;
	}
	*out = lane;
	return 0;
}

static void tell_closed(struct flow *flow, enum reason reason)
{
	struct lane *lane = flow->lane;

	if (!flow->is_refused && !flow->is_let_go)
		lane->config.callbacks->on_closed(lane->config.context, flow, reason);
}

static void close_flows(struct lane *lane, enum reason reason)
{
	struct flow *flow;
	uint32_t hint = 0;

	while ((flow = flow_table_any(&lane->flows, &hint))) {
		tell_closed(flow, reason);
		flow_free(flow);
	}
}

void lane_free(struct lane *lane)
{
	if (!lane)
		return;
	lane->is_closing = true;
	close_flows(lane, REASON_LANE_LOST);
	reassembly_clear(&lane->reassembly, &lane->budget);
	lane_drop_small_chunk(lane);
	lane_repair_clear(lane);
	path_clear(&lane->path);
	epochs_clear(&lane->epochs);
	health_told_clear(&lane->health);
	free(lane->opened);
	free(lane);
}

int lane_tell_health(struct lane *lane, uint32_t accelerator, uint8_t state)
{
	if (lane->config.role != LANE_ENDPOINT || state > HEALTH_STATE_MAX)
		return ERR_INVALID;
	if (lane_is_over(lane))
		return ERR_STATE;
	return health_told_set(&lane->health, accelerator, state);
}

void lane_forget_health(struct lane *lane, uint32_t accelerator)
{
	health_told_forget(&lane->health, accelerator);
}

void lane_set_tracer(struct lane *lane, const struct tracer *tracer)
{
	lane->path.tracer = tracer;
}

int lane_set_congestion(
    struct lane *lane, enum lane_congestion kind, uint64_t rate_Bps, uint64_t now_us)
{
	int rc;

	if (!congestion_is_valid(kind, rate_Bps))
		return ERR_INVALID;
	rc = path_set_congestion(
	    &lane->path, controllers[kind], kind == LANE_FIXED ? rate_Bps : 0, now_us);
	if (rc)
		return rc;
	lane->config.congestion = kind;
	lane->config.fixed_rate_Bps = rate_Bps;
	return 0;
}

static void set_state(
    struct lane *lane, enum lane_state state, enum reason reason, const char *text)
{
	if (lane->state == state)
		return;
	lane->state = state;
	lane->config.callbacks->on_state(lane->config.context, lane, state, reason, text);
}

/* Teardown's last stage: nothing of the lane is on the stack, so no pointer to a flow can come back. */
static void become_over(struct lane *lane)
{
	lane_forget_gathered(lane);
	close_flows(lane, lane->close_reason ? lane->close_reason : REASON_LANE_LOST);
	reassembly_clear(&lane->reassembly, &lane->budget);
	lane_drop_small_chunk(lane);
	lane->close_copies = lane->close_is_told ? 0 : LANE_CLOSE_COPIES;
	set_state(lane, LANE_OVER, lane->close_reason, lane->close_text);
}

static void reap_flows(struct lane *lane)
{
	struct list_node *node;

	while ((node = list_pop(&lane->dead))) {
		struct flow *flow = LIST_ENTRY(node, struct flow, dead_node);

		tell_closed(flow, flow->end_reason);
		flow_free(flow);
	}
}

void lane_enter(struct lane *lane)
{
	lane->depth++;
}

void lane_leave(struct lane *lane)
{
	if (lane->depth == 1) {
		if (!lane_is_over(lane)) {
			lane_update_window(lane);
			reap_flows(lane);
			/* Idle flows own nothing. */
			if (lane->small_chunk && lane->small_chunk->refs == 1)
				lane_drop_small_chunk(lane);
		}
		if (lane->is_closing && lane->state != LANE_OVER)
			become_over(lane);
	}
	lane->depth--;
}

static void note_end(struct lane *lane, enum reason reason, bool is_told)
{
	lane->is_closing = true;
	lane->close_reason = reason;
	lane->close_is_told = is_told;
}

void lane_fail(struct lane *lane, enum reason reason, const char *format, ...)
{
	va_list arguments;

	if (lane_is_over(lane))
		return;
	va_start(arguments, format);
	vsnprintf(lane->close_text, sizeof(lane->close_text), format, arguments);
	va_end(arguments);
	note_end(lane, reason, false);
}

void lane_end(struct lane *lane, enum reason reason, const char *text)
{
	if (lane_is_over(lane))
		return;
	snprintf(lane->close_text, sizeof(lane->close_text), "%s", text);
	note_end(lane, reason, true);
}

void lane_close(struct lane *lane, enum reason reason, const char *text, uint64_t now_us)
{
	lane->now_us = now_us;
	lane_enter(lane);
	lane_fail(lane, reason, "%s", text ? text : "");
	lane_leave(lane);
}

static bool let_go(struct flow *flow, enum reason reason)
{
	if (flow->open.kind != FLOW_TCP || flow->is_refused || flow->is_let_go)
		return false;
	flow_reset(flow, reason);
	tell_closed(flow, reason);
	flow->is_let_go = true;
	return true;
}

/* The table stays as it is meanwhile: a lane that is down opens no flows, and frees them when it is left. */
size_t lane_reset_streams(struct lane *lane, enum reason reason, uint64_t now_us)
{
	size_t count = 0;

	if (lane->state != LANE_DOWN)
		return 0;
	lane->now_us = now_us;
	lane_enter(lane);
	for (uint32_t i = 0; i < lane->flows.slot_count; i++) {
		for (struct flow *flow = lane->flows.slots[i]; flow; flow = flow->table_next)
			count += let_go(flow, reason);
	}
	lane_leave(lane);
	return count;
}

void lane_on_arrival(struct lane *lane)
{
	bool was_away = lane->state == LANE_SUSPECT || lane->state == LANE_DOWN;

	lane->last_arrival_us = lane->now_us;
	lane->waiting_since_us = 0;
	if (lane->state == LANE_UP)
		return;
	if (lane->state == LANE_PENDING)
		lane->up_since_us = lane->now_us;
	/* The answer to a ping tells at once what of the flight is lost, not only the next probe timeout. */
	if (was_away)
		lane->ping_is_due = true;
	set_state(lane, LANE_UP, REASON_NONE, "");
}

static uint64_t within(uint64_t value, uint64_t least, uint64_t most)
{
	if (value < least)
		return least;
	return value < most ? value : most;
}

static uint64_t suspect_at_us(const struct lane *lane)
{
	return lane->waiting_since_us
	       + within(path_pto_us(&lane->path), LANE_SUSPECT_US, LANE_SUSPECT_MAX_US);
}

static uint64_t down_at_us(const struct lane *lane)
{
	return lane->waiting_since_us
	       + within(2 * path_pto_us(&lane->path), LANE_DOWN_US, LANE_DOWN_MAX_US);
}

static void check_silence(struct lane *lane)
{
	if (lane->now_us - lane->last_arrival_us >= LANE_OVER_US) {
		lane_end(lane, REASON_LANE_LOST, "silent");
		return;
	}
	if (!lane->waiting_since_us || lane->state == LANE_PENDING)
		return;
	if (lane->now_us >= down_at_us(lane))
		set_state(lane, LANE_DOWN, REASON_NONE, "");
	else if (lane->now_us >= suspect_at_us(lane) && lane->state == LANE_UP)
		set_state(lane, LANE_SUSPECT, REASON_NONE, "");
}

static uint64_t silence_timer_us(const struct lane *lane)
{
	uint64_t at = lane->last_arrival_us + LANE_OVER_US;

	if (lane->waiting_since_us && lane->state == LANE_UP && suspect_at_us(lane) < at)
		at = suspect_at_us(lane);
	if (lane->waiting_since_us && lane->state == LANE_SUSPECT && down_at_us(lane) < at)
		at = down_at_us(lane);
	return at;
}

void lane_on_timer(struct lane *lane, uint64_t now_us)
{
	if (lane->state == LANE_OVER)
		return;
	lane->now_us = now_us;
	lane_enter(lane);
	if (path_timer_us(&lane->path) <= now_us)
		lane->probes_due += path_on_timer(&lane->path, now_us, lane_on_fate, lane);
	if (lane_ping_timer_us(lane) <= now_us)
		lane->ping_is_due = true;
	reassembly_expire(&lane->reassembly, &lane->budget, now_us);
	lane_drop_old_datagrams(lane);
	lane_repair_on_timer(lane);
	check_silence(lane);
	lane_wake_writers(lane);
	lane_leave(lane);
}

void lane_on_refused(struct lane *lane, uint16_t packet_bytes, uint64_t now_us)
{
	lane->now_us = now_us;
	path_on_refused(&lane->path, packet_bytes, now_us);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t lane_timer_us(const struct lane *lane)
{
	uint64_t at;

	if (lane->state == LANE_OVER)
		return lane->close_copies ? lane->now_us : UINT64_MAX;
	if (lane->ping_is_due || lane->probes_due)
		return lane->now_us;
	at = earlier(path_timer_us(&lane->path), received_timer_us(&lane->received));
	at = earlier(at, lane_ping_timer_us(lane));
	at = earlier(at, silence_timer_us(lane));
	at = earlier(at, reassembly_timer_us(&lane->reassembly));
	at = earlier(at, lane_mtu_timer_us(lane));
	at = earlier(at, lane_warm_up_timer_us(lane));
	at = earlier(at, lane_move_timer_us(lane));
	if (lane_repair_timer_us(lane) > lane->now_us)
		at = earlier(at, lane_repair_timer_us(lane));
	if (lane_has_frames(lane) || lane_repair_timer_us(lane) <= lane->now_us)
		at = earlier(at, lane_room_timer_us(lane));
	return at;
}

uint64_t lane_rate_Bps(const struct lane *lane)
{
	uint64_t rate_Bps = path_rate_Bps(&lane->path);

	if (rate_Bps > 0)
		return rate_Bps;
	return path_window_bytes(&lane->path) * 1000000 / (lane->path.rtt.smoothed_us + 1);
}

enum lane_state lane_state(const struct lane *lane)
{
	return lane->state;
}

void *lane_context(const struct lane *lane)
{
	return lane->config.context;
}

static void get_path_stats(const struct path *path, struct lane_stats *stats)
{
	stats->rtt_latest_us = path->rtt.latest_us;
	stats->rtt_smoothed_us = path->rtt.samples ? path->rtt.smoothed_us : 0;
	stats->rtt_min_us = path->rtt.min_us;
	stats->rtt_variation_us = path->rtt.samples ? path->rtt.variation_us : 0;
	stats->jitter_us = rtt_jitter_us(&path->rtt);
	stats->congestion_window_bytes = path_window_bytes(path);
	stats->bytes_in_flight = path->sent.in_flight_bytes;
	stats->pacing_rate_bps = 8 * path_pacing_rate_Bps(path);
	stats->packets_sent = path->counters.packets_sent;
	stats->bytes_sent = path->counters.bytes_sent;
	stats->packets_lost = path->counters.packets_lost;
	stats->packets_spurious = path->counters.packets_spurious;
	stats->probe_timeouts = path->counters.probe_timeouts;
	stats->ecn_marks = path->counters.ecn_marks;
	stats->packet_bytes = path->packet_bytes;
	stats->mtu_probes = path->pmtu.probes;
	stats->mtu_black_holes = path->pmtu.black_holes;
}

void lane_get_stats(const struct lane *lane, struct lane_stats *stats)
{
	const struct lane_counters *counters = &lane->counters;

	*stats = (struct lane_stats){
	    .state = lane->state,
	    .up_since_us = lane->up_since_us,
	    .last_arrival_us = lane->last_arrival_us,
	    .packets_received = counters->packets_received,
	    .bytes_received = counters->bytes_received,
	    .packets_retransmitted = counters->packets_retransmitted,
	    .packets_forged = counters->packets_forged,
	    .packets_replayed = counters->packets_replayed,
	    .packets_malformed = counters->packets_malformed,
	    .key_changes = lane->epochs.changes,
	    .address_changes = lane->migration.moves,
	    .address_refusals = lane->migration.refusals,
	    .datagrams_sent = counters->datagrams_sent,
	    .datagrams_received = counters->datagrams_received,
	    .datagrams_queue_dropped = counters->datagrams_dropped,
	    .datagrams_incomplete = lane->reassembly.incomplete,
	    .datagrams_late = counters->datagrams_late,
	    .datagrams_retransmitted = counters->datagrams_retransmitted,
	    .flows_opened = counters->flows_opened,
	    .flows_refused = counters->flows_refused,
	    .opens_put_off = counters->opens_put_off,
	    .flows_now = lane->flows.count,
	    .flows_turned_bulk = counters->flows_turned_bulk,
	    .flows_refused_memory = counters->flows_refused_memory,
	    .flows_held = counters->flows_held,
	    .memory_bytes = lane->budget.used_bytes,
	    .memory_peak_bytes = lane->budget.peak_bytes,
	};
	get_path_stats(&lane->path, stats);
	lane_repair_get_stats(lane, stats);
}
