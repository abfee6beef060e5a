/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A timerfd with microsecond deadlines; see net/pacing_timer.h.
 */
#include "config.h"

#include "net/pacing_timer.h"

#include "base/err.h"

#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define US_PER_S  UINT64_C(1000000)
#define NS_PER_US 1000

uint64_t pacing_timer_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * US_PER_S + (uint64_t)now.tv_nsec / NS_PER_US;
}

/* Sets the timerfd; UINT64_MAX disarms it. */
static void arm(struct pacing_timer *timer, uint64_t at_us)
{
	struct itimerspec when = {.it_value = {0, 0}};

	timer->armed_us = at_us;
	if (at_us != UINT64_MAX) {
		when.it_value.tv_sec = (time_t)(at_us / US_PER_S);
		when.it_value.tv_nsec = (long)(at_us % US_PER_S) * NS_PER_US;
		/* All zero would disarm it. */
		if (at_us == 0)
			when.it_value.tv_nsec = 1;
	}
	timerfd_settime(timer->descriptor, TFD_TIMER_ABSTIME, &when, NULL);
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
	if (timer->deadline_us > pacing_timer_now_us()) {
		if (timer->deadline_us != UINT64_MAX)
			arm(timer, timer->deadline_us);
		return;
	}
	timer->deadline_us = UINT64_MAX;
	timer->on_due(timer->context);
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
	ev_io_start(loop, &timer->readable);
	return 0;
}

/* After most packets the deadline moves on: then the timerfd stays, and is set when it fires too early. */
void pacing_timer_set(struct pacing_timer *timer, uint64_t deadline_us)
{
	timer->deadline_us = deadline_us;
	if (deadline_us < timer->armed_us)
		arm(timer, deadline_us);
}

void pacing_timer_close(struct pacing_timer *timer)
{
	if (!timer->loop)
		return;
	ev_io_stop(timer->loop, &timer->readable);
	close(timer->descriptor);
	timer->loop = NULL;
}
