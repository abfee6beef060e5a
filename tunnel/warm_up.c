/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Trains of padding, see warm_up.h. */
#include "tunnel/warm_up.h"

#include "tunnel/path_limits.h"

uint64_t warm_up_timer_us(const struct warm_up *warm_up)
{
	if (warm_up->left_pkts > 0)
		return 0;
	return warm_up->sent_bytes < WARM_UP_MOST_BYTES ? warm_up->next_us : UINT64_MAX;
}

void warm_up_on_sent(
    struct warm_up *warm_up, uint64_t bytes, uint64_t smoothed_rtt_us, uint64_t now_us)
{
	if (warm_up->left_pkts == 0) {
		warm_up->left_pkts = WARM_UP_TRAIN_PKTS;
		warm_up->began_us = now_us;
	}
	warm_up->left_pkts--;
	warm_up->sent_bytes += bytes;
	warm_up->next_us = now_us;
	if (now_us - warm_up->began_us <= smoothed_rtt_us / 2)
		warm_up->next_us +=
		    smoothed_rtt_us + smoothed_rtt_us / WARM_UP_REST_DIVISOR + ACK_DELAY_MAX_US;
}
