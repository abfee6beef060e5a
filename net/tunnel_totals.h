/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the lanes to each peer counted since this process began, whatever became of those lanes: counters
 * that never go back, as Prometheus wants them.  Lanes come and go, and their records in the pages
 * with them, so main adds up what each counted since it last looked; what a lane counted between that and
 * its end is lost.  Bounded by the peers of the config and by the places in the pages.
 */
#ifndef NET_TUNNEL_TOTALS_H
#define NET_TUNNEL_TOTALS_H

#include "model/node_config.h"
#include "net/page.h"

#include <stddef.h>
#include <stdint.h>

struct tunnel_total {
	char peer_name[NAME_BYTES];
	struct page_rtt_counts rtt;
	uint64_t bytes_sent, bytes_received; /* UDP payload */
	struct lane_figures figures;         /* those that count; the others mean nothing */
	unsigned lanes_up;                   /* now */
	uint64_t flows;                      /* now */
};

struct tunnel_totals;

/* NULL without memory. */
struct tunnel_totals *tunnel_totals_new(unsigned workers);
/* Takes NULL. */
void tunnel_totals_free(struct tunnel_totals *totals);

/*
 * Looks at the pages, pages[i] being worker i's.  Peers that are not in the config are forgotten.
 * ERR_NOMEM: something was left out this time.
 */
int tunnel_totals_take(struct tunnel_totals *totals, const struct page *const *pages,
    const struct node_config *config);

/* One for each peer of the config, in its order. */
const struct tunnel_total *tunnel_totals_all(const struct tunnel_totals *totals, size_t *count);

#endif
