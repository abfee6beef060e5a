/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The repair decoder: the input says which packets are sent, lost, late and repaired by the encoder.  What an honest
 * peer's repairs bring back is what was sent, and nothing else; a liar's repairs, bytes of the input, grow nothing
 * beyond the caps.
 */
#include "config.h"

#include "base/bytes.h"
#include "base/err.h"
#include "tunnel/repair_decoder.h"
#include "tunnel/repair_encoder.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PACKETS = 4096, PACKET_BYTES = 1172, LONGEST_BYTES = 600 };

struct state {
	struct budget budget;
	struct repair_memory memory;
	struct repair_encoder encoder;
	struct repair_decoder decoder;
	struct received received;
	uint64_t number, now_us;
	bool is_honest;
	uint8_t length_of[PACKETS]; /* in units */
	bool is_lost[PACKETS];
};

static size_t content_of(const struct state *s, uint64_t number, uint8_t *content)
{
	size_t length = 1 + (size_t)s->length_of[number] * (LONGEST_BYTES - 1) / 255;

	for (size_t i = 0; i < length; i++)
		content[i] = (uint8_t)(number * 7 + i * 13);
	return length;
}

static void arrive(struct state *s, uint64_t number)
{
	uint8_t content[LONGEST_BYTES];
	size_t length = content_of(s, number, content);

	s->is_lost[number] = false;
	if (received_check(&s->received, number) != 0)
		return;
	repair_decoder_on_packet(&s->decoder, number, content, length);
	received_add(&s->received, number, length + 1, 0, s->now_us);
}

static void send_packet(struct state *s, struct reader *r, bool is_lost)
{
	uint8_t content[LONGEST_BYTES];
	size_t length;

	s->length_of[s->number] = reader_u8(r);
	length = content_of(s, s->number, content);
	if (repair_encoder_add(&s->encoder, s->number, content, length, s->now_us))
		abort();
	if (is_lost)
		s->is_lost[s->number] = true;
	else
		arrive(s, s->number);
	s->number++;
}

static void send_repair(struct state *s, struct reader *r)
{
	uint8_t memory[PACKET_BYTES];
	struct writer w;
	struct reader back;
	struct frame frame;
	unsigned count = 1 + reader_u8(r);

	if (s->encoder.count == 0)
		return;
	if (count > s->encoder.count)
		count = s->encoder.count;
	writer_init(&w, memory, sizeof(memory));
	if (repair_encoder_write(&s->encoder, count, s->number, &w) == 0)
		return;
	reader_init(&back, memory, writer_length(&w));
	if (frame_decode(&back, &frame) || frame.type != FRAME_REPAIR)
		abort();
	if (repair_decoder_on_repair(
	        &s->decoder, &frame.repair, s->number, &s->received, s->now_us))
		abort();
	s->number++;
}

/* Any REPAIR that decodes. */
static void lie(struct state *s, struct reader *r)
{
	uint8_t memory[300] = {FRAME_REPAIR};
	size_t length = reader_u8(r);
	struct reader back;
	struct frame frame;

	if (length > reader_left(r))
		length = reader_left(r);
	reader_copy(r, memory + 1, length);
	reader_init(&back, memory, 1 + length);
	if (frame_decode(&back, &frame) == 0)
		repair_decoder_on_repair(
		    &s->decoder, &frame.repair, s->number, &s->received, s->now_us);
	s->number++;
}

static void take_recovered(struct state *s)
{
	uint8_t expected[LONGEST_BYTES];
	const uint8_t *content;
	uint64_t number;
	size_t length;
	volatile uint8_t sum = 0;

	while (repair_decoder_next(&s->decoder, &number, &content, &length)) {
		for (size_t i = 0; i < length; i++)
			sum = (uint8_t)(sum + content[i]);
		if (!s->is_honest)
			continue;
		if (number >= s->number || length != content_of(s, number, expected)
		    || memcmp(content, expected, length) != 0)
			abort();
	}
}

static void check_bounds(const struct state *s)
{
	unsigned used = 0;

	for (unsigned i = 0; i < REPAIR_EQUATIONS_MAX; i++)
		used += s->decoder.equations[i].is_used;
	if (used != s->decoder.equation_count || used > REPAIR_UNKNOWNS_MAX)
		abort();
}

static void step(struct state *s, struct reader *r)
{
	uint8_t op = reader_u8(r);

	switch (op % 8) {
	case 0:
	case 1:
	case 2:
		send_packet(s, r, op % 8 == 2);
		break;
	case 3:
	case 4:
		send_repair(s, r);
		break;
	case 5:
		if (s->number > op && s->is_lost[s->number - 1 - op / 8])
			arrive(s, s->number - 1 - op / 8);
		break;
	case 6:
		s->now_us += (uint64_t)op * 1000;
		repair_decoder_expire(&s->decoder, s->now_us);
		break;
	default:
		if (s->is_honest)
			s->number++;
		else
			lie(s, r);
	}
	take_recovered(s);
	check_bounds(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct state *s;
	struct reader r;

	if (size < 2)
		return 0;
	s = calloc(1, sizeof(*s));
	if (!s)
		abort();
	s->is_honest = data[0] & 1;
	s->budget.limit_bytes = 1 << 20;
	s->memory.budget = &s->budget;
	s->encoder.memory = &s->memory;
	repair_decoder_init(&s->decoder, &s->memory);
	received_init(&s->received);
	reader_init(&r, data + 1, size - 1);
	while (reader_left(&r) > 0 && s->number < PACKETS)
		step(s, &r);
	repair_encoder_clear(&s->encoder);
	repair_decoder_clear(&s->decoder);
	if (s->budget.used_bytes != 0)
		abort();
	free(s);
	return 0;
}
