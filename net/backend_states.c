/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See backend_states.h. */
#include "net/backend_states.h"

#include "base/err.h"
#include "base/table.h"

#include <stdlib.h>
#include <string.h>

struct entry {
	struct backend_key key;
	size_t count;
	struct backend_health addresses[BACKEND_ADDRESSES_MAX];
	UT_hash_handle hh;
};

struct backend_states {
	struct entry *entries;
};

struct backend_states *backend_states_new(void)
{
	return calloc(1, sizeof(struct backend_states));
}

static void entry_free(struct backend_states *states, struct entry *entry)
{
	HASH_DEL(states->entries, entry);
	free(entry);
}

void backend_states_free(struct backend_states *states)
{
	struct entry *entry, *next;

	if (!states)
		return;
	HASH_ITER (hh, states->entries, entry, next)
		entry_free(states, entry);
	free(states);
}

struct backend_key backend_key(uint32_t accelerator, const struct backend *backend)
{
	struct backend_key key = {.accelerator = accelerator, .port = backend->port};

	memcpy(key.host, backend->host, strnlen(backend->host, sizeof(key.host) - 1));
	return key;
}

static struct entry *find(const struct backend_states *states, const struct backend_key *backend)
{
	struct entry *entry;

	HASH_FIND(hh, states->entries, backend, sizeof(*backend), entry);
	return entry;
}

static bool is_in(const struct node_config *config, const struct backend_key *key)
{
	const struct config_accelerator *accelerator =
	    config ? node_config_accelerator(config, key->accelerator) : NULL;

	for (size_t i = 0; accelerator && i < accelerator->backend_count; i++) {
		struct backend_key other = backend_key(accelerator->id, &accelerator->backends[i]);

		if (memcmp(&other, key, sizeof(other)) == 0)
			return true;
	}
	return false;
}

static bool is_sound(const struct backend_health *change)
{
	return change->state <= HEALTH_UNHEALTHY && change->cause < HEALTH_CAUSE_COUNT
	       && memchr(change->backend.host, '\0', sizeof(change->backend.host))
	       && (change->address.family == 0 || change->address.family == 4
	           || change->address.family == 6);
}

static struct entry *find_or_make(struct backend_states *states, const struct backend_key *backend)
{
	struct entry *entry = find(states, backend);

	if (entry || !(entry = calloc(1, sizeof(*entry))))
		return entry;
	entry->key = *backend;
	HASH_ADD(hh, states->entries, key, sizeof(entry->key), entry);
	if (TABLE_HAS(entry))
		return entry;
	free(entry);
	return NULL;
}

static size_t place_of(const struct entry *entry, const struct addr *address)
{
	size_t i = 0;

	while (i < entry->count && !addr_equal_ip(&entry->addresses[i].address, address))
		i++;
	return i;
}

static void forget(struct backend_states *states, struct entry *entry, const struct addr *address)
{
	size_t place = place_of(entry, address);

	if (place < entry->count)
		entry->addresses[place] = entry->addresses[--entry->count];
	if (entry->count == 0)
		entry_free(states, entry);
}

static int take(struct backend_states *states, const struct backend_health *change)
{
	struct entry *entry = find_or_make(states, &change->backend);
	size_t place;

	if (!entry)
		return ERR_NOMEM;
	if (change->is_gone) {
		forget(states, entry, &change->address);
		return 0;
	}
	place = place_of(entry, &change->address);
	if (place == BACKEND_ADDRESSES_MAX)
		return 0;
	if (place == entry->count)
		entry->count++;
	entry->addresses[place] = *change;
	return 0;
}

int backend_states_take(struct backend_states *states, const struct node_config *config,
    const struct backend_health *changes, size_t n)
{
	int result = 0;

	for (size_t i = 0; i < n; i++)
		if (is_sound(&changes[i]) && is_in(config, &changes[i].backend)
		    && take(states, &changes[i]) < 0)
			result = ERR_NOMEM;
	return result;
}

void backend_states_keep(struct backend_states *states, const struct node_config *config)
{
	struct entry *entry, *next;

	HASH_ITER (hh, states->entries, entry, next)
		if (!is_in(config, &entry->key))
			entry_free(states, entry);
}

void backend_states_forget(struct backend_states *states, const struct backend_key *backend)
{
	struct entry *entry = find(states, backend);

	if (entry)
		entry_free(states, entry);
}

const struct backend_health *backend_states_of(
    const struct backend_states *states, const struct backend_key *backend, size_t *count)
{
	const struct entry *entry = find(states, backend);

	*count = entry ? entry->count : 0;
	return entry ? entry->addresses : NULL;
}

const struct backend_health *backend_states_find(const struct backend_states *states,
    const struct backend_key *backend, const struct addr *address)
{
	const struct entry *entry = find(states, backend);
	size_t place = entry ? place_of(entry, address) : 0;

	return entry && place < entry->count ? &entry->addresses[place] : NULL;
}

enum health_state backend_states_sum(
    const struct backend_states *states, const struct backend_key *backend)
{
	const struct entry *entry = find(states, backend);
	size_t unhealthy = 0;

	for (size_t i = 0; entry && i < entry->count; i++) {
		if (entry->addresses[i].state == HEALTH_HEALTHY)
			return HEALTH_HEALTHY;
		unhealthy += entry->addresses[i].state == HEALTH_UNHEALTHY;
	}
	return entry && unhealthy == entry->count ? HEALTH_UNHEALTHY : HEALTH_UNKNOWN;
}

bool backend_states_is_doubtful(
    const struct backend_states *states, const struct backend_key *backend)
{
	const struct entry *entry = find(states, backend);
	bool is_doubtful = false;

	for (size_t i = 0; entry && i < entry->count; i++) {
		if (entry->addresses[i].state != HEALTH_UNHEALTHY)
			return false;
		is_doubtful |= entry->addresses[i].cause == HEALTH_CAUSE_FLOWS;
	}
	return is_doubtful;
}

uint64_t backend_states_unhealthy(
    const struct backend_states *states, const struct config_accelerator *accelerator)
{
	uint64_t unhealthy = 0;

	for (size_t i = 0; i < accelerator->backend_count && i < GROUP_BACKENDS_MAX; i++) {
		struct backend_key key = backend_key(accelerator->id, &accelerator->backends[i]);

		if (backend_states_sum(states, &key) == HEALTH_UNHEALTHY)
			unhealthy |= UINT64_C(1) << i;
	}
	return unhealthy;
}

struct backend_health *backend_states_all(const struct backend_states *states, size_t *count)
{
	const struct entry *entry;
	struct backend_health *all;
	size_t used = 0;

	*count = 0;
	for (entry = states->entries; entry; entry = entry->hh.next)
		*count += entry->count;
	all = *count ? calloc(*count, sizeof(*all)) : NULL;
	if (!all)
		*count = 0;
	for (entry = states->entries; all && entry; entry = entry->hh.next) {
		memcpy(all + used, entry->addresses, entry->count * sizeof(*all));
		used += entry->count;
	}
	return all;
}
