/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much a path lets go now, and when it does again, by window and pace; see path.h. */
#include "tunnel/path.h"

uint64_t path_window_bytes(const struct path *path)
{
	return path->config.cc->window_bytes(path->cc);
}

uint64_t path_pacing_rate_Bps(const struct path *path)
{
	return path->config.cc->pacing_rate_Bps(path->cc, &path->rtt);
}

uint64_t path_rate_Bps(const struct path *path)
{
	return path->config.cc->path_rate_Bps(path->cc, &path->rtt);
}

/* Whole packets only: a sliver of window is worth less than a full packet an ACK later. */
static uint64_t room_in_window(const struct path *path, uint64_t window)
{
	uint64_t used = path->sent.in_flight_bytes;

	if (sentmap_is_nearly_full(&path->sent) || used + path->packet_bytes > window)
		return 0;
	return window - used;
}

static size_t paced_room(const struct pacer *pacer, uint64_t window_room, uint64_t now_us)
{
	uint64_t pacer_room = window_room ? pacer_room_bytes(pacer, now_us) : 0;

	return (size_t)(pacer_room < window_room ? pacer_room : window_room);
}

size_t path_send_room(const struct path *path, uint64_t now_us)
{
	return paced_room(&path->pacer, room_in_window(path, path_window_bytes(path)), now_us);
}

uint64_t path_pacing_timer_us(const struct path *path, uint64_t now_us)
{
	if (room_in_window(path, path_window_bytes(path)) == 0)
		return UINT64_MAX;
	return pacer_timer_us(&path->pacer, now_us);
}

bool path_is_starting(const struct path *path)
{
	return path->config.cc->is_starting && path->config.cc->is_starting(path->cc);
}

/* What START_RATE_BPS has in flight, those lost and not known to be among it. */
static uint64_t start_room(const struct path *path)
{
	uint64_t window = START_RATE_BPS * path->rtt.min_us / 1000000 * 3 / 2;

	return path_is_starting(path) ? room_in_window(path, window) : 0;
}

size_t path_urgent_room(const struct path *path, uint64_t now_us)
{
	size_t room = path_send_room(path, now_us);

	return room ? room : paced_room(&path->start_pacer, start_room(path), now_us);
}

uint64_t path_urgent_timer_us(const struct path *path, uint64_t now_us)
{
	uint64_t paced_us = path_pacing_timer_us(path, now_us), start_us;

	if (paced_us <= now_us || start_room(path) == 0)
		return paced_us;
	start_us = pacer_timer_us(&path->start_pacer, now_us);
	return start_us < paced_us ? start_us : paced_us;
}

uint64_t path_mtu_timer_us(const struct path *path, uint64_t now_us)
{
	uint64_t due_us = pmtu_timer_us(&path->pmtu);
	uint64_t room_us;

	if (due_us == UINT64_MAX)
		return UINT64_MAX;
	room_us = path_pacing_timer_us(path, now_us);
	return due_us > room_us ? due_us : room_us;
}

bool path_wants_warm_up(const struct path *path)
{
	const struct cc_ops *cc = path->config.cc;

	return cc->wants_warm_up && cc->wants_warm_up(path->cc);
}

/* Until as much came through, more than what answers may begin with: nobody waits for what of it is lost. */
static uint64_t warm_up_window_room(const struct path *path)
{
	uint64_t least = (uint64_t)WARM_UP_WINDOW_PKTS * path->packet_bytes;
	uint64_t window = path_window_bytes(path);

	if (path->rate.delivered_bytes < least && window < least)
		window = least;
	return room_in_window(path, window);
}

size_t path_warm_up_room(const struct path *path, uint64_t now_us)
{
	return paced_room(&path->pacer, warm_up_window_room(path), now_us);
}

uint64_t path_warm_up_pacing_timer_us(const struct path *path, uint64_t now_us)
{
	return warm_up_window_room(path) ? pacer_timer_us(&path->pacer, now_us) : UINT64_MAX;
}
