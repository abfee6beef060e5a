/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See events.h. */
#include "config.h"

#include "control/events.h"

#include "control/api_tunnels.h"
#include "control/control.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const event_kind_names[] = {
    [EVENT_REVISION] = "revision",
    [EVENT_NODE] = "node",
    [EVENT_CONFIG] = "config",
    [EVENT_HEALTH] = "health",
    [EVENT_DRAIN] = "drain",
    [EVENT_AUDIT] = "audit",
    [EVENT_TUNNELS] = "tunnels",
    [EVENT_KINDS] = NULL,
};

struct event {
	enum event_kind kind;
	char *text; /* NULL: there was no memory for it */
	size_t length;
};

/* The ring has events from `first` to before `next`, number n at n % EVENTS_KEPT. */
struct events {
	struct control *control;
	struct event ring[EVENTS_KEPT];
	uint64_t first, next;
	size_t bytes, reader_count;
	struct list_node readers;
	ev_timer heartbeat, measure;
};

char *event_text(const char *name, uint64_t id, json_t *data)
{
	char *json = data ? json_dumps(data, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
	char line[32] = "", *text;

	json_decref(data);
	if (id)
		snprintf(line, sizeof(line), "id: %llu\n", (unsigned long long)id);
	if (json && asprintf(&text, "%sevent: %s\ndata: %s\n\n", line, name, json) < 0)
		text = NULL;
	else if (!json)
		text = NULL;
	free(json);
	return text;
}

static void drop_first(struct events *events)
{
	struct event *event = &events->ring[events->first++ % EVENTS_KEPT];

	events->bytes -= event->length;
	free(event->text);
	*event = (struct event){0};
}

void events_publish(struct events *events, enum event_kind kind, uint64_t id, json_t *data)
{
	char *text;
	size_t length;

	if (!events || events->reader_count == 0) {
		json_decref(data);
		return;
	}
	text = event_text(event_kind_names[kind], id, data);
	length = text ? strlen(text) : 0;
	while (events->first < events->next
	       && (events->next - events->first == EVENTS_KEPT
	           || events->bytes + length > EVENTS_BYTES_MAX))
		drop_first(events);
	events->ring[events->next++ % EVENTS_KEPT] = (struct event){kind, text, length};
	events->bytes += length;
	LIST_FOREACH (reader, &events->readers, struct event_reader, node) {
		if (reader->kinds & EVENT_BIT(kind))
			reader->on_event(reader);
		else if (reader->next == events->next - 1)
			reader->next++; /* or it would be counted as lost when it is dropped */
	}
}

const char *events_read(struct events *events, struct event_reader *reader, uint64_t *lost)
{
	*lost = 0;
	if (reader->next < events->first) {
		*lost = events->first - reader->next;
		reader->next = events->first;
	}
	while (reader->next < events->next) {
		const struct event *event = &events->ring[reader->next++ % EVENTS_KEPT];

		if (!(reader->kinds & EVENT_BIT(event->kind)))
			continue;
		if (event->text)
			return event->text;
		++*lost;
	}
	return NULL;
}

static void on_heartbeat(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct events *events = timer->data;

	(void)loop;
	(void)revents;
	LIST_FOREACH (reader, &events->readers, struct event_reader, node)
		reader->on_heartbeat(reader);
}

static bool is_wanted(const struct events *events, enum event_kind kind)
{
	LIST_FOREACH (reader, &events->readers, struct event_reader, node) {
		if (reader->kinds & EVENT_BIT(kind))
			return true;
	}
	return false;
}

static void on_measure(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct events *events = timer->data;

	(void)loop;
	(void)revents;
	if (is_wanted(events, EVENT_TUNNELS))
		events_publish(events, EVENT_TUNNELS, 0, api_tunnels_to_json(events->control));
}

static void start_timers(struct events *events)
{
	ev_timer_again(events->control->loop, &events->heartbeat);
	ev_timer_again(events->control->loop, &events->measure);
}

static void stop_timers(struct events *events)
{
	ev_timer_stop(events->control->loop, &events->heartbeat);
	ev_timer_stop(events->control->loop, &events->measure);
}

void events_join(struct events *events, struct event_reader *reader)
{
	if (events->reader_count++ == 0)
		start_timers(events);
	reader->next = events->next;
	list_add_tail(&events->readers, &reader->node);
}

void events_leave(struct events *events, struct event_reader *reader)
{
	list_del(&reader->node);
	if (--events->reader_count == 0)
		stop_timers(events);
}

size_t events_reader_count(const struct events *events)
{
	return events->reader_count;
}

size_t events_readers_of(const struct events *events, const char *who)
{
	size_t count = 0;

	LIST_FOREACH (reader, &events->readers, struct event_reader, node)
		count += strcmp(reader->who, who) == 0;
	return count;
}

struct events *events_new(struct control *control)
{
	struct events *events = calloc(1, sizeof(*events));

	if (!events)
		return NULL;
	events->control = control;
	list_init(&events->readers);
	ev_timer_init(&events->heartbeat, on_heartbeat, 0, EVENTS_HEARTBEAT_S);
	ev_timer_init(&events->measure, on_measure, 0, EVENTS_MEASURE_S);
	events->heartbeat.data = events->measure.data = events;
	return events;
}

void events_free(struct events *events)
{
	if (!events)
		return;
	stop_timers(events);
	while (events->first < events->next)
		drop_first(events);
	free(events);
}
