/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The timer wheel against a plain list of deadlines: never early, at most a tick late, once each.
 */
#include "base/wheel.h"

#include <string.h>

#include "base/rng.h"
#include "tests/unit/cmocka_all.h"

enum { TICK_US = 1000, TIMERS = 300 };

struct item {
	struct wheel_timer timer;
	uint64_t want_us; /* 0: must not fire */
	int fired;
};

struct run {
	struct wheel wheel;
	struct item items[TIMERS];
	uint64_t now_us, last_us;
};

static struct run run;

static void run_init(uint64_t now_us)
{
	memset(&run, 0, sizeof(run));
	run.now_us = run.last_us = now_us;
	wheel_init(&run.wheel, now_us, TICK_US);
	for (int i = 0; i < TIMERS; i++)
		wheel_timer_init(&run.items[i].timer);
}

static void expired(void *context, struct wheel_timer *timer)
{
	struct item *item = (struct item *)(void *)timer;

	assert_ptr_equal(context, &run);
	assert_false(wheel_timer_is_set(timer));
	assert_true(item->want_us != 0);
	assert_true(item->want_us <= run.now_us);
	/* Due by the last advance, had it come a tick later: then it should have fired there. */
	assert_true(item->want_us + TICK_US > run.last_us);
	item->want_us = 0;
	item->fired++;
}

static void advance(uint64_t step_us)
{
	run.last_us = run.now_us;
	run.now_us += step_us;
	while (wheel_advance(&run.wheel, run.now_us, 7, expired, &run))
		;
}

static void change_one(struct rng *rng)
{
	struct item *item = &run.items[rng_below(rng, TIMERS)];
	uint64_t span = UINT64_C(1) << rng_below(rng, 21);
	uint64_t deadline = run.now_us + rng_below(rng, span);

	switch (rng_below(rng, 4)) {
	case 0:
		wheel_del(&run.wheel, &item->timer);
		item->want_us = 0;
		return;
	case 1:
		wheel_add(&run.wheel, &item->timer, deadline);
		break;
	default:
		wheel_rearm(&run.wheel, &item->timer, deadline);
	}
	item->want_us = deadline;
	assert_true(item->timer.deadline_us == deadline);
}

static void random_timers_fire_in_time(void **state)
{
	struct rng rng;
	int fired = 0;

	(void)state;
	rng_seed(&rng, test_seed());
	run_init(123456789);
	for (int step = 0; step < 20000; step++) {
		size_t set = 0;

		change_one(&rng);
		advance(rng_below(&rng, 100) ? rng_below(&rng, 3 * TICK_US)
		                             : rng_below(&rng, 1000 * TICK_US));
		for (int i = 0; i < TIMERS; i++) {
			assert_int_equal(
			    run.items[i].want_us != 0, wheel_timer_is_set(&run.items[i].timer));
			assert_true(run.items[i].want_us == 0
			            || run.items[i].want_us + TICK_US > run.now_us);
			set += run.items[i].want_us != 0;
		}
		assert_int_equal(run.wheel.count, set);
	}
	for (int i = 0; i < TIMERS; i++)
		fired += run.items[i].fired;
	assert_true(fired > 5000);
}

static void a_past_deadline_fires_at_the_next_tick(void **state)
{
	(void)state;
	run_init(5000);
	run.items[0].want_us = 4999;
	wheel_add(&run.wheel, &run.items[0].timer, 4999);
	run.last_us = 0;
	assert_false(wheel_advance(&run.wheel, 5999, 10, expired, &run));
	assert_int_equal(run.items[0].fired, 0);
	run.now_us = 6000;
	run.last_us = 5000;
	assert_false(wheel_advance(&run.wheel, 6000, 10, expired, &run));
	assert_int_equal(run.items[0].fired, 1);
}

static void a_rush_is_spread_over_calls(void **state)
{
	size_t calls = 1;

	(void)state;
	run_init(0);
	for (int i = 0; i < TIMERS; i++) {
		run.items[i].want_us = TICK_US;
		wheel_add(&run.wheel, &run.items[i].timer, TICK_US);
	}
	run.now_us = TICK_US;
	while (wheel_advance(&run.wheel, TICK_US, 10, expired, &run)) {
		calls++;
		assert_int_equal(run.wheel.count, TIMERS + 10 - 10 * calls);
	}
	assert_int_equal(run.wheel.count, 0);
	assert_int_equal(calls, TIMERS / 10);
}

/* A callback that sets its own timer and deletes another that is due as well. */
static void meddle(void *context, struct wheel_timer *timer)
{
	struct item *item = (struct item *)(void *)timer;
	int *calls = context;

	++*calls;
	wheel_add(&run.wheel, timer, run.now_us + 10 * TICK_US);
	wheel_del(&run.wheel, &run.items[item == &run.items[0]].timer);
}

static void callbacks_may_change_timers(void **state)
{
	int calls = 0;

	(void)state;
	run_init(0);
	run.now_us = TICK_US;
	wheel_add(&run.wheel, &run.items[0].timer, TICK_US);
	wheel_add(&run.wheel, &run.items[1].timer, TICK_US);
	assert_false(wheel_advance(&run.wheel, TICK_US, 10, meddle, &calls));
	assert_int_equal(calls, 1);
	assert_int_equal(run.wheel.count, 1);
	assert_true(wheel_timer_is_set(&run.items[0].timer));
	assert_false(wheel_timer_is_set(&run.items[1].timer));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(random_timers_fire_in_time),
	    cmocka_unit_test(a_past_deadline_fires_at_the_next_tick),
	    cmocka_unit_test(a_rush_is_spread_over_calls),
	    cmocka_unit_test(callbacks_may_change_timers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
