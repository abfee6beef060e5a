/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See backends.h. */
#include "endpoint/backends.h"

#include "base/err.h"
#include "base/table.h"
#include "endpoint/names.h"
#include "model/backend_choice.h"
#include "model/maglev.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BACKENDS_ATTEMPTS = 8 }; /* other rows of the table tried when a backend is excluded */

struct backend_table {
	uint32_t accelerator; /* the key */
	struct maglev maglev;
	UT_hash_handle hh;
};

/* ---- tables ---- */

static int build_maglev(
    struct maglev *maglev, const struct config_accelerator *config, uint64_t seed)
{
	char names[GROUP_BACKENDS_MAX][ADDR_HOST_BYTES + 8];
	struct maglev_member members[GROUP_BACKENDS_MAX];
	uint32_t weights = 0;

	for (size_t i = 0; i < config->backend_count; i++) {
		const struct backend *backend = &config->backends[i];

		snprintf(names[i], sizeof names[i], "%s %u", backend->host, backend->port);
		members[i] = (struct maglev_member){names[i], backend->weight};
		weights += backend->weight;
	}
	return weights ? maglev_build(maglev, members, config->backend_count, seed) : 0;
}

static bool has_same_backends(
    const struct config_accelerator *a, const struct config_accelerator *b)
{
	if (a->backend_count != b->backend_count)
		return false;
	for (size_t i = 0; i < a->backend_count; i++) {
		const struct backend *one = &a->backends[i], *other = &b->backends[i];

		if (one->port != other->port || one->weight != other->weight
		    || strcmp(one->host, other->host))
			return false;
	}
	return true;
}

static struct backend_table *find_table(const struct backends *backends, uint32_t accelerator)
{
	struct backend_table *table;

	HASH_FIND(hh, backends->tables, &accelerator, sizeof accelerator, table);
	return table;
}

static int set_table(
    struct backends *backends, const struct config_accelerator *config, uint64_t seed)
{
	struct backend_table *table = find_table(backends, config->id);
	struct maglev maglev = {0};
	int error = build_maglev(&maglev, config, seed);

	if (error)
		return error;
	if (!table && (table = calloc(1, sizeof *table))) {
		table->accelerator = config->id;
		HASH_ADD(hh, backends->tables, accelerator, sizeof table->accelerator, table);
		if (!TABLE_HAS(table)) {
			free(table);
			table = NULL;
		}
	}
	if (!table) {
		maglev_clear(&maglev);
		return ERR_NOMEM;
	}
	maglev_clear(&table->maglev);
	table->maglev = maglev;
	return 0;
}

static void drop_table(struct backends *backends, struct backend_table *table)
{
	HASH_DEL(backends->tables, table);
	maglev_clear(&table->maglev);
	free(table);
}

int backends_set(
    struct backends *backends, const struct node_config *config, const struct node_config *old)
{
	struct backend_table *table, *next;
	bool is_first = !old || old->seed != config->seed;
	int error = 0;

	flow_hash_init(&backends->key, config->seed);
	for (size_t i = 0; !error && i < config->accelerator_count; i++) {
		const struct config_accelerator *now = &config->accelerators[i], *before = NULL;

		if (!is_first)
			before = node_config_accelerator(old, now->id);
		if (!before || !has_same_backends(now, before))
			error = set_table(backends, now, config->seed);
	}
	HASH_ITER (hh, backends->tables, table, next) {
		if (!node_config_accelerator(config, table->accelerator))
			drop_table(backends, table);
	}
	return error;
}

void backends_clear(struct backends *backends)
{
	struct backend_table *table, *next;

	HASH_ITER (hh, backends->tables, table, next)
		drop_table(backends, table);
}

/* ---- one flow ---- */

uint64_t backends_flow_hash(const struct backends *backends,
    const struct config_accelerator *config, const struct flow_open *open)
{
	return flow_hash(&backends->key, config->client_affinity, config->id,
	    open->kind == FLOW_TCP ? PROTOCOL_TCP : PROTOCOL_UDP, &open->user, open->local.port);
}

int backends_choose(const struct backends *backends, const struct config_accelerator *config,
    uint64_t flow, uint64_t excluded)
{
	const struct backend_table *table = find_table(backends, config->id);
	uint64_t hash = flow;

	if (!table || table->maglev.member_count == 0)
		return ERR_NOT_FOUND;
	for (unsigned i = 0; i < BACKENDS_ATTEMPTS; i++) {
		hash = flow_hash_answer(&backends->key, hash, FLOW_BACKEND, NULL, 0);
		size_t chosen = maglev_lookup(&table->maglev, hash);
		if (!(excluded >> chosen & 1))
			return (int)chosen;
	}
	return backend_choose(config->backends, config->backend_count, excluded, hash);
}

void backends_order_addresses(
    const struct backends *backends, uint64_t flow, struct addr *addresses, size_t count)
{
	uint64_t rank[NAMES_ADDRESSES_MAX];

	for (size_t i = 0; i < count; i++) {
		struct addr address = addresses[i];
		uint64_t mine = flow_hash_answer(
		    &backends->key, flow, FLOW_ADDRESS, address.ip, sizeof address.ip);
		size_t to = i;

		for (; to > 0 && rank[to - 1] < mine; to--) {
			rank[to] = rank[to - 1];
			addresses[to] = addresses[to - 1];
		}
		rank[to] = mine;
		addresses[to] = address;
	}
}
