/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See lane_subject.h. */
#include "config.h"

#include "tests/fuzz/lane_subject.h"

#include <stdlib.h>
#include <string.h>

enum {
	POOL_BYTES = 8 << 20,
	LANE_BYTES = 2 << 20,
	LOCAL_ID = 7,
	REMOTE_ID = 9,
	CLOSE_TEXT_BYTES = 4096,
	BATCHES = 8,     /* of one call */
	RESET_ALL = 249, /* of subject_act() */
};

static void keep(struct lane_subject *s, struct flow *flow)
{
	struct flow_policy policy = {
	    .class = (enum flow_class)(s->opened % 3),
	    .deadline_us = s->opened % 2 * 1000000,
	};

	flow_set_user(flow, s);
	flow_set_policy(flow, &policy);
	s->flows[s->next_flow++ % SUBJECT_FLOWS] = flow;
	s->opened++;
}

/* on_closed is a flow's last callback. */
static void must_be_open(const struct lane_subject *s, const struct flow *flow)
{
	if (flow_user(flow) != s)
		abort();
}

static enum reason on_open(void *context, struct flow *flow, const struct flow_open *open)
{
	if (open->accelerator == 13)
		return REASON_UNKNOWN_SERVICE;
	keep(context, flow);
	return REASON_NONE;
}

static size_t on_data(void *context, struct flow *flow, const struct iovec *pieces, int count)
{
	struct lane_subject *s = context;
	volatile uint8_t sum = 0;
	size_t length = 0;

	must_be_open(s, flow);
	for (int i = 0; i < count; i++) {
		for (size_t k = 0; k < pieces[i].iov_len; k++)
			sum = (uint8_t)(sum + ((const uint8_t *)pieces[i].iov_base)[k]);
		length += pieces[i].iov_len;
	}
	return length < s->take ? length : s->take;
}

static void on_finish(void *context, struct flow *flow)
{
	must_be_open(context, flow);
	flow_finish(flow);
}

static void on_reason(void *context, struct flow *flow, enum reason reason)
{
	must_be_open(context, flow);
	flow_reset(flow, reason);
}

static void on_writable(void *context, struct flow *flow)
{
	must_be_open(context, flow);
}

static void on_datagram(void *context, struct flow *flow, const uint8_t *data, size_t length)
{
	struct lane_subject *s = context;

	must_be_open(s, flow);
	flow_send_datagram(flow, data, length, s->now_us);
}

static void on_closed(void *context, struct flow *flow, enum reason reason)
{
	struct lane_subject *s = context;

	(void)reason;
	must_be_open(s, flow);
	flow_set_user(flow, NULL);
	s->closed++;
	for (unsigned i = 0; i < SUBJECT_FLOWS; i++)
		if (s->flows[i] == flow)
			s->flows[i] = NULL;
}

static void on_state(
    void *context, struct lane *lane, enum lane_state state, enum reason reason, const char *text)
{
	(void)context;
	(void)lane;
	(void)state;
	(void)reason;
	if (text && strlen(text) > CLOSE_TEXT_BYTES)
		abort();
}

static void on_rtt(void *context, struct lane *lane, uint64_t rtt_us)
{
	(void)context;
	(void)lane;
	(void)rtt_us;
}

static const struct lane_callbacks callbacks = {
    .on_open = on_open,
    .on_data = on_data,
    .on_finish = on_finish,
    .on_reset = on_reason,
    .on_stop_sending = on_reason,
    .on_writable = on_writable,
    .on_datagram = on_datagram,
    .on_closed = on_closed,
    .on_state = on_state,
    .on_rtt = on_rtt,
};

static void on_event(void *context, const struct trace_event *event)
{
	struct lane_subject *s = context;
	volatile uint8_t sum = 0;

	for (size_t i = 0; event->frames && i < event->frames_bytes; i++)
		sum = (uint8_t)(sum + event->frames[i]);
	s->events++;
}

/* An address that never answered gets no more than came from it. */
static void check_route(struct lane_subject *s, const struct lane_batch *batch)
{
	for (int i = 0; i < SUBJECT_ROUTES; i++) {
		s->was_used[i] |= route_equal(lane_route(s->lane), &s->routes[i]);
		if (!route_equal(batch->route, &s->routes[i]))
			continue;
		s->bytes_to[i] += batch->length_bytes;
		if (!s->was_used[i] && s->bytes_to[i] > s->bytes_from[i])
			abort();
	}
}

static void hand_on(
    struct lane_subject *s, const struct lane_batch *batch, subject_packet_fn *on_packet)
{
	for (size_t at = 0; on_packet && at < batch->length_bytes; at += batch->segment_bytes) {
		size_t left = batch->length_bytes - at;

		on_packet(
		    s, batch->data + at, left < batch->segment_bytes ? left : batch->segment_bytes);
	}
}

void subject_send(struct lane_subject *s, subject_packet_fn *on_packet)
{
	static uint8_t buffer[65536];

	for (int i = 0; i < BATCHES; i++) {
		struct lane_batch batch = {.data = buffer, .size_bytes = sizeof buffer};

		if (lane_send(s->lane, &batch, s->now_us) == 0)
			return;
		if (batch.length_bytes > sizeof buffer)
			abort();
		check_route(s, &batch);
		hand_on(s, &batch, on_packet);
	}
}

void subject_receive(struct lane_subject *s, const uint8_t *frames, size_t length, unsigned route)
{
	uint8_t packet[SUBJECT_PACKET_BYTES + PACKET_OVERHEAD_BYTES] = {0};

	memcpy(packet + PACKET_HEADER_BYTES, frames, length);
	epochs_seal(&s->epochs, packet, LOCAL_ID, s->number++, length);
	s->bytes_from[route] += length + PACKET_OVERHEAD_BYTES;
	lane_receive(
	    s->lane, packet, length + PACKET_OVERHEAD_BYTES, &s->routes[route], 0, s->now_us);
	lane_receive_done(s->lane, s->now_us);
}

void subject_wait(struct lane_subject *s, uint64_t us)
{
	s->now_us += us;
	lane_on_timer(s->lane, s->now_us);
}

static void open_flow(struct lane_subject *s, uint8_t kind)
{
	struct flow_open open = {.kind = kind & 1 ? FLOW_UDP : FLOW_TCP, .accelerator = 1};
	struct flow *flow;

	addr_parse("192.0.2.1:1000", 0, &open.user);
	addr_parse("[2001:db8::1]:80", 0, &open.local);
	if (flow_open(s->lane, &open, NULL, &flow, s->now_us) == 0)
		keep(s, flow);
}

static void write_flow(struct lane_subject *s, struct flow *flow, size_t length)
{
	size_t room = flow_write_room(flow);
	struct chunk *chunk = chunk_get(s->pool);
	struct slice slice = {chunk, 0, (uint32_t)(length < room ? length : room)};

	if (chunk) {
		memset(chunk->data, 'x', slice.length);
		if (slice.length)
			flow_write(flow, &slice);
	}
	chunk_unref(chunk);
}

void subject_act(struct lane_subject *s, uint8_t which, uint8_t how)
{
	static const uint8_t zeros[65507];
	struct flow *flow = s->flows[which % SUBJECT_FLOWS];

	if (how == RESET_ALL) {
		lane_reset_streams(s->lane, REASON_LANE_LOST, s->now_us);
		return;
	}
	if (!flow) {
		open_flow(s, how);
		return;
	}
	switch (how % 6) {
	case 0:
		write_flow(s, flow, how * 50u);
		break;
	case 1:
		flow_finish(flow);
		break;
	case 2:
		flow_reset(flow, REASON_TCP_RESET);
		break;
	case 3:
		flow_resume(flow);
		break;
	case 4:
		flow_send_datagram(flow, zeros, how * 256u, s->now_us);
		break;
	default:
		s->take = how * 16u;
		break;
	}
}

void subject_check(const struct lane_subject *s)
{
	if (chunk_pool_used_bytes(s->pool) > POOL_BYTES)
		abort();
}

void subject_start(struct lane_subject *s, enum lane_role role)
{
	struct lane_config config = {
	    .role = role,
	    .local_id = LOCAL_ID,
	    .remote_id = REMOTE_ID,
	    .aead = AEAD_CHACHA20POLY1305,
	    .send_secret = {1},
	    .receive_secret = {2},
	    .packet_bytes = SUBJECT_PACKET_BYTES,
	    .max_flows = 100,
	    .memory_bytes = LANE_BYTES,
	    .callbacks = &callbacks,
	    .context = s,
	};
	uint8_t peer_send[AEAD_SECRET_BYTES] = {2}, peer_receive[AEAD_SECRET_BYTES] = {1};

	*s = (struct lane_subject){.now_us = 1000000, .take = SIZE_MAX};
	s->pool = config.pool = chunk_pool_new(POOL_BYTES);
	addr_parse("192.0.2.1:1", 0, &s->routes[0].remote);
	addr_parse("192.0.2.1:2", 0, &s->routes[1].remote);
	addr_parse("192.0.2.2:1", 0, &s->routes[2].remote);
	config.route = s->routes[0];
	if (epochs_init(&s->epochs, AEAD_CHACHA20POLY1305, peer_send, peer_receive, s->now_us))
		abort();
	if (lane_new(&s->lane, &config, s->now_us))
		abort();
	s->tracer = (struct tracer){on_event, s};
	lane_set_tracer(s->lane, &s->tracer);
}

void subject_end(struct lane_subject *s)
{
	lane_free(s->lane);
	epochs_clear(&s->epochs);
	if (s->opened != s->closed)
		abort();          /* each flow's last callback comes once */
	chunk_pool_free(s->pool); /* asserts that every chunk came back */
}
