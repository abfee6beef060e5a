/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What both sides of each tunnel told of it, put together.  A side measures the loss of what it
 * sent, so the listener's report has the loss towards the endpoint and the endpoint's report the
 * loss towards the listener; round trips are the listener's.
 * Nothing here is kept on disk.
 */
#ifndef CONTROL_TUNNELS_H
#define CONTROL_TUNNELS_H

#include "control/installation.h"
#include "model/messages.h"

#include <jansson.h>
#include <stdbool.h>

enum {
	TUNNEL_HISTORY_S = 60,
	TUNNEL_SILENT_MS = 5000, /* a side that has not told for so long is unknown */
};

struct tunnels;

/* NULL without memory. */
struct tunnels *tunnels_new(void);
void tunnels_free(struct tunnels *tunnels);

/*
 * Takes a node's report; what it says of tunnels that are not its own, or that there should not
 * be, is left out.  The measurements' lanes move out of *report.  now_ms is of any clock that does
 * not go back.  The number of tunnels that were left out.
 */
size_t tunnels_report(struct tunnels *tunnels, const struct installation *installation,
    const struct node *node, struct message_report *report, uint64_t now_ms);

/* Forgets the tunnels that there should not be any more. */
void tunnels_forget(struct tunnels *tunnels, const struct installation *installation);

enum tunnel_view {
	TUNNEL_VIEW_LIST,
	TUNNEL_VIEW_DETAIL, /* with lane_list, figures and congestion_in_use */
};

/* A tunnel of the installation as the API shows it; a new reference, or NULL without memory. */
json_t *tunnels_to_json(const struct tunnels *tunnels, const struct node *listener,
    const struct node *endpoint, enum tunnel_view view, uint64_t now_ms);

/* What that side (a role) told last, lanes and all; NULL from one that is silent.  Until the next report. */
const struct tunnel_measurement *tunnels_said(const struct tunnels *tunnels,
    const struct node *listener, const struct node *endpoint, enum node_role side, uint64_t now_ms);

/*
 * When somebody at the other end last told that a lane of one of this node's tunnels was up; 0 for never.
 * It looks at all tunnels.
 */
uint64_t tunnels_up_ms(const struct tunnels *tunnels, const struct node *node);

/* "up", "partial", "down" or "unknown". */
const char *tunnels_state(const struct tunnels *tunnels, const struct node *listener,
    const struct node *endpoint, uint64_t now_ms);

#endif
