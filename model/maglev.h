/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Consistent hashing by a Maglev table (Eisenbud et al., "Maglev", NSDI 2016, section 3.4): every
 * member gets nearly the same share, and few flows move when a member comes or goes.
 * The table depends on the set of names and the seed only, not on their order, so all listeners
 * that know the same members build the same one.  Weights are not part of it.
 */
#ifndef MODEL_MAGLEV_H
#define MODEL_MAGLEV_H

#include <stddef.h>
#include <stdint.h>

enum {
	MAGLEV_ENTRIES = 2039,    /* a prime: shares of up to 20 members differ by about 1 % */
	MAGLEV_MEMBERS_MAX = 512, /* members of one table */
};

struct maglev {
	uint16_t entries[MAGLEV_ENTRIES]; /* index into the names that the table was built from */
	uint16_t member_count;            /* 0: the table is empty */
};

/*
 * names are unique.  ERR_INVALID when there are none or two are equal, ERR_LIMIT when there are
 * more than MAGLEV_MEMBERS_MAX, ERR_NOMEM; the table is then empty.
 */
int maglev_build(struct maglev *table, const char *const *names, size_t count, uint64_t seed);

/* The index of the chosen name; the table must not be empty. */
static inline size_t maglev_lookup(const struct maglev *table, uint64_t flow_hash)
{
	return table->entries[flow_hash % MAGLEV_ENTRIES];
}

#endif
