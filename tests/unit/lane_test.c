/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lanes end to end: two of them in memory, under a virtual clock.  A failure repeats by its seed.
 */
#include "config.h"

#include "base/err.h"
#include "tests/unit/cmocka_all.h"
#include "tests/unit/lane_pair.h"
#include "tunnel/limits.h"
#include "tunnel/loss_meter.h"
#include "tunnel/path_limits.h"

#define SECOND_US UINT64_C(1000000)

/* The flow at the endpoint that belongs to one of the listener. */
static struct app_flow *peer_of(struct pair *pair, const struct app_flow *app)
{
	struct app_flow *peer = side_find(&pair->endpoint, app->id);

	assert_non_null(peer);
	return peer;
}

static void lanes_come_up_and_stay(void **state)
{
	struct pair pair;
	struct lane_stats stats;
	uint64_t learning_pkts;

	(void)state;
	pair_init(&pair, &(struct pair_options){.delay_us = 20000});
	pair_run(&pair, 10 * SECOND_US);
	learning_pkts = pair.endpoint.packets;
	pair_run(&pair, 60 * SECOND_US);
	assert_int_equal(pair.listener.state, LANE_UP);
	assert_int_equal(pair.endpoint.state, LANE_UP);
	lane_get_stats(pair.listener.lane, &stats);
	assert_in_range(stats.rtt_min_us, 40000, 40500);
	assert_int_equal(stats.packets_lost, 0);
	/* While rate and loss are learned; then a ping and an ack a second and side, or less where one carries the other. */
	assert_in_range(learning_pkts,
	    LOSS_METER_KNOWN_PKTS + WARM_UP_MOST_BYTES / PACKET_MIN_BYTES / 2,
	    2 * (LOSS_METER_KNOWN_PKTS + WARM_UP_MOST_BYTES / PACKET_MIN_BYTES));
	assert_in_range(pair.endpoint.packets - learning_pkts, 60, 200);
	assert_true(pair.listener.rtt_samples > 50);
	pair_free(&pair);
}

static void transfers_both_ways_and_closes(void **state)
{
	struct pair pair;
	struct app_flow *app;

	(void)state;
	pair_init(&pair, &(struct pair_options){.delay_us = 10000});
	pair.endpoint.echo = true;
	app = pair_open(&pair, FLOW_TCP);
	app_write(app, 3000000, true);
	assert_true(pair_run_until_closed(&pair, 20 * SECOND_US));
	assert_int_equal(app->received, 3000000);
	assert_true(app->got_finish);
	assert_int_equal(app->closed_reason, REASON_NONE);
	assert_int_equal(peer_of(&pair, app)->received, 3000000);
	assert_true(peer_of(&pair, app)->got_finish);
	pair_free(&pair);
}

static void congestion_control_changes_while_it_runs(void **state)
{
	struct pair pair;
	struct app_flow *app;

	(void)state;
	pair_init(&pair, &(struct pair_options){.delay_us = 10000});
	pair.endpoint.echo = true;
	app = pair_open(&pair, FLOW_TCP);
	app_write(app, 3000000, true);
	for (enum lane_congestion kind = LANE_BBR; kind <= LANE_FIXED; kind++) {
		struct lane_stats stats;

		pair_run(&pair, 50000);
		assert_int_equal(
		    lane_set_congestion(pair.listener.lane, LANE_FIXED, 0, pair.now_us),
		    ERR_INVALID);
		assert_int_equal(
		    lane_set_congestion(pair.listener.lane, kind, 2500000, pair.now_us), 0);
		lane_get_stats(pair.listener.lane, &stats);
		if (kind == LANE_FIXED)
			assert_int_equal(stats.pacing_rate_bps, 20000000);
	}
	assert_true(pair_run_until_closed(&pair, 20 * SECOND_US));
	assert_int_equal(app->received, 3000000);
	pair_free(&pair);
}

static void survives_loss_reordering_and_duplication(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 10; seed++) {
		struct pair pair;
		struct app_flow *apps[5];

		pair_init(&pair, &(struct pair_options){.seed = seed});
		pair.endpoint.loss = pair.listener.loss = 0.05;
		pair.endpoint.reordering = pair.listener.reordering = 0.05;
		pair.endpoint.duplication = pair.listener.duplication = 0.02;
		pair.endpoint.echo = true;
		for (int i = 0; i < 5; i++) {
			apps[i] = pair_open(&pair, FLOW_TCP);
			app_write(apps[i], 200000 * ((uint64_t)i + 1), true);
		}
		if (!pair_run_until_closed(&pair, 120 * SECOND_US))
			fail_msg("not done in 120 s (seed %llu)", (unsigned long long)seed);
		for (int i = 0; i < 5; i++)
			assert_int_equal(apps[i]->received, 200000 * (i + 1));
		pair_free(&pair);
	}
}

static void a_slow_reader_stops_only_its_own_flow(void **state)
{
	struct pair pair;
	struct app_flow *slow, *fast;
	struct lane_stats stats;

	(void)state;
	pair_init(&pair, &(struct pair_options){0});
	pair.endpoint.take_limit = 1000;
	slow = pair_open(&pair, FLOW_TCP);
	app_write(slow, 5000000, true);
	pair_run(&pair, SECOND_US);
	pair.endpoint.take_limit = UINT64_MAX;
	fast = pair_open(&pair, FLOW_TCP);
	app_write(fast, 5000000, true);
	pair_run(&pair, 5 * SECOND_US);
	assert_true(peer_of(&pair, fast)->got_finish);
	assert_int_equal(peer_of(&pair, slow)->received, 1000);
	assert_int_equal(
	    flow_kept_bytes(peer_of(&pair, slow)->flow), FLOW_WINDOW_START_BYTES - 1000);
	lane_get_stats(pair.endpoint.lane, &stats);
	assert_in_range(stats.memory_bytes, FLOW_WINDOW_START_BYTES - 1000,
	    (FLOW_WINDOW_START_BYTES + 2 * CHUNK_BYTES) / 8 * 9);
	peer_of(&pair, slow)->take_limit = UINT64_MAX;
	flow_resume(peer_of(&pair, slow)->flow);
	app_write(peer_of(&pair, slow), 0, true);
	app_write(peer_of(&pair, fast), 0, true);
	assert_true(pair_run_until_closed(&pair, 10 * SECOND_US));
	assert_int_equal(peer_of(&pair, slow)->received, 5000000);
	pair_free(&pair);
}

static void what_waits_in_many_flows_does_not_stop_a_new_one(void **state)
{
	struct pair pair;
	struct app_flow *app;

	(void)state;
	pair_init(&pair, &(struct pair_options){.delay_us = 100000});
	for (int i = 0; i < 100; i++)
		app_write(pair_open(&pair, FLOW_TCP), 1000000, false);
	pair_run(&pair, 400000);
	app = pair_open(&pair, FLOW_TCP);
	app_write(app, 100, false);
	pair_run(&pair, SECOND_US);
	assert_int_equal(peer_of(&pair, app)->received, 100);
	pair_free(&pair);
}

static void each_direction_ends_by_itself(void **state)
{
	struct pair pair;
	struct app_flow *app, *peer;

	(void)state;
	pair_init(&pair, &(struct pair_options){0});
	app = pair_open(&pair, FLOW_TCP);
	app_write(app, 0, true);
	pair_run(&pair, SECOND_US);
	peer = peer_of(&pair, app);
	assert_true(peer->got_finish);
	assert_false(app->got_finish);
	app_write(peer, 100000, false);
	pair_run(&pair, SECOND_US);
	assert_int_equal(app->received, 100000);
	assert_int_equal(flow_write(app->flow, &(struct slice){.length = 1}), ERR_STATE);
	app_write(peer, 0, true);
	assert_true(pair_run_until_closed(&pair, SECOND_US));
	assert_int_equal(app->closed_reason, REASON_NONE);
	assert_int_equal(peer->closed_reason, REASON_NONE);
	pair_free(&pair);
}

static void a_flow_opens_without_bytes(void **state)
{
	struct pair pair;
	struct app_flow *app;

	(void)state;
	pair_init(&pair, &(struct pair_options){0});
	app = pair_open(&pair, FLOW_TCP);
	pair.endpoint.drop_next = 1; /* its OPEN is lost once */
	pair_run(&pair, SECOND_US);
	app_write(peer_of(&pair, app), 10, true);
	app_write(app, 0, true);
	assert_true(pair_run_until_closed(&pair, SECOND_US));
	assert_int_equal(app->received, 10);
	pair_free(&pair);
}

static void a_reset_ends_both_directions_on_both_sides(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 8; seed++) {
		struct pair pair;
		struct app_flow *app, *peer;

		pair_init(&pair, &(struct pair_options){.seed = seed});
		pair.endpoint.loss = pair.listener.loss = 0.1;
		app = pair_open(&pair, FLOW_TCP);
		app_write(app, 1000000, false);
		pair_run(&pair, SECOND_US / 2);
		peer = peer_of(&pair, app);
		app_write(peer, 1000000, false);
		pair_run(&pair, 20000 * seed);
		flow_reset(seed & 1 ? app->flow : peer->flow, REASON_TCP_RESET);
		if (!pair_run_until_closed(&pair, 5 * SECOND_US))
			fail_msg("not closed (seed %llu)", (unsigned long long)seed);
		assert_true((seed & 1 ? peer : app)->got_reset);
		assert_true((seed & 1 ? peer : app)->got_stop);
		assert_int_equal(app->closed_reason, REASON_TCP_RESET);
		assert_int_equal(peer->closed_reason, REASON_TCP_RESET);
		assert_false((seed & 1 ? app : peer)->got_reset);
		pair_free(&pair);
	}
}

static void a_refused_flow_is_reset(void **state)
{
	struct pair pair;
	struct app_flow *app;
	struct lane_stats stats;

	(void)state;
	pair_init(&pair, &(struct pair_options){0});
	pair.endpoint.refuse_with = REASON_NO_BACKEND;
	app = pair_open(&pair, FLOW_TCP);
	app_write(app, 100000, false);
	assert_true(pair_run_until_closed(&pair, SECOND_US));
	assert_int_equal(app->reset_reason, REASON_NO_BACKEND);
	assert_int_equal(app->stop_reason, REASON_NO_BACKEND);
	assert_int_equal(app->closed_reason, REASON_NO_BACKEND);
	assert_int_equal(pair.endpoint.opened, 0);
	pair_run(&pair, SECOND_US);
	lane_get_stats(pair.endpoint.lane, &stats);
	assert_int_equal(stats.flows_now, 0);
	assert_int_equal(stats.flows_refused, 1);
	pair_free(&pair);
}

/* More than the endpoint remembers at once: all are told in the end, and the flow before goes on. */
static void many_refused_flows_are_all_reset(void **state)
{
	enum { FLOWS = 3 * REFUSED_FLOWS_MAX };
	static struct app_flow *refused[FLOWS];
	struct pair pair;
	struct app_flow *good;
	struct lane_stats stats;

	(void)state;
	pair_init(&pair, &(struct pair_options){.delay_us = 50000});
	good = pair_open(&pair, FLOW_TCP);
	app_write(good, 1000, false);
	pair_run(&pair, SECOND_US);
	pair.endpoint.refuse_with = REASON_LIMIT;
	for (int i = 0; i < FLOWS; i++)
		refused[i] = pair_open(&pair, FLOW_TCP);
	pair_run(&pair, 10 * SECOND_US);
	for (int i = 0; i < FLOWS; i++)
		assert_int_equal(refused[i]->reset_reason, REASON_LIMIT);
	lane_get_stats(pair.endpoint.lane, &stats);
	assert_int_equal(stats.flows_refused, FLOWS);
	assert_true(stats.opens_put_off > 0);
	app_write(good, 1000, false);
	pair_run(&pair, SECOND_US);
	assert_int_equal(peer_of(&pair, good)->received, 2000);
	pair_free(&pair);
}

static void datagrams_of_all_sizes_arrive(void **state)
{
	static const size_t sizes[] = {0, 1, 100, 1100, 1172, 1500, 9000, 65507};
	struct pair pair;
	struct app_flow *app;
	uint64_t bytes = 0;

	(void)state;
	pair_init(&pair, &(struct pair_options){0});
	app = pair_open(&pair, FLOW_UDP);
	pair.endpoint.reordering = 0.3;
	pair.endpoint.duplication = 0.3;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_int_equal(app_send_datagram(app, sizes[i]), 0);
		bytes += sizes[i];
		pair_run(&pair, SECOND_US / 2);
		assert_int_equal(peer_of(&pair, app)->datagrams, i + 1);
	}
	assert_int_equal(peer_of(&pair, app)->datagram_bytes, bytes);
	assert_int_equal(app_send_datagram(app, DATAGRAM_MAX_BYTES + 1), ERR_TOO_LARGE);
	app_write(app, 0, true);
	app_write(peer_of(&pair, app), 0, true);
	assert_true(pair_run_until_closed(&pair, SECOND_US));
	pair_free(&pair);
}

/* One system call for all of them where nothing is lost: no packet is so much shorter than the first that the batch ends. */
static void equal_datagrams_go_in_one_batch(void **state)
{
	enum { DATAGRAMS = 40, BYTES = 200 };
	static uint8_t memory[65536];
	struct lane_batch batch = {.data = memory, .size_bytes = sizeof(memory)};
	struct pair pair;
	struct app_flow *app;

	(void)state;
	pair_init(&pair, &(struct pair_options){0});
	app = pair_open(&pair, FLOW_UDP);
	pair_run(&pair, 6 * SECOND_US); /* nothing was lost: there is nothing to repair */
	for (int i = 0; i < DATAGRAMS; i++)
		assert_int_equal(app_send_datagram(app, BYTES), 0);
	assert_in_range(lane_send(app->side->lane, &batch, pair.now_us), 2, DATAGRAMS / 4);
	assert_true(batch.length_bytes > DATAGRAMS * BYTES);
	assert_int_equal(lane_send(app->side->lane, &batch, pair.now_us), 0);
	pair_free(&pair);
}

static void datagrams_are_lost_but_never_doubled(void **state)
{
	struct pair pair;
	struct app_flow *app;
	struct lane_stats stats;

	(void)state;
	pair_init(&pair, &(struct pair_options){0});
	pair.endpoint.loss = 0.1;
	pair.endpoint.duplication = 0.1;
	app = pair_open(&pair, FLOW_UDP);
	flow_set_policy(app->flow, &(struct flow_policy){.class = CLASS_REALTIME});
	for (int i = 0; i < 2000; i++) {
		assert_int_equal(app_send_datagram(app, 200), 0);
		pair_run(&pair, 2000);
	}
	pair_run(&pair, SECOND_US);
	assert_in_range(peer_of(&pair, app)->datagrams, 1700, 1900);
	for (int i = 0; i < 100; i++) {
		app_send_datagram(app, 20000);
		pair_run(&pair, 20000);
	}
	pair_run(&pair, 3 * SECOND_US);
	lane_get_stats(pair.endpoint.lane, &stats);
	assert_true(stats.datagrams_incomplete > 10);
	assert_int_equal(stats.memory_bytes, 0);
	pair_free(&pair);
}

static void old_datagrams_are_dropped_not_queued(void **state)
{
	struct pair pair;
	struct app_flow *app;
	struct lane_stats stats;
	unsigned queued = 0;

	(void)state;
	pair_init(&pair, &(struct pair_options){.delay_us = 50000});
	app = pair_open(&pair, FLOW_UDP);
	while (app_send_datagram(app, 60000) == 0)
		queued++;
	/* One flow fills half of the queue. */
	assert_in_range(queued, 30, 35);
	pair_run(&pair, 2 * SECOND_US);
	lane_get_stats(pair.listener.lane, &stats);
	assert_in_range(stats.datagrams_queue_dropped, queued / 2, queued);
	assert_int_equal(stats.memory_bytes, 0);
	assert_int_equal(app_send_datagram(app, 100), 0);
	pair_free(&pair);
}

static void keys_change_by_time_under_traffic(void **state)
{
	struct pair pair;
	struct app_flow *app;
	struct lane_stats stats;

	(void)state;
	pair_init(&pair, &(struct pair_options){0});
	pair.endpoint.loss = pair.listener.loss = 0.02;
	pair.endpoint.reordering = pair.listener.reordering = 0.1;
	pair.endpoint.echo = true;
	app = pair_open(&pair, FLOW_TCP);
	for (int i = 0; i < 500; i++) {
		app_write(app, 10000, i == 499);
		pair_run(&pair, SECOND_US);
	}
	assert_true(pair_run_until_closed(&pair, 5 * SECOND_US));
	assert_int_equal(app->received, 5000000);
	lane_get_stats(pair.listener.lane, &stats);
	assert_in_range(stats.key_changes, 6, 10);
	assert_in_range(stats.packets_forged, 0, 2);
	lane_get_stats(pair.endpoint.lane, &stats);
	assert_in_range(stats.key_changes, 6, 10);
	pair_free(&pair);
}

/* A download; how long it took, and its longest pause. */
static uint64_t download_with_keys(uint64_t epoch_pkts, uint64_t *gap_us, uint64_t *changes)
{
	struct pair pair;
	struct app_flow *app;
	struct lane_stats stats;
	uint64_t began_us;

	pair_init(&pair, &(struct pair_options){.delay_us = 10000, .epoch_pkts = epoch_pkts});
	app = pair_open(&pair, FLOW_TCP);
	app_write(app, 0, true);
	pair_run(&pair, 100000);
	began_us = pair.now_us;
	app_write(peer_of(&pair, app), 20000000, true);
	assert_true(pair_run_until_closed(&pair, 60 * SECOND_US));
	assert_int_equal(app->received, 20000000);
	began_us = pair.now_us - began_us;
	*gap_us = app->longest_gap_us;
	lane_get_stats(pair.listener.lane, &stats);
	assert_int_equal(stats.packets_forged, 0);
	lane_get_stats(pair.endpoint.lane, &stats);
	assert_int_equal(stats.packets_forged, 0);
	assert_int_equal(stats.packets_lost, 0);
	assert_int_equal(stats.probe_timeouts, 0);
	*changes = stats.key_changes;
	pair_free(&pair);
	return began_us;
}

static void keys_change_under_load_without_a_stall(void **state)
{
	uint64_t gap_us, changes, gap_without_us, changes_without;
	uint64_t without_us = download_with_keys(0, &gap_without_us, &changes_without);
	uint64_t with_us = download_with_keys(50, &gap_us, &changes);

	(void)state;
	assert_int_equal(changes_without, 0);
	assert_true(changes >= 5);
	assert_in_range(with_us, 0, without_us + 1000);
	assert_in_range(gap_us, 0, gap_without_us + 1000);
}

static void packets_grow_to_what_the_path_carries(void **state)
{
	struct pair pair;
	struct lane_stats stats;
	struct app_flow *app;

	(void)state;
	pair_init(&pair, &(struct pair_options){.delay_us = 10000, .packet_bytes = 8952});
	lane_get_stats(pair.listener.lane, &stats);
	assert_int_equal(stats.packet_bytes, 8952);
	assert_int_equal(stats.mtu_probes, 4);
	app = pair_open(&pair, FLOW_TCP);
	app_write(app, 3000000, false);
	pair_run(&pair, 2 * SECOND_US);
	assert_int_equal(peer_of(&pair, app)->received, 3000000);
	/* Acknowledgements and pings besides; at the least size it were 2,500. */
	assert_in_range(pair.endpoint.packets, 3000000 / 8952, 700);
	/* What the device refuses is not tried again. */
	lane_on_refused(pair.listener.lane, 8952, pair.now_us);
	pair_run(&pair, SECOND_US);
	lane_get_stats(pair.listener.lane, &stats);
	assert_in_range(stats.packet_bytes, 8872, 8951);
	assert_int_equal(stats.mtu_black_holes, 1);
	pair_free(&pair);
}

static void an_outage_is_survived(void **state)
{
	static const uint64_t outages_us[] = {350000, 3000000, 20000000};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct pair pair;
		struct app_flow *app;

		pair_init(&pair, &(struct pair_options){.delay_us = 30000});
		app = pair_open(&pair, FLOW_TCP);
		app_write(app, 4000000, true);
		pair_run(&pair, SECOND_US / 4);
		pair.endpoint.is_cut = pair.listener.is_cut = true;
		pair_run(&pair, outages_us[i]);
		assert_int_equal(pair.listener.state, i == 0 ? LANE_SUSPECT : LANE_DOWN);
		assert_int_equal(pair.endpoint.state, i == 0 ? LANE_SUSPECT : LANE_DOWN);
		pair.endpoint.is_cut = pair.listener.is_cut = false;
		pair_run(&pair, 700000);
		assert_int_equal(pair.listener.state, LANE_UP);
		assert_int_equal(pair.endpoint.state, LANE_UP);
		app_write(peer_of(&pair, app), 0, true);
		if (!pair_run_until_closed(&pair, 10 * SECOND_US))
			fail_msg("not done after an outage of %llu us",
			    (unsigned long long)outages_us[i]);
		assert_int_equal(peer_of(&pair, app)->received, 4000000);
		pair_free(&pair);
	}
}

static bool has_long_pto(const struct app_side *side)
{
	struct lane_stats now;

	lane_get_stats(side->lane, &now);
	return now.rtt_smoothed_us + 4 * now.rtt_variation_us > LANE_DOWN_MAX_US;
}

/* Packets stood still for seconds, and then the path is cut: the samples of that do not delay the notice. */
static void after_a_stall_a_cut_is_noticed(void **state)
{
	struct pair pair;

	(void)state;
	pair_init(&pair, &(struct pair_options){.delay_us = 10000});
	pair_open(&pair, FLOW_TCP);
	pair_run(&pair, SECOND_US);
	pair.delay_us = 4 * SECOND_US;
	pair_run(&pair, 2 * PING_FLOWS_US);
	pair.delay_us = 10000;
	pair.endpoint.is_cut = pair.listener.is_cut = true;
	pair_run(&pair, 4 * SECOND_US - 2 * PING_FLOWS_US - 1000);
	pair.endpoint.is_cut = pair.listener.is_cut = false;
	for (int ms = 0; !has_long_pto(&pair.listener); pair_run(&pair, 1000))
		assert_in_range(++ms, 1, 60);
	assert_int_equal(pair.listener.state, LANE_UP);
	pair.endpoint.is_cut = pair.listener.is_cut = true;
	/* What is on the wire arrives, and the next ping begins the wait. */
	pair_run(&pair, 3 * PING_FLOWS_US + LANE_SUSPECT_MAX_US);
	assert_int_equal(pair.listener.state, LANE_SUSPECT);
	assert_int_equal(pair.endpoint.state, LANE_SUSPECT);
	pair_run(&pair, LANE_DOWN_MAX_US - LANE_SUSPECT_MAX_US);
	assert_int_equal(pair.listener.state, LANE_DOWN);
	assert_int_equal(pair.endpoint.state, LANE_DOWN);
	pair_free(&pair);
}

static void a_silent_lane_is_over(void **state)
{
	struct pair pair;
	struct app_flow *app;

	(void)state;
	pair_init(&pair, &(struct pair_options){0});
	app = pair_open(&pair, FLOW_TCP);
	pair_run(&pair, SECOND_US);
	pair.endpoint.is_cut = pair.listener.is_cut = true;
	pair_run(&pair, 31 * SECOND_US);
	assert_int_equal(pair.listener.state, LANE_OVER);
	assert_int_equal(pair.endpoint.state, LANE_OVER);
	assert_int_equal(pair.listener.over_reason, REASON_LANE_LOST);
	assert_int_equal(app->closed_reason, REASON_LANE_LOST);
	assert_true(app->is_closed);
	pair_free(&pair);
}

static void close_tells_the_peer(void **state)
{
	struct pair pair;
	struct app_flow *app;

	(void)state;
	pair_init(&pair, &(struct pair_options){0});
	app = pair_open(&pair, FLOW_TCP);
	app_write(app, 1000000, false);
	pair_run(&pair, 25000);
	pair.endpoint.drop_next = 1;
	lane_close(pair.listener.lane, REASON_DRAINED, "bye \x01", pair.now_us);
	assert_int_equal(pair.listener.state, LANE_OVER);
	assert_true(app->is_closed);
	assert_int_equal(app->closed_reason, REASON_DRAINED);
	pair_run(&pair, 50000);
	assert_int_equal(pair.endpoint.state, LANE_OVER);
	assert_int_equal(pair.endpoint.over_reason, REASON_DRAINED);
	assert_string_equal(pair.endpoint.over_text, "bye ?");
	assert_int_equal(peer_of(&pair, app)->closed_reason, REASON_DRAINED);
	pair_free(&pair);
}

static void ten_thousand_flows_leave_nothing(void **state)
{
	struct pair pair;
	struct lane_stats stats;

	(void)state;
	pair_init(&pair, &(struct pair_options){.delay_us = 5000});
	pair.endpoint.loss = pair.listener.loss = 0.01;
	pair.endpoint.echo = true;
	for (int i = 0; i < 10000; i++) {
		app_write(pair_open(&pair, FLOW_TCP), 300, true);
		if (i % 10 == 0)
			pair_run(&pair, 1000);
	}
	assert_true(pair_run_until_closed(&pair, 20 * SECOND_US));
	assert_int_equal(pair.endpoint.closed, 10000);
	for (struct app_flow *app = pair.listener.flows; app; app = app->next)
		assert_int_equal(app->received, 300);
	lane_get_stats(pair.listener.lane, &stats);
	assert_int_equal(stats.flows_now, 0);
	assert_int_equal(stats.memory_bytes, stats.repair_memory_bytes);
	assert_int_equal(chunk_pool_used_bytes(pair.listener.pool), 0);
	assert_int_equal(chunk_pool_used_bytes(pair.endpoint.pool), 0);
	pair_free(&pair);
}

static void one_flow_fills_a_long_path(void **state)
{
	struct pair pair;
	struct app_flow *app;
	uint64_t began_us;

	(void)state;
	pair_init(&pair, &(struct pair_options){.delay_us = 55000});
	app = pair_open(&pair, FLOW_TCP);
	began_us = pair.now_us;
	app_write(app, 30000000, true);
	app_write(pair_open(&pair, FLOW_TCP), 0, true);
	while (!side_find(&pair.endpoint, app->id) || !peer_of(&pair, app)->got_finish)
		pair_run(&pair, 10000);
	/* Without a bottleneck windows double each round trip: 30 MB within some 15 of them. */
	assert_in_range(pair.now_us - began_us, 1, 2 * SECOND_US);
	pair_free(&pair);
}

static void open_is_refused_above_the_cap(void **state)
{
	struct pair pair;
	struct flow_open open = {.kind = FLOW_TCP};
	struct flow *flow;

	(void)state;
	pair_init(&pair, &(struct pair_options){.max_flows = 3});
	for (int i = 0; i < 3; i++)
		pair_open(&pair, FLOW_TCP);
	assert_int_equal(
	    flow_open(pair.listener.lane, &open, NULL, &flow, pair.now_us), ERR_INVALID);
	open.user = addr_any(4, 1);
	open.local = addr_any(6, 1);
	assert_int_equal(flow_open(pair.listener.lane, &open, NULL, &flow, pair.now_us), ERR_LIMIT);
	assert_int_equal(flow_open(pair.endpoint.lane, &open, NULL, &flow, pair.now_us), ERR_STATE);
	pair_free(&pair);
}

/* One random life of two lanes: links of all qualities, flows of both kinds, slow readers, resets, cuts. */
static void live_randomly(uint64_t seed)
{
	struct pair pair;
	struct rng rng;
	unsigned flows;

	rng_seed(&rng, seed);
	pair_init(
	    &pair, &(struct pair_options){.seed = seed, .delay_us = 500 + rng_below(&rng, 100000)});
	pair.endpoint.loss = rng_uniform(&rng) * 0.15;
	pair.listener.loss = rng_uniform(&rng) * 0.15;
	pair.endpoint.reordering = pair.listener.reordering = rng_uniform(&rng) * 0.2;
	pair.endpoint.duplication = pair.listener.duplication = rng_uniform(&rng) * 0.1;
	flows = 1 + (unsigned)rng_below(&rng, 30);
	for (unsigned i = 0; i < flows; i++) {
		struct app_flow *app = pair_open(&pair, rng_below(&rng, 4) ? FLOW_TCP : FLOW_UDP);
		uint64_t what = rng_below(&rng, 5);

		app->take_limit = what == 0 ? rng_below(&rng, 30000) : UINT64_MAX;
		if (app->kind == FLOW_TCP)
			app_write(app, rng_below(&rng, 200000), what == 1);
		else
			app_send_datagram(app, rng_below(&rng, DATAGRAM_MAX_BYTES + 1));
		pair.endpoint.take_limit = what == 2 ? rng_below(&rng, 30000) : UINT64_MAX;
		pair_run(&pair, rng_below(&rng, 300000));
		if (what == 3)
			flow_reset(app->flow, REASON_IDLE);
		pair.endpoint.is_cut = rng_below(&rng, 20) == 0;
	}
	pair.endpoint.is_cut = false;
	pair_run(&pair, SECOND_US);
	/* Flows that the endpoint hears of only now end by themselves. */
	pair.endpoint.echo = true;
	pair.endpoint.take_limit = UINT64_MAX;
	for (struct app_flow *app = pair.listener.flows; app; app = app->next) {
		struct app_flow *peer = side_find(&pair.endpoint, app->id);

		for (int i = 0; i < 2; i++) {
			struct app_flow *end = i ? peer : app;

			if (!end || !end->flow)
				continue;
			end->take_limit = UINT64_MAX;
			flow_resume(end->flow);
			if (rng_below(&rng, 10) == 0 && end->flow)
				flow_reset(end->flow, REASON_EVICTED);
			else if (end->flow && !end->finish_when_written)
				app_write(
				    end, app->kind == FLOW_TCP ? rng_below(&rng, 100000) : 0, true);
		}
	}
	if (!pair_run_until_closed(&pair, 2000 * SECOND_US))
		fail_msg("flows are left; to repeat: TEST_SEED=%llu", (unsigned long long)seed);
	for (struct app_flow *app = pair.listener.flows; app; app = app->next) {
		struct app_flow *peer = side_find(&pair.endpoint, app->id);

		if (!peer)
			continue;
		if (app->closed_reason != peer->closed_reason)
			fail_msg("flow %llu ends as %s and as %s; to repeat: TEST_SEED=%llu",
			    (unsigned long long)app->id, reason_name(app->closed_reason),
			    reason_name(peer->closed_reason), (unsigned long long)seed);
		if (app->closed_reason == REASON_NONE) {
			assert_int_equal(app->received, peer->written);
			assert_int_equal(peer->received, app->written);
		}
	}
	assert_int_equal(pair.listener.state, LANE_UP);
	pair_free(&pair);
}

static void random_lives_end_alike(void **state)
{
	uint64_t seed = test_seed();
	const char *count = getenv("TEST_COUNT");

	(void)state;
	for (uint64_t i = 0; i < (count ? strtoull(count, NULL, 10) : 30); i++)
		live_randomly(seed + i);
}

/* Whatever is lost, doubled or overtaken: the last word counts, and an idle lane is quiet after it. */
static void health_arrives(void **state)
{
	struct pair pair;
	uint64_t seed = test_seed();
	unsigned healths;

	(void)state;
	for (uint64_t i = 0; i < 20; i++) {
		pair_init(&pair, &(struct pair_options){.seed = seed + i, .delay_us = 20000});
		pair.listener.loss = pair.endpoint.loss = 0.3;
		pair.listener.duplication = pair.listener.reordering = 0.2;
		for (unsigned k = 0; k < 40; k++) {
			assert_int_equal(
			    lane_tell_health(pair.endpoint.lane, k % 8, (uint8_t)(k / 8 % 3)), 0);
			pair_run(&pair, 10000);
		}
		pair_run(&pair, 20000000);
		for (unsigned k = 0; k < 8; k++)
			assert_int_equal(pair.listener.health[k], 1);
		healths = pair.listener.healths;
		assert_int_equal(lane_tell_health(pair.endpoint.lane, 3, 1), 0);
		pair_run(&pair, 5000000);
		assert_int_equal(pair.listener.healths, healths);
		assert_int_equal(lane_tell_health(pair.listener.lane, 3, 1), ERR_INVALID);
		assert_int_equal(lane_tell_health(pair.endpoint.lane, 3, 3), ERR_INVALID);
		pair_free(&pair);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lanes_come_up_and_stay),
	    cmocka_unit_test(transfers_both_ways_and_closes),
	    cmocka_unit_test(congestion_control_changes_while_it_runs),
	    cmocka_unit_test(survives_loss_reordering_and_duplication),
	    cmocka_unit_test(a_slow_reader_stops_only_its_own_flow),
	    cmocka_unit_test(what_waits_in_many_flows_does_not_stop_a_new_one),
	    cmocka_unit_test(each_direction_ends_by_itself),
	    cmocka_unit_test(a_flow_opens_without_bytes),
	    cmocka_unit_test(a_reset_ends_both_directions_on_both_sides),
	    cmocka_unit_test(a_refused_flow_is_reset),
	    cmocka_unit_test(many_refused_flows_are_all_reset),
	    cmocka_unit_test(datagrams_of_all_sizes_arrive),
	    cmocka_unit_test(equal_datagrams_go_in_one_batch),
	    cmocka_unit_test(datagrams_are_lost_but_never_doubled),
	    cmocka_unit_test(old_datagrams_are_dropped_not_queued),
	    cmocka_unit_test(keys_change_by_time_under_traffic),
	    cmocka_unit_test(keys_change_under_load_without_a_stall),
	    cmocka_unit_test(packets_grow_to_what_the_path_carries),
	    cmocka_unit_test(an_outage_is_survived),
	    cmocka_unit_test(after_a_stall_a_cut_is_noticed),
	    cmocka_unit_test(a_silent_lane_is_over),
	    cmocka_unit_test(close_tells_the_peer),
	    cmocka_unit_test(health_arrives),
	    cmocka_unit_test(ten_thousand_flows_leave_nothing),
	    cmocka_unit_test(one_flow_fills_a_long_path),
	    cmocka_unit_test(open_is_refused_above_the_cap),
	    cmocka_unit_test(random_lives_end_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
