/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frames of one packet.  Each that may be lost and must not be is noted with the path as it is written, between
 * path_packet_begin() and path_packet_commit(), which are the caller's.
 */
#ifndef TUNNEL_LANE_BUILD_H
#define TUNNEL_LANE_BUILD_H

#include "tunnel/lane.h"

#include "base/bytes.h"

/* The packet that is being built. */
struct build {
	struct lane *lane;
	struct writer w;
	uint64_t number;
	bool is_ack_eliciting;
	bool bears;         /* has frames that go again should it be lost */
	bool is_full;       /* the path takes no more records for it */
	bool is_repeat;     /* bears something that was lost */
	uint8_t *protected; /* its PROTECTED frame, NULL: it has none */
	bool has_flow;      /* bears frames that are worth protecting; the most urgent class and: */
	enum flow_class class;
	uint8_t repair_budget_pct; /* the highest of its flows' */
};

/* The ACK frame that is due, and what was recovered; nothing when all was told. */
void build_put_ack(struct build *build);
/* All that is to go now: the ACK, control frames and data if they may, and a ping when one is due. */
void build_put_frames(struct build *build, bool may_send_data);
/* The packet is whole. True when it is protected: a repair can bring it back. */
bool build_end_protected(struct build *build);

#endif
