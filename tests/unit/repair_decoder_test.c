/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the encoder protects the decoder gets back: as soon as there are as many repairs as losses, whatever
 * the order and the lengths; and nonsense costs nothing and grows nothing.
 */
#include "config.h"

#include "tunnel/repair_decoder.h"

#include "base/err.h"
#include "base/rng.h"
#include "tests/unit/cmocka_all.h"
#include "tests/unit/gf256_slow.h"
#include "tunnel/gf256.h"
#include "tunnel/repair_encoder.h"

#include <string.h>

enum { PACKETS = 3000 };

static struct budget budget = {.limit_bytes = 64 << 20};
static struct repair_memory plenty = {.budget = &budget};
static struct repair_encoder encoder;
static struct repair_decoder decoder;
static struct received received;
static uint8_t memory[2048];

static void begin(void)
{
	encoder = (struct repair_encoder){.memory = &plenty};
	repair_decoder_init(&decoder, &plenty);
	received_init(&received);
}

static void end(void)
{
	repair_encoder_clear(&encoder);
	repair_decoder_clear(&decoder);
	assert_int_equal(budget.used_bytes, 0);
}

static size_t content_of(uint64_t number, uint8_t *content)
{
	struct rng rng;
	size_t length;

	rng_seed(&rng, number + 1);
	length = rng_below(&rng, 4) ? rng_below(&rng, 200) : rng_below(&rng, 1150);
	rng_bytes(&rng, content, length);
	return length;
}

static void send_packet(uint64_t number, bool arrives)
{
	uint8_t content[1200];
	size_t length = content_of(number, content);

	assert_int_equal(repair_encoder_add(&encoder, number, content, length, 0), 0);
	if (!arrives)
		return;
	assert_int_equal(repair_decoder_on_packet(&decoder, number, content, length), 0);
	received_add(&received, number, length, 0, 0);
}

static void repair(uint64_t number, unsigned count, bool arrives, uint64_t now_us)
{
	struct writer w;
	struct reader r;
	struct frame frame;

	writer_init(&w, memory, sizeof(memory));
	assert_int_not_equal(repair_encoder_write(&encoder, count, number, &w), 0);
	reader_init(&r, memory, writer_length(&w));
	assert_int_equal(frame_decode(&r, &frame), 0);
	if (arrives)
		assert_int_equal(
		    repair_decoder_on_repair(&decoder, &frame.repair, number, &received, now_us),
		    0);
}

/* Takes what was recovered; each must be what was sent, and marked as missing. */
static unsigned take(bool *is_missing)
{
	const uint8_t *content;
	uint8_t expected[1200];
	uint64_t number;
	size_t length;
	unsigned count = 0;

	while (repair_decoder_next(&decoder, &number, &content, &length)) {
		assert_true(is_missing[number]);
		is_missing[number] = false;
		assert_int_equal(length, content_of(number, expected));
		assert_memory_equal(content, expected, length);
		count++;
	}
	return count;
}

static void as_many_repairs_as_losses(void **state)
{
	(void)state;
	for (unsigned losses = 1; losses <= 20; losses++) {
		bool is_missing[100] = {false};
		unsigned got = 0;

		begin();
		for (unsigned i = 0; i < 40; i++) {
			is_missing[i] = i % 2 == 0 && i / 2 < losses;
			send_packet(i, !is_missing[i]);
		}
		for (unsigned i = 0; i < losses; i++) {
			assert_int_equal(got, 0);
			repair(40 + i, 40, true, 0);
			got = take(is_missing);
		}
		/* One in 255 or so is not independent; not with these numbers. */
		assert_int_equal(got, losses);
		assert_int_equal(decoder.equation_count, 0);
		end();
	}
}

static void late_packets_help(void **state)
{
	bool is_missing[100] = {[3] = true, [5] = true};
	uint8_t content[1200];
	size_t length;

	(void)state;
	begin();
	for (unsigned i = 0; i < 8; i++)
		send_packet(i, !is_missing[i]);
	repair(9, 8, true, 0);
	assert_int_equal(take(is_missing), 0);
	assert_int_equal(decoder.equation_count, 1);
	length = content_of(3, content);
	assert_int_equal(repair_decoder_on_packet(&decoder, 3, content, length), 0);
	assert_int_equal(take(is_missing), 1);
	assert_false(is_missing[5]);
	assert_int_equal(decoder.equation_count, 0);
	end();
}

/* A sliding window at 5 % loss and one repair in four: nearly all comes back. */
static void sliding_window(void **state)
{
	static bool is_missing[PACKETS * 2];
	unsigned lost = 0, recovered = 0;
	uint64_t number = 0;
	struct rng rng;

	(void)state;
	begin();
	memset(is_missing, 0, sizeof(is_missing));
	rng_seed(&rng, test_seed());
	for (unsigned i = 0; i < PACKETS; i++, number++) {
		is_missing[number] = rng_uniform(&rng) < 0.05;
		lost += is_missing[number];
		send_packet(number, !is_missing[number]);
		if (i % 4 == 3) {
			number++;
			repair(number, encoder.count < 60 ? encoder.count : 60,
			    rng_uniform(&rng) >= 0.05, number * 500);
		}
		recovered += take(is_missing);
		repair_decoder_expire(&decoder, number * 500);
	}
	assert_in_range(lost, PACKETS / 40, PACKETS / 10);
	assert_in_range(recovered, lost - lost / 50, lost);
	end();
}

static void what_is_there_costs_nothing(void **state)
{
	(void)state;
	begin();
	for (unsigned i = 0; i < 10; i++)
		send_packet(i, true);
	repair(11, 10, true, 0);
	assert_int_equal(decoder.counters.useless, 1);
	assert_int_equal(decoder.equation_count, 0);
	end();
}

/* Packets that arrived before the decoder's memory began cannot be computed with. */
static void forgotten_packets_are_refused(void **state)
{
	(void)state;
	begin();
	for (unsigned i = 0; i < 10; i++)
		send_packet(i, i != 4);
	repair_decoder_clear(&decoder);
	repair_decoder_init(&decoder, &plenty);
	repair(11, 10, true, 0);
	assert_int_equal(decoder.counters.refused, 1);
	assert_int_equal(decoder.equation_count, 0);
	end();
}

static int feed(uint64_t number, const struct frame_repair *frame)
{
	return repair_decoder_on_repair(&decoder, frame, number, &received, 0);
}

/* Few bytes that name many long packets would cost much work; no sender makes such a repair. */
static void repairs_shorter_than_what_they_name_are_refused(void **state)
{
	static const uint8_t content[1100] = {1}, coded[4] = {1, 2, 3, 4};
	struct frame_repair frame = {.back = 200, .span = 200, .data = coded, .length = 4};

	(void)state;
	begin();
	memset(frame.bitmap, 0xff, sizeof(frame.bitmap));
	for (unsigned i = 1; i < 200; i++) {
		assert_int_equal(
		    repair_decoder_on_packet(&decoder, i, content, i == 150 ? 3 : 2), 0);
		received_add(&received, i, 100, 0, 0);
	}
	assert_int_equal(feed(200, &frame), 0);
	assert_int_equal(decoder.counters.refused, 1);
	assert_int_equal(decoder.equation_count, 0);
	end();
}

/* A packet that came back out of a longer repair is as long as it was, whatever follows it there. */
static void recovered_packets_have_their_own_length(void **state)
{
	static const uint8_t coded[100] = {0, 1, 'x', 'y', 'z'};
	uint8_t product[100];
	struct frame_repair frame = {.back = 5, .span = 1, .data = product, .length = 100};
	const uint8_t *content;
	uint64_t number;
	size_t length;

	(void)state;
	begin();
	for (unsigned i = 0; i < sizeof(coded); i++)
		product[i] = gf256_multiply_slowly(gf256_coefficient(5, 0), coded[i]);
	assert_int_equal(feed(5, &frame), 0);
	assert_true(repair_decoder_next(&decoder, &number, &content, &length));
	assert_int_equal(number, 0);
	assert_int_equal(length, 1);
	assert_memory_equal(content, "x\0\0", 3);
	/* Packet 1, lost, was not longer than packet 0. */
	frame = (struct frame_repair){.back = 6, .span = 2, .bitmap = {1}, .length = 3};
	for (unsigned i = 0; i < 3; i++)
		product[i] = gf256_multiply_slowly(gf256_coefficient(6, 0), coded[i])
		             ^ gf256_multiply_slowly(gf256_coefficient(6, 1), coded[i]);
	frame.data = product;
	assert_int_equal(feed(6, &frame), 0);
	assert_true(repair_decoder_next(&decoder, &number, &content, &length));
	assert_int_equal(number, 1);
	assert_int_equal(length, 1);
	assert_int_equal(*content, 'x');
	end();
}

/* Equations that can never be solved take one another's place, and go with time. */
static void memory_is_bounded(void **state)
{
	struct rng rng;
	uint64_t number = 0;

	(void)state;
	begin();
	rng_seed(&rng, test_seed());
	for (unsigned i = 0; i < PACKETS; i++, number++) {
		send_packet(number, rng_below(&rng, 10) == 0);
		if (i % 10 == 9) {
			number++;
			repair(number, encoder.count < 50 ? encoder.count : 50, true, number);
		}
		assert_in_range(decoder.equation_count, 0, REPAIR_EQUATIONS_MAX);
	}
	assert_true(decoder.counters.equations_dropped > 0);
	repair_decoder_expire(&decoder, number + REPAIR_EQUATION_AGE_US);
	assert_int_equal(decoder.equation_count, 0);
	for (unsigned i = 0; i < REPAIR_UNKNOWNS_MAX; i++)
		assert_true(decoder.unknowns[i] == UINT64_MAX);
	end();
}

static void nonsense_is_harmless(void **state)
{
	struct rng rng;
	uint8_t bytes[1200];
	const uint8_t *content;
	uint64_t number;
	size_t length;

	(void)state;
	begin();
	rng_seed(&rng, test_seed());
	for (unsigned i = 0; i < 20000; i++) {
		struct frame_repair frame = {
		    .back = 1 + rng_below(&rng, 300),
		    .span = 1 + (unsigned)rng_below(&rng, 20),
		    .data = bytes,
		    .length = REPAIR_LENGTH_BYTES + 1 + rng_below(&rng, 300),
		};
		uint64_t at = i / 4;
		int rc;

		rng_bytes(&rng, bytes, sizeof(bytes));
		rng_bytes(&rng, frame.bitmap, 3);
		if (rng_below(&rng, 2)) {
			rc = repair_decoder_on_repair(&decoder, &frame, at, &received, i);
			assert_true(rc == 0 || rc == ERR_MALFORMED);
		} else {
			repair_decoder_on_packet(&decoder, at, bytes, rng_below(&rng, 300));
		}
		while (repair_decoder_next(&decoder, &number, &content, &length))
			assert_true(length <= sizeof(bytes));
	}
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(as_many_repairs_as_losses),
	    cmocka_unit_test(late_packets_help),
	    cmocka_unit_test(sliding_window),
	    cmocka_unit_test(what_is_there_costs_nothing),
	    cmocka_unit_test(forgotten_packets_are_refused),
	    cmocka_unit_test(repairs_shorter_than_what_they_name_are_refused),
	    cmocka_unit_test(recovered_packets_have_their_own_length),
	    cmocka_unit_test(memory_is_bounded),
	    cmocka_unit_test(nonsense_is_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
