/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See rules.h. */
#include "control/rules.h"

#include "base/suggest.h"

#include <stdio.h>
#include <string.h>

static bool region_has(
    const struct installation *installation, const char *region, enum node_role role)
{
	for (size_t i = 0; i < installation->node_count; i++) {
		const struct node *node = &installation->nodes[i];

		if (node->role == role && strcmp(node->region, region) == 0)
			return true;
	}
	return false;
}

/* Is node i the first of its role in its region? */
static bool is_first_of_region(
    const struct installation *installation, size_t i, enum node_role role)
{
	const struct node *node = &installation->nodes[i];

	if (node->role != role)
		return false;
	for (size_t j = 0; j < i; j++) {
		if (installation->nodes[j].role == role
		    && strcmp(installation->nodes[j].region, node->region) == 0)
			return false;
	}
	return true;
}

const char *rules_known_regions(
    const struct installation *installation, enum node_role role, char *text, size_t size)
{
	size_t used = 0;

	snprintf(text, size, "none");
	for (size_t i = 0; i < installation->node_count && used < size; i++) {
		if (is_first_of_region(installation, i, role))
			used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "",
			    installation->nodes[i].region);
	}
	return text;
}

/* The next step: a region that was perhaps meant, those known, or a node to join. */
static void suggest_region(const struct installation *installation, enum node_role role,
    const char *region, char *fix, size_t size)
{
	struct suggestion suggestion;
	char known[REASON_BYTES / 2];

	suggestion_begin(&suggestion, region, strlen(region));
	for (size_t i = 0; i < installation->node_count; i++) {
		if (installation->nodes[i].role == role)
			suggestion_offer(&suggestion, installation->nodes[i].region);
	}
	if (suggestion.best) {
		snprintf(fix, size, "did you mean \"%s\"?", suggestion.best);
		return;
	}
	rules_known_regions(installation, role, known, sizeof(known));
	if (strcmp(known, "none") == 0)
		snprintf(fix, size, "let one join: trunkctl node token --role %s --region %s",
		    node_role_text(role), region);
	else
		snprintf(fix, size, "regions with %ss: %s", node_role_text(role), known);
}

/* Whom to tell, and how often that was. */
struct reporting {
	rules_report_fn *report;
	void *context;
	size_t count;
};

static void tell(struct reporting *reporting, const struct problem *problem)
{
	reporting->count++;
	reporting->report(reporting->context, problem);
}

static void check_region(const struct installation *installation, enum node_role role,
    const char *region, const char *field, struct reporting *reporting)
{
	struct problem problem = {0};
	char fix[REASON_BYTES];

	if (!region[0] || region_has(installation, region, role))
		return;
	suggest_region(installation, role, region, fix, sizeof(fix));
	if (role == NODE_LISTENER)
		problem_set(&problem, PROBLEM_UNKNOWN_REGION, field, fix,
		    "no listener has joined in region \"%s\"", region);
	else
		problem_set(&problem, PROBLEM_NO_ENDPOINT, field, fix,
		    "no endpoint has joined in region \"%s\", where the backends are", region);
	tell(reporting, &problem);
}

static void check_regions(const struct installation *installation,
    const struct accelerator *accelerator, struct reporting *reporting)
{
	char field[SCHEMA_PATH_BYTES];

	for (size_t i = 0; i < accelerator->listen_count; i++) {
		snprintf(field, sizeof(field), "listen[%zu]", i);
		check_region(
		    installation, NODE_LISTENER, accelerator->listen[i].text, field, reporting);
	}
	for (size_t i = 0; i < accelerator->endpoint_group_count; i++) {
		snprintf(field, sizeof(field), "endpoint_groups[%zu].region", i);
		check_region(installation, NODE_ENDPOINT, accelerator->endpoint_groups[i].region,
		    field, reporting);
	}
}

/* A region where both listen, or NULL. */
static const char *shared_region(const struct accelerator *a, const struct accelerator *b)
{
	for (size_t i = 0; i < a->listen_count; i++) {
		if (accelerator_listens_in(b, a->listen[i].text))
			return a->listen[i].text;
	}
	return NULL;
}

static void check_ports(const struct installation *installation,
    const struct accelerator *accelerator, struct reporting *reporting)
{
	struct problem problem = {0};
	uint16_t port;

	for (size_t i = 0; i < installation->accelerator_count; i++) {
		const struct accelerator *other = &installation->accelerators[i].accelerator;
		const char *region;

		if (strcmp(other->name, accelerator->name) == 0
		    || !accelerator_ports_overlap(accelerator, other, &port)
		    || !(region = shared_region(accelerator, other)))
			continue;
		problem_set(&problem, PROBLEM_PORT_TAKEN, "ports",
		    "choose another port or listening region",
		    "%s port %u in %s belongs to accelerator \"%s\"",
		    protocol_text(accelerator->protocol & other->protocol), port, region,
		    other->name);
		tell(reporting, &problem);
	}
}

size_t rules_check_regions(const struct installation *installation,
    const struct accelerator *accelerator, rules_report_fn *report, void *context)
{
	struct reporting reporting = {.report = report, .context = context};

	check_regions(installation, accelerator, &reporting);
	return reporting.count;
}

size_t rules_check_accelerator(const struct installation *installation,
    const struct accelerator *accelerator, rules_report_fn *report, void *context)
{
	struct reporting reporting = {.report = report, .context = context};

	check_regions(installation, accelerator, &reporting);
	check_ports(installation, accelerator, &reporting);
	return reporting.count;
}
