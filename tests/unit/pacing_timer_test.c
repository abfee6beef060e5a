/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * net/pacing_timer: deadlines below a millisecond are kept, replaced ones do not fire.
 */
#include "config.h"

#include "net/pacing_timer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cmocka.h>

static struct ev_loop *loop;
static struct pacing_timer timer;
static unsigned fired;
static uint64_t next_us;

static void on_due(void *context)
{
	assert_ptr_equal(context, &timer);
	fired++;
	if (next_us)
		pacing_timer_set(&timer, pacing_timer_now_us() + next_us);
}

static int setup(void **state)
{
	(void)state;
	loop = ev_loop_new(0);
	fired = 0;
	next_us = 0;
	return pacing_timer_init(&timer, loop, on_due, &timer);
}

static int teardown(void **state)
{
	(void)state;
	pacing_timer_close(&timer);
	pacing_timer_close(&timer);
	ev_loop_destroy(loop);
	return 0;
}

static void fires_after_its_deadline(void **state)
{
	uint64_t begin = pacing_timer_now_us();

	(void)state;
	pacing_timer_set(&timer, begin + 300);
	while (!fired)
		ev_run(loop, EVRUN_ONCE);
	assert_true(pacing_timer_now_us() >= begin + 300);
}

/* With whole milliseconds of epoll 20 rounds would take 20 ms and more. */
static void microseconds_are_kept(void **state)
{
	uint64_t begin, best_us = UINT64_MAX;

	(void)state;
	/* The best of many: a busy machine may be late in some. */
	for (int attempt = 0; attempt < 50 && best_us > 10000; attempt++) {
		fired = 0;
		next_us = 100;
		begin = pacing_timer_now_us();
		pacing_timer_set(&timer, begin + 100);
		while (fired < 20)
			ev_run(loop, EVRUN_ONCE);
		if (pacing_timer_now_us() - begin < best_us)
			best_us = pacing_timer_now_us() - begin;
	}
	assert_true(best_us >= 20 * 100);
	assert_true(best_us <= 10000);
}

static void past_deadlines_are_due_at_once(void **state)
{
	(void)state;
	pacing_timer_set(&timer, 0);
	ev_run(loop, EVRUN_ONCE);
	assert_int_equal(fired, 1);
	pacing_timer_set(&timer, pacing_timer_now_us() - 5);
	ev_run(loop, EVRUN_ONCE);
	assert_int_equal(fired, 2);
}

static void replaced_deadlines_do_not_fire(void **state)
{
	(void)state;
	pacing_timer_set(&timer, pacing_timer_now_us() + 1000);
	pacing_timer_set(&timer, UINT64_MAX);
	usleep(3000);
	ev_run(loop, EVRUN_NOWAIT);
	assert_int_equal(fired, 0);
	/* Fired, but not yet seen by the loop when it was put off. */
	pacing_timer_set(&timer, 1);
	pacing_timer_set(&timer, pacing_timer_now_us() + 60 * UINT64_C(1000000));
	ev_run(loop, EVRUN_NOWAIT);
	assert_int_equal(fired, 0);
}

/* What the timerfd is set to, in microseconds from now; 0 when it is not. */
static uint64_t set_to_us(void)
{
	struct itimerspec left;

	assert_int_equal(timerfd_gettime(timer.descriptor, &left), 0);
	return (uint64_t)left.it_value.tv_sec * 1000000 + (uint64_t)left.it_value.tv_nsec / 1000;
}

/* A deadline that moves on with each packet costs no system call each time, and still holds. */
static void later_deadlines_are_set_when_the_first_has_passed(void **state)
{
	uint64_t begin = pacing_timer_now_us();

	(void)state;
	pacing_timer_set(&timer, begin + 1500);
	pacing_timer_set(&timer, begin + 60000000);
	assert_in_range(set_to_us(), 0, 1500);
	while (timer.armed_us != UINT64_MAX)
		ev_run(loop, EVRUN_ONCE);
	assert_int_equal(fired, 0);
	assert_int_equal(set_to_us(), 0);
	pacing_timer_set(&timer, begin + 21000);
	while (!fired)
		ev_run(loop, EVRUN_ONCE);
	assert_true(pacing_timer_now_us() >= begin + 21000);
}

/* What is far needs no timerfd while it is put off, and is met as exactly when it comes near. */
static void far_deadlines_wait_in_the_loop(void **state)
{
	uint64_t begin = pacing_timer_now_us(), best_us = UINT64_MAX;

	(void)state;
	for (uint64_t packet = 0; packet < 20; packet++) {
		pacing_timer_set(&timer, begin + 60000000 + packet * 100);
		pacing_timer_set(&timer, begin + 61000000 - packet * 100);
		assert_int_equal(set_to_us(), 0);
	}
	/* The best of many: a busy machine may be late in some. */
	for (int attempt = 0; attempt < 50 && best_us > 500; attempt++) {
		fired = 0;
		begin = pacing_timer_now_us();
		pacing_timer_set(&timer, begin + 7300);
		while (!fired)
			ev_run(loop, EVRUN_ONCE);
		uint64_t late_us = pacing_timer_now_us() - begin - 7300;
		assert_true(late_us < UINT64_MAX / 2); /* never too soon */
		if (late_us < best_us)
			best_us = late_us;
	}
	assert_true(best_us <= 500);
	assert_false(ev_is_active(&timer.far)); /* it comes once */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(fires_after_its_deadline),
	    TEST(microseconds_are_kept),
	    TEST(past_deadlines_are_due_at_once),
	    TEST(replaced_deadlines_do_not_fire),
	    TEST(later_deadlines_are_set_when_the_first_has_passed),
	    TEST(far_deadlines_wait_in_the_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
