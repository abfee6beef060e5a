/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See choice.h. The order of groups is looked at again once a second, when a flow asks. */
#include "listener/choice.h"

#include "base/err.h"
#include "base/table.h"
#include "model/maglev.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
	CHOICE_LOOK_US = 1000000,    /* how often RTTs are compared */
	CHOICE_STEADY_US = 10000000, /* how long a group must have been nearer */
	CHOICE_NEARER_PERCENT = 10,  /* by how much */
	CHOICE_ATTEMPTS = 4, /* other rows of the table tried when an endpoint has no lane */
};

struct group {
	const struct config_group *config;
	struct maglev table;
};

struct entry {
	uint32_t id;
	const struct config_accelerator *config;
	struct group *groups;
	size_t preferred; /* index of the group in use */
	bool is_settled;  /* a group was chosen by RTT once, here or before the config changed */
	size_t rival;     /* nearer by enough since rival_since_us, when not `preferred` */
	uint64_t rival_since_us;
	uint64_t looked_us;
	UT_hash_handle hh;
};

struct choice {
	struct entry *entries; /* by accelerator id */
	struct flow_hash_key key;
	choice_rtt_fn *rtt;
	void *context;
};

/* ---- the order of groups ---- */

/* The shortest RTT of a lane to the group, UINT64_MAX while none is up. */
static uint64_t group_rtt_us(const struct choice *choice, const struct group *group)
{
	uint64_t best = UINT64_MAX;

	for (size_t i = 0; i < group->config->endpoint_count; i++) {
		uint64_t rtt = choice->rtt(choice->context, group->config->endpoints[i].text);
		if (rtt > 0 && rtt < best)
			best = rtt;
	}
	return best;
}

static size_t nearest_group(
    const struct choice *choice, const struct entry *entry, uint64_t *rtt_us)
{
	size_t nearest = 0;

	*rtt_us = UINT64_MAX;
	for (size_t i = 0; i < entry->config->group_count; i++) {
		uint64_t rtt = group_rtt_us(choice, &entry->groups[i]);
		if (rtt < *rtt_us) {
			*rtt_us = rtt;
			nearest = i;
		}
	}
	return nearest;
}

static void look_at_groups(struct choice *choice, struct entry *entry, uint64_t now_us)
{
	uint64_t rtt, current = group_rtt_us(choice, &entry->groups[entry->preferred]);
	size_t nearest = nearest_group(choice, entry, &rtt);

	entry->looked_us = now_us;
	if (rtt == UINT64_MAX)
		return;
	if (current == UINT64_MAX || !entry->is_settled) {
		entry->preferred = entry->rival = nearest;
		entry->is_settled = true;
		return;
	}
	if (rtt > current - current / 100 * CHOICE_NEARER_PERCENT || nearest == entry->preferred) {
		entry->rival = entry->preferred;
		return;
	}
	if (entry->rival != nearest) {
		entry->rival = nearest;
		entry->rival_since_us = now_us;
	} else if (now_us - entry->rival_since_us >= CHOICE_STEADY_US) {
		entry->preferred = nearest;
	}
}

/* ---- one flow ---- */

static const char *endpoint_of(
    const struct choice *choice, const struct group *group, uint64_t hash)
{
	const struct config_group *config = group->config;

	if (group->table.member_count == 0)
		return NULL;
	for (int i = 0; i < CHOICE_ATTEMPTS; i++) {
		const char *name = config->endpoints[maglev_lookup(&group->table, hash)].text;
		if (choice->rtt(choice->context, name) > 0)
			return name;
		hash = hash * 6364136223846793005u + 1442695040888963407u; /* another row */
		hash ^= hash >> 32;
	}
	for (size_t i = 0; i < config->endpoint_count; i++)
		if (choice->rtt(choice->context, config->endpoints[i].text) > 0)
			return config->endpoints[i].text;
	return NULL;
}

const char *choice_endpoint(struct choice *choice, uint32_t accelerator,
    enum accelerator_protocol protocol, const struct addr *user, uint16_t local_port,
    uint64_t now_us)
{
	struct entry *entry;

	HASH_FIND(hh, choice->entries, &accelerator, sizeof accelerator, entry);
	if (!entry || entry->config->group_count == 0)
		return NULL;
	if (entry->looked_us == 0 || now_us - entry->looked_us >= CHOICE_LOOK_US)
		look_at_groups(choice, entry, now_us);
	uint64_t hash = flow_hash(&choice->key, accelerator, protocol, user, local_port);
	const char *name = endpoint_of(choice, &entry->groups[entry->preferred], hash);
	if (name)
		return name;
	look_at_groups(choice, entry, now_us); /* its last lane went down since */
	return endpoint_of(choice, &entry->groups[entry->preferred], hash);
}

const struct config_accelerator *choice_accelerator(const struct choice *choice, uint32_t id)
{
	struct entry *entry;

	HASH_FIND(hh, choice->entries, &id, sizeof id, entry);
	return entry ? entry->config : NULL;
}

/* ---- building ---- */

static int build_group(struct group *group, const struct config_group *config, uint64_t seed)
{
	const char *names[MAGLEV_MEMBERS_MAX];
	size_t count = config->endpoint_count < MAGLEV_MEMBERS_MAX ? config->endpoint_count
	                                                           : MAGLEV_MEMBERS_MAX;

	group->config = config;
	for (size_t i = 0; i < count; i++)
		names[i] = config->endpoints[i].text;
	return count ? maglev_build(&group->table, names, count, seed) : 0;
}

/* The group in use before, found again by its region. */
static void inherit(struct entry *entry, const struct choice *before)
{
	struct entry *old = NULL;

	if (before)
		HASH_FIND(hh, before->entries, &entry->id, sizeof entry->id, old);
	if (!old || !old->is_settled)
		return;
	const char *region = old->config->groups[old->preferred].region;
	for (size_t i = 0; i < entry->config->group_count; i++)
		if (!strcmp(entry->config->groups[i].region, region)) {
			entry->preferred = entry->rival = i;
			entry->is_settled = true;
		}
}

static void entry_free(struct entry *entry)
{
	free(entry->groups);
	free(entry);
}

static int add_entry(struct choice *choice, const struct config_accelerator *config, uint64_t seed,
    const struct choice *before)
{
	struct entry *entry = calloc(1, sizeof *entry), *added = NULL;
	int error = 0;

	if (!entry)
		return ERR_NOMEM;
	entry->id = config->id;
	entry->config = config;
	entry->groups = calloc(config->group_count + 1, sizeof *entry->groups);
	for (size_t i = 0; entry->groups && !error && i < config->group_count; i++)
		error = build_group(&entry->groups[i], &config->groups[i], seed);
	if (entry->groups && !error) {
		inherit(entry, before);
		HASH_ADD(hh, choice->entries, id, sizeof entry->id, entry);
		HASH_FIND(hh, choice->entries, &config->id, sizeof config->id, added);
	}
	if (added)
		return 0;
	entry_free(entry);
	return error ? error : ERR_NOMEM;
}

int choice_new(struct choice **choice, const struct node_config *config, choice_rtt_fn *rtt,
    void *context, const struct choice *before)
{
	struct choice *made = calloc(1, sizeof *made);
	int error = made ? 0 : ERR_NOMEM;

	if (made) {
		made->rtt = rtt;
		made->context = context;
		flow_hash_init(&made->key, config->seed);
	}
	for (size_t i = 0; !error && i < config->accelerator_count; i++)
		error = add_entry(made, &config->accelerators[i], config->seed, before);
	if (error) {
		choice_free(made);
		made = NULL;
	}
	*choice = made;
	return error;
}

void choice_free(struct choice *choice)
{
	struct entry *entry, *next;

	if (!choice)
		return;
	HASH_ITER (hh, choice->entries, entry, next) {
		HASH_DEL(choice->entries, entry);
		entry_free(entry);
	}
	free(choice);
}
