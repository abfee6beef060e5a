/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See maglev.h. */
#include "model/maglev.h"

#include "base/err.h"

#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A member's walk through the table: offset, offset + skip, offset + 2 skip, ... mod ENTRIES. */
struct member {
	const char *name;
	uint16_t index; /* in the caller's list */
	uint16_t at, skip;
};

static int compare_members(const void *a, const void *b)
{
	return strcmp(((const struct member *)a)->name, ((const struct member *)b)->name);
}

static void start_walk(struct member *member, uint64_t seed)
{
	uint8_t key[crypto_shorthash_KEYBYTES] = "maglev  ";
	uint64_t hash;

	memcpy(key + 8, &seed, sizeof(seed));
	crypto_shorthash(
	    (uint8_t *)&hash, (const uint8_t *)member->name, strlen(member->name), key);
	member->at = (uint16_t)(hash % MAGLEV_ENTRIES);
	member->skip = (uint16_t)((hash >> 32) % (MAGLEV_ENTRIES - 1) + 1);
}

static bool has_twins(const struct member *members, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		if (strcmp(members[i - 1].name, members[i].name) == 0)
			return true;
	}
	return false;
}

/* Members take turns: each takes the next free entry of its walk, until all are taken. */
static void fill(struct maglev *table, struct member *members, size_t count)
{
	bool taken[MAGLEV_ENTRIES] = {false};

	for (size_t filled = 0; filled < MAGLEV_ENTRIES; filled++) {
		struct member *member = &members[filled % count];

		while (taken[member->at])
			member->at = (uint16_t)((member->at + member->skip) % MAGLEV_ENTRIES);
		taken[member->at] = true;
		table->entries[member->at] = member->index;
	}
	table->member_count = (uint16_t)count;
}

int maglev_build(struct maglev *table, const char *const *names, size_t count, uint64_t seed)
{
	struct member *members;
	int result = 0;

	table->member_count = 0;
	if (count == 0)
		return ERR_INVALID;
	if (count > MAGLEV_MEMBERS_MAX)
		return ERR_LIMIT;
	members = calloc(count, sizeof(*members));
	if (!members)
		return ERR_NOMEM;
	for (size_t i = 0; i < count; i++) {
		members[i].name = names[i];
		members[i].index = (uint16_t)i;
		start_walk(&members[i], seed);
	}
	/* Turns go by name, so that the table does not depend on the order given. */
	qsort(members, count, sizeof(*members), compare_members);
	if (has_twins(members, count))
		result = ERR_INVALID;
	else
		fill(table, members, count);
	free(members);
	return result;
}
