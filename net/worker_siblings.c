/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See worker_siblings.h. */
#include "net/worker_siblings.h"

#include "net/worker_private.h"

#include <string.h>

static void add_page(struct worker_siblings *siblings, const struct page *page)
{
	const struct page_path *found[PATH_SIBLINGS_MAX];
	unsigned count = page_paths_find(&page->paths, siblings->tunnel, found, PATH_SIBLINGS_MAX);

	for (unsigned i = 0; i < count && siblings->count < PATH_SIBLINGS_MAX; i++)
		if (found[i] != siblings->own)
			siblings->others[siblings->count++] = found[i];
}

void worker_siblings_tick(struct carried *carried)
{
	const struct worker *worker = carried->shown.worker;
	struct worker_siblings *siblings = &carried->siblings;

	if (!siblings->own)
		siblings->own = page_path_claim(&worker->page->paths, siblings->tunnel);
	siblings->count = 0;
	add_page(siblings, worker->page);
	for (size_t i = 0; i < worker->sibling_count; i++)
		add_page(siblings, worker->siblings[i]);
}

static unsigned read_records(void *context, struct path_share_record *records, unsigned most)
{
	const struct carried *carried = context;
	const struct worker_siblings *siblings = &carried->siblings;
	unsigned count = 0;

	/* The others do not leave a part to one that they do not see. */
	for (unsigned i = 0; siblings->own && i < siblings->count && count < most; i++)
		count += page_path_read(siblings->others[i], siblings->tunnel, &records[count]);
	return count;
}

static void tell(void *context, const struct path_share_record *record)
{
	struct carried *carried = context;

	if (carried->siblings.own)
		page_path_write(carried->siblings.own, record);
}

/* A pin is a hash: its first bytes tell tunnels apart. */
static uint64_t tunnel_of(const struct carried *carried)
{
	uint64_t tunnel;

	memcpy(&tunnel, carried->shown.peer_pin, sizeof(tunnel));
	return tunnel ? tunnel : 1;
}

void worker_siblings_begin(struct carried *carried, struct lane_config *config)
{
	struct worker_siblings *siblings = &carried->siblings;

	siblings->own = NULL;
	siblings->tunnel = tunnel_of(carried);
	worker_siblings_tick(carried);
	config->siblings = (struct path_siblings){
	    .read = read_records,
	    .tell = tell,
	    .context = carried,
	    .order = carried->local_id,
	};
}

void worker_siblings_end(struct carried *carried)
{
	page_path_release(&carried->shown.worker->page->paths, carried->siblings.own);
	carried->siblings.own = NULL;
}
