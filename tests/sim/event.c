/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Virtual time, see event.h: a binary heap by time and sequence. */
#include "tests/sim/event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void events_init(struct events *events, uint64_t now_us)
{
	memset(events, 0, sizeof(*events));
	events->now_us = now_us;
}

void events_clear(struct events *events)
{
	for (size_t i = 0; i < events->count; i++)
		events->heap[i].run(events->heap[i].context, events->heap[i].argument, true);
	free(events->heap);
	memset(events, 0, sizeof(*events));
}

static bool is_before(const struct event *a, const struct event *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->sequence < b->sequence;
}

static void swap(struct event *a, struct event *b)
{
	struct event kept = *a;

	*a = *b;
	*b = kept;
}

void events_add(struct events *events, uint64_t at_us, event_fn *run, void *context, void *argument)
{
	size_t i = events->count++;

	if (i == events->capacity) {
		events->capacity = events->capacity ? events->capacity * 2 : 256;
		events->heap = realloc(events->heap, events->capacity * sizeof(struct event));
		if (!events->heap) {
			perror("events");
			exit(1);
		}
	}
	events->heap[i] = (struct event){
	    .at_us = at_us > events->now_us ? at_us : events->now_us,
	    .sequence = events->sequence++,
	    .run = run,
	    .context = context,
	    .argument = argument,
	};
	for (; i > 0 && is_before(&events->heap[i], &events->heap[(i - 1) / 2]); i = (i - 1) / 2)
		swap(&events->heap[i], &events->heap[(i - 1) / 2]);
}

static struct event pop(struct events *events)
{
	struct event *heap = events->heap;
	struct event first = heap[0];
	size_t i = 0;

	heap[0] = heap[--events->count];
	for (;;) {
		size_t least = i;

		for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < events->count; child++)
			if (is_before(&heap[child], &heap[least]))
				least = child;
		if (least == i)
			return first;
		swap(&heap[i], &heap[least]);
		i = least;
	}
}

bool events_run_next(struct events *events, uint64_t until_us)
{
	struct event event;

	if (events->count == 0 || events->heap[0].at_us > until_us) {
		events->now_us = until_us;
		return false;
	}
	event = pop(events);
	events->now_us = event.at_us;
	events->ran++;
	event.run(event.context, event.argument, false);
	return true;
}
