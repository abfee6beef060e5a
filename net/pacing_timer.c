/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A timerfd with microsecond deadlines, and a timeout of the loop for far ones; see net/pacing_timer.h.
 */
#include "config.h"

#include "net/pacing_timer.h"

#include "base/err.h"

#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define US_PER_S  UINT64_C(1000000)
#define NS_PER_US 1000

enum {
	FAR_US = 2000,      /* deadlines that are nearer are the timerfd's */
	ROUNDING_US = 1000, /* epoll_wait's */
	SLACK_PART =
	    256, /* of the time to wait: the kernel is late by a thousandth, select(2)'s way */
};

uint64_t pacing_timer_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * US_PER_S + (uint64_t)now.tv_nsec / NS_PER_US;
}

static void arm(struct pacing_timer *timer, uint64_t at_us)
{
	struct itimerspec when = {.it_value = {
	                              .tv_sec = (time_t)(at_us / US_PER_S),
	                              .tv_nsec = (long)(at_us % US_PER_S) * NS_PER_US,
	                          }};

	timer->armed_us = at_us;
	/* All zero would disarm it. */
	if (at_us == 0)
		when.it_value.tv_nsec = 1;
	timerfd_settime(timer->descriptor, TFD_TIMER_ABSTIME, &when, NULL);
}

/* Wakes before the deadline, which the timerfd then keeps.  One that comes a little too soon is left. */
static void wait_far(struct pacing_timer *timer, uint64_t deadline_us, uint64_t left_us)
{
	if (ev_is_active(&timer->far) && deadline_us >= timer->far_us
	    && deadline_us - timer->far_us < FAR_US)
		return;
	timer->far_us = deadline_us;
	timer->far.repeat = (double)(left_us - left_us / SLACK_PART - ROUNDING_US) / US_PER_S;
	ev_timer_again(timer->loop, &timer->far);
}

/* The deadline has passed, or is waited for anew. */
static void look(struct pacing_timer *timer)
{
	if (timer->deadline_us > pacing_timer_now_us()) {
		pacing_timer_set(timer, timer->deadline_us);
		return;
	}
	timer->deadline_us = UINT64_MAX;
	timer->on_due(timer->context);
}

static void on_far(struct ev_loop *loop, ev_timer *watcher, int events)
{
	(void)events;
	ev_timer_stop(loop, watcher);
	look(watcher->data);
}

static void on_readable(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct pacing_timer *timer = watcher->data;
	uint64_t expirations;

	(void)loop;
	(void)events;
	/* Nothing to read: it was set again after it had fired. */
	if (read(timer->descriptor, &expirations, sizeof(expirations)) != sizeof(expirations))
		return;
	timer->armed_us = UINT64_MAX;
	look(timer);
}

int pacing_timer_init(
    struct pacing_timer *timer, struct ev_loop *loop, void (*on_due)(void *context), void *context)
{
	timer->loop = NULL;
	timer->descriptor = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (timer->descriptor < 0)
		return ERR_IO;
	timer->loop = loop;
	timer->deadline_us = timer->armed_us = UINT64_MAX;
	timer->on_due = on_due;
	timer->context = context;
	ev_io_init(&timer->readable, on_readable, timer->descriptor, EV_READ);
	timer->readable.data = timer;
	ev_init(&timer->far, on_far);
	timer->far.data = timer;
	ev_io_start(loop, &timer->readable);
	return 0;
}

/* After most packets the deadline moves on: then what is set stays, and is set anew when it fires too early. */
void pacing_timer_set(struct pacing_timer *timer, uint64_t deadline_us)
{
	uint64_t now_us;

	timer->deadline_us = deadline_us;
	if (deadline_us >= timer->armed_us)
		return;
	now_us = pacing_timer_now_us();
	if (deadline_us < now_us + FAR_US)
		arm(timer, deadline_us);
	else
		wait_far(timer, deadline_us, deadline_us - now_us);
}

void pacing_timer_close(struct pacing_timer *timer)
{
	if (!timer->loop)
		return;
	ev_io_stop(timer->loop, &timer->readable);
	ev_timer_stop(timer->loop, &timer->far);
	close(timer->descriptor);
	timer->loop = NULL;
}
