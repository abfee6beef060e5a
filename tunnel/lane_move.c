/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a lane's packets go, and what else changes when that does.  Whether to follow the peer is
 * migration's to decide.
 */
#include "config.h"

#include "tunnel/frame.h"
#include "tunnel/lane_private.h"

static void on_result(struct lane *lane, enum migration_result result)
{
	if (result == MIGRATION_NONE)
		return;
	path_on_moved(&lane->path, result == MIGRATION_ADDRESS, lane->now_us);
	/* Its answer tells at once what of the flight to the old address is lost. */
	lane->ping_is_due = true;
	if (lane->config.callbacks->on_moved)
		lane->config.callbacks->on_moved(
		    lane->config.context, lane, &lane->migration.route);
}

void lane_on_challenge(struct lane *lane, const uint8_t data[CHALLENGE_BYTES])
{
	migration_on_challenge(&lane->migration, lane->from, data);
}

void lane_on_response(struct lane *lane, const uint8_t data[CHALLENGE_BYTES])
{
	on_result(lane,
	    migration_on_response(&lane->migration, data, path_pto_us(&lane->path), lane->now_us));
}

void lane_follow(struct lane *lane, uint64_t number, size_t bytes, bool is_newest, bool is_probing)
{
	struct migration_packet packet = {lane->from, number, bytes, is_newest, is_probing};

	migration_on_packet(&lane->migration, &packet, path_pto_us(&lane->path), lane->now_us);
}

uint64_t lane_move_timer_us(const struct lane *lane)
{
	return migration_timer_us(&lane->migration, PACKET_OVERHEAD_BYTES + FRAME_PATH_BYTES);
}

void lane_move(struct lane *lane, const struct lane_route *route, uint64_t now_us)
{
	lane->now_us = now_us;
	migration_want(&lane->migration, route, path_pto_us(&lane->path), now_us);
}

void lane_set_route(struct lane *lane, const struct lane_route *route, uint64_t now_us)
{
	lane->now_us = now_us;
	lane_enter(lane);
	on_result(lane, migration_set(&lane->migration, route));
	lane_leave(lane);
}

const struct lane_route *lane_route(const struct lane *lane)
{
	return &lane->migration.route;
}
