/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When repairs go, see repair_control.h. */
#include "config.h"

#include "tunnel/repair_control.h"

#include <math.h>
#include <string.h>

enum {
	GAP_MAX_US = 50000,
	/* Repairs of a short burst's end are this far apart; of a long one, the flush interval. */
	SHORT_BURST_PKTS = 4,
	SHORT_STEP_US = 7000,
	/* Copies, in percent of the span behind their packet: of two, and one alone. */
	COPY_FIRST_PCT = 15,
	COPY_LAST_PCT = 75,
	COPY_ONLY_PCT = 45,
	LATE_US = 5000, /* a repair that could not go by then is of no use */
};

void repair_control_init(struct repair_control *control, uint64_t now_us)
{
	memset(control, 0, sizeof(*control));
	repair_plan_init(&control->realtime, REPAIR_TARGET_REALTIME);
	repair_plan_init(&control->interactive, REPAIR_TARGET_INTERACTIVE);
	control->span_us = REPAIR_SPAN_MAX_US;
	control->class = CLASS_INTERACTIVE;
	control->flush_us = control->copy_us = UINT64_MAX;
	control->thin_bytes = REPAIR_THIN_BURST_BYTES;
	control->thin_filled_us = now_us;
}

static uint64_t clamp(uint64_t value, uint64_t least, uint64_t most)
{
	if (value < least)
		return least;
	return value < most ? value : most;
}

void repair_control_set_path(
    struct repair_control *control, double loss, double run, uint64_t rtt_us)
{
	repair_plan_set_loss(&control->realtime, loss, run);
	repair_plan_set_loss(&control->interactive, loss, run);
	control->span_us = clamp(rtt_us / 4, REPAIR_SPAN_MIN_US, REPAIR_SPAN_MAX_US);
}

void repair_control_on_sent(struct repair_control *control, uint64_t bytes, unsigned budget_pct)
{
	control->share_rest += bytes * budget_pct;
	control->share_bytes += (int64_t)(control->share_rest / 100);
	control->share_rest %= 100;
	if (control->share_bytes > REPAIR_SHARE_BURST_BYTES)
		control->share_bytes = REPAIR_SHARE_BURST_BYTES;
}

static void fill_thin(struct repair_control *control, uint64_t now_us)
{
	uint64_t elapsed_us = clamp(now_us - control->thin_filled_us, 0, 1000000);

	control->thin_bytes += (int64_t)(elapsed_us * REPAIR_THIN_BPS / 1000000);
	if (control->thin_bytes > REPAIR_THIN_BURST_BYTES)
		control->thin_bytes = REPAIR_THIN_BURST_BYTES;
	control->thin_filled_us = now_us;
}

static bool can_pay(struct repair_control *control, uint64_t now_us)
{
	/* Whole bytes only, or frequent calls would lose the fractions. */
	if (now_us - control->thin_filled_us >= 1000)
		fill_thin(control, now_us);
	return control->thin_bytes > 0 || control->share_bytes > 0;
}

static void pay(struct repair_control *control, uint64_t bytes)
{
	if (control->thin_bytes > 0)
		control->thin_bytes -= (int64_t)bytes;
	else
		control->share_bytes -= (int64_t)bytes;
}

bool repair_control_goes_alone(struct repair_control *control, uint64_t now_us)
{
	uint64_t span_us = control->span_us;

	control->alone_us = clamp(control->alone_us + span_us / REPAIR_WINDOW_PKTS,
	    now_us > span_us ? now_us - span_us : 0, now_us + span_us);
	return control->alone_us <= now_us;
}

static struct repair_plan *plan_of(struct repair_control *control)
{
	return control->class == CLASS_REALTIME ? &control->realtime : &control->interactive;
}

/*
 * What remains to be repaired of packets that came at once: all of it for realtime, where more follow and pay for the
 * end of it no more; of others the burst's end is looked after.
 */
static double packets_over(const struct repair_control *control, unsigned packets, double pace)
{
	double each = packets / pace;

	if (control->class != CLASS_REALTIME)
		return fmod(control->packets_since, each);
	return fmin(control->packets_since - each, packets);
}

/* Packets enough, and time enough, for the next repair of a window of so many packets. */
static bool note_window(struct repair_control *control, unsigned packets, uint64_t now_us)
{
	double pace = repair_plan_pace(plan_of(control), packets);

	if (control->packets_since * pace < packets
	    || (double)(now_us - control->packets_since_us) * (pace + 1) < (double)control->span_us)
		return false;
	control->packets_over = packets_over(control, packets, pace);
	return true;
}

static uint64_t flush_delay_us(const struct repair_control *control)
{
	if (control->class != CLASS_REALTIME)
		return REPAIR_FLUSH_US;
	return clamp(2 * control->gap_us, control->span_us / 4, control->span_us / 2);
}

static void note_gap(struct repair_control *control, uint64_t now_us)
{
	uint64_t gap_us = clamp(now_us - control->last_packet_us, 0, GAP_MAX_US);

	control->gap_us = control->last_packet_us ? (7 * control->gap_us + gap_us) / 8 : GAP_MAX_US;
	control->last_packet_us = now_us;
}

/*
 * When a copy goes, so many of them being left. The span may have to do for a way there and a way back: an early copy and a late one fit
 * into it together, each way as well as the other, and an outage seldom takes all three. A single copy has half of it.
 */
static uint64_t copy_us(const struct repair_control *control, const struct repair_symbol *symbol)
{
	unsigned share = symbol->copies_left == symbol->copies ? COPY_FIRST_PCT : COPY_LAST_PCT;

	if (symbol->copies == 1)
		share = COPY_ONLY_PCT;
	return symbol->sent_us + control->span_us * share / 100;
}

static void plan_copies(struct repair_control *control, struct repair_symbol *symbol)
{
	symbol->has_copies = true;
	symbol->copies = symbol->copies_left = (uint8_t)repair_plan_needed(&control->realtime, 1);
	symbol->copy_us = copy_us(control, symbol);
	if (symbol->copies_left && symbol->copy_us < control->copy_us)
		control->copy_us = symbol->copy_us;
}

static void forget_late(
    struct repair_control *control, struct repair_encoder *encoder, uint64_t now_us)
{
	uint64_t keep_us = control->span_us + LATE_US;

	repair_encoder_expire(encoder, now_us > keep_us ? now_us - keep_us : 0);
}

/* Packets of the window that are within the span. */
static unsigned packets_in_span(
    const struct repair_control *control, const struct repair_encoder *encoder, uint64_t now_us)
{
	unsigned index = 0;

	while (index < encoder->count
	       && now_us - repair_encoder_symbol(encoder, index)->sent_us > control->span_us)
		index++;
	return encoder->count - index;
}

void repair_control_on_packet(struct repair_control *control, struct repair_encoder *encoder,
    enum flow_class class, uint64_t now_us)
{
	struct repair_symbol *symbol = repair_encoder_symbol_at(encoder, encoder->count - 1);
	unsigned packets;

	forget_late(control, encoder, now_us);
	note_gap(control, now_us);
	packets = packets_in_span(control, encoder, now_us);
	control->class = class;
	symbol->repairs_before = control->repairs;
	if (class == CLASS_REALTIME && packets <= REPAIR_THIN_PKTS) {
		plan_copies(control, symbol);
		return;
	}
	if (control->packets_since < 1)
		control->packets_since_us = now_us;
	control->packets_since++;
	if (class != CLASS_BULK)
		control->is_window_due |= note_window(control, packets, now_us);
	control->flush_us = now_us + flush_delay_us(control);
}

/*
 * How many more repairs the burst's end lacks: whichever packet a series of losses begins with, those behind it
 * need their repairs after it.
 */
static unsigned lacking(struct repair_control *control, const struct repair_encoder *encoder)
{
	unsigned packets = 0, lacking = 0;

	for (unsigned i = encoder->count; i-- > 0;) {
		const struct repair_symbol *symbol = repair_encoder_symbol(encoder, i);
		unsigned made = control->repairs - symbol->repairs_before, needed;

		if (symbol->has_copies)
			continue;
		needed = repair_plan_needed(plan_of(control), ++packets);
		if (control->class == CLASS_BULK && needed > 1)
			needed = 1;
		if (needed > made + lacking)
			lacking = needed - made;
	}
	return lacking;
}

static uint64_t step_us(
    const struct repair_control *control, const struct repair_encoder *encoder, unsigned left)
{
	if (control->class == CLASS_REALTIME)
		return clamp((control->span_us - flush_delay_us(control)) / (left + 1), 1000,
		    control->span_us);
	return encoder->count < SHORT_BURST_PKTS ? SHORT_STEP_US : REPAIR_FLUSH_US;
}

/* The first symbol that a copy is due of; -1: none. Notes when the next will be. */
static int find_copy(
    struct repair_control *control, const struct repair_encoder *encoder, uint64_t now_us)
{
	control->copy_us = UINT64_MAX;
	for (unsigned i = 0; i < encoder->count; i++) {
		const struct repair_symbol *symbol = repair_encoder_symbol(encoder, i);

		if (!symbol->copies_left)
			continue;
		if (symbol->copy_us < control->copy_us)
			control->copy_us = symbol->copy_us;
		if (symbol->copy_us <= now_us)
			return (int)i;
	}
	return -1;
}

static bool is_window_due(
    struct repair_control *control, const struct repair_encoder *encoder, uint64_t now_us)
{
	if (control->is_window_due && encoder->count)
		return true;
	if (control->flush_us <= now_us && lacking(control, encoder) > 0)
		return true;
	if (control->flush_us <= now_us)
		control->flush_us = UINT64_MAX;
	control->is_window_due = false;
	return false;
}

struct repair_due repair_control_due(
    struct repair_control *control, struct repair_encoder *encoder, uint64_t now_us)
{
	struct repair_due due = {REPAIR_NONE, 0};
	int copy;

	forget_late(control, encoder, now_us);
	while (control->copy_us <= now_us && (copy = find_copy(control, encoder, now_us)) >= 0) {
		due = (struct repair_due){REPAIR_COPY, (unsigned)copy};
		if (can_pay(control, now_us))
			return due;
		repair_control_done(control, encoder, &due, 0, now_us);
	}
	if (!is_window_due(control, encoder, now_us))
		return (struct repair_due){REPAIR_NONE, 0};
	due = (struct repair_due){REPAIR_WINDOW, 0};
	if (can_pay(control, now_us))
		return due;
	repair_control_done(control, encoder, &due, 0, now_us);
	return (struct repair_due){REPAIR_NONE, 0};
}

static void copy_done(
    struct repair_control *control, struct repair_encoder *encoder, unsigned index, uint64_t now_us)
{
	struct repair_symbol *symbol = repair_encoder_symbol_at(encoder, index);

	symbol->copies_left--;
	symbol->copy_us = copy_us(control, symbol);
	/* After a late one the next keeps its distance. */
	if (symbol->copy_us < now_us + REPAIR_FLUSH_US)
		symbol->copy_us = now_us + REPAIR_FLUSH_US;
	find_copy(control, encoder, now_us);
}

void repair_control_done(struct repair_control *control, struct repair_encoder *encoder,
    const struct repair_due *due, uint64_t bytes, uint64_t now_us)
{
	unsigned left;

	if (bytes)
		pay(control, bytes);
	if (due->kind == REPAIR_COPY) {
		copy_done(control, encoder, due->index, now_us);
		return;
	}
	control->repairs += bytes > 0;
	control->packets_since = control->is_window_due ? control->packets_over : 0;
	control->is_window_due = false;
	if (control->flush_us > now_us)
		return;
	left = bytes ? lacking(control, encoder) : 0;
	control->flush_us = left ? now_us + step_us(control, encoder, left) : UINT64_MAX;
}

uint64_t repair_control_timer_us(const struct repair_control *control)
{
	uint64_t at_us =
	    control->flush_us < control->copy_us ? control->flush_us : control->copy_us;

	return control->is_window_due ? 0 : at_us;
}
