/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rate samples find the bottleneck's rate, are not fooled by compressed ACKs, and know idle times. */
#include "tunnel/rate_sample.h"

#include <string.h>

#include "tests/unit/cmocka_all.h"

enum { BYTES = 1000, RTT_US = 10000, PACKETS = 64 };

struct flight {
	struct rate_sampler sampler;
	struct rate_stamp stamps[PACKETS];
	uint64_t sent_us[PACKETS];
	uint64_t in_flight_bytes;
};

static void send_packet(struct flight *flight, int i, uint64_t now_us)
{
	rate_on_sent(&flight->sampler, &flight->stamps[i], flight->in_flight_bytes, now_us);
	flight->sent_us[i] = now_us;
	flight->in_flight_bytes += BYTES;
}

static struct rate_sample acknowledge(struct flight *flight, int first, int last, uint64_t now_us)
{
	struct rate_sample sample;

	memset(&sample, 0, sizeof(sample));
	for (int i = last; i >= first; i--) {
		rate_on_packet_acked(&flight->sampler, &sample, &flight->stamps[i],
		    flight->sent_us[i], BYTES, now_us);
		flight->in_flight_bytes -= BYTES;
	}
	rate_sample_finish(&flight->sampler, &sample, RTT_US);
	return sample;
}

/* 1,000 bytes each millisecond leave the bottleneck, though they were sent in bursts of ten. */
static void the_rate_is_the_bottlenecks(void **state)
{
	static struct flight flight;
	struct rate_sample sample = {0};

	(void)state;
	rate_sampler_init(&flight.sampler);
	for (int i = 0; i < 10; i++)
		send_packet(&flight, i, 0);
	for (int i = 0; i < 10; i++) {
		sample = acknowledge(&flight, i, i, RTT_US + (uint64_t)i * 1000);
		send_packet(&flight, 10 + i, RTT_US + (uint64_t)i * 1000);
	}
	for (int i = 10; i < 20; i++) {
		sample = acknowledge(&flight, i, i, RTT_US + (uint64_t)i * 1000);
		send_packet(&flight, 10 + i, RTT_US + (uint64_t)i * 1000);
	}
	for (int i = 20; i < 30; i++)
		sample = acknowledge(&flight, i, i, RTT_US + (uint64_t)i * 1000);
	assert_int_equal(sample.rate_Bps, 1000000);
	assert_false(sample.is_app_limited);
}

/* All ACKs at once: the sending side took longer, so its rate counts. */
static void compressed_acks_do_not_fool(void **state)
{
	static struct flight flight;
	struct rate_sample sample;

	(void)state;
	rate_sampler_init(&flight.sampler);
	send_packet(&flight, 0, 0);
	for (int i = 1; i < 41; i++)
		send_packet(&flight, i, (uint64_t)i * 1000);
	acknowledge(&flight, 0, 0, 40000);
	sample = acknowledge(&flight, 1, 40, 40001);
	assert_in_range(sample.rate_Bps, 900000, 1030000);
}

static void too_short_an_interval_gives_none(void **state)
{
	static struct flight flight;
	struct rate_sample sample;

	(void)state;
	rate_sampler_init(&flight.sampler);
	send_packet(&flight, 0, 0);
	sample = acknowledge(&flight, 0, 0, RTT_US / 2);
	assert_int_equal(sample.rate_Bps, 0);
}

static void idle_times_are_marked(void **state)
{
	static struct flight flight;
	struct rate_sample sample;

	(void)state;
	rate_sampler_init(&flight.sampler);
	send_packet(&flight, 0, 0);
	rate_on_app_limited(&flight.sampler, flight.in_flight_bytes);
	send_packet(&flight, 1, 5000);
	send_packet(&flight, 2, 5000);
	sample = acknowledge(&flight, 0, 0, RTT_US);
	assert_false(sample.is_app_limited);
	sample = acknowledge(&flight, 1, 1, RTT_US + 5000);
	assert_true(sample.is_app_limited);
	/* More than was in flight then is delivered: the mark ends. */
	send_packet(&flight, 3, RTT_US + 5000);
	acknowledge(&flight, 2, 2, RTT_US + 5000);
	sample = acknowledge(&flight, 3, 3, 2 * RTT_US + 5000);
	assert_false(sample.is_app_limited);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_rate_is_the_bottlenecks),
	    cmocka_unit_test(compressed_acks_do_not_fool),
	    cmocka_unit_test(too_short_an_interval_gives_none),
	    cmocka_unit_test(idle_times_are_marked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
