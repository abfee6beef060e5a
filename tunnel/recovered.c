/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the peer is to be told of recovered packets, see recovered.h. */
#include "tunnel/recovered.h"

#include <string.h>

void recovered_add(struct recovered *recovered, uint64_t number)
{
	unsigned at = 0;

	while (at < recovered->count && recovered->entries[at].number > number)
		at++;
	if (at == RECOVERED_MAX
	    || (at < recovered->count && recovered->entries[at].number == number))
		return;
	if (recovered->count == RECOVERED_MAX)
		recovered->count--;
	memmove(&recovered->entries[at + 1], &recovered->entries[at],
	    (recovered->count - at) * sizeof(recovered->entries[0]));
	recovered->entries[at].number = number;
	recovered->entries[at].tells = RECOVERED_TELLS;
	recovered->count++;
}

bool recovered_fill(const struct recovered *recovered, struct ack_frame *frame)
{
	struct ack_range *last = frame->ranges;

	if (recovered->count == 0)
		return false;
	frame->largest = recovered->entries[0].number;
	*last = (struct ack_range){frame->largest, frame->largest};
	for (unsigned i = 1; i < recovered->count; i++) {
		uint64_t number = recovered->entries[i].number;

		if (last->first - 1 == number)
			last->first = number;
		else
			*++last = (struct ack_range){number, number};
	}
	frame->range_count = (unsigned)(last - frame->ranges) + 1;
	return true;
}

void recovered_told(struct recovered *recovered)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < recovered->count; i++)
		if (--recovered->entries[i].tells > 0)
			recovered->entries[kept++] = recovered->entries[i];
	recovered->count = kept;
}
