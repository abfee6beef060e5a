/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See gone.h. */
#include "config.h"

#include "control/gone.h"

static bool is_silent(const struct gone_ear *ear, uint64_t now_ms)
{
	return now_ms - ear->heard_ms >= NODE_SILENT_MS;
}

void gone_on_message(struct gone_ear *ear, uint64_t now_ms)
{
	if (!ear->heard_ms || is_silent(ear, now_ms))
		ear->since_ms = now_ms;
	ear->heard_ms = now_ms;
}

bool gone_is_told(
    const struct gone_ear *of, uint64_t tunnel_ms, const struct gone_ear *to, uint64_t now_ms)
{
	bool has_listened = to->since_ms <= of->heard_ms || now_ms - to->since_ms >= GONE_RETURN_MS;
	uint64_t from_ms = to->since_ms > of->heard_ms ? to->since_ms : of->heard_ms;

	return is_silent(of, now_ms) && !is_silent(to, now_ms) && has_listened
	       && now_ms - from_ms < GONE_TELL_MS
	       && (!tunnel_ms || now_ms - tunnel_ms >= GONE_TUNNEL_MS);
}
