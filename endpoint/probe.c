/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See probe.h: what all kinds share, their timeout and their end. */
#include "endpoint/probe.h"

#include "base/err.h"
#include "endpoint/probe_private.h"

#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

static probe_begin_fn *const kinds[HEALTH_KIND_COUNT] = {
    [HEALTH_TCP] = probe_tcp_begin,
    [HEALTH_HTTP] = probe_http_begin,
    [HEALTH_HTTPS] = probe_http_begin,
    [HEALTH_UDP] = probe_datagram_begin,
    [HEALTH_DNS] = probe_datagram_begin,
    [HEALTH_SIP_OPTIONS] = probe_datagram_begin,
    [HEALTH_A2S] = probe_datagram_begin,
    [HEALTH_QUAKE3] = probe_datagram_begin,
    [HEALTH_QUIC] = probe_datagram_begin,
    [HEALTH_ICMP] = probe_datagram_begin,
};

/* ---- for the kinds ---- */

enum health_cause probe_cause_of(int error)
{
	switch (error) {
	case ERR_REFUSED:
		return HEALTH_CAUSE_REFUSED;
	case ERR_UNREACHABLE:
		return HEALTH_CAUSE_UNREACHABLE;
	default:
		return HEALTH_CAUSE_SILENT;
	}
}

static void stop_watching(struct probe *probe)
{
	struct ev_loop *loop = probe->probes->loop;

	ev_io_stop(loop, &probe->io);
	if (probe->http)
		probe_http_clear(probe);
	if (probe->descriptor >= 0)
		close(probe->descriptor);
	probe->descriptor = -1;
}

void probe_end(struct probe *probe, enum health_cause cause)
{
	if (probe->is_ended)
		return;
	probe->is_ended = true;
	probe->cause = cause;
	ev_io_stop(probe->probes->loop, &probe->io);
	ev_timer_stop(probe->probes->loop, &probe->deadline);
	ev_timer_set(&probe->deadline, 0., 0.);
	ev_timer_start(probe->probes->loop, &probe->deadline);
}

void probe_watch(struct probe *probe, int descriptor, int events,
    void (*callback)(struct ev_loop *loop, ev_io *io, int events))
{
	probe->descriptor = descriptor;
	ev_io_init(&probe->io, callback, descriptor, events);
	ev_set_priority(&probe->io, PROBE_IO_PRIORITY);
	probe->io.data = probe;
	ev_io_start(probe->probes->loop, &probe->io);
}

/* ---- life ---- */

void probe_cancel(struct probe *probe)
{
	if (!probe)
		return;
	stop_watching(probe);
	ev_timer_stop(probe->probes->loop, &probe->deadline);
	list_del(&probe->node);
	probe->probes->count--;
	free(probe);
}

static void on_deadline(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct probe *probe = timer->data;
	probe_done_fn *done = probe->done;
	void *context = probe->context;
	enum health_cause cause = probe->is_ended ? probe->cause : HEALTH_CAUSE_SILENT;

	(void)loop;
	(void)events;
	probe_cancel(probe);
	done(context, cause);
}

int probe_start(struct probes *probes, const struct probe_request *request, probe_done_fn *done,
    void *context, struct probe **out)
{
	struct probe *probe;

	if (probes->count >= PROBES_MAX)
		return ERR_LIMIT;
	probe = calloc(1, sizeof(*probe));
	if (!probe)
		return ERR_NOMEM;
	probe->probes = probes;
	probe->request = *request;
	probe->done = done;
	probe->context = context;
	probe->descriptor = -1;
	randombytes_buf(probe->token, sizeof(probe->token));
	ev_init(&probe->io, NULL);
	ev_timer_init(&probe->deadline, on_deadline, request->check->timeout_ms / 1000., 0.);
	probe->deadline.data = probe;
	ev_timer_start(probes->loop, &probe->deadline);
	list_add_tail(&probes->all, &probe->node);
	probes->count++;
	*out = probe;
	kinds[request->kind](probe);
	return 0;
}

int probes_new(struct probes **out, struct ev_loop *loop)
{
	struct probes *probes = calloc(1, sizeof(*probes));
	int error = probes ? http_client_new(&probes->http, loop) : ERR_NOMEM;

	if (error) {
		free(probes);
		return error;
	}
	probes->loop = loop;
	list_init(&probes->all);
	*out = probes;
	return 0;
}

void probes_free(struct probes *probes)
{
	if (!probes)
		return;
	LIST_FOREACH_SAFE (probe, next, &probes->all, struct probe, node)
		probe_cancel(probe);
	http_client_free(probes->http);
	free(probes);
}
