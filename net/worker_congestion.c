/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See worker_congestion.h. */
#include "net/worker_congestion.h"

#include "net/lane_congestion.h"
#include "net/worker_private.h"

#include <string.h>

enum {
	TICKS_A_SECOND = 1000000 / WORKER_TICK_US,
	SENDING_PART = 8, /* of its rate: below it a lane is as good as idle */
};

/* As the config has it for the lane's tunnel; as it was when the peer is not there any more. */
static struct congestion wanted(const struct carried *carried)
{
	const struct config_peer *peer =
	    worker_peer(carried->shown.worker, carried->shown.peer_pin);
	struct congestion congestion = carried->congestion.set;

	if (peer)
		congestion_parse(peer->congestion, &congestion);
	return congestion;
}

static unsigned sending_in(const struct page *page, const char *peer_name)
{
	struct page_lane_state state;
	unsigned count = 0;

	for (size_t i = 0; i < PAGE_LANES; i++)
		count += page_lane_read(page, i, &state) && state.is_sending
		         && !strcmp(state.peer_name, peer_name);
	return count;
}

/* The other lanes of the tunnel that send, here and in the siblings' pages, and this one. */
static unsigned sharers(const struct carried *carried)
{
	const struct worker *worker = carried->shown.worker;
	unsigned count = 1;

	LIST_FOREACH (other, &worker->lanes.all, struct carried, node)
		count += other != carried && other->congestion.is_sending
		         && !strcmp(other->shown.peer_name, carried->shown.peer_name);
	for (size_t i = 0; i < worker->sibling_count; i++)
		count += sending_in(worker->siblings[i], carried->shown.peer_name);
	return count;
}

static struct lane_congestion_share share_of(
    const struct carried *carried, const struct congestion *congestion)
{
	unsigned lanes = congestion->kind == CONGESTION_FIXED ? sharers(carried) : 1;

	return lane_congestion_share(congestion, lanes);
}

/* Tells the lane; what it does not take is as it was. */
static void use(struct carried *carried, const struct congestion *congestion)
{
	struct lane_congestion_share share = share_of(carried, congestion);
	struct worker_congestion *now = &carried->congestion;
	struct worker *worker = carried->shown.worker;

	if ((congestion->kind == now->set.kind && congestion->rate_bps == now->set.rate_bps
	        && share.rate_Bps == now->rate_Bps)
	    || lane_set_congestion(carried->shown.lane, share.kind, share.rate_Bps, worker->now_us)
	           < 0)
		return;
	now->set = *congestion;
	now->rate_Bps = share.rate_Bps;
	list_move_tail(&worker->lanes.busy, &carried->busy);
}

void worker_congestion_begin(struct carried *carried, struct lane_config *config)
{
	struct worker_congestion *now = &carried->congestion;
	struct lane_congestion_share share;

	now->set = wanted(carried);
	share = share_of(carried, &now->set);
	now->rate_Bps = share.rate_Bps;
	config->congestion = share.kind;
	config->fixed_rate_Bps = share.rate_Bps;
}

void worker_congestion_renew(struct carried *carried)
{
	struct congestion congestion = wanted(carried);

	use(carried, &congestion);
}

void worker_congestion_tick(struct carried *carried, uint64_t bytes_sent)
{
	struct worker_congestion *now = &carried->congestion;
	uint64_t sent = bytes_sent - now->sent_before;

	now->sent_before = bytes_sent;
	if (now->set.kind != CONGESTION_FIXED)
		return;
	now->is_sending = sent * TICKS_A_SECOND > now->rate_Bps / SENDING_PART;
	use(carried, &now->set);
}
