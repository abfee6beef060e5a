/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of tunnel/delivery_meter.c. */
#include "tunnel/delivery_meter.h"

#include "tests/unit/cmocka_all.h"

enum { SPAN_US = 100000, STEP_US = 1000, START_US = 1000000 };

static void nothing_is_known_before_a_span_is_over(void **state)
{
	struct delivery_meter meter = {0};

	(void)state;
	for (uint64_t us = 0; us < SPAN_US; us += STEP_US)
		assert_true(delivery_meter_note(&meter, START_US + us, us, SPAN_US) == 0);
	assert_true(delivery_meter_note(&meter, START_US + SPAN_US, SPAN_US, SPAN_US) == 1e6);
}

/* 1 MB/s, then 3 MB/s: the rate of the last span, and of nothing before but a mark's distance. */
static void it_is_the_rate_of_the_last_span(void **state)
{
	struct delivery_meter meter = {0};
	uint64_t now_us = START_US, bytes = 0;
	double rate = 0;

	(void)state;
	for (; now_us < START_US + 10 * SPAN_US; now_us += STEP_US)
		rate = delivery_meter_note(&meter, now_us, bytes += 1000, SPAN_US);
	assert_in_range(rate, 999000, 1001000);
	for (unsigned i = 0; i < SPAN_US / STEP_US / 2; i++, now_us += STEP_US)
		rate = delivery_meter_note(&meter, now_us, bytes += 3000, SPAN_US);
	assert_in_range(rate, 1900000, 2050000);
	for (unsigned i = 0; i < SPAN_US / STEP_US * 6 / 10; i++, now_us += STEP_US)
		rate = delivery_meter_note(&meter, now_us, bytes += 3000, SPAN_US);
	assert_in_range(rate, 2999000, 3001000);
}

static void a_count_that_falls_begins_anew(void **state)
{
	struct delivery_meter meter = {0};

	(void)state;
	delivery_meter_note(&meter, START_US, 5000, SPAN_US);
	assert_true(delivery_meter_note(&meter, START_US + 2 * SPAN_US, 4000, SPAN_US) == 0);
	assert_in_range(
	    delivery_meter_note(&meter, START_US + 3 * SPAN_US, 5000, SPAN_US), 10000, 10000);
}

/* A span that grows beyond all marks has no rate until they reach back as far. */
static void a_longer_span_waits(void **state)
{
	struct delivery_meter meter = {0};
	uint64_t now_us = START_US;

	(void)state;
	for (unsigned i = 0; i < 10 * DELIVERY_MARKS; i++, now_us += STEP_US)
		delivery_meter_note(&meter, now_us, now_us, STEP_US);
	assert_true(delivery_meter_note(&meter, now_us, now_us, SPAN_US) == 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_is_known_before_a_span_is_over),
	    cmocka_unit_test(it_is_the_rate_of_the_last_span),
	    cmocka_unit_test(a_count_that_falls_begins_anew),
	    cmocka_unit_test(a_longer_span_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
