/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Longest-prefix match of an address over allowed and denied blocks: the blocks, which are disjoint
 * or nested, are cut into ranges of addresses that have one answer each, sorted; a look-up is a
 * binary search.  Where no block matches: denied when any block is allowed, else allowed.
 */
#ifndef MODEL_ACCESS_TABLE_H
#define MODEL_ACCESS_TABLE_H

#include "base/cidr.h"

#include <stdbool.h>
#include <stddef.h>

struct access_rule {
	struct cidr cidr;
	bool is_allowed;
};

/* For qsort(): as cidr_compare() of both blocks. */
int access_rule_compare(const void *a, const void *b);

struct access_table;

/*
 * No block twice (the caller has refused that; else either may win).  The rules are the caller's
 * and come back sorted.  0 or ERR_NOMEM; *table is access_table_free()'s, and 2 count + 1 ranges at
 * most.
 */
int access_table_new(struct access_table **table, struct access_rule *rules, size_t count);
/* Takes NULL. */
void access_table_free(struct access_table *table);

/* NULL is a table without rules.  Whatever the port and scope of the address. */
bool access_table_allows(const struct access_table *table, const struct addr *addr);

#endif
