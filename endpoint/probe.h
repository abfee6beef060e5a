/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One question to one address of a backend, and what came of it.  A probe owns its sockets, ends by its
 * timeout, and calls back once, from the loop.  The kinds are in probe_*.c.
 */
#ifndef ENDPOINT_PROBE_H
#define ENDPOINT_PROBE_H

#include "base/addr.h"
#include "model/health.h"
#include "model/health_check.h"

#include <ev.h>
#include <stdint.h>

struct probes;
struct probe;

enum {
	PROBES_MAX = 512, /* at once; each has one socket */
	PROBE_TOKEN_BYTES = 16,
};

struct probe_request {
	const struct health_check *check; /* valid until the probe ends */
	enum health_kind kind;            /* never HEALTH_AUTO or HEALTH_NONE */
	struct addr to;                   /* with its port */
	struct addr source;               /* family 0: the system's choice */
	const char *host;                 /* the backend's, as configured; valid until it ends */
};

/* HEALTH_CAUSE_NONE is a good answer. */
typedef void probe_done_fn(void *context, enum health_cause cause);

/* ERR_NOMEM. Before the sandbox closes: libraries read their files now. */
int probes_new(struct probes **probes, struct ev_loop *loop);
/* Ends those under way, without a callback. Takes NULL. */
void probes_free(struct probes *probes);

/* 0; ERR_LIMIT with PROBES_MAX under way; ERR_NOMEM. The callback comes from the loop, never from within this call. */
int probe_start(struct probes *probes, const struct probe_request *request, probe_done_fn *done,
    void *context, struct probe **probe);
/* No callback. Takes NULL. */
void probe_cancel(struct probe *probe);

#endif
