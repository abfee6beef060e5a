/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How fast a count grows, see delivery_meter.h. */
#include "tunnel/delivery_meter.h"

#include <stddef.h>

enum { MARKS_A_SPAN = DELIVERY_MARKS / 2 };

static unsigned before(unsigned index)
{
	return (index + DELIVERY_MARKS - 1) % DELIVERY_MARKS;
}

static void mark(struct delivery_meter *meter, uint64_t now_us, uint64_t bytes)
{
	meter->marks[meter->next] = (struct delivery_mark){now_us, bytes};
	meter->next = (meter->next + 1) % DELIVERY_MARKS;
}

/* The newest mark that is old enough; NULL: none. */
static const struct delivery_mark *find(
    const struct delivery_meter *meter, uint64_t now_us, uint64_t span_us)
{
	unsigned index = meter->next;

	for (unsigned i = 0; i < DELIVERY_MARKS; i++) {
		const struct delivery_mark *found = &meter->marks[index = before(index)];

		if (found->at_us == 0)
			return NULL;
		if (now_us - found->at_us >= span_us)
			return found;
	}
	return NULL;
}

double delivery_meter_note(
    struct delivery_meter *meter, uint64_t now_us, uint64_t bytes, uint64_t span_us)
{
	const struct delivery_mark *newest = &meter->marks[before(meter->next)];
	const struct delivery_mark *from;

	if (bytes < newest->bytes) {
		*meter = (struct delivery_meter){0};
		newest = &meter->marks[before(meter->next)];
	}
	if (newest->at_us == 0 || now_us - newest->at_us >= span_us / MARKS_A_SPAN)
		mark(meter, now_us, bytes);
	from = find(meter, now_us, span_us);
	if (!from || now_us <= from->at_us)
		return 0;
	return (double)(bytes - from->bytes) * 1e6 / (double)(now_us - from->at_us);
}
