/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens, for those who listen: a ring of the last events, as text of server-sent events
 * (WHATWG HTML, section 9.2).  Everybody reads the one ring at his own speed; who is too slow loses
 * the oldest and learns how many, and nobody's slowness costs memory.
 */
#ifndef CONTROL_EVENTS_H
#define CONTROL_EVENTS_H

#include "base/list.h"

#include <ev.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum event_kind {
	EVENT_REVISION, /* a change; its number is the event's id */
	EVENT_NODE,     /* a node is up or down */
	EVENT_CONFIG,   /* a node applied or refused a config */
	EVENT_HEALTH,   /* a backend is in another state, as an endpoint sees it */
	EVENT_DRAIN,    /* a node that drains has other flows, or none */
	EVENT_AUDIT,    /* an entry of the audit log: for admins */
	EVENT_TUNNELS,  /* what was measured, each second while somebody listens */
	EVENT_KINDS,
};

/* By number; NULL at the end. */
extern const char *const event_kind_names[];

#define EVENT_BIT(kind) (1U << (kind))

enum {
	EVENTS_KEPT = 512,
	EVENTS_BYTES_MAX = 8 * 1024 * 1024, /* of their texts together */
	EVENTS_HEARTBEAT_S = 15,
	EVENTS_MEASURE_S = 1,
};

struct control;
struct events;

/* One who listens; part of its owner's struct. */
struct event_reader {
	struct list_node node;
	unsigned kinds;                                    /* of EVENT_BIT() */
	const char *who;                                   /* whose it is; borrowed */
	uint64_t next;                                     /* number of the next event */
	void (*on_event)(struct event_reader *reader);     /* there is something to read */
	void (*on_heartbeat)(struct event_reader *reader); /* each EVENTS_HEARTBEAT_S */
};

/* control->loop is there.  NULL without memory. */
struct events *events_new(struct control *control);
/* After the last reader has left.  Takes NULL. */
void events_free(struct events *events);

/* From now on; kinds, who and callbacks are set. */
void events_join(struct events *events, struct event_reader *reader);
void events_leave(struct events *events, struct event_reader *reader);
size_t events_reader_count(const struct events *events);
size_t events_readers_of(const struct events *events, const char *who);

/*
 * Takes over data, an object.  id is a revision's number, 0 for none.  Without memory the event is
 * lost, as for one who is too slow.  Takes NULL.
 */
void events_publish(struct events *events, enum event_kind kind, uint64_t id, json_t *data);

/*
 * The reader's next event of its kinds, whole, valid until the next publication; NULL when there is
 * none.  *lost is how many were gone before.
 */
const char *events_read(struct events *events, struct event_reader *reader, uint64_t *lost);

/* The text of one event, allocated; takes over data.  NULL without memory. */
char *event_text(const char *name, uint64_t id, json_t *data);

#endif
