/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A lane follows its peer, and goes where its own side wants, while flows go on. */
#include "config.h"

#include "tests/unit/cmocka_all.h"
#include "tests/unit/lane_pair.h"

#define SECOND_US UINT64_C(1000000)

static struct app_flow *peer_of(struct pair *pair, const struct app_flow *app)
{
	struct app_flow *peer = side_find(&pair->endpoint, app->id);

	assert_non_null(peer);
	return peer;
}

/* A download during which the listener's address changes; how long it took. */
static uint64_t download_while(bool is_moving, bool is_port_only)
{
	struct pair pair;
	struct app_flow *app;
	struct lane_stats stats;
	uint64_t began_us;

	pair_init(&pair, &(struct pair_options){.delay_us = 20000, .packet_bytes = 1472});
	began_us = pair.now_us;
	app = pair_open(&pair, FLOW_TCP);
	app_write(app, 0, true);
	pair_run(&pair, 50000);
	app_write(peer_of(&pair, app), 20000000, true);
	pair_run(&pair, 150000);
	if (is_moving) {
		pair.listener.address.port++;
		pair.listener.address.ip[3] =
		    (uint8_t)(pair.listener.address.ip[3] + !is_port_only);
	}
	assert_true(pair_run_until_closed(&pair, 30 * SECOND_US));
	assert_int_equal(app->received, 20000000);
	began_us = pair.now_us - began_us;
	lane_get_stats(pair.endpoint.lane, &stats);
	assert_int_equal(stats.address_changes, is_moving);
	assert_int_equal(pair.endpoint.moves, is_moving);
	assert_int_equal(pair.listener.moves, 0);
	assert_int_equal(stats.packet_bytes, 1472);
	pair_free(&pair);
	return began_us;
}

static void a_peer_that_moves_is_followed(void **state)
{
	uint64_t still_us = download_while(false, false);

	(void)state;
	/* A round trip's packets go astray, and one more until the answer. A new port costs no rate. */
	assert_in_range(download_while(true, true), still_us, still_us + 300000);
	assert_in_range(download_while(true, false), still_us, still_us + 1500000);
}

static void it_goes_where_its_own_side_wants(void **state)
{
	struct pair pair;
	struct app_flow *app;
	struct lane_route route;

	(void)state;
	pair_init(&pair, &(struct pair_options){0});
	app = pair_open(&pair, FLOW_TCP);
	app_write(app, 2000000, true);
	pair_run(&pair, 50000);
	/* Nobody answers there: it stays. */
	route = *lane_route(pair.listener.lane);
	route.remote.port++;
	lane_move(pair.listener.lane, &route, pair.now_us);
	pair_run(&pair, 2 * SECOND_US);
	assert_int_equal(pair.listener.moves, 0);
	assert_int_equal(peer_of(&pair, app)->received, 2000000);
	pair.endpoint.address.port++;
	lane_move(pair.listener.lane, &route, pair.now_us);
	pair_run(&pair, SECOND_US);
	assert_int_equal(pair.listener.moves, 1);
	app_write(peer_of(&pair, app), 100000, true);
	assert_true(pair_run_until_closed(&pair, 10 * SECOND_US));
	pair_free(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_peer_that_moves_is_followed),
	    cmocka_unit_test(it_goes_where_its_own_side_wants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
