/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which peers are traced, and their lanes' tracers, see worker_traces.h. */
#include "config.h"

#include "net/worker_traces.h"

#include "base/log.h"
#include "net/worker_private.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { US_PER_S = 1000000, NS_PER_US = 1000 };

static struct worker_trace *find(struct worker_traces *traces, const uint8_t pin[PIN_BYTES])
{
	for (size_t i = 0; i < traces->count; i++)
		if (memcmp(traces->list[i].pin, pin, PIN_BYTES) == 0)
			return &traces->list[i];
	return NULL;
}

static bool is_wanted(const struct worker_traces *traces, const uint8_t pin[PIN_BYTES])
{
	const struct config_peer *peer = worker_peer(traces->worker, pin);

	return peer && peer->is_traced;
}

void worker_traces_lane(struct worker_traces *traces, struct carried *carried)
{
	struct worker_trace *trace = find(traces, carried->shown.peer_pin);

	if (!trace) {
		lane_set_tracer(carried->shown.lane, NULL);
		return;
	}
	trace_lane_init(&carried->traced, trace->file, carried->shown.lane, carried->local_id);
	lane_set_tracer(carried->shown.lane, &carried->traced.tracer);
}

static void renew_lanes(struct worker_traces *traces)
{
	LIST_FOREACH (carried, &traces->worker->lanes.all, struct carried, node)
		worker_traces_lane(traces, carried);
}

static int open_file(
    struct worker_traces *traces, const char *peer, int descriptor, struct trace_file **file)
{
	enum lane_role role =
	    traces->worker->role->role == NODE_LISTENER ? LANE_LISTENER : LANE_ENDPOINT;
	char title[NAME_BYTES + 64];
	struct timespec wall;

	clock_gettime(CLOCK_REALTIME, &wall);
	snprintf(title, sizeof(title), "tunnel with %s, worker %u", peer,
	    traces->worker->settings.index);
	return trace_file_new(file, descriptor, title, role,
	    (uint64_t)wall.tv_sec * US_PER_S + (uint64_t)wall.tv_nsec / NS_PER_US,
	    traces->worker->now_us);
}

void worker_traces_add(struct worker_traces *traces, const uint8_t pin[PIN_BYTES], int descriptor)
{
	const struct config_peer *peer = worker_peer(traces->worker, pin);
	struct worker_trace *added = &traces->list[traces->count];

	if (!peer || !peer->is_traced || find(traces, pin)) {
		close(descriptor);
		return;
	}
	if (traces->count == WORKER_TRACES_MAX) {
		log_warn("trace_refused", "peer=%s most=%d", peer->name, WORKER_TRACES_MAX);
		close(descriptor);
		return;
	}
	if (open_file(traces, peer->name, descriptor, &added->file) < 0)
		return;
	memcpy(added->pin, pin, PIN_BYTES);
	traces->count++;
	log_info("trace_begins", "peer=%s", peer->name);
	renew_lanes(traces);
}

void worker_traces_on_config(struct worker_traces *traces)
{
	struct trace_file *ended[WORKER_TRACES_MAX];
	size_t count = 0;

	for (size_t i = 0; i < traces->count;) {
		if (is_wanted(traces, traces->list[i].pin)) {
			i++;
			continue;
		}
		ended[count++] = traces->list[i].file;
		traces->list[i] = traces->list[--traces->count];
	}
	if (count)
		renew_lanes(traces);
	while (count) {
		trace_file_free(ended[--count]);
		log_info("trace_ends", "traces=%zu", traces->count);
	}
}

void worker_traces_flush(struct worker_traces *traces)
{
	for (size_t i = 0; i < traces->count; i++)
		trace_file_flush(traces->list[i].file);
}

void worker_traces_clear(struct worker_traces *traces)
{
	while (traces->count)
		trace_file_free(traces->list[--traces->count].file);
}
