/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two lanes over a lossy wire: what is lost comes back by repairs, a clean path costs nothing, and memory goes again. */
#include "config.h"

#include "tunnel/lane_repair.h"

#include "tests/unit/cmocka_all.h"
#include "tests/unit/lane_pair.h"
#include "tunnel/lane_private.h"

enum { MS = 1000, LANE_BYTES = 2 << 20, OTHERS_BYTES = LANE_BYTES - 100000 };

static struct app_flow *peer_of(struct pair *pair, struct app_flow *app)
{
	return side_find(&pair->endpoint, app->id);
}

static struct lane_stats stats_of(const struct app_side *side)
{
	struct lane_stats stats;

	lane_get_stats(side->lane, &stats);
	return stats;
}

/* Sends so many datagrams, one each so many us. */
static void tick(struct pair *pair, struct app_flow *app, int count, uint64_t gap_us)
{
	for (int i = 0; i < count; i++) {
		assert_int_equal(app_send_datagram(app, 120), 0);
		pair_run(pair, gap_us);
	}
}

static void thin_datagrams_arrive(void **state)
{
	struct pair pair;
	struct app_flow *app;

	(void)state;
	pair_init(&pair, &(struct pair_options){.delay_us = 50 * MS});
	pair.endpoint.loss = 0.02;
	app = pair_open(&pair, FLOW_UDP);
	tick(&pair, app, 3000, 16600);
	pair_run(&pair, 1000 * MS);
	assert_in_range(peer_of(&pair, app)->datagrams, 2998, 3000);
	assert_true(stats_of(&pair.listener).copies_sent > 5000);
	assert_true(stats_of(&pair.endpoint).packets_recovered > 30);
	assert_true(
	    stats_of(&pair.listener).packets_saved <= stats_of(&pair.endpoint).packets_recovered);
	assert_true(stats_of(&pair.listener).packets_saved
	            >= stats_of(&pair.endpoint).packets_recovered * 9 / 10);
	pair_free(&pair);
}

static void without_budget_nothing_is_repaired(void **state)
{
	struct pair pair;
	struct app_flow *app;

	(void)state;
	pair_init(&pair, &(struct pair_options){.delay_us = 50 * MS});
	pair.endpoint.loss = 0.02;
	app = pair_open(&pair, FLOW_UDP);
	flow_set_policy(app->flow, &(struct flow_policy){.class = CLASS_REALTIME});
	tick(&pair, app, 3000, 16600);
	pair_run(&pair, 1000 * MS);
	assert_in_range(peer_of(&pair, app)->datagrams, 2900, 2980);
	assert_int_equal(stats_of(&pair.listener).repair_bytes_sent, 0);
	pair_free(&pair);
}

static void a_clean_path_costs_nothing(void **state)
{
	struct pair pair;
	struct app_flow *app;
	uint64_t before;

	(void)state;
	pair_init(&pair, &(struct pair_options){.delay_us = 50 * MS});
	pair_run(&pair, 10000 * MS);
	app = pair_open(&pair, FLOW_UDP);
	before = stats_of(&pair.listener).repair_bytes_sent;
	tick(&pair, app, 1000, 16600);
	assert_int_equal(stats_of(&pair.listener).repair_bytes_sent, before);
	assert_int_equal(before, 0);
	assert_int_equal(stats_of(&pair.listener).packets_protected, 0);
	pair_free(&pair);
}

/* A lost reply's last packet needs no probe timeout, and streams are exact whatever is recovered. */
static void streams_are_exact(void **state)
{
	struct pair pair;

	(void)state;
	pair_init(&pair, &(struct pair_options){.delay_us = 50 * MS});
	pair.endpoint.loss = pair.listener.loss = 0.05;
	pair.endpoint.duplication = pair.listener.reordering = 0.05;
	pair.endpoint.echo = true;
	for (int i = 0; i < 200; i++) {
		app_write(pair_open(&pair, FLOW_TCP), 1 + (uint64_t)i * 500, true);
		pair_run(&pair, 30 * MS);
	}
	assert_true(pair_run_until_closed(&pair, UINT64_C(30000000)));
	assert_true(stats_of(&pair.listener).packets_recovered > 20);
	assert_true(stats_of(&pair.endpoint).packets_recovered > 20);
	pair_free(&pair);
}

/* A request is lost with all its repairs. Pings go on meanwhile, and the probe does not wait for their acks. */
static void a_lost_request_goes_again_after_a_probe_timeout(void **state)
{
	struct pair pair;
	struct app_flow *app;
	unsigned ms = 20;

	(void)state;
	pair_init(&pair, &(struct pair_options){.delay_us = 50 * MS});
	pair.endpoint.echo = true;
	pair_run(&pair, 10000 * MS);
	pair.endpoint.is_cut = true;
	app = pair_open(&pair, FLOW_TCP);
	app_write(app, 800, true);
	pair_run(&pair, 20 * MS);
	pair.endpoint.is_cut = false;
	for (; !app->got_finish && ms < 1000; ms++)
		pair_run(&pair, 1 * MS);
	assert_in_range(ms, 205, 230);
	assert_int_equal(stats_of(&pair.listener).probe_timeouts, 1);
	pair_free(&pair);
}

static void memory_goes_when_idle(void **state)
{
	struct pair pair;
	struct app_flow *app;

	(void)state;
	pair_init(&pair, &(struct pair_options){.delay_us = 50 * MS});
	pair.endpoint.loss = 0.05;
	app = pair_open(&pair, FLOW_UDP);
	tick(&pair, app, 500, 1000);
	assert_non_null(pair.listener.lane->repair.encoder);
	assert_non_null(pair.endpoint.lane->repair.decoder);
	pair_run(&pair, 3000 * MS);
	assert_null(pair.listener.lane->repair.encoder);
	assert_null(pair.endpoint.lane->repair.decoder);
	assert_true(stats_of(&pair.endpoint).repairs_received > 0);
	pair_free(&pair);
}

/* What repair holds is in the lane's account; when others need it all, it goes, and what was lost comes by retransmission. */
static void memory_is_the_lanes(void **state)
{
	struct pair pair;
	struct app_flow *app;
	uint64_t before;

	(void)state;
	pair_init(&pair, &(struct pair_options){.delay_us = 50 * MS, .memory_bytes = LANE_BYTES});
	pair.endpoint.loss = 0.05;
	before = stats_of(&pair.endpoint).memory_bytes;
	app = pair_open(&pair, FLOW_UDP);
	tick(&pair, app, 500, 1000);
	assert_true(stats_of(&pair.listener).repair_memory_bytes > sizeof(struct repair_encoder));
	assert_true(stats_of(&pair.endpoint).repair_memory_bytes > sizeof(struct repair_decoder));
	assert_true(stats_of(&pair.endpoint).memory_bytes
	            >= before + stats_of(&pair.endpoint).repair_memory_bytes);
	assert_int_equal(stats_of(&pair.listener).repair_refused_memory, 0);

	budget_force(&pair.listener.lane->budget, OTHERS_BYTES);
	budget_force(&pair.endpoint.lane->budget, OTHERS_BYTES);
	tick(&pair, app, 200, 1000);
	assert_null(pair.listener.lane->repair.encoder);
	assert_null(pair.endpoint.lane->repair.decoder);
	assert_int_equal(stats_of(&pair.endpoint).repair_memory_bytes, 0);
	assert_true(stats_of(&pair.listener).repair_refused_memory > 0);
	assert_int_equal(lane_state(pair.listener.lane), LANE_UP);

	budget_give(&pair.listener.lane->budget, OTHERS_BYTES);
	budget_give(&pair.endpoint.lane->budget, OTHERS_BYTES);
	before = stats_of(&pair.endpoint).packets_recovered;
	tick(&pair, app, 500, 1000);
	assert_true(stats_of(&pair.endpoint).packets_recovered > before);
	pair_free(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(thin_datagrams_arrive),
	    cmocka_unit_test(without_budget_nothing_is_repaired),
	    cmocka_unit_test(a_clean_path_costs_nothing),
	    cmocka_unit_test(streams_are_exact),
	    cmocka_unit_test(a_lost_request_goes_again_after_a_probe_timeout),
	    cmocka_unit_test(memory_goes_when_idle),
	    cmocka_unit_test(memory_is_the_lanes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
