/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of net/flow_life.c: idleness, removal, and what comes first. */
#include "tests/unit/cmocka_all.h"

#include "net/flow_life.h"

#define SECOND_US UINT64_C(1000000)

struct worker {
	struct wheel wheel;
	uint64_t now_us;
};

static struct worker worker;
static unsigned expirations;
static enum reason expired_with;

uint64_t worker_now_us(const struct worker *w)
{
	return w->now_us;
}

void worker_timer_init(struct worker_timer *timer, void (*expired)(struct worker_timer *timer))
{
	wheel_timer_init(&timer->timer);
	timer->expired = expired;
}

void worker_timer_set(struct worker *w, struct worker_timer *timer, uint64_t deadline_us)
{
	wheel_rearm(&w->wheel, &timer->timer, deadline_us);
}

void worker_timer_stop(struct worker *w, struct worker_timer *timer)
{
	wheel_del(&w->wheel, &timer->timer);
}

static void on_wheel(void *context, struct wheel_timer *timer)
{
	struct worker_timer *expired = LIST_ENTRY(timer, struct worker_timer, timer);

	(void)context;
	expired->expired(expired);
}

static void on_expired(struct flow_life *life, enum reason reason)
{
	(void)life;
	expirations++;
	expired_with = reason;
}

static void pass(uint64_t seconds)
{
	for (uint64_t i = 0; i < 4 * seconds; i++) {
		worker.now_us += SECOND_US / 4;
		wheel_advance(&worker.wheel, worker.now_us, 100, on_wheel, NULL);
	}
}

static int setup(void **state)
{
	static struct flow_life life;

	worker.now_us = 100 * SECOND_US;
	wheel_init(&worker.wheel, worker.now_us, WORKER_TICK_US);
	expirations = 0;
	flow_life_init(&life, &worker, 10 * SECOND_US, on_expired);
	*state = &life;
	return 0;
}

static void idleness_ends_it(void **state)
{
	struct flow_life *life = *state;

	flow_life_active(life);
	pass(9);
	flow_life_active(life);
	pass(9);
	assert_int_equal(expirations, 0);
	pass(2);
	assert_int_equal(expirations, 1);
	assert_int_equal(expired_with, REASON_IDLE);
	pass(100);
	assert_int_equal(expirations, 1);
}

static void removal_ends_it_however_busy(void **state)
{
	struct flow_life *life = *state;

	flow_life_active(life);
	flow_life_set_wanted(life, false, 30);
	for (int i = 0; i < 29; i++) {
		pass(1);
		flow_life_active(life);
		flow_life_set_wanted(life, false, 30); /* another config does not put it off */
	}
	assert_int_equal(expirations, 0);
	pass(2);
	assert_int_equal(expirations, 1);
	assert_int_equal(expired_with, REASON_REMOVED);
}

static void at_once_is_within_a_tick(void **state)
{
	struct flow_life *life = *state;

	flow_life_active(life);
	flow_life_set_wanted(life, false, 0);
	pass(1);
	assert_int_equal(expirations, 1);
	assert_int_equal(expired_with, REASON_REMOVED);
}

static void what_is_wanted_again_goes_on(void **state)
{
	struct flow_life *life = *state;

	flow_life_active(life);
	flow_life_set_wanted(life, false, 5);
	pass(4);
	flow_life_set_wanted(life, true, 5);
	flow_life_active(life);
	pass(9);
	assert_int_equal(expirations, 0);
	flow_life_stop(life);
	pass(100);
	assert_int_equal(expirations, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(idleness_ends_it, setup),
	    cmocka_unit_test_setup(removal_ends_it_however_busy, setup),
	    cmocka_unit_test_setup(at_once_is_within_a_tick, setup),
	    cmocka_unit_test_setup(what_is_wanted_again_goes_on, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
