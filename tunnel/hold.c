/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lost packets that wait for repair, see hold.h. */
#include "tunnel/hold.h"

bool hold_add(struct hold *hold, uint64_t number, uint64_t due_us)
{
	unsigned at = (hold->first + hold->count) % HOLD_MAX;

	if (hold->count == HOLD_MAX)
		return false;
	if (hold->count > 0) {
		uint64_t last_us = hold->entries[(at + HOLD_MAX - 1) % HOLD_MAX].due_us;

		if (due_us < last_us)
			due_us = last_us;
	}
	hold->entries[at].number = number;
	hold->entries[at].due_us = due_us;
	hold->count++;
	return true;
}

bool hold_take(struct hold *hold, uint64_t now_us, uint64_t *number)
{
	if (hold_timer_us(hold) > now_us)
		return false;
	*number = hold->entries[hold->first].number;
	hold->first = (hold->first + 1) % HOLD_MAX;
	hold->count--;
	return true;
}
