/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See far_end.h. */
#include "config.h"

#include "tests/support/far_end.h"

#include "tests/unit/cmocka_all.h"

#include <string.h>

static struct far_flow *make(struct far_end *end, const struct flow_open *open)
{
	struct far_flow *made = calloc(1, sizeof *made);

	assert_non_null(made);
	made->end = end;
	made->open = *open;
	list_add_tail(&end->flows, &made->node);
	end->count++;
	return made;
}

/* ---- what the lane says ---- */

static enum reason on_open(void *context, struct flow *flow, const struct flow_open *open)
{
	struct far_end *end = context;

	if (end->refuse_with != REASON_NONE)
		return end->refuse_with;
	struct far_flow *made = make(end, open);
	made->flow = flow;
	flow_set_user(flow, made);
	return REASON_NONE;
}

static size_t on_data(void *context, struct flow *flow, const struct iovec *pieces, int count)
{
	struct far_flow *far = flow_user(flow);
	size_t before = far->length;

	(void)context;
	for (int i = 0; i < count; i++) {
		size_t room = sizeof far->received - far->length;
		size_t taken = pieces[i].iov_len < room ? pieces[i].iov_len : room;

		memcpy(far->received + far->length, pieces[i].iov_base, taken);
		far->length += taken;
	}
	return far->length - before;
}

static void on_finish(void *context, struct flow *flow)
{
	struct far_flow *far = flow_user(flow);

	(void)context;
	far->is_finished = true;
}

static void on_reset(void *context, struct flow *flow, enum reason reason)
{
	struct far_flow *far = flow_user(flow);

	(void)context;
	if (far->reset_with == REASON_NONE)
		far->reset_with = reason;
}

static void on_writable(void *context, struct flow *flow)
{
	(void)context;
	(void)flow;
}

static void on_datagram(void *context, struct flow *flow, const uint8_t *data, size_t length)
{
	struct far_flow *far = flow_user(flow);

	(void)context;
	memcpy(far->received, data, length);
	far->length = length;
	far->datagrams++;
}

static void on_closed(void *context, struct flow *flow, enum reason reason)
{
	struct far_flow *far = flow_user(flow);

	(void)context;
	(void)reason;
	far->flow = NULL;
	far->is_closed = true;
}

static void on_health(
    void *context, struct lane *lane, uint32_t accelerator, uint64_t sequence, uint8_t state)
{
	struct far_end *end = context;

	(void)lane;
	(void)accelerator;
	if (sequence <= end->health_sequence)
		return;
	end->health_sequence = sequence;
	end->health = state;
}

static const struct lane_callbacks callbacks = {
    .on_open = on_open,
    .on_data = on_data,
    .on_finish = on_finish,
    .on_reset = on_reset,
    .on_stop_sending = on_reset,
    .on_writable = on_writable,
    .on_datagram = on_datagram,
    .on_closed = on_closed,
    .on_health = on_health,
};

/* ---- what the test says ---- */

void far_end_open(struct far_end *end, struct worker *worker, struct joint_options options)
{
	memset(end, 0, sizeof *end);
	list_init(&end->flows);
	options.far = &callbacks;
	options.far_context = end;
	joint_open(&end->joint, worker, &options);
}

void far_end_close(struct far_end *end)
{
	if (!end->joint.worker)
		return;
	joint_close(&end->joint);
	LIST_FOREACH_SAFE (flow, next, &end->flows, struct far_flow, node)
		free(flow);
	memset(end, 0, sizeof *end);
}

struct far_flow *far_flow_latest(struct far_end *end, unsigned ago)
{
	size_t wanted = end->count > ago ? end->count - ago : 0;

	if (wanted == 0)
		return NULL;
	LIST_FOREACH (flow, &end->flows, struct far_flow, node)
		if (--wanted == 0)
			return flow;
	return NULL;
}

struct far_flow *far_flow_open(struct far_end *end, const struct flow_open *open)
{
	struct far_flow *made = make(end, open);

	assert_int_equal(
	    flow_open(end->joint.far, open, made, &made->flow, end->joint.worker->now_us), 0);
	return made;
}

void far_flow_write(struct far_flow *flow, const char *text)
{
	struct slice slice = {
	    .chunk = chunk_get(flow->end->joint.worker->pool), .length = (uint32_t)strlen(text)};

	assert_non_null(slice.chunk);
	memcpy(slice.chunk->data, text, slice.length);
	slice.chunk->used_bytes = slice.length;
	assert_int_equal(flow_write(flow->flow, &slice), 0);
	chunk_unref(slice.chunk);
}

void far_flow_send(struct far_flow *flow, const void *data, size_t length)
{
	assert_int_equal(
	    flow_send_datagram(flow->flow, data, length, flow->end->joint.worker->now_us), 0);
}

void far_flow_assert_received(struct far_flow *flow, const char *text)
{
	assert_int_equal(flow->length, strlen(text));
	assert_memory_equal(flow->received, text, flow->length);
	flow->length = 0;
}
