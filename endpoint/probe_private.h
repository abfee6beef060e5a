/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between probe.c, which has what all probes share, and the kinds. */
#ifndef ENDPOINT_PROBE_PRIVATE_H
#define ENDPOINT_PROBE_PRIVATE_H

#include "base/list.h"
#include "endpoint/probe.h"

#include <stdbool.h>
#include <stddef.h>

/* Above that of deadlines: when the process stood still, an answer that is there counts. */
enum { PROBE_IO_PRIORITY = 1 };

struct probe_http;
struct http_client;

/* Invariant: in probes->all; io is active while a socket is watched, or http is set. */
struct probe {
	struct list_node node;
	struct probes *probes;
	struct probe_request request;
	probe_done_fn *done;
	void *context;
	ev_timer deadline; /* or, once `is_ended`, the callback */
	bool is_ended;
	enum health_cause cause;
	int descriptor; /* -1: none */
	ev_io io;
	unsigned questions;               /* datagrams sent */
	struct probe_http *http;          /* HEALTH_HTTP, HEALTH_HTTPS */
	uint8_t token[PROBE_TOKEN_BYTES]; /* random: answers must show that they are to this */
};

struct probes {
	struct ev_loop *loop;
	struct list_node all;
	size_t count;
	struct http_client *http;
};

/* How a kind begins: it watches probe->io, or calls probe_end(). */
typedef void probe_begin_fn(struct probe *probe);
probe_begin_fn probe_tcp_begin, probe_datagram_begin, probe_http_begin;

/* The answer: the callback comes in the next round of the loop. */
void probe_end(struct probe *probe, enum health_cause cause);

/* What an error of a socket says of the backend. */
enum health_cause probe_cause_of(int error);

void probe_watch(struct probe *probe, int descriptor, int events,
    void (*callback)(struct ev_loop *loop, ev_io *io, int events));

/* probe_http.c */
int http_client_new(struct http_client **client, struct ev_loop *loop);
void http_client_free(struct http_client *client);
void probe_http_clear(struct probe *probe);

#endif
