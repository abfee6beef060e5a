/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Consistent hashing by a Maglev table (Eisenbud et al., "Maglev", NSDI 2016, section 3.4): every
 * member gets the share of its weight to within one entry, and few flows move when a member comes
 * or goes.  The table depends on names, weights and seed only, not on their order, so all nodes that know
 * the same members build the same one.
 */
#ifndef MODEL_MAGLEV_H
#define MODEL_MAGLEV_H

#include <stddef.h>
#include <stdint.h>

enum {
	/*
	 * Primes with at least 100 entries a member, so that one entry is 1 % of the mean share.
	 * Crossing from one size to the other moves nearly every flow, hence only two of them.
	 */
	MAGLEV_ENTRIES = 16381,
	MAGLEV_MEMBERS = 160, /* members, those of weight 0 too, that it serves */
	MAGLEV_LARGE_ENTRIES = 65537,
	MAGLEV_MEMBERS_MAX = 512,
	MAGLEV_WEIGHT_MAX = 65535,
};

/* Zeroed: empty. */
struct maglev {
	uint16_t *entries; /* owned; indexes into the members; NULL when `only` has them all */
	uint32_t entry_count;
	uint16_t member_count; /* with a weight above 0; 0: the table is empty */
	uint16_t only;
};

struct maglev_member {
	const char *name;
	uint32_t weight; /* 0 (gets nothing) to MAGLEV_WEIGHT_MAX */
};

/*
 * Fills an empty table.  Names are unique.  ERR_INVALID when no weight is above 0, one is above
 * MAGLEV_WEIGHT_MAX or two names are equal, ERR_LIMIT above MAGLEV_MEMBERS_MAX, ERR_NOMEM; the
 * table then stays empty.
 */
int maglev_build(
    struct maglev *table, const struct maglev_member *members, size_t count, uint64_t seed);
void maglev_clear(struct maglev *table);

/* The index of the chosen member; the table must not be empty. */
static inline size_t maglev_lookup(const struct maglev *table, uint64_t hash)
{
	return table->entries ? table->entries[hash % table->entry_count] : table->only;
}

#endif
