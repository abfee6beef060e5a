/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of net/tunnel_totals.c: over real pages, lanes that come and go never take a count back. */
#include "config.h"

#include "net/tunnel_totals.h"

#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct page *writer;
static const struct page *reader;
static struct tunnel_totals *totals;
static struct config_peer peers[] = {{.name = "osl-1"}, {.name = "rom-1"}};
static struct node_config config;

static int set_up(void **state)
{
	int out, in;

	(void)state;
	assert_int_equal(page_create(&out, &in), 0);
	assert_int_equal(page_open(out, &writer), 0);
	assert_int_equal(page_map(in, &reader), 0);
	close(out);
	close(in);
	totals = tunnel_totals_new(1);
	config = (struct node_config){.peers = peers, .peer_count = 2};
	return totals ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	tunnel_totals_free(totals);
	page_unmap(writer);
	page_unmap(reader);
	return 0;
}

static void tell(struct page_lane *lane, const char *peer, uint64_t packets, uint64_t lost)
{
	struct page_lane_state now = {.is_up = 1, .flows = 3, .bytes_sent = 100 * packets};

	strcpy(now.peer_name, peer);
	now.figures.packets_sent = packets;
	now.figures.packets_lost = lost;
	page_lane_write(lane, &now);
}

static const struct tunnel_total *total(size_t peer)
{
	const struct tunnel_total *all;
	size_t count;

	assert_int_equal(tunnel_totals_take(totals, &reader, &config), 0);
	all = tunnel_totals_all(totals, &count);
	assert_int_equal(count, config.peer_count);
	return &all[peer];
}

static void test_lanes_are_added_up_by_peer(void **state)
{
	struct page_lane *one = page_lane_claim(writer), *two = page_lane_claim(writer),
	                 *other = page_lane_claim(writer);

	(void)state;
	tell(one, "osl-1", 10, 1);
	tell(two, "osl-1", 20, 2);
	tell(other, "rom-1", 7, 0);
	assert_int_equal(total(0)->figures.packets_sent, 30);
	assert_int_equal(total(0)->figures.packets_lost, 3);
	assert_int_equal(total(0)->bytes_sent, 3000);
	assert_int_equal(total(0)->lanes_up, 2);
	assert_int_equal(total(0)->flows, 6);
	assert_int_equal(total(1)->figures.packets_sent, 7);
}

static void test_what_ended_still_counts(void **state)
{
	struct page_lane *lane = page_lane_claim(writer);

	(void)state;
	tell(lane, "osl-1", 10, 1);
	assert_int_equal(total(0)->figures.packets_sent, 10);
	page_lane_release(lane);
	assert_int_equal(total(0)->figures.packets_sent, 10);
	assert_int_equal(total(0)->lanes_up, 0);
	lane = page_lane_claim(writer);
	tell(lane, "osl-1", 4, 0); /* another lane in the same place */
	assert_int_equal(total(0)->figures.packets_sent, 14);
	page_lane_release(lane);
	lane = page_lane_claim(writer);
	tell(lane, "rom-1", 50, 0);
	assert_int_equal(total(0)->figures.packets_sent, 14);
	assert_int_equal(total(1)->figures.packets_sent, 50);
}

static void test_round_trips_are_counted_for_good(void **state)
{
	struct page_lane *lane = page_lane_claim(writer);

	(void)state;
	tell(lane, "osl-1", 1, 0);
	page_lane_add_rtt(lane, 1, 500);     /* the first class, its bound included */
	page_lane_add_rtt(lane, 1, 501);     /* the second */
	page_lane_add_rtt(lane, 1, 9000000); /* above all */
	assert_int_equal(total(0)->rtt.counts[0], 1);
	assert_int_equal(total(0)->rtt.counts[1], 1);
	assert_int_equal(total(0)->rtt.counts[PAGE_RTT_BOUNDS], 1);
	assert_int_equal(total(0)->rtt.sum_us, 9001001);
	page_lane_release(lane);
	lane = page_lane_claim(writer);
	tell(lane, "osl-1", 1, 0);
	page_lane_add_rtt(lane, 1, 100);
	assert_int_equal(total(0)->rtt.counts[0], 2);
	assert_int_equal(total(0)->rtt.sum_us, 9001101);
}

static void test_a_peer_that_is_gone_is_forgotten(void **state)
{
	struct page_lane *lane = page_lane_claim(writer);

	(void)state;
	tell(lane, "rom-1", 10, 1);
	assert_int_equal(total(1)->figures.packets_sent, 10);
	config.peer_count = 1;
	assert_int_equal(total(0)->figures.packets_sent, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_lanes_are_added_up_by_peer, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_what_ended_still_counts, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        test_round_trips_are_counted_for_good, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        test_a_peer_that_is_gone_is_forgotten, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
