/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packet numbers that arrived, see received.h. */
#include "tunnel/received.h"

#include "base/err.h"

#include <string.h>

enum {
	WORD_BITS = 64,
	WORDS = REPLAY_WINDOW_BITS / WORD_BITS,
	/* Words are cleared whole (RFC 6479), so the word being filled is not part of the window. */
	WINDOW = REPLAY_WINDOW_BITS - WORD_BITS,
	ECN_ECT1 = 1,
	ECN_ECT0 = 2,
	ECN_CE = 3,
};

void received_init(struct received *received)
{
	memset(received, 0, sizeof(*received));
	received->timer_us = UINT64_MAX;
}

static uint64_t *word_of(struct received *received, uint64_t number)
{
	return &received->bitmap[number / WORD_BITS % WORDS];
}

static uint64_t bit_of(uint64_t number)
{
	return UINT64_C(1) << (number % WORD_BITS);
}

int received_check(const struct received *received, uint64_t number)
{
	if (!received->has_any || number > received->largest)
		return 0;
	if (received->largest - number >= WINDOW)
		return ERR_REPLAY;
	return received->bitmap[number / WORD_BITS % WORDS] & bit_of(number) ? ERR_REPLAY : 0;
}

/* Moves the window up to `number`; the words entered are cleared. */
static void advance_window(struct received *received, uint64_t number)
{
	uint64_t from = received->largest / WORD_BITS + 1;
	uint64_t to = number / WORD_BITS;

	if (received->has_any && to - from + 1 < WORDS) {
		for (uint64_t word = from; word <= to; word++)
			received->bitmap[word % WORDS] = 0;
	} else {
		memset(received->bitmap, 0, sizeof(received->bitmap));
	}
}

/* Puts a range of one number at place `i`; the oldest one gives way when there are too many. */
static void insert_range(struct received *received, unsigned i, uint64_t number)
{
	if (i == ACK_RANGES_MAX)
		return;
	if (received->range_count == ACK_RANGES_MAX)
		received->range_count--;
	memmove(&received->ranges[i + 1], &received->ranges[i],
	    (received->range_count - i) * sizeof(received->ranges[0]));
	received->ranges[i] = (struct ack_range){number, number};
	received->range_count++;
}

static void remove_range(struct received *received, unsigned i)
{
	received->range_count--;
	memmove(&received->ranges[i], &received->ranges[i + 1],
	    (received->range_count - i) * sizeof(received->ranges[0]));
}

static void add_to_ranges(struct received *received, uint64_t number)
{
	struct ack_range *ranges = received->ranges;
	unsigned i = 0;

	while (i < received->range_count && ranges[i].first > number + 1)
		i++;
	if (i == received->range_count || number > ranges[i].last + 1) {
		insert_range(received, i, number);
	} else if (number == ranges[i].last + 1) {
		ranges[i].last = number;
	} else if (number + 1 == ranges[i].first) {
		ranges[i].first = number;
		if (i + 1 < received->range_count && ranges[i + 1].last + 1 == number) {
			ranges[i].first = ranges[i + 1].first;
			remove_range(received, i + 1);
		}
	}
}

static void count_ecn(struct received *received, uint8_t ecn)
{
	switch (ecn & 3) {
	case ECN_ECT0:
		received->ecn_ect0++;
		break;
	case ECN_ECT1:
		received->ecn_ect1++;
		break;
	case ECN_CE:
		received->ecn_ce++;
		break;
	default:
		break;
	}
}

/* The newest missing number is far enough behind, and was not missing in an ACK yet. */
static bool has_untold_gap(const struct received *received)
{
	const struct ack_range *newest = &received->ranges[0];

	return newest->first > received->gaps_told_below
	       && newest->last + 1 - newest->first >= ACK_GAP_PACKETS;
}

static bool has_enough_to_tell(const struct received *received)
{
	return received->unacknowledged_pkts >= ACK_PACKETS_MAX
	       || received->unacknowledged_bytes >= ACK_BYTES_MAX;
}

void received_add(struct received *received, uint64_t number, size_t eliciting_bytes, uint8_t ecn,
    uint64_t now_us)
{
	bool fills_told_gap = received->has_any && number < received->gaps_told_below;

	if (!received->has_any || number > received->largest) {
		advance_window(received, number);
		received->has_any = true;
		received->largest = number;
		received->largest_arrival_us = now_us;
	}
	*word_of(received, number) |= bit_of(number);
	add_to_ranges(received, number);
	count_ecn(received, ecn);
	if (eliciting_bytes == 0)
		return;
	received->unacknowledged_bytes += eliciting_bytes;
	if (received->unacknowledged_pkts++ == 0)
		received->first_unacknowledged_us = now_us;
	if (has_enough_to_tell(received) || fills_told_gap || (ecn & 3) == ECN_CE
	    || has_untold_gap(received))
		received->ack_is_due = true;
}

void received_batch_end(struct received *received, uint64_t smoothed_rtt_us, uint64_t now_us)
{
	uint64_t delay_us = smoothed_rtt_us / ACK_DELAY_RTT_DIVISOR;

	if (received->unacknowledged_pkts == 0)
		return;
	if (delay_us < ACK_DELAY_MIN_US)
		delay_us = ACK_DELAY_MIN_US;
	/* The next answer is likely to bear it too; a timer that comes just before it would only cost. */
	if (delay_us > ACK_DELAY_MAX_US || received->is_borne)
		delay_us = ACK_DELAY_MAX_US;
	received->timer_us = received->first_unacknowledged_us + delay_us;
	if (received->timer_us <= now_us)
		received->ack_is_due = true;
}

bool received_ack_is_due(const struct received *received, uint64_t now_us)
{
	return received->ack_is_due || received->timer_us <= now_us;
}

bool received_has_unacknowledged(const struct received *received)
{
	return received->unacknowledged_pkts > 0;
}

uint64_t received_timer_us(const struct received *received)
{
	return received->ack_is_due ? 0 : received->timer_us;
}

bool received_fill_ack(const struct received *received, struct ack_frame *ack, uint64_t now_us)
{
	if (!received->has_any)
		return false;
	ack->largest = received->largest;
	ack->delay_us = now_us - received->largest_arrival_us;
	ack->range_count = received->range_count;
	memcpy(ack->ranges, received->ranges, received->range_count * sizeof(ack->ranges[0]));
	ack->has_ecn = received->ecn_ect0 || received->ecn_ect1 || received->ecn_ce;
	ack->ecn_ect0 = received->ecn_ect0;
	ack->ecn_ect1 = received->ecn_ect1;
	ack->ecn_ce = received->ecn_ce;
	return true;
}

void received_ack_sent(struct received *received, uint64_t now_us)
{
	if (received->unacknowledged_pkts > 0)
		received->is_borne = !received_ack_is_due(received, now_us);
	received->unacknowledged_pkts = 0;
	received->unacknowledged_bytes = 0;
	received->ack_is_due = false;
	received->timer_us = UINT64_MAX;
	if (received->range_count > 0)
		received->gaps_told_below = received->ranges[0].first;
}

void received_prune(struct received *received, uint64_t largest)
{
	struct ack_range *ranges = received->ranges;
	unsigned count = received->range_count;

	if (!received->has_any || received->largest == 0)
		return;
	/* The newest number stays: an ACK must name it. */
	if (largest >= received->largest)
		largest = received->largest - 1;
	while (count > 0 && ranges[count - 1].last <= largest)
		count--;
	received->range_count = count;
	if (count > 0 && ranges[count - 1].first <= largest)
		ranges[count - 1].first = largest + 1;
	if (count == 1 && ranges[0].first > received->gaps_told_below)
		received->gaps_told_below = ranges[0].first;
}
