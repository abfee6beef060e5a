/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See access.h. */
#include "listener/access.h"

#include "base/err.h"
#include "base/table.h"

#include <stdlib.h>

/* Of an accelerator that has lists. */
struct entry {
	uint32_t id;
	struct access_table *table;
	UT_hash_handle hh;
};

struct access {
	struct entry *entries; /* by accelerator id */
};

static int add(struct access *access, uint32_t id, struct access_table *table)
{
	struct entry *entry = calloc(1, sizeof *entry);

	if (entry) {
		entry->id = id;
		entry->table = table;
		HASH_ADD(hh, access->entries, id, sizeof entry->id, entry);
		if (TABLE_HAS(entry))
			return 0;
	}
	free(entry);
	access_table_free(table);
	return ERR_NOMEM;
}

int access_new(struct access **access, const struct node_config *config)
{
	struct access *made = calloc(1, sizeof *made);
	int error = made ? 0 : ERR_NOMEM;

	for (size_t i = 0; !error && i < config->accelerator_count; i++) {
		const struct config_accelerator *accelerator = &config->accelerators[i];
		struct access_table *table;

		error = access_lists_table(&accelerator->access, &table);
		if (table)
			error = add(made, accelerator->id, table);
	}
	if (error) {
		access_free(made);
		made = NULL;
	}
	*access = made;
	return error;
}

void access_free(struct access *access)
{
	struct entry *entry, *next;

	if (!access)
		return;
	HASH_ITER (hh, access->entries, entry, next) {
		HASH_DEL(access->entries, entry);
		access_table_free(entry->table);
		free(entry);
	}
	free(access);
}

bool access_allows(const struct access *access, uint32_t accelerator, const struct addr *user)
{
	struct entry *entry;

	HASH_FIND(hh, access->entries, &accelerator, sizeof accelerator, entry);
	return !entry || access_table_allows(entry->table, user);
}
