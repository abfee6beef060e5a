/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A lane against a peer that holds the keys and writes what frames it likes: what breaks a rule closes the
 * lane with a text that names it, what is forged or replayed changes nothing, and memory stays bounded.
 */
#include "config.h"

#include "base/err.h"
#include "tests/unit/cmocka_all.h"
#include "tests/unit/gf256_slow.h"
#include "tunnel/epochs.h"
#include "tunnel/frame.h"
#include "tunnel/gf256.h"
#include "tunnel/lane.h"
#include "tunnel/limits.h"

#include <string.h>

enum { LOCAL_ID = 0x02000002, REMOTE_ID = 0x01000001, POOL_BYTES = 64 << 20 };

/* The peer, and what the lane under test told its application. */
static const struct lane_route nowhere;

struct raw {
	struct lane *lane;
	struct chunk_pool *pool;
	struct epochs epochs;
	uint64_t number, now_us;
	uint8_t packet[PACKET_MIN_BYTES];
	struct writer w;
	struct flow *flow; /* the last that was opened */
	enum lane_state state;
	enum reason over_reason;
	char over_text[200];
	unsigned opened, closed, resets, datagrams;
	uint64_t received;
	size_t take;
};

static enum reason on_open(void *context, struct flow *flow, const struct flow_open *open)
{
	struct raw *raw = context;

	(void)open;
	raw->flow = flow;
	raw->opened++;
	return REASON_NONE;
}

static size_t on_data(void *context, struct flow *flow, const struct iovec *pieces, int count)
{
	struct raw *raw = context;
	size_t length = 0;

	(void)flow;
	for (int i = 0; i < count; i++)
		length += pieces[i].iov_len;
	if (length > raw->take)
		length = raw->take;
	raw->received += length;
	return length;
}

static void on_finish(void *context, struct flow *flow)
{
	(void)context;
	(void)flow;
}

static void on_reset(void *context, struct flow *flow, enum reason reason)
{
	(void)flow;
	(void)reason;
	((struct raw *)context)->resets++;
}

static void on_stop_sending(void *context, struct flow *flow, enum reason reason)
{
	(void)context;
	(void)flow;
	(void)reason;
}

static void on_datagram(void *context, struct flow *flow, const uint8_t *data, size_t length)
{
	(void)flow;
	(void)data;
	(void)length;
	((struct raw *)context)->datagrams++;
}

static void on_closed(void *context, struct flow *flow, enum reason reason)
{
	(void)flow;
	(void)reason;
	((struct raw *)context)->closed++;
}

static void on_state(
    void *context, struct lane *lane, enum lane_state state, enum reason reason, const char *text)
{
	struct raw *raw = context;

	(void)lane;
	raw->state = state;
	raw->over_reason = reason;
	snprintf(raw->over_text, sizeof(raw->over_text), "%s", text);
}

static const struct lane_callbacks callbacks = {
    .on_open = on_open,
    .on_data = on_data,
    .on_finish = on_finish,
    .on_reset = on_reset,
    .on_stop_sending = on_stop_sending,
    .on_writable = on_finish,
    .on_datagram = on_datagram,
    .on_closed = on_closed,
    .on_state = on_state,
};

static void start(struct raw *raw, enum lane_role role, uint64_t memory_bytes)
{
	struct lane_config config = {
	    .role = role,
	    .local_id = LOCAL_ID,
	    .remote_id = REMOTE_ID,
	    .aead = AEAD_CHACHA20POLY1305,
	    .send_secret = {1},
	    .receive_secret = {2},
	    .packet_bytes = PACKET_MIN_BYTES,
	    .max_flows = 10,
	    .memory_bytes = memory_bytes,
	    .callbacks = &callbacks,
	    .context = raw,
	};

	memset(raw, 0, sizeof(*raw));
	raw->now_us = 1000000;
	raw->take = SIZE_MAX;
	raw->pool = chunk_pool_new(POOL_BYTES);
	config.pool = raw->pool;
	assert_int_equal(epochs_init(&raw->epochs, config.aead, config.receive_secret,
	                     config.send_secret, raw->now_us),
	    0);
	assert_int_equal(lane_new(&raw->lane, &config, raw->now_us), 0);
}

static void stop(struct raw *raw)
{
	lane_free(raw->lane);
	assert_int_equal(raw->opened, raw->closed);
	assert_int_equal(chunk_pool_used_bytes(raw->pool), 0);
	chunk_pool_free(raw->pool);
	epochs_clear(&raw->epochs);
}

/* begin(), frame_write_...(&raw->w, ...), finish(). */
static struct writer *begin(struct raw *raw)
{
	writer_init(&raw->w, raw->packet + PACKET_HEADER_BYTES,
	    sizeof(raw->packet) - PACKET_OVERHEAD_BYTES);
	return &raw->w;
}

static int finish(struct raw *raw)
{
	size_t length = writer_length(&raw->w);
	int rc;

	assert_false(raw->w.failed);
	epochs_seal(&raw->epochs, raw->packet, LOCAL_ID, raw->number++, length);
	rc = lane_receive(
	    raw->lane, raw->packet, length + PACKET_OVERHEAD_BYTES, &nowhere, 0, raw->now_us);
	lane_receive_done(raw->lane, raw->now_us);
	return rc;
}

static void write_open(struct raw *raw, uint64_t flow, enum flow_kind kind)
{
	struct flow_open open = {.kind = kind, .accelerator = 1};

	open.user = addr_any(4, 1000);
	open.local = addr_any(6, 2000);
	frame_write_open(&raw->w, flow, &open);
}

static void send_stream(struct raw *raw, uint64_t flow, uint64_t offset, size_t length, bool fin)
{
	begin(raw);
	write_open(raw, flow, FLOW_TCP);
	memset(frame_write_stream(&raw->w, flow, offset, length, fin), 'x', length);
	finish(raw);
}

static void expect_over(struct raw *raw, enum reason reason, const char *text)
{
	struct lane_stats stats;

	assert_int_equal(raw->state, LANE_OVER);
	assert_int_equal(raw->over_reason, reason);
	assert_string_equal(raw->over_text, text);
	lane_get_stats(raw->lane, &stats);
	assert_int_equal(stats.packets_malformed, 1);
	assert_int_equal(
	    lane_receive(raw->lane, raw->packet, 100, &nowhere, 0, raw->now_us), ERR_STATE);
}

static void an_unknown_frame_is_named(void **state)
{
	uint8_t memory[2048];
	struct lane_batch batch = {.data = memory, .size_bytes = sizeof(memory)};
	struct raw raw;

	(void)state;
	start(&raw, LANE_ENDPOINT, POOL_BYTES);
	writer_u8(begin(&raw), FRAME_COUNT);
	assert_int_equal(finish(&raw), ERR_MALFORMED);
	expect_over(&raw, REASON_PROTOCOL, "unknown frame type 21");
	/* And the peer is told. */
	assert_true(lane_wants_send(raw.lane, raw.now_us));
	assert_true(lane_send(raw.lane, &batch, raw.now_us) > 0);
	while (lane_send(raw.lane, &batch, raw.now_us))
		;
	assert_false(lane_wants_send(raw.lane, raw.now_us));
	stop(&raw);
}

static void truncated_frames_close_the_lane(void **state)
{
	static const struct {
		uint8_t bytes[24];
		size_t length;
		const char *text;
	} cases[] = {
	    {{FRAME_ACK, 5}, 2, "malformed ACK frame"},
	    {{FRAME_ACK, 5, 0, 64, 0}, 5, "malformed ACK frame"},
	    {{FRAME_ACK, 5, 0, 0, 6}, 5, "malformed ACK frame"},
	    {{FRAME_ACK, 5, 0, 1, 0, 4, 0}, 7, "malformed ACK frame"},
	    {{FRAME_ACK_ECN, 5, 0, 0, 0, 1, 1}, 7, "malformed ACK_ECN frame"},
	    {{FRAME_OPEN, 0, 2, 1}, 4, "malformed OPEN frame"},
	    {{FRAME_OPEN, 0, 0, 1, 5, 0, 0}, 7, "malformed OPEN frame"},
	    {{FRAME_OPEN, 0, 0, 1, 4, 0, 1, 1, 2, 3}, 10, "malformed OPEN frame"},
	    {{FRAME_STREAM, 0, 0, 10, 'x'}, 5, "malformed STREAM frame"},
	    {{FRAME_STREAM_FIN, 0}, 2, "malformed STREAM_FIN frame"},
	    {{FRAME_RESET, 0, REASON_COUNT, 0}, 4, "malformed RESET frame"},
	    {{FRAME_STOP_SENDING, 0}, 2, "malformed STOP_SENDING frame"},
	    {{FRAME_DATAGRAM, 0, 0, 0, 0, 1, 2}, 7, "malformed DATAGRAM frame"},
	    {{FRAME_DATAGRAM_FRAGMENT, 0, 0, 0, 0, 1, 1, 1, 1, 'x'}, 10,
	        "malformed DATAGRAM_FRAGMENT frame"},
	    {{FRAME_MAX_DATA}, 1, "malformed MAX_DATA frame"},
	    {{FRAME_MAX_STREAM_DATA, 1}, 2, "malformed MAX_STREAM_DATA frame"},
	    {{FRAME_CLOSE, 0, 2, 'x'}, 4, "malformed CLOSE frame"},
	    {{FRAME_PROTECTED}, 1, "malformed PROTECTED frame"},
	    {{FRAME_REPAIR, 0, 1, 1, 2, 3}, 6, "malformed REPAIR frame"},
	    {{FRAME_REPAIR, 2, 3, 0, 1, 2, 3}, 7, "malformed REPAIR frame"},
	    {{FRAME_REPAIR, 5, 2, 1, 0, 0}, 6, "malformed REPAIR frame"},
	    {{FRAME_RECOVERED, 40, 0, 35}, 4, "malformed RECOVERED frame"},
	    {{FRAME_HOLD, 1}, 2, "malformed HOLD frame"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct raw raw;

		start(&raw, LANE_ENDPOINT, POOL_BYTES);
		writer_bytes(begin(&raw), cases[i].bytes, cases[i].length);
		assert_int_equal(finish(&raw), ERR_MALFORMED);
		expect_over(&raw, REASON_PROTOCOL, cases[i].text);
		stop(&raw);
	}
}

static void frames_that_break_rules_close_the_lane(void **state)
{
	struct raw raw;

	(void)state;
	start(&raw, LANE_ENDPOINT, POOL_BYTES);
	frame_write_stream(begin(&raw), 3, 0, 1, false);
	assert_int_equal(finish(&raw), ERR_MALFORMED);
	expect_over(&raw, REASON_PROTOCOL, "flow 3 was never opened");
	stop(&raw);

	start(&raw, LANE_LISTENER, POOL_BYTES);
	begin(&raw);
	write_open(&raw, 0, FLOW_TCP);
	finish(&raw);
	expect_over(&raw, REASON_PROTOCOL, "only listeners open flows");
	stop(&raw);

	start(&raw, LANE_ENDPOINT, POOL_BYTES);
	begin(&raw);
	write_open(&raw, FLOW_ID_WINDOW, FLOW_TCP);
	finish(&raw);
	expect_over(&raw, REASON_PROTOCOL, "flow ids jump");
	stop(&raw);

	start(&raw, LANE_ENDPOINT, POOL_BYTES);
	send_stream(&raw, 0, FLOW_WINDOW_START_BYTES - 9, 10, false);
	expect_over(&raw, REASON_PROTOCOL, "more bytes than the window of flow 0");
	stop(&raw);

	start(&raw, LANE_ENDPOINT, POOL_BYTES);
	send_stream(&raw, 0, 0, 10, true);
	send_stream(&raw, 0, 0, 11, false);
	expect_over(&raw, REASON_PROTOCOL, "flow 0 changes its final size");
	stop(&raw);

	start(&raw, LANE_ENDPOINT, POOL_BYTES);
	send_stream(&raw, 0, 0, 10, false);
	frame_write_reset(begin(&raw), &(struct frame_reset){0, 9, REASON_IDLE});
	finish(&raw);
	expect_over(&raw, REASON_PROTOCOL, "flow 0 is reset at a wrong size");
	stop(&raw);

	start(&raw, LANE_ENDPOINT, POOL_BYTES);
	send_stream(&raw, 0, 0, 10, false);
	frame_write_datagram(begin(&raw), 0, 0, 0);
	finish(&raw);
	expect_over(&raw, REASON_PROTOCOL, "a datagram in TCP flow 0");
	stop(&raw);

	start(&raw, LANE_ENDPOINT, POOL_BYTES);
	begin(&raw);
	write_open(&raw, 0, FLOW_UDP);
	*frame_write_stream(&raw.w, 0, 0, 1, false) = 'x';
	finish(&raw);
	expect_over(&raw, REASON_PROTOCOL, "stream bytes in UDP flow 0");
	stop(&raw);

	start(&raw, LANE_ENDPOINT, POOL_BYTES);
	frame_write_ack(
	    begin(&raw), &(struct ack_frame){.largest = 9, .range_count = 1, .ranges = {{9, 9}}});
	finish(&raw);
	expect_over(&raw, REASON_PROTOCOL, "acknowledges a packet that was never sent");
	stop(&raw);
}

/* Sends the repair of one packet, the number before its own, which never goes. */
static int send_repair_of(struct raw *raw, const uint8_t *content, size_t length)
{
	struct frame_repair repair = {.back = 1, .span = 1, .length = REPAIR_LENGTH_BYTES + length};
	uint64_t lost = raw->number++;
	uint8_t symbol[300] = {(uint8_t)(length >> 8), (uint8_t)length};
	uint8_t *out;

	memcpy(symbol + REPAIR_LENGTH_BYTES, content, length);
	out = frame_write_repair(begin(raw), &repair);
	for (size_t i = 0; i < repair.length; i++)
		out[i] = gf256_multiply_slowly(symbol[i], gf256_coefficient(raw->number, lost));
	return finish(raw);
}

/* Behind PROTECTED and in what repairs bring back alike: only what may come late, and no repairs. */
static void protected_frames_are_those_that_may_come_late(void **state)
{
	static const struct {
		uint8_t bytes[8];
		size_t length;
		const char *text;
	} cases[] = {
	    {{FRAME_ACK, 0, 0, 0, 0}, 5, "protected ACK frame"},
	    {{FRAME_PING, FRAME_RECOVERED, 0, 0, 0}, 5, "protected RECOVERED frame"},
	    {{FRAME_PADDING, FRAME_PROTECTED, FRAME_PING}, 3, "protected PROTECTED frame"},
	    {{FRAME_REPAIR, 1, 1, 0, 1, 1}, 6, "protected REPAIR frame"},
	    {{FRAME_CLOSE, 0, 0}, 3, "protected CLOSE frame"},
	};
	struct raw raw;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		start(&raw, LANE_ENDPOINT, POOL_BYTES);
		frame_write_protected(begin(&raw));
		writer_bytes(&raw.w, cases[i].bytes, cases[i].length);
		assert_int_equal(finish(&raw), ERR_MALFORMED);
		expect_over(&raw, REASON_PROTOCOL, cases[i].text);
		stop(&raw);
		start(&raw, LANE_ENDPOINT, POOL_BYTES);
		assert_int_equal(
		    send_repair_of(&raw, cases[i].bytes, cases[i].length), ERR_MALFORMED);
		expect_over(&raw, REASON_PROTOCOL, cases[i].text);
		stop(&raw);
	}
}

static void the_lane_window_holds_over_all_flows(void **state)
{
	struct raw raw;

	(void)state;
	start(&raw, LANE_ENDPOINT, CHUNK_BYTES);
	/* Each is within its own window; and with so little memory the lane's is not raised. */
	for (uint64_t flow = 0; flow < LANE_WINDOW_START_BYTES / FLOW_WINDOW_START_BYTES; flow++) {
		begin(&raw);
		write_open(&raw, flow, FLOW_TCP);
		frame_write_reset(
		    &raw.w, &(struct frame_reset){flow, FLOW_WINDOW_START_BYTES, REASON_IDLE});
		assert_int_equal(finish(&raw), 0);
	}
	send_stream(&raw, 9, 0, 1000, false);
	assert_int_equal(raw.state, LANE_UP);
	send_stream(&raw, 9, 10 * CHUNK_BYTES, 1, false);
	expect_over(&raw, REASON_PROTOCOL, "more stream bytes than the lane's window");
	stop(&raw);
}

static void forged_replayed_and_foreign_packets_change_nothing(void **state)
{
	struct raw raw;
	struct lane_stats stats;
	uint8_t copy[64];
	size_t length = PACKET_OVERHEAD_BYTES + 1;

	(void)state;
	start(&raw, LANE_ENDPOINT, POOL_BYTES);
	frame_write_ping(begin(&raw));
	epochs_seal(&raw.epochs, raw.packet, LOCAL_ID, raw.number, 1);
	for (size_t i = 0; i < length; i++) {
		memcpy(copy, raw.packet, length);
		copy[i] ^= 0x20;
		assert_true(lane_receive(raw.lane, copy, length, &nowhere, 0, raw.now_us) < 0);
	}
	for (size_t i = 0; i < length; i++) {
		memcpy(copy, raw.packet, length);
		assert_true(lane_receive(raw.lane, copy, i, &nowhere, 0, raw.now_us) < 0);
	}
	assert_int_equal(raw.state, LANE_PENDING);
	memcpy(copy, raw.packet, length);
	assert_int_equal(lane_receive(raw.lane, copy, length, &nowhere, 0, raw.now_us), 0);
	assert_int_equal(raw.state, LANE_UP);
	memcpy(copy, raw.packet, length);
	assert_int_equal(lane_receive(raw.lane, copy, length, &nowhere, 0, raw.now_us), ERR_REPLAY);
	lane_get_stats(raw.lane, &stats);
	assert_int_equal(stats.packets_received, 1);
	assert_int_equal(stats.packets_replayed, 1);
	assert_int_equal(stats.packets_forged, length - 5);
	assert_int_equal(stats.packets_malformed, 5 + length);
	stop(&raw);
}

static void a_late_open_opens_nothing_again(void **state)
{
	struct raw raw;

	(void)state;
	start(&raw, LANE_ENDPOINT, POOL_BYTES);
	send_stream(&raw, 0, 0, 10, true);
	begin(&raw);
	frame_write_stop_sending(&raw.w, &(struct frame_stop_sending){0, REASON_IDLE});
	finish(&raw);
	assert_int_equal(raw.opened, 1);
	send_stream(&raw, 0, 0, 10, true);
	assert_int_equal(raw.opened, 1);
	assert_int_equal(raw.received, 10);
	stop(&raw);
}

static void send_maximum(struct raw *raw, bool is_hold, uint64_t maximum)
{
	struct frame_max_stream_data max = {0, maximum};

	begin(raw);
	if (is_hold)
		frame_write_hold(&raw->w, &max);
	else
		frame_write_max_stream_data(&raw->w, &max);
	assert_int_equal(finish(raw), 0);
}

/* Writes 100 bytes; true when they go out, and not only an acknowledgement. */
static bool bytes_go_out(struct raw *raw)
{
	static uint8_t memory[LANE_BATCH_MAX_BYTES];
	struct lane_batch batch = {.data = memory, .size_bytes = sizeof(memory)};
	struct chunk *chunk = chunk_get(raw->pool);
	struct slice slice = {chunk, 0, 100};
	size_t most = 0;

	memset(chunk->data, 'x', 100);
	chunk->used_bytes = 100;
	if (flow_write_room(raw->flow) >= 100)
		assert_int_equal(flow_write(raw->flow, &slice), 0);
	chunk_unref(chunk);
	while (lane_send(raw->lane, &batch, raw->now_us) > 0)
		most = batch.length_bytes > most ? batch.length_bytes : most;
	return most > 100;
}

/* A HOLD counts until a maximum above its own is known, in whatever order they come. */
static void a_hold_stops_new_bytes_until_a_greater_maximum(void **state)
{
	struct raw raw;

	(void)state;
	start(&raw, LANE_ENDPOINT, POOL_BYTES);
	begin(&raw);
	write_open(&raw, 0, FLOW_TCP);
	assert_int_equal(finish(&raw), 0);
	assert_true(bytes_go_out(&raw));
	send_maximum(&raw, true, FLOW_WINDOW_START_BYTES);
	assert_int_equal(flow_write_room(raw.flow), 0);
	assert_false(bytes_go_out(&raw));
	send_maximum(&raw, false, FLOW_WINDOW_START_BYTES + 1);
	assert_true(bytes_go_out(&raw));
	/* An old copy does nothing, and one that overtakes its maximum waits for the next. */
	send_maximum(&raw, true, FLOW_WINDOW_START_BYTES);
	assert_true(bytes_go_out(&raw));
	send_maximum(&raw, true, FLOW_WINDOW_START_BYTES + 9);
	assert_false(bytes_go_out(&raw));
	send_maximum(&raw, false, FLOW_WINDOW_START_BYTES + 9);
	assert_false(bytes_go_out(&raw));
	send_maximum(&raw, false, FLOW_WINDOW_START_BYTES + 10);
	assert_true(bytes_go_out(&raw));
	assert_int_equal(raw.state, LANE_UP);
	stop(&raw);
}

static void flows_above_the_cap_are_refused(void **state)
{
	struct raw raw;
	struct lane_stats stats;

	(void)state;
	start(&raw, LANE_ENDPOINT, POOL_BYTES);
	for (uint64_t flow = 0; flow < 15; flow++)
		send_stream(&raw, flow, 0, 10, false);
	assert_int_equal(raw.opened, 10);
	assert_int_equal(raw.received, 100);
	lane_get_stats(raw.lane, &stats);
	assert_int_equal(stats.flows_refused, 5);
	stop(&raw);
}

/* A listener above its share is no reason to end what it has. */
static void refused_flows_are_bounded(void **state)
{
	struct raw raw;
	struct lane_stats stats;
	uint64_t flow;

	(void)state;
	start(&raw, LANE_ENDPOINT, POOL_BYTES);
	for (flow = 0; flow < 10 + REFUSED_FLOWS_MAX + 100; flow++)
		send_stream(&raw, flow, 0, 10, false);
	lane_get_stats(raw.lane, &stats);
	assert_int_equal(raw.state, LANE_UP);
	assert_int_equal(stats.flows_refused, REFUSED_FLOWS_MAX);
	assert_int_equal(stats.flows_now, 10 + REFUSED_FLOWS_MAX);
	assert_int_equal(stats.opens_put_off, 100);
	send_stream(&raw, 3, 10, 10, false);
	assert_int_equal(raw.received, 110);
	stop(&raw);
}

/* Single bytes from the end of the window to its start: the worst there is for a reassembly. */
static void reverse_single_bytes_stay_in_bounds(void **state)
{
	struct raw raw;
	struct lane_stats stats;
	uint64_t offset = FLOW_WINDOW_START_BYTES;
	/* The bound that limits.h states. */
	uint64_t bound = (FLOW_WINDOW_START_BYTES + 2 * CHUNK_BYTES) / 8 * 9;

	(void)state;
	start(&raw, LANE_ENDPOINT, POOL_BYTES);
	while (offset > 0) {
		begin(&raw);
		write_open(&raw, 0, FLOW_TCP);
		while (offset > 0 && writer_left(&raw.w) > FRAME_STREAM_MAX_BYTES)
			*frame_write_stream(&raw.w, 0, --offset, 1, false) = 'x';
		finish(&raw);
		lane_get_stats(raw.lane, &stats);
		assert_in_range(stats.memory_bytes, 0, bound);
	}
	assert_in_range(chunk_pool_peak_bytes(raw.pool), 0, bound);
	assert_int_equal(raw.received, FLOW_WINDOW_START_BYTES);
	lane_get_stats(raw.lane, &stats);
	assert_int_equal(stats.memory_bytes, 0);
	stop(&raw);
}

/* A packet for which there is no memory is not acknowledged, and may come again. */
static void without_memory_packets_are_not_acknowledged(void **state)
{
	struct raw raw;
	struct lane_stats stats;

	(void)state;
	start(&raw, LANE_ENDPOINT, 2 * CHUNK_BYTES);
	for (uint64_t flow = 0; flow < 5; flow++)
		send_stream(&raw, flow, 1, 1000, false);
	lane_get_stats(raw.lane, &stats);
	assert_in_range(stats.memory_bytes, 1, 2 * CHUNK_BYTES);
	for (uint64_t flow = 0; flow < 5; flow++)
		send_stream(&raw, flow, 0, 1000, false);
	assert_int_equal(raw.received, 1001 + 4 * 1000);
	for (uint64_t flow = 0; flow < 5; flow++)
		send_stream(&raw, flow, 1000, 1, false);
	assert_int_equal(raw.received, 5 * 1001);
	stop(&raw);
}

static void fragments_are_capped(void **state)
{
	struct raw raw;
	struct lane_stats stats;

	(void)state;
	start(&raw, LANE_ENDPOINT, POOL_BYTES);
	for (uint32_t id = 0; id < 1000; id++) {
		struct frame_datagram fragment = {
		    .flow = 0, .id = id, .total = DATAGRAM_MAX_BYTES, .offset = 5, .length = 1};

		begin(&raw);
		write_open(&raw, 0, FLOW_UDP);
		frame_write_fragment(&raw.w, &fragment);
		finish(&raw);
		lane_get_stats(raw.lane, &stats);
		assert_in_range(
		    stats.memory_bytes, 0, REASSEMBLY_MAX_BYTES + REASSEMBLY_MAX_DATAGRAMS * 256);
	}
	assert_in_range(stats.datagrams_incomplete, 900, 1000);
	raw.now_us += REASSEMBLY_AGE_US;
	lane_on_timer(raw.lane, raw.now_us);
	lane_get_stats(raw.lane, &stats);
	assert_int_equal(stats.memory_bytes, 0);
	assert_int_equal(stats.datagrams_incomplete, 1000);
	assert_int_equal(raw.datagrams, 0);
	stop(&raw);
}

static void repaired_packets_count_as_arrived(void **state)
{
	const uint8_t nested[][2] = {
	    {FRAME_PROTECTED, FRAME_PING}, {FRAME_PING, 0}, {FRAME_COUNT, 0}};
	const char *const texts[] = {"protected PROTECTED frame", NULL, "unknown frame type"};
	struct raw raw;
	struct lane_stats stats;

	(void)state;
	for (int i = 0; i < 3; i++) {
		start(&raw, LANE_ENDPOINT, POOL_BYTES);
		assert_int_equal(send_repair_of(&raw, nested[i], sizeof(nested[i])),
		    texts[i] ? ERR_MALFORMED : 0);
		lane_get_stats(raw.lane, &stats);
		assert_int_equal(stats.packets_recovered, texts[i] == NULL);
		if (texts[i])
			assert_memory_equal(raw.over_text, texts[i], strlen(texts[i]));
		stop(&raw);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_unknown_frame_is_named),
	    cmocka_unit_test(truncated_frames_close_the_lane),
	    cmocka_unit_test(frames_that_break_rules_close_the_lane),
	    cmocka_unit_test(protected_frames_are_those_that_may_come_late),
	    cmocka_unit_test(the_lane_window_holds_over_all_flows),
	    cmocka_unit_test(forged_replayed_and_foreign_packets_change_nothing),
	    cmocka_unit_test(a_late_open_opens_nothing_again),
	    cmocka_unit_test(a_hold_stops_new_bytes_until_a_greater_maximum),
	    cmocka_unit_test(flows_above_the_cap_are_refused),
	    cmocka_unit_test(refused_flows_are_bounded),
	    cmocka_unit_test(reverse_single_bytes_stay_in_bounds),
	    cmocka_unit_test(without_memory_packets_are_not_acknowledged),
	    cmocka_unit_test(fragments_are_capped),
	    cmocka_unit_test(repaired_packets_count_as_arrived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
