/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual time: a heap of what happens when.  Events of the same time run in the order in which they
 * were added, so that a run repeats.
 */
#ifndef TESTS_SIM_EVENT_H
#define TESTS_SIM_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* `free_it`: the run ends without the event; free what the argument holds. */
typedef void event_fn(void *context, void *argument, bool free_it);

struct event {
	uint64_t at_us, sequence;
	event_fn *run;
	void *context, *argument;
};

struct events {
	struct event *heap;
	size_t count, capacity;
	uint64_t now_us, sequence, ran;
};

void events_init(struct events *events, uint64_t now_us);
/* Frees the events left, and their arguments. */
void events_clear(struct events *events);
/* Adds one, at `at_us` or now if that is past. Ends the program without memory. */
void events_add(
    struct events *events, uint64_t at_us, event_fn *run, void *context, void *argument);
/* Runs the next event if it is due by `until_us`; else moves the time there and returns false. */
bool events_run_next(struct events *events, uint64_t until_us);

#endif
