/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A timer of microseconds for pacing: a timerfd watched as ev_io, since libev's own timeouts are
 * rounded to whole milliseconds by epoll_wait.  A deadline that is far is first waited for by such a
 * timeout, which costs neither a system call nor, when it is put off in time, an interrupt.
 * One deadline at a time.
 */
#ifndef NET_PACING_TIMER_H
#define NET_PACING_TIMER_H

#include <ev.h>
#include <stdint.h>

struct pacing_timer {
	struct ev_loop *loop;
	int descriptor;
	ev_io readable;
	ev_timer far;
	uint64_t deadline_us; /* UINT64_MAX when it is not set */
	uint64_t
	    armed_us; /* what the timerfd is set to: the deadline, or before; UINT64_MAX: it is not */
	uint64_t far_us; /* the deadline that `far` was set for */
	void (*on_due)(void *context);
	void *context;
};

/* The clock of every deadline: CLOCK_MONOTONIC in microseconds, read now. */
uint64_t pacing_timer_now_us(void);

/* 0 or ERR_IO.  on_due may set it again. */
int pacing_timer_init(
    struct pacing_timer *timer, struct ev_loop *loop, void (*on_due)(void *context), void *context);

/* Replaces the deadline; one that is past is due at the loop's next turn, UINT64_MAX is never. */
void pacing_timer_set(struct pacing_timer *timer, uint64_t deadline_us);

/* Takes a timer that was zeroed or initialised. */
void pacing_timer_close(struct pacing_timer *timer);

#endif
