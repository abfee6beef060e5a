/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See peers_gone.h. */
#include "config.h"

#include "net/peers_gone.h"

#include "base/err.h"
#include "base/log.h"
#include "net/worker_private.h"

#include <stdlib.h>
#include <string.h>

struct peer_gone *peers_gone_take(const struct message_gone *gone, uint64_t now_us)
{
	bool is_fresh = gone->report_us <= now_us && now_us - gone->report_us < PEERS_GONE_FRESH_US;
	struct peer_gone *peers =
	    is_fresh && gone->node_count ? calloc(gone->node_count, sizeof(*peers)) : NULL;

	for (size_t i = 0; peers && i < gone->node_count; i++) {
		memcpy(peers[i].name, gone->nodes[i].text, NAME_BYTES);
		peers[i].since_us = gone->report_us;
	}
	return peers;
}

/* It was down when control was told of it, and nothing came since. */
static bool is_dead(const struct carried *carried, const struct peer_gone *peer)
{
	struct lane_stats stats;

	if (strcmp(carried->shown.peer_name, peer->name) != 0)
		return false;
	lane_get_stats(carried->shown.lane, &stats);
	return stats.state == LANE_DOWN && stats.last_arrival_us < peer->since_us;
}

static void end_flows(struct worker *worker, struct carried *carried)
{
	size_t count = lane_reset_streams(carried->shown.lane, REASON_LANE_LOST, worker->now_us);

	if (count == 0)
		return;
	page_add(worker->page, PAGE_tcp_flows_dead_peer, count);
	log_warn("peer_gone", "peer=%s tcp_flows_reset=%zu reason=\"%s\"", carried->shown.peer_name,
	    count, "its lane is down, and control has no sign of it either");
	list_move_tail(&worker->lanes.busy, &carried->busy);
}

int peers_gone_on_message(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct worker *worker = context;
	const struct peer_gone *peers = (const void *)message->data;

	(void)ipc;
	if (message->length_bytes % sizeof(*peers))
		return ERR_MALFORMED;
	for (size_t i = 0; i < message->length_bytes / sizeof(*peers); i++) {
		LIST_FOREACH (carried, &worker->lanes.all, struct carried, node) {
			if (is_dead(carried, &peers[i]))
				end_flows(worker, carried);
		}
	}
	return 0;
}
