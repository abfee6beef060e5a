/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of net/worker_congestion.c: what lanes are told, by the config and by who else sends. */
#include "config.h"

#include "tests/unit/cmocka_all.h"

#include "net/worker_private.h"

#include <string.h>
#include <unistd.h>

/* 104 Mbit/s of the line are 12.5 MB/s of payload, see lane_congestion_test.c. */
enum { LINE_BPS = 12500000, TICK_BYTES = LINE_BPS / 4 };

static struct worker worker;
static struct carried lanes[2];
static struct config_peer peer;
static struct page *sibling;
static const struct page *sibling_seen;

static unsigned told;
static enum lane_congestion told_kind;
static uint64_t told_Bps;
static bool has_peer;

int lane_set_congestion(
    struct lane *lane, enum lane_congestion kind, uint64_t rate_Bps, uint64_t now_us)
{
	(void)lane;
	(void)now_us;
	told++;
	told_kind = kind;
	told_Bps = rate_Bps;
	return 0;
}

const struct config_peer *worker_peer(const struct worker *w, const uint8_t pin[PIN_BYTES])
{
	(void)w;
	(void)pin;
	return has_peer ? &peer : NULL;
}

static int setup(void **state)
{
	int writer, reader;

	(void)state;
	memset(&worker, 0, sizeof worker);
	memset(lanes, 0, sizeof lanes);
	list_init(&worker.lanes.all);
	list_init(&worker.lanes.busy);
	for (int i = 0; i < 2; i++) {
		lanes[i].shown.worker = &worker;
		strcpy(lanes[i].shown.peer_name, "seoul-1");
		list_init(&lanes[i].busy);
		list_add_tail(&worker.lanes.all, &lanes[i].node);
	}
	assert_int_equal(page_create(&writer, &reader), 0);
	assert_int_equal(page_open(writer, &sibling), 0);
	assert_int_equal(page_map(reader, &sibling_seen), 0);
	close(writer);
	close(reader);
	worker.siblings[worker.sibling_count++] = sibling_seen;
	strcpy(peer.congestion, "fixed:104mbit");
	has_peer = true;
	told = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	page_unmap(sibling);
	page_unmap(sibling_seen);
	return 0;
}

static struct lane_config begin(struct carried *lane)
{
	struct lane_config config = {0};

	worker_congestion_begin(lane, &config);
	return config;
}

static void a_sibling_sends(bool is_sending, const char *peer_name)
{
	struct page_lane *lane = page_lane_claim(sibling);
	struct page_lane_state lane_is = {.is_sending = is_sending};

	strcpy(lane_is.peer_name, peer_name);
	page_lane_write(lane, &lane_is);
}

static void the_config_says(void **state)
{
	struct lane_config config = begin(&lanes[0]);

	(void)state;
	assert_int_equal(config.congestion, LANE_FIXED);
	assert_int_equal(config.fixed_rate_Bps, LINE_BPS);
	worker_congestion_renew(&lanes[0]);
	assert_int_equal(told, 0); /* nothing is new */
	strcpy(peer.congestion, "cubic");
	worker_congestion_renew(&lanes[0]);
	assert_int_equal(told, 1);
	assert_int_equal(told_kind, LANE_CUBIC);
	assert_true(list_is_linked(&lanes[0].busy));
	has_peer = false; /* the peer leaves: its lane goes on as it is */
	worker_congestion_renew(&lanes[0]);
	assert_int_equal(told, 1);
}

static void one_that_sends_alone_has_the_line(void **state)
{
	(void)state;
	begin(&lanes[0]);
	begin(&lanes[1]);
	a_sibling_sends(false, "seoul-1");
	a_sibling_sends(true, "paris-1");
	worker_congestion_tick(&lanes[0], TICK_BYTES);
	worker_congestion_tick(&lanes[1], 500);
	assert_true(lanes[0].congestion.is_sending);
	assert_false(lanes[1].congestion.is_sending);
	assert_int_equal(lanes[0].congestion.rate_Bps, LINE_BPS);
	/* The idle one may have half at once, if it begins. */
	assert_int_equal(lanes[1].congestion.rate_Bps, LINE_BPS / 2);
}

static void those_that_send_share(void **state)
{
	(void)state;
	begin(&lanes[0]);
	begin(&lanes[1]);
	a_sibling_sends(true, "seoul-1");
	for (uint64_t tick = 1; tick <= 2; tick++)
		for (int i = 0; i < 2; i++)
			worker_congestion_tick(&lanes[i], tick * TICK_BYTES / 3);
	assert_int_equal(told_kind, LANE_FIXED);
	assert_int_equal(lanes[0].congestion.rate_Bps, LINE_BPS / 3);
	assert_int_equal(lanes[1].congestion.rate_Bps, LINE_BPS / 3);
	/* The one falls silent. */
	worker_congestion_tick(&lanes[1], 2 * TICK_BYTES / 3);
	worker_congestion_tick(&lanes[0], TICK_BYTES);
	assert_int_equal(lanes[0].congestion.rate_Bps, LINE_BPS / 2);
}

static void others_are_left_alone(void **state)
{
	(void)state;
	strcpy(peer.congestion, "bbr");
	assert_int_equal(begin(&lanes[0]).congestion, LANE_BBR);
	worker_congestion_tick(&lanes[0], TICK_BYTES);
	assert_false(lanes[0].congestion.is_sending);
	assert_int_equal(told, 0);
}

#define CONGESTION_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CONGESTION_TEST(the_config_says),
	    CONGESTION_TEST(one_that_sends_alone_has_the_line),
	    CONGESTION_TEST(those_that_send_share),
	    CONGESTION_TEST(others_are_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
