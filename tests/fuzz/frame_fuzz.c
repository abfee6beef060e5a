/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A lane against a peer that holds the keys: the input is a little program of packets with any
 * frames, time that passes, packets sent, and what the lane's own side does with its flows.
 * Memory must stay within the lane's budget, whatever comes.
 */
#include "config.h"

#include "base/bytes.h"
#include "base/err.h"
#include "tunnel/epochs.h"
#include "tunnel/lane.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	POOL_BYTES = 8 << 20,
	LANE_BYTES = 2 << 20,
	FLOWS = 16, /* the latest, which actions reach */
	LOCAL_ID = 7,
	REMOTE_ID = 9,
	PACKET_BYTES = 1200,
	STEPS = 4096, /* and as many jumps of 2^31 at most: below PACKET_NUMBER_MAX */
	NUMBER_JUMPS = 0x80,
	ROUTES = 3, /* that the peer sends from; the first is the lane's own */
};

struct state {
	struct lane *lane;
	struct chunk_pool *pool;
	struct epochs epochs;
	struct flow *flows[FLOWS];
	unsigned next_flow;
	uint64_t number, now_us;
	size_t take;
	unsigned opened, closed;
	struct lane_route routes[ROUTES];
	size_t bytes_from[ROUTES], bytes_to[ROUTES];
	bool was_used[ROUTES]; /* the lane sent there as a matter of course */
};

static void keep(struct state *s, struct flow *flow)
{
	struct flow_policy policy = {
	    .class = (enum flow_class)(s->opened % 3),
	    .deadline_us = s->opened % 2 * 1000000,
	};

	flow_set_policy(flow, &policy);
	s->flows[s->next_flow++ % FLOWS] = flow;
	s->opened++;
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
	struct state *s = context;
	volatile uint8_t sum = 0;
	size_t length = 0;

	(void)flow;
	for (int i = 0; i < count; i++) {
		for (size_t k = 0; k < pieces[i].iov_len; k++)
			sum = (uint8_t)(sum + ((const uint8_t *)pieces[i].iov_base)[k]);
		length += pieces[i].iov_len;
	}
	return length < s->take ? length : s->take;
}

static void on_finish(void *context, struct flow *flow)
{
	(void)context;
	flow_finish(flow);
}

static void on_reason(void *context, struct flow *flow, enum reason reason)
{
	(void)context;
	flow_reset(flow, reason);
}

static void on_writable(void *context, struct flow *flow)
{
	(void)context;
	(void)flow;
}

static void on_datagram(void *context, struct flow *flow, const uint8_t *data, size_t length)
{
	struct state *s = context;

	flow_send_datagram(flow, data, length, s->now_us);
}

static void on_closed(void *context, struct flow *flow, enum reason reason)
{
	struct state *s = context;

	(void)reason;
	s->closed++;
	for (unsigned i = 0; i < FLOWS; i++)
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
	if (text && strlen(text) > 4096)
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

/* ---- steps ---- */

/* An address that never answered gets no more than came from it. */
static void check_route(struct state *s, const struct lane_batch *batch)
{
	for (int i = 0; i < ROUTES; i++) {
		s->was_used[i] |= route_equal(lane_route(s->lane), &s->routes[i]);
		if (!route_equal(batch->route, &s->routes[i]))
			continue;
		s->bytes_to[i] += batch->length_bytes;
		if (!s->was_used[i] && s->bytes_to[i] > s->bytes_from[i])
			abort();
	}
}

static void send_all(struct state *s)
{
	static uint8_t buffer[65536];

	for (int i = 0; i < 8; i++) {
		struct lane_batch batch = {.data = buffer, .size_bytes = sizeof buffer};
		if (lane_send(s->lane, &batch, s->now_us) == 0)
			return;
		if (batch.length_bytes > sizeof buffer)
			abort();
		check_route(s, &batch);
	}
}

static void receive(struct state *s, struct reader *r, uint8_t op)
{
	uint8_t packet[PACKET_BYTES] = {0};
	size_t length = reader_u8(r) * 4u;
	const uint8_t *frames;

	if (length > reader_left(r))
		length = reader_left(r);
	frames = reader_bytes(r, length);
	if (!frames || length == 0)
		return;
	memcpy(packet + PACKET_HEADER_BYTES, frames, length);
	if (op & NUMBER_JUMPS)
		s->number += UINT64_C(1) << (op / 4 % 32);
	epochs_seal(&s->epochs, packet, LOCAL_ID, s->number++, length);
	s->bytes_from[op / 4 % ROUTES] += length + PACKET_OVERHEAD_BYTES;
	lane_receive(s->lane, packet, length + PACKET_OVERHEAD_BYTES, &s->routes[op / 4 % ROUTES],
	    0, s->now_us);
	lane_receive_done(s->lane, s->now_us);
}

static void open_flow(struct state *s, uint8_t kind)
{
	struct flow_open open = {.kind = kind & 1 ? FLOW_UDP : FLOW_TCP, .accelerator = 1};
	struct flow *flow;

	addr_parse("192.0.2.1:1000", 0, &open.user);
	addr_parse("[2001:db8::1]:80", 0, &open.local);
	if (flow_open(s->lane, &open, NULL, &flow, s->now_us) == 0)
		keep(s, flow);
}

static void write_flow(struct state *s, struct flow *flow, size_t length)
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

static void act(struct state *s, uint8_t which, uint8_t how)
{
	static const uint8_t zeros[65507];
	struct flow *flow = s->flows[which % FLOWS];

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

static void step(struct state *s, struct reader *r)
{
	uint8_t op = reader_u8(r);

	switch (op % 4) {
	case 0:
		receive(s, r, op);
		break;
	case 1:
		s->now_us += (uint64_t)reader_u8(r) * reader_u8(r) * 100;
		lane_on_timer(s->lane, s->now_us);
		break;
	case 2:
		send_all(s);
		break;
	default: {
		uint8_t which = reader_u8(r);
		act(s, which, reader_u8(r));
	}
	}
	if (chunk_pool_used_bytes(s->pool) > POOL_BYTES)
		abort();
}

static void run(struct state *s, struct reader *r, enum lane_role role)
{
	struct lane_config config = {
	    .role = role,
	    .local_id = LOCAL_ID,
	    .remote_id = REMOTE_ID,
	    .aead = AEAD_CHACHA20POLY1305,
	    .send_secret = {1},
	    .receive_secret = {2},
	    .packet_bytes = PACKET_BYTES,
	    .route = s->routes[0],
	    .max_flows = 100,
	    .memory_bytes = LANE_BYTES,
	    .pool = s->pool,
	    .callbacks = &callbacks,
	    .context = s,
	};
	uint8_t peer_send[AEAD_SECRET_BYTES] = {2}, peer_receive[AEAD_SECRET_BYTES] = {1};

	if (epochs_init(&s->epochs, AEAD_CHACHA20POLY1305, peer_send, peer_receive, s->now_us))
		abort();
	if (lane_new(&s->lane, &config, s->now_us))
		abort();
	for (int i = 0; i < STEPS && reader_left(r) > 0; i++)
		step(s, r);
	lane_free(s->lane);
	epochs_clear(&s->epochs);
	if (s->opened != s->closed)
		abort(); /* each flow's last callback comes once */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct state s = {.now_us = 1000000, .take = SIZE_MAX};
	struct reader r;

	if (size < 2 || aead_init())
		return 0;
	s.pool = chunk_pool_new(POOL_BYTES);
	addr_parse("192.0.2.1:1", 0, &s.routes[0].remote);
	addr_parse("192.0.2.1:2", 0, &s.routes[1].remote);
	addr_parse("192.0.2.2:1", 0, &s.routes[2].remote);
	reader_init(&r, data + 1, size - 1);
	run(&s, &r, data[0] & 1 ? LANE_LISTENER : LANE_ENDPOINT);
	chunk_pool_free(s.pool); /* asserts that every chunk came back */
	return 0;
}
