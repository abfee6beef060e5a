/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See tunnel_totals.h. */
#include "net/tunnel_totals.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>

/* One place of a page as it was when it was last looked at. */
struct last {
	char peer_name[NAME_BYTES];
	uint64_t bytes_sent, bytes_received;
	struct lane_figures figures;
	struct page_rtt_counts rtt;
};

struct tunnel_totals {
	unsigned workers;
	struct last **lasts; /* [worker * PAGE_LANES + place], NULL while never in use */
	struct tunnel_total *list;
	size_t count;
};

struct tunnel_totals *tunnel_totals_new(unsigned workers)
{
	struct tunnel_totals *totals = calloc(1, sizeof(*totals));

	if (!totals)
		return NULL;
	totals->workers = workers;
	totals->lasts = calloc((size_t)workers * PAGE_LANES, sizeof(*totals->lasts));
	if (totals->lasts)
		return totals;
	free(totals);
	return NULL;
}

void tunnel_totals_free(struct tunnel_totals *totals)
{
	if (!totals)
		return;
	for (size_t i = 0; i < (size_t)totals->workers * PAGE_LANES; i++)
		free(totals->lasts[i]);
	free(totals->lasts);
	free(totals->list);
	free(totals);
}

const struct tunnel_total *tunnel_totals_all(const struct tunnel_totals *totals, size_t *count)
{
	*count = totals->count;
	return totals->list;
}

static struct tunnel_total *find(struct tunnel_total *list, size_t count, const char *peer_name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i].peer_name, peer_name) == 0)
			return &list[i];
	return NULL;
}

/* The peers of the config, with what was known of each. */
static int follow(struct tunnel_totals *totals, const struct node_config *config)
{
	struct tunnel_total *list = calloc(config->peer_count + 1, sizeof(*list));
	const struct tunnel_total *known;

	if (!list)
		return ERR_NOMEM;
	for (size_t i = 0; i < config->peer_count; i++) {
		known = find(totals->list, totals->count, config->peers[i].name);
		if (known)
			list[i] = *known;
		memcpy(list[i].peer_name, config->peers[i].name, NAME_BYTES);
		list[i].lanes_up = 0;
		list[i].flows = 0;
	}
	free(totals->list);
	totals->list = list;
	totals->count = config->peer_count;
	return 0;
}

/* A counter that is below what it was began anew. */
static void add_rise(uint64_t *to, uint64_t now, uint64_t before)
{
	*to += now >= before ? now - before : now;
}

static void add(struct tunnel_total *total, struct last *last, const struct page_lane_state *now,
    const struct page_rtt_counts *rtt)
{
	add_rise(&total->bytes_sent, now->bytes_sent, last->bytes_sent);
	add_rise(&total->bytes_received, now->bytes_received, last->bytes_received);
	add_rise(&total->rtt.sum_us, rtt->sum_us, last->rtt.sum_us);
	for (size_t i = 0; i <= PAGE_RTT_BOUNDS; i++)
		add_rise(&total->rtt.counts[i], rtt->counts[i], last->rtt.counts[i]);
#define X(name) add_rise(&total->figures.name, now->figures.name, last->figures.name);
	LANE_FIGURES(X)
#undef X
	total->lanes_up += now->is_up != 0;
	total->flows += now->flows;
	last->bytes_sent = now->bytes_sent;
	last->bytes_received = now->bytes_received;
	last->figures = now->figures;
	last->rtt = *rtt;
}

/* The place as it was, empty when it has another lane now. */
static struct last *last_of(
    struct tunnel_totals *totals, size_t place, const char *peer_name, uint64_t generation)
{
	struct last *last = totals->lasts[place];

	if (!last)
		last = totals->lasts[place] = calloc(1, sizeof(*last));
	if (!last)
		return NULL;
	if (last->rtt.generation == generation && strcmp(last->peer_name, peer_name) == 0)
		return last;
	*last = (struct last){.rtt.generation = generation};
	memcpy(last->peer_name, peer_name, NAME_BYTES);
	return last;
}

static int take_place(
    struct tunnel_totals *totals, const struct page *page, size_t worker, size_t number)
{
	struct page_lane_state now;
	struct page_rtt_counts rtt;
	struct tunnel_total *total;
	struct last *last;

	if (!page || !page_lane_read(page, number, &now))
		return 0;
	total = find(totals->list, totals->count, now.peer_name);
	if (!total)
		return 0;
	page_lane_read_rtt_counts(page, number, &rtt);
	last = last_of(totals, worker * PAGE_LANES + number, total->peer_name, rtt.generation);
	if (!last)
		return ERR_NOMEM;
	add(total, last, &now, &rtt);
	return 0;
}

int tunnel_totals_take(
    struct tunnel_totals *totals, const struct page *const *pages, const struct node_config *config)
{
	int result = follow(totals, config);

	if (result < 0)
		return result;
	for (size_t worker = 0; worker < totals->workers; worker++)
		for (size_t number = 0; number < PAGE_LANES; number++)
			if (take_place(totals, pages[worker], worker, number) < 0)
				result = ERR_NOMEM;
	return result;
}
