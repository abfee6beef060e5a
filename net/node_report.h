/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A node's report of each second, from its workers' pages: what each lane is, sums for each tunnel,
 * rates from the second before, packets of the last minute, and round trips over all lanes.
 * It sends nothing.
 */
#ifndef NET_NODE_REPORT_H
#define NET_NODE_REPORT_H

#include "model/messages.h"
#include "net/page.h"
#include "tunnel/handshake.h"

#include <stddef.h>
#include <stdint.h>

struct node_report;

struct node_report_counter {
	const char *name;
	uint64_t value;
};

/* NULL without memory. */
struct node_report *node_report_new(unsigned workers);
/* Takes NULL. */
void node_report_free(struct node_report *report);

/* The newest counters of the keys process; those of one that ended are kept and added. */
void node_report_handshakes(struct node_report *report, const struct handshake_counters *counters);

/* Of all keys processes since this one began. */
void node_report_handshake_counts(
    const struct node_report *report, struct handshake_counters *counters);

/*
 * Call it once a second.  pages[i] is worker i's; config may be NULL; `counters` come beside the
 * pages' own.  0, then message_clear() of a MESSAGE_REPORT frees *out; or ERR_NOMEM.
 */
int node_report_make(struct node_report *report, const struct page *const *pages,
    const struct node_config *config, const struct node_report_counter *counters,
    size_t counter_count, uint64_t now_us, struct message_report *out);

#endif
