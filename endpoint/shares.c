/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See shares.h. */
#include "endpoint/shares.h"

#include "base/table.h"

#include <stdlib.h>
#include <string.h>

/* Invariant: taken > 0, or about to be freed. */
struct share {
	uint8_t pin[PIN_BYTES];
	size_t taken;
	UT_hash_handle hh;
};

static struct share *find_or_make(struct shares *shares, const uint8_t pin[PIN_BYTES])
{
	struct share *share;

	HASH_FIND(hh, shares->table, pin, PIN_BYTES, share);
	if (share || !(share = calloc(1, sizeof *share)))
		return share;
	memcpy(share->pin, pin, PIN_BYTES);
	HASH_ADD(hh, shares->table, pin, PIN_BYTES, share);
	if (TABLE_HAS(share))
		return share;
	free(share);
	return NULL;
}

static void drop_if_empty(struct shares *shares, struct share *share)
{
	if (share->taken > 0)
		return;
	HASH_DEL(shares->table, share);
	free(share);
}

struct share *shares_take(struct shares *shares, const uint8_t pin[PIN_BYTES], bool is_alone)
{
	size_t left = shares->capacity - shares->taken;
	struct share *share = left > 0 ? find_or_make(shares, pin) : NULL;

	if (!share)
		return NULL;
	if (!is_alone && share->taken >= left) {
		drop_if_empty(shares, share);
		return NULL;
	}
	share->taken++;
	shares->taken++;
	return share;
}

void shares_give_back(struct shares *shares, struct share *share)
{
	if (!share)
		return;
	share->taken--;
	shares->taken--;
	drop_if_empty(shares, share);
}
