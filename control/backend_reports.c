/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See backend_reports.h. */
#include "control/backend_reports.h"

#include "net/backend_states.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int compare_backends(const struct backend_report *a, const struct backend_report *b)
{
	if (a->accelerator != b->accelerator)
		return a->accelerator < b->accelerator ? -1 : 1;
	if (a->port != b->port)
		return a->port < b->port ? -1 : 1;
	return strcmp(a->host, b->host);
}

/* By backend and address, those that are the same in the order in which they came. */
static int compare(const void *one, const void *other)
{
	const struct backend_report *a = *(const struct backend_report *const *)one;
	const struct backend_report *b = *(const struct backend_report *const *)other;
	int order = compare_backends(a, b);

	if (order == 0)
		order = strcmp(a->address, b->address);
	return order ? order : (a > b) - (a < b);
}

static bool has_backend(const struct installation *installation, const struct node *node,
    const struct backend_report *report)
{
	const struct accelerator *accelerator =
	    installation_accelerator_by_id(installation, report->accelerator);
	const struct endpoint_group *group =
	    accelerator ? accelerator_group_in(accelerator, node->region) : NULL;

	for (size_t i = 0; group && i < group->backend_count; i++)
		if (group->backends[i].port == report->port
		    && strcmp(group->backends[i].host, report->host) == 0)
			return true;
	return false;
}

/* Those of one backend, and the first of each address of it. */
static void mark(const struct installation *installation, const struct node *node,
    const struct backend_report *list, const struct backend_report *const *sorted, size_t count,
    bool *is_kept)
{
	bool is_known = false;
	size_t addresses = 0;

	for (size_t i = 0; i < count; i++) {
		const struct backend_report *before = i ? sorted[i - 1] : NULL;

		if (!before || compare_backends(before, sorted[i]) != 0) {
			is_known = has_backend(installation, node, sorted[i]);
			addresses = 0;
		} else if (strcmp(before->address, sorted[i]->address) == 0) {
			continue;
		}
		if (is_known && addresses++ < BACKEND_ADDRESSES_MAX)
			is_kept[sorted[i] - list] = true;
	}
}

size_t backend_reports_keep(const struct installation *installation, const struct node *node,
    struct backend_report *list, size_t count)
{
	const struct backend_report *sorted[BACKEND_REPORTS_MAX];
	bool is_kept[BACKEND_REPORTS_MAX] = {false};
	size_t kept = 0;

	if (node->role != NODE_ENDPOINT)
		return 0;
	for (size_t i = 0; i < count; i++)
		sorted[i] = &list[i];
	qsort(sorted, count, sizeof(sorted[0]), compare);
	mark(installation, node, list, sorted, count, is_kept);
	for (size_t i = 0; i < count; i++)
		if (is_kept[i])
			list[kept++] = list[i];
	return kept;
}
