/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames survive writing and reading; what does not fit fails; random bytes do no harm.
 */
#include "config.h"

#include "tunnel/frame.h"

#include "base/err.h"
#include "base/rng.h"
#include "tests/unit/cmocka_all.h"
#include "tunnel/limits.h"

#include <string.h>

static uint8_t memory[2048];

static struct frame read_back(const struct writer *w)
{
	struct reader r;
	struct frame frame;

	assert_false(w->failed);
	reader_init(&r, memory, writer_length(w));
	assert_int_equal(frame_decode(&r, &frame), 0);
	assert_int_equal(reader_left(&r), 0);
	return frame;
}

static void opens_keep_addresses(void **state)
{
	struct flow_open open = {.kind = FLOW_UDP, .accelerator = UINT32_MAX};
	struct frame frame;
	struct writer w;

	(void)state;
	assert_int_equal(addr_parse("192.0.2.1:53", 0, &open.user), 0);
	assert_int_equal(addr_parse("[2001:db8::1]:65535", 0, &open.local), 0);
	writer_init(&w, memory, sizeof(memory));
	frame_write_open(&w, VARINT_MAX, &open);
	assert_true(writer_length(&w) <= FRAME_OPEN_MAX_BYTES);
	frame = read_back(&w);
	assert_int_equal(frame.type, FRAME_OPEN);
	assert_true(frame.open.flow == VARINT_MAX);
	assert_int_equal(frame.open.open.kind, FLOW_UDP);
	assert_int_equal(frame.open.open.accelerator, UINT32_MAX);
	assert_true(addr_equal(&frame.open.open.user, &open.user));
	assert_true(addr_equal(&frame.open.open.local, &open.local));
}

static void opens_say_what_the_flow_is(void **state)
{
	static const struct {
		enum flow_kind kind;
		bool is_compressed;
		uint8_t byte;
	} cases[] = {{FLOW_TCP, false, 0}, {FLOW_UDP, false, 1}, {FLOW_TCP, true, 2}};
	struct frame frame;
	struct reader r;
	struct writer w;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct flow_open open = {
		    .kind = cases[i].kind, .is_compressed = cases[i].is_compressed};

		assert_int_equal(addr_parse("192.0.2.1:53", 0, &open.user), 0);
		open.local = open.user;
		writer_init(&w, memory, sizeof(memory));
		frame_write_open(&w, 5, &open);
		assert_int_equal(memory[2], cases[i].byte);
		frame = read_back(&w);
		assert_int_equal(frame.open.open.kind, cases[i].kind);
		assert_int_equal(frame.open.open.is_compressed, cases[i].is_compressed);
	}
	memory[2] = 3;
	reader_init(&r, memory, writer_length(&w));
	assert_int_equal(frame_decode(&r, &frame), ERR_MALFORMED);
}

static void streams_and_datagrams_keep_their_data(void **state)
{
	struct frame_datagram fragment = {
	    .flow = 7, .id = UINT32_MAX, .total = 65507, .offset = 65500, .length = 7};
	struct frame frame;
	struct writer w;

	(void)state;
	writer_init(&w, memory, sizeof(memory));
	memcpy(frame_write_stream(&w, VARINT_MAX, VARINT_MAX - 3, 3, true), "abc", 3);
	assert_int_equal(writer_length(&w), FRAME_STREAM_MAX_BYTES + 3);
	frame = read_back(&w);
	assert_int_equal(frame.type, FRAME_STREAM_FIN);
	assert_true(frame.stream.is_fin);
	assert_true(frame.stream.offset == VARINT_MAX - 3);
	assert_memory_equal(frame.stream.data, "abc", 3);

	writer_init(&w, memory, sizeof(memory));
	memset(frame_write_datagram(&w, 1, 5, 1500), 'x', 1500);
	assert_int_equal(writer_length(&w), frame_datagram_bytes(1, 1500));
	frame = read_back(&w);
	assert_int_equal(frame.datagram.length, 1500);
	assert_int_equal(frame.datagram.total, 1500);

	writer_init(&w, memory, sizeof(memory));
	memcpy(frame_write_fragment(&w, &fragment), "defghij", 7);
	assert_true(writer_length(&w) <= FRAME_FRAGMENT_MAX_BYTES + 7);
	frame = read_back(&w);
	assert_int_equal(frame.datagram.id, UINT32_MAX);
	assert_int_equal(frame.datagram.offset, 65500);
	assert_memory_equal(frame.datagram.data, "defghij", 7);
}

static void small_frames_keep_their_fields(void **state)
{
	struct frame frame;
	struct writer w;

	(void)state;
	writer_init(&w, memory, sizeof(memory));
	frame_write_reset(&w, &(struct frame_reset){3, 4, REASON_IDLE});
	frame = read_back(&w);
	assert_int_equal(frame.reset.flow, 3);
	assert_int_equal(frame.reset.final_offset, 4);
	assert_int_equal(frame.reset.reason, REASON_IDLE);
	writer_init(&w, memory, sizeof(memory));
	frame_write_stop_sending(&w, &(struct frame_stop_sending){5, REASON_LIMIT});
	assert_int_equal(read_back(&w).stop_sending.reason, REASON_LIMIT);
	writer_init(&w, memory, sizeof(memory));
	frame_write_max_data(&w, 1 << 20);
	assert_int_equal(read_back(&w).max_data, 1 << 20);
	writer_init(&w, memory, sizeof(memory));
	frame_write_max_stream_data(&w, &(struct frame_max_stream_data){6, 7});
	assert_int_equal(read_back(&w).max_stream_data.maximum, 7);
	writer_init(&w, memory, sizeof(memory));
	frame_write_hold(&w, &(struct frame_max_stream_data){8, 9});
	assert_int_equal(read_back(&w).type, FRAME_HOLD);
	assert_int_equal(read_back(&w).max_stream_data.flow, 8);
	assert_int_equal(read_back(&w).max_stream_data.maximum, 9);
	writer_init(&w, memory, sizeof(memory));
	frame_write_health(&w, &(struct frame_health){UINT32_MAX, 2, 77});
	assert_int_equal(read_back(&w).health.accelerator, UINT32_MAX);
	assert_int_equal(read_back(&w).health.state, 2);
	assert_int_equal(read_back(&w).health.sequence, 77);
	assert_true(frame_is_ack_eliciting(FRAME_HEALTH));
	writer_init(&w, memory, sizeof(memory));
	frame_write_ping(&w);
	assert_int_equal(read_back(&w).type, FRAME_PING);
}

static void close_texts_are_cut(void **state)
{
	char text[3 * LANE_CLOSE_TEXT_BYTES];
	struct frame frame;
	struct writer w;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	writer_init(&w, memory, sizeof(memory));
	frame_write_close(&w, REASON_DRAINED, text);
	frame = read_back(&w);
	assert_int_equal(frame.close.reason, REASON_DRAINED);
	assert_int_equal(frame.close.text_length, LANE_CLOSE_TEXT_BYTES);
}

/* Fills an ACK with random ranges, newest first. */
static void random_ack(struct rng *rng, struct ack_frame *ack)
{
	uint64_t at = (UINT64_C(1) << 40) + rng_below(rng, 1 << 20);

	*ack = (struct ack_frame){.largest = at, .delay_us = rng_below(rng, 100000)};
	ack->range_count = 1 + (unsigned)rng_below(rng, ACK_RANGES_MAX);
	for (unsigned i = 0; i < ack->range_count; i++) {
		uint64_t length = rng_below(rng, 1000);

		ack->ranges[i] = (struct ack_range){at - length, at};
		at -= length + 2 + rng_below(rng, 1000);
	}
	ack->has_ecn = rng_below(rng, 2);
	ack->ecn_ect0 = ack->has_ecn ? rng_below(rng, 1 << 20) : 0;
	ack->ecn_ce = ack->has_ecn ? rng_below(rng, 1 << 20) : 0;
}

static void acks_keep_the_newest_ranges_that_fit(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, test_seed());
	for (int round = 0; round < 1000; round++) {
		struct ack_frame ack;
		struct frame frame;
		struct writer w;

		random_ack(&rng, &ack);
		writer_init(&w, memory, 40 + rng_below(&rng, 400));
		frame_write_ack(&w, &ack);
		frame = read_back(&w);
		assert_int_equal(frame.type, ack.has_ecn ? FRAME_ACK_ECN : FRAME_ACK);
		assert_true(frame.ack.largest == ack.largest);
		assert_int_equal(frame.ack.delay_us, ack.delay_us);
		assert_int_equal(frame.ack.ecn_ce, ack.ecn_ce);
		assert_in_range(frame.ack.range_count, 1, ack.range_count);
		assert_memory_equal(
		    frame.ack.ranges, ack.ranges, frame.ack.range_count * sizeof(ack.ranges[0]));
		if (writer_left(&w) >= 16)
			assert_int_equal(frame.ack.range_count, ack.range_count);
	}
}

static void random_bytes_do_no_harm(void **state)
{
	struct rng rng;
	unsigned good = 0;

	(void)state;
	rng_seed(&rng, test_seed());
	for (int round = 0; round < 20000; round++) {
		size_t length = rng_below(&rng, 64);
		struct reader r;
		struct frame frame;

		rng_bytes(&rng, memory, length);
		if (length)
			memory[0] &= 15;
		reader_init(&r, memory, length);
		while (frame_decode(&r, &frame) == 0)
			good++;
	}
	assert_true(good > 1000);
}

static void path_frames_keep_their_data(void **state)
{
	static const enum frame_type types[] = {FRAME_PATH_CHALLENGE, FRAME_PATH_RESPONSE};
	static const uint8_t data[CHALLENGE_BYTES] = {1, 2, 3, 4, 5, 6, 7, 8};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct writer w;
		struct reader r;
		struct frame frame;

		writer_init(&w, memory, sizeof(memory));
		frame_write_path(&w, types[i], data);
		assert_int_equal(writer_length(&w), FRAME_PATH_BYTES);
		for (size_t cut = 1; cut < FRAME_PATH_BYTES; cut++) {
			reader_init(&r, memory, cut);
			assert_int_equal(frame_decode(&r, &frame), ERR_MALFORMED);
		}
		frame = read_back(&w);
		assert_int_equal(frame.type, types[i]);
		assert_memory_equal(frame.path.data, data, CHALLENGE_BYTES);
		assert_true(frame_is_probing(types[i]));
		assert_false(frame_is_ack_eliciting(types[i]));
	}
	assert_true(frame_is_probing(FRAME_PADDING));
	assert_false(frame_is_probing(FRAME_PING));
}

static void unknown_types_are_told_apart(void **state)
{
	struct reader r;
	struct frame frame;

	(void)state;
	memory[0] = FRAME_COUNT;
	reader_init(&r, memory, 1);
	assert_int_equal(frame_decode(&r, &frame), ERR_UNSUPPORTED);
	assert_int_equal(frame.type, FRAME_COUNT);
	assert_string_equal(frame_name(FRAME_COUNT), "unknown");
	assert_string_equal(frame_name(FRAME_OPEN), "OPEN");
	assert_false(frame_is_ack_eliciting(FRAME_ACK));
	assert_true(frame_is_ack_eliciting(FRAME_PING));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(opens_keep_addresses),
	    cmocka_unit_test(opens_say_what_the_flow_is),
	    cmocka_unit_test(streams_and_datagrams_keep_their_data),
	    cmocka_unit_test(small_frames_keep_their_fields),
	    cmocka_unit_test(close_texts_are_cut),
	    cmocka_unit_test(path_frames_keep_their_data),
	    cmocka_unit_test(acks_keep_the_newest_ranges_that_fit),
	    cmocka_unit_test(random_bytes_do_no_harm),
	    cmocka_unit_test(unknown_types_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
