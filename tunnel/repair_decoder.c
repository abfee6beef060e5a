/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Equations over lost packets, see repair_decoder.h. */
#include "config.h"

#include "tunnel/repair_decoder.h"

#include "base/err.h"
#include "tunnel/gf256.h"
#include "tunnel/limits.h"

#include <string.h>

void repair_decoder_init(struct repair_decoder *decoder, struct repair_memory *memory)
{
	memset(decoder, 0, sizeof(*decoder));
	decoder->memory = memory;
	for (unsigned i = 0; i < REPAIR_KEPT_PKTS; i++)
		decoder->kept[i].number = UINT64_MAX;
	for (unsigned i = 0; i < REPAIR_UNKNOWNS_MAX; i++)
		decoder->unknowns[i] = UINT64_MAX;
}

static void run_free(struct repair_decoder *decoder, struct repair_run *run)
{
	repair_memory_free(decoder->memory, run->data, run->capacity);
}

void repair_decoder_clear(struct repair_decoder *decoder)
{
	for (unsigned i = 0; i < REPAIR_KEPT_PKTS; i++)
		run_free(decoder, &decoder->kept[i].run);
	for (unsigned i = 0; i < REPAIR_EQUATIONS_MAX; i++)
		run_free(decoder, &decoder->equations[i].run);
}

/* Room for so many bytes; those past run->bytes become zeros. */
static int run_extend(struct repair_decoder *decoder, struct repair_run *run, size_t bytes)
{
	size_t capacity = gf256_round_up(bytes);
	uint8_t *data;

	if (bytes <= run->bytes)
		return 0;
	if (capacity > run->capacity) {
		data = repair_memory_new(decoder->memory, capacity);
		if (!data)
			return ERR_NOMEM;
		if (run->bytes)
			memcpy(data, run->data, run->bytes);
		memset(data + run->bytes, 0, capacity - run->bytes);
		run_free(decoder, run);
		run->data = data;
		run->capacity = capacity;
	}
	run->bytes = bytes;
	return 0;
}

/* Empties it; its memory stays, as zeros. */
static void run_reset(struct repair_run *run)
{
	if (run->bytes)
		memset(run->data, 0, gf256_round_up(run->bytes));
	run->bytes = 0;
}

/* to += factor * from. 0 or ERR_NOMEM. */
static int run_add(struct repair_decoder *decoder, struct repair_run *to,
    const struct repair_run *from, uint8_t factor)
{
	if (run_extend(decoder, to, from->bytes))
		return ERR_NOMEM;
	gf256_add_multiple(to->data, from->data, factor, gf256_round_up(from->bytes));
	return 0;
}

static struct repair_kept *kept_place(struct repair_decoder *decoder, uint64_t number)
{
	return &decoder->kept[number % REPAIR_KEPT_PKTS];
}

static int find_unknown(const struct repair_decoder *decoder, uint64_t number)
{
	for (int i = 0; i < REPAIR_UNKNOWNS_MAX; i++)
		if (decoder->unknowns[i] == number)
			return i;
	return -1;
}

/* Lets go of the unknown if no equation has it. */
static void check_unknown(struct repair_decoder *decoder, unsigned column)
{
	for (unsigned i = 0; i < REPAIR_EQUATIONS_MAX; i++)
		if (decoder->equations[i].is_used && decoder->equations[i].factors[column])
			return;
	decoder->unknowns[column] = UINT64_MAX;
}

static void drop_equation(struct repair_decoder *decoder, struct repair_equation *equation)
{
	equation->is_used = false;
	decoder->equation_count--;
	run_reset(&equation->run);
	for (unsigned column = 0; column < REPAIR_UNKNOWNS_MAX; column++)
		if (equation->factors[column]) {
			equation->factors[column] = 0;
			check_unknown(decoder, column);
		}
}

/* `but` stays. */
static void drop_oldest(struct repair_decoder *decoder, const struct repair_equation *but)
{
	struct repair_equation *oldest = NULL;

	for (unsigned i = 0; i < REPAIR_EQUATIONS_MAX; i++) {
		struct repair_equation *equation = &decoder->equations[i];

		if (equation->is_used && equation != but
		    && (!oldest || equation->since_us < oldest->since_us))
			oldest = equation;
	}
	if (oldest) {
		drop_equation(decoder, oldest);
		decoder->counters.equations_dropped++;
	}
}

void repair_decoder_expire(struct repair_decoder *decoder, uint64_t now_us)
{
	for (unsigned i = 0; decoder->equation_count && i < REPAIR_EQUATIONS_MAX; i++) {
		struct repair_equation *equation = &decoder->equations[i];

		if (!equation->is_used || now_us - equation->since_us < REPAIR_EQUATION_AGE_US)
			continue;
		drop_equation(decoder, equation);
		decoder->counters.equations_dropped++;
	}
}

/* equation += factor * other, unknowns and bytes. */
static int subtract(struct repair_decoder *decoder, struct repair_equation *equation,
    const struct repair_equation *other, uint8_t factor)
{
	if (run_add(decoder, &equation->run, &other->run, factor))
		return ERR_NOMEM;
	gf256_add_multiple(equation->factors, other->factors, factor, REPAIR_UNKNOWNS_MAX);
	return 0;
}

static int first_factor(const struct repair_equation *equation)
{
	for (int column = 0; column < REPAIR_UNKNOWNS_MAX; column++)
		if (equation->factors[column])
			return column;
	return -1;
}

static bool is_solved(const struct repair_equation *equation)
{
	for (unsigned column = equation->pivot + 1; column < REPAIR_UNKNOWNS_MAX; column++)
		if (equation->factors[column])
			return false;
	return true;
}

/* An equation with one unknown left is that packet. */
static void take_solution(struct repair_decoder *decoder, struct repair_equation *equation)
{
	uint64_t number = decoder->unknowns[equation->pivot];
	struct repair_kept *kept = kept_place(decoder, number);
	struct repair_run solution = equation->run;
	size_t length;

	length = solution.bytes < REPAIR_LENGTH_BYTES
	             ? SIZE_MAX
	             : (size_t)solution.data[0] << 8 | solution.data[1];
	if (length > solution.bytes - REPAIR_LENGTH_BYTES
	    || decoder->ready_count == REPAIR_UNKNOWNS_MAX) {
		decoder->counters.refused++;
		drop_equation(decoder, equation);
		return;
	}
	/* What is behind it is zeros, and must be even when the peer makes none. */
	memset(solution.data + REPAIR_LENGTH_BYTES + length, 0,
	    solution.bytes - REPAIR_LENGTH_BYTES - length);
	solution.bytes = REPAIR_LENGTH_BYTES + length;
	equation->run = kept->run;
	kept->run = solution;
	kept->number = number;
	drop_equation(decoder, equation);
	decoder->ready[decoder->ready_count++] = number;
	decoder->counters.recovered++;
}

/* Makes the factor of its pivot 1 and takes the pivot out of all others. */
static int spread_pivot(struct repair_decoder *decoder, struct repair_equation *equation)
{
	uint8_t inverse = gf256_inverse(equation->factors[equation->pivot]);

	gf256_scale(equation->run.data, inverse, gf256_round_up(equation->run.bytes));
	gf256_scale(equation->factors, inverse, REPAIR_UNKNOWNS_MAX);
	for (unsigned i = 0; i < REPAIR_EQUATIONS_MAX; i++) {
		struct repair_equation *other = &decoder->equations[i];

		if (other != equation && other->is_used && other->factors[equation->pivot]
		    && subtract(decoder, other, equation, other->factors[equation->pivot]))
			return ERR_NOMEM;
	}
	return 0;
}

/*
 * Brings an equation that is used, but perhaps not reduced, into the reduced form. Drops it when it says
 * nothing new, and with ERR_NOMEM.
 */
static int settle_equation(struct repair_decoder *decoder, struct repair_equation *equation)
{
	int rc = 0, pivot;

	for (unsigned i = 0; rc == 0 && i < REPAIR_EQUATIONS_MAX; i++) {
		const struct repair_equation *other = &decoder->equations[i];

		if (other != equation && other->is_used && equation->factors[other->pivot])
			rc = subtract(decoder, equation, other, equation->factors[other->pivot]);
	}
	pivot = first_factor(equation);
	if (rc == 0 && pivot >= 0) {
		equation->pivot = (unsigned)pivot;
		rc = spread_pivot(decoder, equation);
		if (rc == 0)
			return 0;
	}
	if (rc == 0)
		decoder->counters.useless++;
	drop_equation(decoder, equation);
	return rc;
}

static void take_solutions(struct repair_decoder *decoder)
{
	for (unsigned i = 0; decoder->equation_count && i < REPAIR_EQUATIONS_MAX; i++)
		if (decoder->equations[i].is_used && is_solved(&decoder->equations[i]))
			take_solution(decoder, &decoder->equations[i]);
}

/* The unknown is known now: it goes out of all equations. */
static void substitute(
    struct repair_decoder *decoder, unsigned column, const struct repair_run *known)
{
	struct repair_equation *unsettled = NULL;

	for (unsigned i = 0; i < REPAIR_EQUATIONS_MAX; i++) {
		struct repair_equation *equation = &decoder->equations[i];
		uint8_t factor = equation->factors[column];

		if (!equation->is_used || !factor)
			continue;
		equation->factors[column] = 0;
		if (run_add(decoder, &equation->run, known, factor))
			drop_equation(decoder, equation);
		else if (equation->pivot == column)
			unsettled = equation;
	}
	decoder->unknowns[column] = UINT64_MAX;
	if (unsettled)
		settle_equation(decoder, unsettled);
	take_solutions(decoder);
}

int repair_decoder_on_packet(
    struct repair_decoder *decoder, uint64_t number, const uint8_t *content, size_t length)
{
	struct repair_kept *kept = kept_place(decoder, number);
	int column;

	/* A latecomer takes no newer packet's place. */
	if (kept->number != UINT64_MAX && kept->number >= number)
		return 0;
	run_reset(&kept->run);
	kept->number = UINT64_MAX;
	if (run_extend(decoder, &kept->run, REPAIR_LENGTH_BYTES + length))
		return ERR_NOMEM;
	kept->number = number;
	kept->run.data[0] = (uint8_t)(length >> 8);
	kept->run.data[1] = (uint8_t)length;
	memcpy(kept->run.data + REPAIR_LENGTH_BYTES, content, length);
	column = decoder->equation_count ? find_unknown(decoder, number) : -1;
	if (column >= 0)
		substitute(decoder, (unsigned)column, &kept->run);
	return 0;
}

/* The unknown of that number for the equation; a new one if need be, in the place of those of older equations. */
static unsigned unknown_for(
    struct repair_decoder *decoder, const struct repair_equation *equation, uint64_t number)
{
	int column = find_unknown(decoder, number);

	while (column < 0) {
		column = find_unknown(decoder, UINT64_MAX);
		if (column < 0)
			drop_oldest(decoder, equation);
	}
	decoder->unknowns[column] = number;
	return (unsigned)column;
}

/* What a repair names, sorted out. */
struct named {
	unsigned missing;
	/* No packet of it arrived and was forgotten, none is longer than the repair: so its cost is its size's. */
	bool is_usable;
};

static struct named look_at(struct repair_decoder *decoder, const struct frame_repair *frame,
    uint64_t first, const struct received *received)
{
	struct named named = {.is_usable = true};

	for (unsigned i = 0; i < frame->span; i++) {
		const struct repair_kept *kept = kept_place(decoder, first + i);

		if (!frame_repair_names(frame, i))
			continue;
		if (kept->number == first + i) {
			named.is_usable &= kept->run.bytes <= frame->length;
			continue;
		}
		named.missing++;
		named.is_usable &= received_check(received, first + i) == 0;
	}
	return named;
}

/* A place for one more equation. */
static struct repair_equation *new_equation(struct repair_decoder *decoder, uint64_t now_us)
{
	if (decoder->equation_count == REPAIR_EQUATIONS_MAX)
		drop_oldest(decoder, NULL);
	for (unsigned i = 0; i < REPAIR_EQUATIONS_MAX; i++) {
		struct repair_equation *equation = &decoder->equations[i];

		if (equation->is_used)
			continue;
		equation->is_used = true;
		equation->since_us = now_us;
		decoder->equation_count++;
		return equation;
	}
	return NULL;
}

/* The repair's bytes less those of all packets that are there. */
static int fill_run(struct repair_decoder *decoder, struct repair_equation *equation,
    const struct frame_repair *frame, uint64_t repair, uint64_t first)
{
	if (run_extend(decoder, &equation->run, frame->length))
		return ERR_NOMEM;
	memcpy(equation->run.data, frame->data, frame->length);
	for (unsigned i = 0; i < frame->span; i++) {
		const struct repair_kept *kept = kept_place(decoder, first + i);
		uint8_t factor = gf256_coefficient(repair, first + i);

		if (frame_repair_names(frame, i) && kept->number == first + i
		    && run_add(decoder, &equation->run, &kept->run, factor))
			return ERR_NOMEM;
	}
	return 0;
}

static void fill_factors(struct repair_decoder *decoder, struct repair_equation *equation,
    const struct frame_repair *frame, uint64_t repair, uint64_t first)
{
	for (unsigned i = 0; i < frame->span; i++)
		if (frame_repair_names(frame, i)
		    && kept_place(decoder, first + i)->number != first + i)
			equation->factors[unknown_for(decoder, equation, first + i)] =
			    gf256_coefficient(repair, first + i);
}

int repair_decoder_on_repair(struct repair_decoder *decoder, const struct frame_repair *frame,
    uint64_t repair, const struct received *received, uint64_t now_us)
{
	uint64_t first = repair - frame->back;
	struct repair_equation *equation;
	struct named named;
	int rc;

	decoder->counters.repairs++;
	if (frame->back > repair || frame->span > frame->back)
		return ERR_MALFORMED;
	named = look_at(decoder, frame, first, received);
	if (named.missing == 0 || (frame->span == 1 && !named.is_usable)) {
		decoder->counters.useless++;
		return 0;
	}
	if (!named.is_usable || named.missing > REPAIR_UNKNOWNS_MAX) {
		decoder->counters.refused++;
		return 0;
	}
	equation = new_equation(decoder, now_us);
	rc = fill_run(decoder, equation, frame, repair, first);
	if (rc) {
		drop_equation(decoder, equation);
		return rc;
	}
	fill_factors(decoder, equation, frame, repair, first);
	rc = settle_equation(decoder, equation);
	take_solutions(decoder);
	return rc;
}

bool repair_decoder_next(
    struct repair_decoder *decoder, uint64_t *number, const uint8_t **content, size_t *length)
{
	while (decoder->ready_count) {
		const struct repair_kept *kept;

		*number = decoder->ready[--decoder->ready_count];
		kept = kept_place(decoder, *number);
		if (kept->number != *number)
			continue;
		*length = (size_t)kept->run.data[0] << 8 | kept->run.data[1];
		*content = kept->run.data + REPAIR_LENGTH_BYTES;
		return true;
	}
	return false;
}

void repair_decoder_add_counters(
    struct repair_decoder_counters *sum, const struct repair_decoder_counters *counters)
{
	sum->repairs += counters->repairs;
	sum->useless += counters->useless;
	sum->refused += counters->refused;
	sum->recovered += counters->recovered;
	sum->equations_dropped += counters->equations_dropped;
}
