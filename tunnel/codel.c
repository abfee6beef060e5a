/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RFC 8289 sections 4 and 5, asked once for each packet.
 */
#include "config.h"

#include "tunnel/codel.h"

#include "tunnel/limits.h"

enum {
	SCALE_BITS = 8, /* of the square root */
	RECENT_INTERVALS = 16,
};

static uint64_t square_root(uint64_t value)
{
	uint64_t root = 0;

	for (uint64_t bit = UINT64_C(1) << 31; bit; bit >>= 1)
		if ((root | bit) * (root | bit) <= value)
			root |= bit;
	return root;
}

/* The control law: drops come closer with the square root of their number. */
static uint64_t next_drop_us(uint64_t from_us, uint32_t count)
{
	return from_us
	       + (CODEL_INTERVAL_US << SCALE_BITS) / square_root((uint64_t)count << 2 * SCALE_BITS);
}

static bool has_waited_long(struct codel *codel, uint64_t waited_us, bool is_last, uint64_t now_us)
{
	if (waited_us < CODEL_TARGET_US || is_last) {
		codel->first_above_us = 0;
		return false;
	}
	if (codel->first_above_us == 0) {
		codel->first_above_us = now_us + CODEL_INTERVAL_US;
		return false;
	}
	return now_us >= codel->first_above_us;
}

/* Goes on about where it was when the last time of dropping ended a short while ago. */
static void begin_dropping(struct codel *codel, uint64_t now_us)
{
	uint32_t more = codel->count - codel->last_count;
	bool was_recent = codel->drop_next_us
	                  && now_us - codel->drop_next_us < RECENT_INTERVALS * CODEL_INTERVAL_US;

	codel->is_dropping = true;
	codel->count = was_recent && more > 1 ? more : 1;
	codel->last_count = codel->count;
	codel->drop_next_us = next_drop_us(now_us, codel->count);
}

bool codel_drops(struct codel *codel, uint64_t waited_us, bool is_last, uint64_t now_us)
{
	if (!has_waited_long(codel, waited_us, is_last, now_us)) {
		codel->is_dropping = false;
		return false;
	}
	if (!codel->is_dropping) {
		begin_dropping(codel, now_us);
		return true;
	}
	if (now_us < codel->drop_next_us)
		return false;
	codel->count++;
	codel->drop_next_us = next_drop_us(codel->drop_next_us, codel->count);
	return true;
}
