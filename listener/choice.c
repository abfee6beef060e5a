/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See choice.h. The order of groups is looked at again once a second, when a flow asks. */
#include "listener/choice.h"

#include "base/err.h"
#include "base/table.h"
#include "listener/group_order.h"
#include "model/maglev.h"

#include <stdlib.h>
#include <string.h>

enum { CHOICE_ATTEMPTS = 8 }; /* other rows of the table tried when an endpoint takes no flows */

/* Of a list of endpoints, which most accelerators of a region have in common. */
struct table {
	struct table *next;
	const struct config_group *group; /* one that has the list */
	struct maglev maglev;
};

struct entry {
	uint32_t id;
	const struct config_accelerator *config;
	const struct table **tables; /* of each group */
	struct group_order order;
	UT_hash_handle hh;
};

struct choice {
	struct entry *entries; /* by accelerator id */
	struct table *tables;
	struct flow_hash_key key;
	uint64_t seed;
	struct choice_view view;
};

/* ---- the order of groups ---- */

/* The shortest RTT of a lane to the group, 0 while none is up. */
static uint64_t group_rtt_us(const struct choice *choice, const struct config_group *group)
{
	uint64_t best = 0;

	for (size_t i = 0; i < group->endpoint_count; i++) {
		uint64_t rtt = choice->view.rtt_us(choice->view.context, group->endpoints[i].text);
		if (rtt > 0 && (best == 0 || rtt < best))
			best = rtt;
	}
	return best;
}

static void look_at_groups(struct choice *choice, struct entry *entry, uint64_t now_us)
{
	uint64_t rtt_us[GROUPS_MAX];

	for (size_t i = 0; i < entry->order.count; i++)
		rtt_us[i] = group_rtt_us(choice, &entry->config->groups[i]);
	group_order_look(&entry->order, rtt_us, now_us);
}

/* ---- one flow ---- */

static bool is_healthy(const struct choice *choice, const struct entry *entry, const char *endpoint)
{
	return choice->view.is_healthy(choice->view.context, entry->id, endpoint);
}

/* The group's endpoint for the flow; NULL when none is healthy. */
static const char *endpoint_in(
    const struct choice *choice, const struct entry *entry, size_t group, uint64_t flow)
{
	const struct config_group *config = &entry->config->groups[group];
	const struct maglev *maglev = &entry->tables[group]->maglev;
	uint64_t hash = flow;

	for (unsigned i = 0; maglev->member_count > 0 && i < CHOICE_ATTEMPTS; i++) {
		hash = flow_hash_answer(&choice->key, hash, FLOW_ENDPOINT, NULL, 0);
		const char *name = config->endpoints[maglev_lookup(maglev, hash)].text;
		if (is_healthy(choice, entry, name))
			return name;
	}
	for (size_t i = 0; i < config->endpoint_count; i++) {
		const char *name = config->endpoints[(hash + i) % config->endpoint_count].text;
		if (is_healthy(choice, entry, name))
			return name;
	}
	return NULL;
}

/* The group takes a flow whose share is below its dial. */
static unsigned share_of(
    const struct choice *choice, const struct config_group *group, uint64_t flow)
{
	return (unsigned)(flow_hash_answer(&choice->key, flow, FLOW_TAKES_GROUP, group->region,
	                      strlen(group->region))
	                  % 100);
}

static void story_begin(struct choice_story *story, const struct choice *choice,
    const struct entry *entry, uint64_t flow)
{
	if (!story)
		return;
	story->count = entry->order.count;
	for (size_t i = 0; i < story->count; i++) {
		size_t at = entry->order.at[i];
		const struct config_group *group = &entry->config->groups[at];

		story->steps[i] = (struct choice_step){.group = group,
		    .verdict = EXPLAIN_GROUP_NOT_ASKED,
		    .is_ranked = i < entry->order.ranked,
		    .rtt_us = entry->order.groups[at].rtt_us,
		    .share = share_of(choice, group, flow)};
	}
}

static void story_tell(
    struct choice_story *story, size_t i, const char *endpoint, enum explain_group_verdict verdict)
{
	if (!story)
		return;
	story->steps[i].endpoint = endpoint;
	story->steps[i].verdict = verdict;
}

/* Asks the groups; *met_unknown: one that takes flows has no place by its RTT yet. */
static const char *ask_groups(const struct choice *choice, const struct entry *entry, uint64_t flow,
    bool *met_unknown, struct choice_story *story)
{
	const char *endpoint = NULL;
	size_t last = 0;

	story_begin(story, choice, entry, flow);
	for (size_t i = 0; i < entry->order.count; i++) {
		size_t at = entry->order.at[i];
		const struct config_group *group = &entry->config->groups[at];
		const char *name = NULL;

		if (group->traffic_dial_percent > 0)
			name = endpoint_in(choice, entry, at, flow);
		if (!name) {
			story_tell(story, i, NULL,
			    group->traffic_dial_percent ? EXPLAIN_GROUP_NO_ENDPOINT
			                                : EXPLAIN_GROUP_DIAL_0);
			continue;
		}
		if (i >= entry->order.ranked && entry->order.groups[at].rtt_us == 0)
			*met_unknown = true;
		endpoint = name; /* the last one takes the rest */
		last = i;
		if (share_of(choice, group, flow) < group->traffic_dial_percent) {
			story_tell(story, i, name, EXPLAIN_GROUP_TAKES);
			return name;
		}
		story_tell(story, i, name, EXPLAIN_GROUP_PASSES);
	}
	if (endpoint)
		story_tell(story, last, endpoint, EXPLAIN_GROUP_TAKES_REST);
	return endpoint;
}

const char *choice_endpoint(struct choice *choice, uint32_t accelerator,
    enum accelerator_protocol protocol, const struct addr *user, uint16_t local_port,
    uint64_t now_us)
{
	return choice_explain(choice, accelerator, protocol, user, local_port, now_us, NULL);
}

const char *choice_explain(struct choice *choice, uint32_t accelerator,
    enum accelerator_protocol protocol, const struct addr *user, uint16_t local_port,
    uint64_t now_us, struct choice_story *story)
{
	bool met_unknown = false;
	struct entry *entry;

	HASH_FIND(hh, choice->entries, &accelerator, sizeof accelerator, entry);
	if (story)
		story->count = 0;
	if (!entry)
		return NULL;
	if (group_order_is_due(&entry->order, now_us))
		look_at_groups(choice, entry, now_us);
	uint64_t flow = flow_hash(
	    &choice->key, entry->config->client_affinity, accelerator, protocol, user, local_port);
	const char *endpoint = ask_groups(choice, entry, flow, &met_unknown, story);
	if (!met_unknown)
		return endpoint;
	look_at_groups(choice, entry, now_us); /* its first lane came up since */
	return ask_groups(choice, entry, flow, &met_unknown, story);
}

const struct config_accelerator *choice_accelerator(const struct choice *choice, uint32_t id)
{
	struct entry *entry;

	HASH_FIND(hh, choice->entries, &id, sizeof id, entry);
	return entry ? entry->config : NULL;
}

/* ---- building ---- */

static bool has_same_endpoints(const struct config_group *a, const struct config_group *b)
{
	if (a->endpoint_count != b->endpoint_count)
		return false;
	for (size_t i = 0; i < a->endpoint_count; i++)
		if (strcmp(a->endpoints[i].text, b->endpoints[i].text))
			return false;
	return true;
}

/* A group without endpoints has an empty table. */
static int build_table(struct table *table, const struct config_group *group, uint64_t seed)
{
	struct maglev_member *members = calloc(group->endpoint_count + 1, sizeof *members);
	int error = members ? 0 : ERR_NOMEM;

	table->group = group;
	for (size_t i = 0; members && i < group->endpoint_count; i++)
		members[i] = (struct maglev_member){group->endpoints[i].text, 1};
	if (members && group->endpoint_count > 0)
		error = maglev_build(&table->maglev, members, group->endpoint_count, seed);
	free(members);
	return error;
}

/* The table of the group's endpoints, built when no group before had the same. */
static int find_table(
    struct choice *choice, const struct config_group *group, const struct table **found)
{
	struct table *table;
	int error;

	for (table = choice->tables; table; table = table->next) {
		if (has_same_endpoints(table->group, group)) {
			*found = table;
			return 0;
		}
	}
	table = calloc(1, sizeof *table);
	if (!table)
		return ERR_NOMEM;
	error = build_table(table, group, choice->seed);
	if (error) {
		free(table);
		return error;
	}
	table->next = choice->tables;
	choice->tables = table;
	*found = table;
	return 0;
}

/* Groups are found again by their regions. */
static void inherit(struct entry *entry, const struct choice *before)
{
	struct entry *old = NULL;
	int was[GROUPS_MAX];

	if (before)
		HASH_FIND(hh, before->entries, &entry->id, sizeof entry->id, old);
	if (!old)
		return;
	for (size_t i = 0; i < entry->order.count; i++) {
		was[i] = -1;
		for (size_t k = 0; k < old->order.count; k++)
			if (!strcmp(entry->config->groups[i].region, old->config->groups[k].region))
				was[i] = (int)k;
	}
	group_order_inherit(&entry->order, &old->order, was);
}

static void entry_free(struct entry *entry)
{
	free(entry->tables);
	free(entry);
}

static int add_entry(
    struct choice *choice, const struct config_accelerator *config, const struct choice *before)
{
	struct entry *entry = calloc(1, sizeof *entry), *added = NULL;
	int error = 0;

	if (!entry)
		return ERR_NOMEM;
	entry->id = config->id;
	entry->config = config;
	group_order_init(&entry->order, config->group_count, config->ranked_groups);
	entry->tables = calloc(config->group_count + 1, sizeof *entry->tables);
	for (size_t i = 0; entry->tables && !error && i < config->group_count; i++)
		error = find_table(choice, &config->groups[i], &entry->tables[i]);
	if (entry->tables && !error) {
		inherit(entry, before);
		HASH_ADD(hh, choice->entries, id, sizeof entry->id, entry);
		HASH_FIND(hh, choice->entries, &config->id, sizeof config->id, added);
	}
	if (added)
		return 0;
	entry_free(entry);
	return error ? error : ERR_NOMEM;
}

int choice_new(struct choice **choice, const struct node_config *config,
    const struct choice_view *view, const struct choice *before)
{
	struct choice *made = calloc(1, sizeof *made);
	int error = made ? 0 : ERR_NOMEM;

	if (made) {
		made->view = *view;
		made->seed = config->seed;
		flow_hash_init(&made->key, config->seed);
	}
	for (size_t i = 0; !error && i < config->accelerator_count; i++)
		error = add_entry(made, &config->accelerators[i], before);
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
	struct table *table;

	if (!choice)
		return;
	HASH_ITER (hh, choice->entries, entry, next) {
		HASH_DEL(choice->entries, entry);
		entry_free(entry);
	}
	while ((table = choice->tables)) {
		choice->tables = table->next;
		maglev_clear(&table->maglev);
		free(table);
	}
	free(choice);
}
