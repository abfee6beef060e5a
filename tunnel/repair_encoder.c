/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random linear combinations of protected packets, see repair_encoder.h. */
#include "config.h"

#include "tunnel/repair_encoder.h"

#include "base/err.h"
#include "tunnel/gf256.h"
#include "tunnel/limits.h"

#include <string.h>

void repair_encoder_clear(struct repair_encoder *encoder)
{
	for (unsigned i = 0; i < REPAIR_WINDOW_PKTS; i++)
		repair_memory_free(
		    encoder->memory, encoder->symbols[i].data, encoder->symbols[i].capacity);
	*encoder = (struct repair_encoder){.memory = encoder->memory};
}

static void drop_oldest(struct repair_encoder *encoder)
{
	encoder->first = (encoder->first + 1) % REPAIR_WINDOW_PKTS;
	encoder->count--;
}

/* The place's memory stays for its next symbol. */
static int reserve(struct repair_encoder *encoder, struct repair_symbol *symbol, size_t bytes)
{
	size_t capacity = gf256_round_up(bytes);
	uint8_t *data;

	if (capacity <= symbol->capacity)
		return 0;
	data = repair_memory_new(encoder->memory, capacity);
	if (!data)
		return ERR_NOMEM;
	repair_memory_free(encoder->memory, symbol->data, symbol->capacity);
	symbol->data = data;
	symbol->capacity = capacity;
	return 0;
}

int repair_encoder_add(struct repair_encoder *encoder, uint64_t number, const uint8_t *content,
    size_t length, uint64_t now_us)
{
	struct repair_symbol *symbol;

	while (encoder->count == REPAIR_WINDOW_PKTS
	       || (encoder->count
	           && number - repair_encoder_symbol(encoder, 0)->number >= REPAIR_SPAN_MAX))
		drop_oldest(encoder);
	symbol = &encoder->symbols[(encoder->first + encoder->count) % REPAIR_WINDOW_PKTS];
	if (reserve(encoder, symbol, REPAIR_LENGTH_BYTES + length))
		return ERR_NOMEM;
	symbol->number = number;
	symbol->has_copies = false;
	symbol->copies_left = 0;
	symbol->sent_us = now_us;
	symbol->bytes = REPAIR_LENGTH_BYTES + length;
	symbol->data[0] = (uint8_t)(length >> 8);
	symbol->data[1] = (uint8_t)length;
	memcpy(symbol->data + REPAIR_LENGTH_BYTES, content, length);
	memset(symbol->data + symbol->bytes, 0, symbol->capacity - symbol->bytes);
	encoder->count++;
	return 0;
}

void repair_encoder_expire(struct repair_encoder *encoder, uint64_t before_us)
{
	while (encoder->count && repair_encoder_symbol(encoder, 0)->sent_us < before_us)
		drop_oldest(encoder);
}

/* A run of symbols, by index. */
struct selection {
	unsigned from, to;
};

static size_t longest_bytes(const struct repair_encoder *encoder, const struct selection *selection)
{
	size_t longest = 0;

	for (unsigned i = selection->from; i < selection->to; i++)
		if (repair_encoder_symbol(encoder, i)->bytes > longest)
			longest = repair_encoder_symbol(encoder, i)->bytes;
	return longest;
}

/* The frame's head: which packets the repair is of. */
static void describe(const struct repair_encoder *encoder, const struct selection *selection,
    uint64_t repair, struct frame_repair *frame)
{
	uint64_t first = repair_encoder_symbol(encoder, selection->from)->number;
	uint64_t last = repair_encoder_symbol(encoder, selection->to - 1)->number;

	memset(frame, 0, sizeof(*frame));
	frame->back = repair - first;
	frame->span = (unsigned)(last - first + 1);
	for (unsigned i = selection->from; i < selection->to; i++)
		frame_repair_add(
		    frame, (unsigned)(repair_encoder_symbol(encoder, i)->number - first));
	frame->length = longest_bytes(encoder, selection);
}

/* Combines in memory of whole runs, and copies what counts of it. */
static void combine(const struct repair_encoder *encoder, const struct selection *selection,
    uint64_t repair, size_t bytes, uint8_t *out)
{
	_Alignas(GF256_RUN_BYTES) uint8_t sum[PACKET_MAX_BYTES + GF256_RUN_BYTES];

	memset(sum, 0, gf256_round_up(bytes));
	for (unsigned i = selection->from; i < selection->to; i++) {
		const struct repair_symbol *symbol = repair_encoder_symbol(encoder, i);

		gf256_add_multiple(sum, symbol->data, gf256_coefficient(repair, symbol->number),
		    gf256_round_up(symbol->bytes));
	}
	memcpy(out, sum, bytes);
}

static unsigned write_selection(const struct repair_encoder *encoder, struct selection selection,
    uint64_t repair, struct writer *writer)
{
	struct frame_repair frame;

	for (; selection.from < selection.to; selection.from++) {
		describe(encoder, &selection, repair, &frame);
		if (frame.back <= REPAIR_BACK_MAX
		    && frame_repair_bytes(&frame) <= writer_left(writer)) {
			combine(encoder, &selection, repair, frame.length,
			    frame_write_repair(writer, &frame));
			return selection.to - selection.from;
		}
	}
	return 0;
}

unsigned repair_encoder_write(
    const struct repair_encoder *encoder, unsigned count, uint64_t repair, struct writer *writer)
{
	struct selection selection = {encoder->count - count, encoder->count};

	return write_selection(encoder, selection, repair, writer);
}

unsigned repair_encoder_copy(
    const struct repair_encoder *encoder, unsigned index, uint64_t repair, struct writer *writer)
{
	struct selection selection = {index, index + 1};

	return write_selection(encoder, selection, repair, writer);
}
