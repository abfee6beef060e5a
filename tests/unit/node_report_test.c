/* SPDX-License-Identifier: GPL-2.0-or-later */
/* net/node_report: what workers write to their pages, as sums, rates and last minutes of tunnels. */
#include "config.h"

#include "net/node_report.h"

#include "model/node_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { WORKERS = 2, SECOND_US = 1000000 };

static struct page *pages[WORKERS];
static struct node_report *report;
static struct message message;
static uint64_t now_us;

static struct config_peer peers[2] = {
    {.name = "e1", .slots = 2, .region = "far"}, {.name = "e2", .slots = 2, .region = "far"}};
static struct node_config config = {
    .role = NODE_LISTENER, .node_name = "l1", .region = "near", .peers = peers, .peer_count = 2};

static int setup(void **state)
{
	(void)state;
	for (int i = 0; i < WORKERS; i++) {
		int writer, reader;

		assert_int_equal(page_create(&writer, &reader), 0);
		assert_int_equal(page_open(writer, &pages[i]), 0);
		close(writer);
		close(reader);
	}
	report = node_report_new(WORKERS);
	message.type = MESSAGE_REPORT;
	config.role = NODE_LISTENER;
	now_us = 100 * (uint64_t)SECOND_US;
	return report ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	message_clear(&message);
	node_report_free(report);
	for (int i = 0; i < WORKERS; i++)
		page_unmap(pages[i]);
	return 0;
}

static const struct message_report *next_second(void)
{
	const struct node_report_counter own = {"worker_restarts", 3};

	if (message.body.report.tunnels) {
		message_clear(&message);
		message.type = MESSAGE_REPORT;
	}
	now_us += SECOND_US;
	assert_int_equal(node_report_make(report, (const struct page *const *)pages, &config, &own,
	                     1, now_us, &message.body.report),
	    0);
	return &message.body.report;
}

static struct page_lane_state lane_state(uint32_t lane)
{
	struct page_lane_state lane_is = {.lane = lane,
	    .slot = lane,
	    .is_up = 1,
	    .since_ms = 5000,
	    .rtt_smoothed_us = 1000,
	    .packet_bytes = 1452,
	    .jitter_us = 10};

	snprintf(lane_is.peer_name, NAME_BYTES, "e1");
	snprintf(lane_is.congestion, sizeof(lane_is.congestion), "fixed:2mbit");
	return lane_is;
}

static void no_lane_is_down(void **state)
{
	const struct message_report *r = next_second();
	uint64_t since_ms;

	(void)state;
	assert_int_equal(r->tunnel_count, 2);
	assert_string_equal(r->tunnels[0].listener, "l1");
	assert_string_equal(r->tunnels[0].endpoint, "e1");
	assert_int_equal(r->tunnels[0].state, TUNNEL_DOWN);
	assert_int_equal(r->tunnels[0].lane_total, WORKERS);
	assert_true(r->tunnels[0].since_ms > 0);
	since_ms = r->tunnels[0].since_ms;
	usleep(2000);
	assert_int_equal(next_second()->tunnels[0].since_ms, since_ms);
}

static void lanes_add_up(void **state)
{
	struct page_lane *lanes[WORKERS];
	const struct message_report *r;

	(void)state;
	for (uint32_t i = 0; i < WORKERS; i++) {
		struct page_lane_state lane_is = lane_state(i);

		lanes[i] = page_lane_claim(pages[i]);
		lane_is.rtt_smoothed_us = 1000 + 200 * i;
		lane_is.flows = 5 + i;
		page_lane_write(lanes[i], &lane_is);
		for (uint64_t rtt = 100; rtt <= 10000; rtt += 100)
			page_lane_add_rtt(lanes[i], now_us, rtt);
		if (i == 0)
			assert_int_equal(next_second()->tunnels[0].state, TUNNEL_PARTIAL);
	}
	for (uint32_t i = 0; i < WORKERS; i++) {
		struct page_lane_state lane_is = lane_state(i);

		lane_is.figures.packets_sent = 1000;
		lane_is.figures.packets_lost = 10;
		lane_is.bytes_sent = 125000;
		lane_is.bytes_received = 250000;
		lane_is.flows = 5 + i;
		page_lane_write(lanes[i], &lane_is);
	}
	r = next_second();
	assert_int_equal(r->tunnels[0].state, TUNNEL_UP);
	assert_int_equal(r->tunnels[1].state, TUNNEL_DOWN);
	assert_int_equal(r->tunnels[0].lane_count, WORKERS);
	assert_int_equal(r->tunnels[0].traffic.flows, 11);
	assert_int_equal(r->tunnels[0].traffic.packets_sent, 2000);
	assert_int_equal(r->tunnels[0].traffic.packets_lost, 20);
	assert_int_equal(r->tunnels[0].figures.packets_lost, 20);
	assert_int_equal(r->tunnels[1].figures.packets_lost, 0);
	assert_string_equal(r->tunnels[0].congestion, "fixed:2mbit");
	assert_string_equal(r->tunnels[1].congestion, "");
	assert_int_equal(r->tunnels[0].traffic.sent_bps, 2000000);
	assert_int_equal(r->tunnels[0].traffic.received_bps, 4000000);
	assert_int_equal(r->tunnels[0].rtt.min_us, 100);
	assert_in_range(r->tunnels[0].rtt.p50_us, 4900, 5100);
	assert_in_range(r->tunnels[0].rtt.p99_us, 9700, 10000);
	assert_int_equal(r->tunnels[0].lanes[1].traffic.packets_sent, 1000);
	assert_in_range(r->tunnels[0].lanes[1].rtt.p50_us, 4900, 5100);
}

static void a_minute_is_forgotten_after_a_minute(void **state)
{
	struct page_lane *lane = page_lane_claim(pages[0]);
	struct page_lane_state lane_is = lane_state(0);
	const struct message_report *r = NULL;

	(void)state;
	lane_is.figures.packets_sent = 500;
	page_lane_write(lane, &lane_is);
	for (int i = 0; i < 60; i++) {
		r = next_second();
		assert_int_equal(r->tunnels[0].traffic.packets_sent, 500);
		assert_int_equal(r->tunnels[0].traffic.sent_bps, 0);
	}
	r = next_second();
	assert_int_equal(r->tunnels[0].traffic.packets_sent, 0);
}

static void the_newest_second_has_its_own_median(void **state)
{
	struct page_lane *lane = page_lane_claim(pages[1]);
	struct page_lane_state lane_is = lane_state(1);

	(void)state;
	page_lane_write(lane, &lane_is);
	for (int i = 0; i < 1000; i++)
		page_lane_add_rtt(lane, now_us, 100);
	assert_in_range(next_second()->tunnels[0].rtt_last_second_us, 98, 102);
	page_lane_add_rtt(lane, now_us, 5000);
	assert_in_range(next_second()->tunnels[0].rtt_last_second_us, 4920, 5080);
	assert_int_equal(next_second()->tunnels[0].rtt_last_second_us, 0);
}

/* The old lane is still there when the new one is up. */
static void a_replaced_lane_counts_once(void **state)
{
	struct page_lane *old = page_lane_claim(pages[0]), *fresh = page_lane_claim(pages[0]);
	struct page_lane_state lane_is = lane_state(0);
	const struct message_report *r;

	(void)state;
	lane_is.flows = 1;
	page_lane_write(fresh, &lane_is);
	lane_is.is_up = 0;
	page_lane_write(old, &lane_is);
	r = next_second();
	assert_int_equal(r->tunnels[0].lane_count, 1);
	assert_true(r->tunnels[0].lanes[0].is_up);
	assert_int_equal(r->tunnels[0].lanes[0].packet_bytes, 1452);
	assert_int_equal(r->tunnels[0].lanes[0].traffic.flows, 2);
	page_lane_release(old);
	assert_int_equal(next_second()->tunnels[0].traffic.flows, 1);
}

/* A worker that was started again begins at nought. */
static void counters_that_begin_anew_are_no_flood(void **state)
{
	struct page_lane *lane = page_lane_claim(pages[0]);
	struct page_lane_state lane_is = lane_state(0);
	const struct message_report *r;

	(void)state;
	lane_is.figures.packets_sent = lane_is.bytes_sent = 1000000;
	page_lane_write(lane, &lane_is);
	next_second();
	lane_is.figures.packets_sent = 10;
	lane_is.bytes_sent = 1000;
	page_lane_write(lane, &lane_is);
	r = next_second();
	assert_int_equal(r->tunnels[0].traffic.sent_bps, 8000);
	assert_int_equal(r->tunnels[0].traffic.packets_sent, 10);
}

static uint64_t counter(const struct message_report *r, const char *name)
{
	for (size_t i = 0; i < r->counter_count; i++)
		if (strcmp(r->counters[i].name, name) == 0)
			return r->counters[i].value;
	fail_msg("no counter %s", name);
	return 0;
}

static void counters_are_all_there_and_fit_a_message(void **state)
{
	struct handshake_counters handshakes = {.count[HANDSHAKE_PIN_WRONG] = 4};
	const struct message_report *r;
	char *text;
	size_t length;

	(void)state;
	page_add(pages[0], PAGE_tcp_flows_opened, 2);
	page_add(pages[1], PAGE_tcp_flows_opened, 3);
	node_report_handshakes(report, &handshakes);
	handshakes.count[HANDSHAKE_PIN_WRONG] = 1; /* keys was started again */
	node_report_handshakes(report, &handshakes);
	r = next_second();
	assert_int_equal(counter(r, "tcp_flows_opened"), 5);
	assert_int_equal(counter(r, "worker_restarts"), 3);
	assert_int_equal(counter(r, "handshake_pin_wrong"), 5);
	assert_int_equal(message_encode(&message, &text, &length), 0);
	free(text);
}

/* Of a worker that was taken over: the report is one that control takes all the same. */
static void whatever_stands_in_a_page_makes_a_report(void **state)
{
	struct page_lane_state lane_is = lane_state(0);
	struct model_error error;
	struct message read;
	size_t length;
	char *text;

	(void)state;
	for (int second = 0; second < 3; second++) {
		for (size_t i = 0; i < PAGE_LANES; i++) {
			struct page_lane *lane = &pages[0]->lanes[i];

			memset(lane, second == 1 ? 0x11 : 0xff, sizeof(*lane));
			lane->is_used = 1;
			lane->sequence = 2;
			memcpy(lane->state.peer_name, lane_is.peer_name, NAME_BYTES);
		}
		memset(pages[0]->values, 0xff, sizeof(pages[0]->values));
		next_second();
		assert_int_equal(message_encode(&message, &text, &length), 0);
		assert_int_equal(message_decode(text, length, &read, &error), 0);
		assert_int_equal(read.body.report.tunnels[0].state, TUNNEL_PARTIAL);
		message_clear(&read);
		free(text);
	}
}

static void an_endpoint_names_itself_last(void **state)
{
	(void)state;
	config.role = NODE_ENDPOINT;
	peers[0].slots = 7;
	assert_string_equal(next_second()->tunnels[0].listener, "e1");
	assert_string_equal(message.body.report.tunnels[0].endpoint, "l1");
	assert_int_equal(message.body.report.tunnels[0].lane_total, 7);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(no_lane_is_down),
	    TEST(lanes_add_up),
	    TEST(a_minute_is_forgotten_after_a_minute),
	    TEST(the_newest_second_has_its_own_median),
	    TEST(a_replaced_lane_counts_once),
	    TEST(counters_that_begin_anew_are_no_flood),
	    TEST(counters_are_all_there_and_fit_a_message),
	    TEST(whatever_stands_in_a_page_makes_a_report),
	    TEST(an_endpoint_names_itself_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
