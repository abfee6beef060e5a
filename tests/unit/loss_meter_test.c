/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The measured loss comes near the true one, rises fast, falls slowly, and a clean path is told as one. */
#include "config.h"

#include "tunnel/loss_meter.h"

#include "base/rng.h"
#include "tests/unit/cmocka_all.h"

struct traffic {
	struct loss_meter meter;
	struct rng rng;
	uint64_t number, now_us;
};

static void begin(struct traffic *traffic)
{
	*traffic = (struct traffic){.now_us = 1000000};
	loss_meter_init(&traffic->meter);
	rng_seed(&traffic->rng, test_seed());
}

static void pass(struct traffic *traffic, unsigned packets, double loss, uint64_t gap_us)
{
	for (unsigned i = 0; i < packets; i++, traffic->number++) {
		traffic->now_us += gap_us;
		if (rng_uniform(&traffic->rng) < loss)
			loss_meter_on_lost(&traffic->meter, traffic->number, traffic->now_us);
		else
			loss_meter_on_acked(&traffic->meter, traffic->now_us);
	}
}

static void a_clean_path_is_known_soon(void **state)
{
	struct traffic traffic;

	(void)state;
	begin(&traffic);
	assert_true(loss_meter_is_lossy(&traffic.meter));
	assert_true(loss_meter_share(&traffic.meter) > 0.005);
	pass(&traffic, LOSS_METER_KNOWN_PKTS, 0, 20000);
	assert_false(loss_meter_is_lossy(&traffic.meter));
	assert_true(loss_meter_share(&traffic.meter) <= 0);
	/* One loss in many thousand packets is not worth a repair for long. */
	pass(&traffic, 5000, 0, 1000);
	assert_false(loss_meter_is_lossy(&traffic.meter));
}

static void shares_are_measured(void **state)
{
	const double losses[] = {0.005, 0.02, 0.05, 0.1};

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct traffic traffic;
		double sum = 0;

		begin(&traffic);
		pass(&traffic, 2000, losses[i], 1000);
		for (int j = 0; j < 100; j++) {
			pass(&traffic, 500, losses[i], 1000);
			assert_true(loss_meter_is_lossy(&traffic.meter));
			sum += loss_meter_share(&traffic.meter);
		}
		assert_true(sum / 100 > losses[i] * 0.9 && sum / 100 < losses[i] * 1.2);
		assert_true(loss_meter_run(&traffic.meter) <= 1);
	}
}

static void rises_fast_falls_slowly(void **state)
{
	struct traffic traffic;

	(void)state;
	begin(&traffic);
	pass(&traffic, 5000, 0, 1000);
	pass(&traffic, 100, 0.1, 1000);
	assert_true(loss_meter_is_lossy(&traffic.meter));
	assert_true(loss_meter_share(&traffic.meter) > 0.015);
	pass(&traffic, 2000, 0, 1000);
	assert_true(loss_meter_is_lossy(&traffic.meter));
	pass(&traffic, 20000, 0, 1000);
	assert_false(loss_meter_is_lossy(&traffic.meter));
}

/* When a path begins to lose more, 300 packets tell how much; what a full queue loses in a row does not count for so much. */
static void another_share_is_learned_soon(void **state)
{
	double changed = 0, queue = 0;

	(void)state;
	for (int i = 0; i < 50; i++) {
		struct traffic traffic;

		begin(&traffic);
		rng_seed(&traffic.rng, test_seed() + (uint64_t)i);
		pass(&traffic, 5000, 0.02, 1000);
		pass(&traffic, 300, 0.1, 1000);
		changed += loss_meter_share(&traffic.meter) / 50;
		begin(&traffic);
		pass(&traffic, 5000, 0.02, 1000);
		pass(&traffic, 20, 1, 1000);
		pass(&traffic, 300, 0.02, 1000);
		queue += loss_meter_share(&traffic.meter) / 50;
	}
	assert_true(changed > 0.075 && changed < 0.115);
	assert_true(queue < 0.045);
}

/* Sixteen losses of those that were usual did not come, for four seconds: it loses no more. */
static void a_lossy_path_becomes_clean_soon(void **state)
{
	struct traffic traffic;

	(void)state;
	begin(&traffic);
	pass(&traffic, 5000, 0.02, 5000);
	pass(&traffic, 1, 1, 5000);
	pass(&traffic, 390, 0, 5000);
	assert_true(loss_meter_is_lossy(&traffic.meter));
	pass(&traffic, 900, 0, 5000);
	assert_false(loss_meter_is_lossy(&traffic.meter));
	/* However many packets go meanwhile. */
	pass(&traffic, 5000, 0.02, 500);
	pass(&traffic, 1, 1, 500);
	pass(&traffic, 7900, 0, 500);
	assert_true(loss_meter_is_lossy(&traffic.meter));
	pass(&traffic, 200, 0, 500);
	assert_false(loss_meter_is_lossy(&traffic.meter));
}

/* Nothing of the losses before is left then: the next one alone is no change of the path. */
static void a_loss_behind_a_clean_spell_is_one(void **state)
{
	struct traffic traffic;
	unsigned packets = 0;

	(void)state;
	begin(&traffic);
	pass(&traffic, 5000, 0.2, 40000);
	while (loss_meter_is_lossy(&traffic.meter) && packets++ < 1000)
		pass(&traffic, 1, 0, 40000);
	assert_in_range(packets, 80, 200);
	pass(&traffic, 1, 0, 40000);
	pass(&traffic, 1, 1, 40000);
	assert_true(loss_meter_share(&traffic.meter) < 0.006);
}

/* One that loses goes on to count as lossy, whatever the chance. */
static void a_lossy_path_stays_lossy(void **state)
{
	struct traffic traffic;

	(void)state;
	begin(&traffic);
	for (int i = 0; i < 20000; i++) {
		pass(&traffic, 10, 0.01, 5000);
		assert_true(i < 100 || loss_meter_is_lossy(&traffic.meter));
	}
}

/* After 10 s and 1,000 packets without a loss nothing is repaired, whatever was before. */
static void a_path_becomes_clean(void **state)
{
	struct traffic traffic;

	(void)state;
	begin(&traffic);
	pass(&traffic, 20000, 0.0015, 1000);
	pass(&traffic, 1, 1, 1000);
	pass(&traffic, 4000, 0, 1000);
	assert_true(loss_meter_is_lossy(&traffic.meter));
	pass(&traffic, 6100, 0, 1000);
	assert_false(loss_meter_is_lossy(&traffic.meter));
	assert_true(loss_meter_share(&traffic.meter) <= 0);
	pass(&traffic, 2, 1, 1000);
	assert_true(loss_meter_is_lossy(&traffic.meter));
}

static void losses_in_a_row_are_told(void **state)
{
	struct traffic traffic;

	(void)state;
	begin(&traffic);
	for (int i = 0; i < 500; i++) {
		pass(&traffic, 100, 0, 1000);
		pass(&traffic, 4, 1, 1000);
	}
	assert_true(loss_meter_run(&traffic.meter) > 3.9 && loss_meter_run(&traffic.meter) < 4.1);
}

static void what_arrives_late_was_not_lost(void **state)
{
	struct traffic traffic;

	(void)state;
	begin(&traffic);
	for (int i = 0; i < 2000; i++) {
		pass(&traffic, 20, 0, 1000);
		pass(&traffic, 1, 1, 1000);
		loss_meter_on_spurious(&traffic.meter);
	}
	assert_true(loss_meter_share(&traffic.meter) < 0.005);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_clean_path_is_known_soon),
	    cmocka_unit_test(shares_are_measured),
	    cmocka_unit_test(rises_fast_falls_slowly),
	    cmocka_unit_test(another_share_is_learned_soon),
	    cmocka_unit_test(a_lossy_path_becomes_clean_soon),
	    cmocka_unit_test(a_loss_behind_a_clean_spell_is_one),
	    cmocka_unit_test(a_lossy_path_stays_lossy),
	    cmocka_unit_test(a_path_becomes_clean),
	    cmocka_unit_test(losses_in_a_row_are_told),
	    cmocka_unit_test(what_arrives_late_was_not_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
