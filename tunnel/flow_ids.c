/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A sliding bitmap of opened flow ids.
 */
#include "config.h"

#include "tunnel/flow_ids.h"

#include "base/err.h"

static uint64_t *word_of(struct flow_ids *ids, uint64_t id)
{
	return &ids->bits[id % FLOW_ID_WINDOW / 64];
}

bool flow_ids_is_opened(const struct flow_ids *ids, uint64_t id)
{
	if (id >= ids->next)
		return false;
	if (ids->next - id > FLOW_ID_WINDOW)
		return true;
	return ids->bits[id % FLOW_ID_WINDOW / 64] >> (id % 64) & 1;
}

int flow_ids_open(struct flow_ids *ids, uint64_t id)
{
	if (flow_ids_is_opened(ids, id))
		return ERR_EXISTS;
	if (id >= ids->next && id - ids->next >= FLOW_ID_WINDOW)
		return ERR_LIMIT;
	for (; ids->next <= id; ids->next++)
		*word_of(ids, ids->next) &= ~(UINT64_C(1) << (ids->next % 64));
	*word_of(ids, id) |= UINT64_C(1) << (id % 64);
	return 0;
}
